"""Names with quotes and signs of SQL, of files and folders, tables and columns: names and nothing else."""

from __future__ import annotations

import glob
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.files.database import Database
from mlcore.files.duckdb_input import read_events_by_duckdb
from mlcore.files.interactions import read_events
from mlcore.files.options import ColumnNames, InputOptions
from mlcore.files.parquet_output import convert_to_parquet
from mlcore.files.rows_sql import quote_name, quote_sql
from mlcore.warehouse.engines import DuckDb, DuckDbOptions
from mlcore.warehouse.query import Column, Query, parse_query

pytestmark = pytest.mark.duckdb

NAMES = [
    "it's; DROP TABLE t; --",
    'the "best"',
    "`back`",
    "a b\tc",
    "50% off",
    "line\nbreak",
    "$$x$$ $1 :k ?",
    "ü\U0001f600",
    "*[x]{y,z}?",
    "back\\slash",
    "/* no comment",
    "select",
]
FOLDERS = [name.replace("/", "") for name in NAMES]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_and_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    csv, parquet = folder / f"{name}.csv", folder / f"{name}.parquet"
    csv.write_text('user_id,item_id\nu,"a,b"\nv,c\n')
    assert read_events_by_duckdb(csv, InputOptions()) is not None
    plain = folder / "plain.csv"
    plain.write_text("user_id,item_id\nu,a\nv,c\n")
    parquet.touch()
    convert_to_parquet(plain, parquet, {"user_id": "VARCHAR", "item_id": "VARCHAR"}, "out")
    assert list(read_events(parquet).user_ids) == ["u", "v"]
    (folder / "parts").mkdir()
    (folder / "parts" / parquet.name).write_bytes(parquet.read_bytes())
    query = query_of("t", "user_id")
    with DuckDb(DuckDbOptions(threads=1)) as engine:
        for place in (str(parquet), str(folder / "parts"), glob.escape(str(folder)) + "/*.parquet"):
            engine.attach_parquet("t", query.reads["t"], place)
            assert rows_of(engine, query) == ["u", "v"]


@pytest.mark.parametrize("name", NAMES)
def test_a_table_and_a_column_may_have_any_name(name: str, tmp_path: Path) -> None:
    query = query_of(name, name)
    values = np.array(["u", "v"], object)
    path = tmp_path / "t.parquet"
    with Database(threads=1) as database:
        database.rows(
            f"COPY (SELECT unnest(['u', 'v']) AS {quote_name(name)}) TO {quote_sql(str(path))}"
        )
    with DuckDb(DuckDbOptions(threads=1)) as engine:
        for _ in range(2):
            engine.load(name, query.reads[name], [{name: values}])
            assert rows_of(engine, query) == ["u", "v"]
            engine.attach_parquet(name, query.reads[name], str(path))
            assert rows_of(engine, query) == ["u", "v"]
            assert engine.materialize(query, {}, name) == 2
            assert rows_of(engine, query) == ["u", "v"]


@pytest.mark.parametrize("name", NAMES)
def test_a_column_of_interactions_may_have_any_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    with Database(threads=1) as database:
        database.rows(
            f"COPY (SELECT 'u' AS {quote_name(name)}, 'i' AS item_id, 7 AS timestamp) "
            f"TO {quote_sql(str(path))}"
        )
    options = InputOptions(columns=ColumnNames(user=name))
    assert list(read_events(path, input_options=options).user_ids) == ["u"]


def query_of(table: str, column: str) -> Query:
    """A query that copies a column; names in headers are plain, so these replace them."""
    text = b"-- q: a copy.\n-- reads: t(c STRING)\n-- writes: w(c STRING)\n-- order: c\nSELECT c FROM t"
    columns = (Column(column, "STRING"),)
    return replace(
        parse_query(Path("q.sql"), text),
        text=f"SELECT {quote_name(column)} FROM {quote_name(table)}",
        reads={table: columns},
        writes=columns,
        order=(column,),
    )


def rows_of(engine: DuckDb, query: Query) -> list[Any]:
    return [one for part in engine.run(query, {}).parts for one in part[query.order[0]].tolist()]

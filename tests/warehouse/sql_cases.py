"""The cases of tests/warehouse/sql/<query>/<case>/: tables, parameters, and the rows a query must give.

``<table>.jsonl`` holds the rows of a table the query reads; a column that is left out is missing, as
in a file. ``params.json`` says what the case is about and gives the parameters, the rest have their
defaults. ``expected.jsonl`` holds the rows in the order of the header, worked by hand or by another
formula than that of the query.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.warehouse.engines.base import Engine, Rows
from mlcore.warehouse.query import Column, Query, Value, parse_query

__all__ = ["Case", "cases", "load_rows", "queries", "result_rows", "rows_of"]

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "warehouse" / "sql"
_DTYPES: dict[str, Any] = {"INT64": np.int64, "FLOAT64": np.float64, "BOOL": np.bool_}


@dataclass(frozen=True)
class Case:
    """One folder.

    Attributes:
        query: what is run.
        folder: its name is that of the case.
        why: what the case is about.
        params: as given.
        tables: rows by the name of the table, each a cell by column.
        expected: rows, each a cell by column.
    """

    query: Query
    folder: Path
    why: str
    params: Mapping[str, Value]
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    expected: Sequence[Mapping[str, Any]]

    def __str__(self) -> str:
        return f"{self.query.name}-{self.folder.name}"


@cache
def queries() -> dict[str, Query]:
    """Return every query of sql/ by name."""
    paths = sorted((ROOT / "sql").glob("*.sql"))
    return {path.stem: parse_query(Path("sql", path.name), path.read_bytes()) for path in paths}


@cache
def cases() -> list[Case]:
    """Return all cases, by query and name."""
    found = [
        _case(query, folder)
        for query in queries().values()
        for folder in sorted((FOLDER / query.name).glob("*/"))
    ]
    assert found, f"no cases in {FOLDER}"
    return found


def _case(query: Query, folder: Path) -> Case:
    told = json.loads((folder / "params.json").read_text("utf-8"))
    tables = {path.stem: rows_of(path) for path in sorted(folder.glob("*.jsonl"))}
    expected = tables.pop("expected")
    return Case(query, folder, told["why"], told["params"], tables, expected)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def load_rows(
    engine: Engine, query: Query, tables: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """Give an engine the tables of a query, each in two parts."""
    for table, columns in query.reads.items():
        rows = tables[table]
        middle = len(rows) // 2
        engine.load(table, columns, [_part(columns, rows[:middle]), _part(columns, rows[middle:])])


def _part(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Rows:
    part: dict[str, Any] = {}
    for column in columns:
        cells = [row.get(column.name, column.default) for row in rows]
        dtype = object if None in cells else _DTYPES.get(column.type, object)
        part[column.name] = np.array(cells, dtype)  # (R,)
    return part


def result_rows(engine: Engine, query: Query, values: Mapping[str, Value]) -> list[tuple[Any, ...]]:
    """Return the rows of a result as tuples, in the order of its header."""
    result = engine.run(query, values)
    assert list(result.columns) == list(query.writes)
    rows: list[tuple[Any, ...]] = []
    for part in result.parts:
        assert list(part) == [column.name for column in query.writes]
        rows += zip(*(cells.tolist() for cells in part.values()), strict=True)
    return rows

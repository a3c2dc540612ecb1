"""DuckDB as an engine: tables in, checked results out, within a memory limit, nothing left behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.errors import ConfigError, DataError, MlcoreError
from mlcore.files.database import Database
from mlcore.warehouse.engines import DuckDb, DuckDbOptions
from mlcore.warehouse.query import Column, Query, Value, bundled_query, parse_query

EVENTS = (
    Column("user_id", "STRING"),
    Column("weight", "FLOAT64", default=2.0),
    Column("timestamp", "INT64", nullable=True),
)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDb]:
    with DuckDb(DuckDbOptions(threads=1)) as opened:
        yield opened


def query_of(text: str, *header: str) -> Query:
    sources = {"given": "id STRING", "again": "n INT64", "events": "user_id STRING"}
    reads = [f"reads: {name}({columns})" for name, columns in sources.items()]
    has_reads = any(line.startswith("reads:") for line in header)
    lines = "".join(f"-- {line}\n" for line in ("q: one.", *([] if has_reads else reads), *header))
    return parse_query(Path("q.sql"), (lines + text).encode())


def rows_of(parts: Any) -> list[tuple[Any, ...]]:
    return [row for part in parts for row in zip(*(part[name].tolist() for name in part))]


def test_rows_come_back_as_they_were_given(engine: DuckDb) -> None:
    columns = (
        Column("id", "STRING", nullable=True),
        Column("n", "INT64", nullable=True),
        Column("x", "FLOAT64", nullable=True),
        Column("b", "BOOL", nullable=True),
    )
    rows = [
        ("007", 2**63 - 1, 5e-324, True),
        ("", -(2**63), -0.0, False),
        ("é\U0001f600", 0, 1.7976931348623157e308, None),
        (None, None, None, True),
    ]
    arrays = [np.array([row[axis] for row in rows], object) for axis in range(4)]
    part = {column.name: array for column, array in zip(columns, arrays)}
    engine.load("given", columns, [part, part])
    query = query_of(
        "SELECT id, n, x, b FROM given",
        "reads: given(id STRING NULL, n INT64 NULL, x FLOAT64 NULL, b BOOL NULL)",
        "writes: taken(id STRING NULL, n INT64 NULL, x FLOAT64 NULL, b BOOL NULL)",
    )
    found = rows_of(engine.run(query, {}).parts)
    assert sorted(map(repr, found)) == sorted(map(repr, rows * 2))


def test_rows_come_in_the_order_of_the_header_whatever_order_they_had(engine: DuckDb) -> None:
    ids = ["b", "é", "a", "Z", "aa"]
    engine.load("given", [Column("id", "STRING")], [{"id": np.array(ids, object)}])
    query = query_of("SELECT id FROM given", "writes: taken(id STRING)", "order: id")
    found = [row[0] for row in rows_of(engine.run(query, {}).parts)]
    assert found == sorted(ids, key=str.encode)


def test_a_result_of_many_parts_is_whole_and_in_order(
    engine: DuckDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.warehouse.engines.duckdb._ROWS_PER_PART", 100)
    engine.load("given", [Column("n", "INT64")], [{"n": np.arange(1000)[::-1].copy()}])
    query = query_of("SELECT n FROM given", "writes: taken(n INT64)", "order: n")
    parts = list(engine.run(query, {}).parts)
    assert len(parts) == 10
    assert [row[0] for row in rows_of(parts)] == list(range(1000))


def test_parameters_have_the_types_of_the_header(engine: DuckDb) -> None:
    query = query_of(
        "SELECT @t AS t, @n + 0 AS n, @x / 1 AS x, @b AS b",
        "writes: one(t STRING, n INT64, x FLOAT64, b BOOL)",
        *(f"param: {name} {kind}: ." for name, kind in zip("tnxb", ("STRING", "INT64"))),
        *(f"param: {name} {kind}: ." for name, kind in zip("xb", ("FLOAT64", "BOOL"))),
    )
    given: dict[str, Value] = {"t": "@n $x 'é", "n": 2**40, "x": 0.1, "b": True}
    assert rows_of(engine.run(query, query.values(given)).parts) == [("@n $x 'é", 2**40, 0.1, True)]


@pytest.mark.parametrize(
    ("text", "writes", "message"),
    [
        ("SELECT 1 AS n", "one(n STRING)", r"\(n STRING\), got n INT64"),
        ("SELECT 1 AS m", "one(n INT64)", r"\(n INT64\), got m INT64"),
        ("SELECT 1 AS n, 2 AS m", "one(n INT64)", r"got n INT64, m INT64"),
        ("SELECT 0.5 AS n", "one(n FLOAT64)", "got n of another type"),
        ("SELECT nothing AS n FROM given", "one(n INT64)", "what duckdb can run, got .*nothing"),
        ("SELECT FROM", "one(n INT64)", "q.sql: expected what duckdb can run, got "),
    ],
)
def test_a_result_that_is_not_as_the_header_says_is_refused(
    engine: DuckDb, text: str, writes: str, message: str
) -> None:
    query = query_of(text, f"writes: {writes}")
    for run in (engine.run, engine.estimate):
        with pytest.raises(DataError, match=message) as caught:
            run(query, {})
        assert "\n" not in str(caught.value)


def test_a_table_given_again_takes_the_place_of_the_first(engine: DuckDb, tmp_path: Path) -> None:
    query = query_of("SELECT n FROM again", "writes: taken(n INT64)")
    path = str(tmp_path / "again.parquet")
    with Database() as database:
        database.rows(f"COPY (SELECT 3 AS n) TO '{path}' (FORMAT parquet)")
    column = [Column("n", "INT64")]
    engine.load("again", column, [{"n": np.array([1])}])
    engine.load("again", column, [{"n": np.array([2])}])
    assert rows_of(engine.run(query, {}).parts) == [(2,)]
    engine.attach_parquet("again", column, path)
    assert rows_of(engine.run(query, {}).parts) == [(3,)]
    engine.load("again", column, [])
    assert rows_of(engine.run(query, {}).parts) == []


def test_a_kept_result_takes_the_place_of_what_it_was_made_of(engine: DuckDb) -> None:
    query = query_of(
        "SELECT n FROM kept WHERE n > 0", "reads: kept(n INT64)", "writes: kept(n INT64)"
    )
    engine.load("kept", [Column("n", "INT64")], [{"n": np.array([0, 1, 2])}])
    assert engine.materialize(query, {}, "kept") == 2
    assert sorted(rows_of(engine.run(query, {}).parts)) == [(1,), (2,)]


def test_a_pattern_reads_all_files_that_match(engine: DuckDb, tmp_path: Path) -> None:
    with Database() as database:
        for n in (1, 2):
            database.rows(
                f"COPY (SELECT {n} AS n) TO '{tmp_path}/part-{n}.parquet' (FORMAT parquet)"
            )
    engine.attach_parquet("again", [Column("n", "INT64")], f"{tmp_path}/part-*.parquet")
    query = query_of("SELECT n FROM again", "writes: taken(n INT64)", "order: n")
    assert rows_of(engine.run(query, {}).parts) == [(1,), (2,)]


def test_parquet_has_the_defaults_of_columns_it_lacks(engine: DuckDb, tmp_path: Path) -> None:
    path = str(tmp_path / "e.parquet")
    with Database() as database:
        database.rows(f"COPY (SELECT 'u' AS user_id, 5 AS timestamp) TO '{path}' (FORMAT parquet)")
    engine.attach_parquet("events", EVENTS, path)
    query = query_of(
        "SELECT user_id, weight, timestamp FROM events",
        "writes: taken(user_id STRING, weight FLOAT64, timestamp INT64 NULL)",
    )
    assert rows_of(engine.run(query, {}).parts) == [("u", 2.0, 5)]


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("7 AS user_id", "user_id: expected STRING, got INTEGER"),
        ("'u' AS user", "user_id: expected a column of this name, got 'user'"),
        (
            "'u' AS user_id, '5' AS timestamp",
            "timestamp: expected INT64 or a time with a zone, got VARCHAR",
        ),
        ("CAST(NULL AS VARCHAR) AS user_id", "user_id: expected values in all rows, got 1 others"),
        ("'' AS user_id", "user_id: expected ids of at least one character, got 1 others"),
        ("'u' AS user_id, -1 AS weight", "weight: expected finite numbers above 0, got 1 others"),
        (
            "'u' AS user_id, CAST('nan' AS DOUBLE) AS weight",
            "weight: expected finite numbers above 0, got 1 others",
        ),
    ],
)
def test_parquet_of_other_types_is_refused(
    engine: DuckDb, tmp_path: Path, select: str, message: str
) -> None:
    path = str(tmp_path / "e.parquet")
    with Database() as database:
        database.rows(f"COPY (SELECT {select}) TO '{path}' (FORMAT parquet)")
    with pytest.raises(DataError) as caught:
        engine.attach_parquet("events", EVENTS, path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_file_that_is_no_parquet_is_refused(engine: DuckDb, tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    path.write_bytes(b"no parquet at all")
    with pytest.raises(DataError, match="e.parquet: expected what duckdb can run, got "):
        engine.attach_parquet("events", EVENTS, str(path))


def test_duckdb_keeps_no_tables(engine: DuckDb) -> None:
    query = bundled_query("read_interactions")
    with pytest.raises(DataError, match="as duckdb keeps no tables"):
        engine.attach("events", EVENTS, "shop.events")
    with pytest.raises(DataError, match="as duckdb keeps no tables"):
        engine.store(query, {}, "shop.events")
    with pytest.raises(DataError, match="as duckdb loads none"):
        engine.load_uri("events", EVENTS, "gs://bucket/events.jsonl")


def pairs_of_users(num_users: int, num_items: int, per_user: int) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    items = np.concatenate(
        [rng.choice(num_items, per_user, replace=False) for _ in range(num_users)]
    )
    return {"user_id": np.repeat(np.arange(num_users), per_user), "item_id": items}


def train_rows(options: DuckDbOptions, part: dict[str, Any], folder: Path) -> tuple[list[Any], int]:
    """The neighbors of pairs with integer ids, and the most bytes in the folder at any moment."""
    query = bundled_query("train").with_integer_ids()
    options = replace(options, temp_directory=str(folder))
    most = 0
    with DuckDb(options) as engine:
        engine.load("interactions", query.reads["interactions"], [part])
        stop = threading.Event()

        def watch() -> None:
            nonlocal most
            while not stop.is_set():
                with suppress(FileNotFoundError):
                    most = max(most, sum(one.stat().st_size for one in folder.glob("*/*")))
                time.sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            found = rows_of(engine.run(query, query.values({"similarity": "jaccard"})).parts)
        finally:
            stop.set()
            watcher.join()
    return found, most


def test_a_run_that_spills_gives_what_an_unlimited_one_does(tmp_path: Path) -> None:
    part = pairs_of_users(num_users=1500, num_items=1500, per_user=40)  # 1.2 million pairs joined
    unlimited, nothing = train_rows(DuckDbOptions(threads=2), part, tmp_path)
    limited, spilled = train_rows(DuckDbOptions(threads=2, memory_limit=60_000_000), part, tmp_path)
    assert nothing == 0
    assert spilled > 10_000_000
    assert len(limited) == 150_000
    assert limited == unlimited
    assert os.listdir(tmp_path) == []


def test_too_little_memory_is_one_clear_error(tmp_path: Path) -> None:
    part = pairs_of_users(num_users=300, num_items=300, per_user=40)
    options = DuckDbOptions(threads=1, memory_limit=2_000_000)
    with pytest.raises(
        DataError, match="expected enough memory and room to spill to, got"
    ) as error:
        train_rows(options, part, tmp_path)
    assert error.value.hint == "raise --memory-limit, or name a larger --temp-directory"
    assert os.listdir(tmp_path) == []


def test_limits_that_cannot_work_are_refused(tmp_path: Path) -> None:
    for options, message in (
        (DuckDbOptions(memory_limit=1), "memory_limit: expected at least 1.0 MiB, got 1 bytes"),
        (DuckDbOptions(threads=100_000), "threads: expected an integer from 1 to 1024, got 100000"),
    ):
        with pytest.raises(ConfigError, match=message):
            DuckDb(replace(options, temp_directory=str(tmp_path)))
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none: expected a folder to spill to"):
        DuckDb(DuckDbOptions(temp_directory=str(tmp_path / "none")))


def test_without_duckdb_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    with pytest.raises(MlcoreError, match=r"expected the extra \[local\] to be installed"):
        DuckDb()


def test_lists_of_the_command_have_a_rank_that_queries_call_position(
    engine: DuckDb, tmp_path: Path
) -> None:
    path = tmp_path / "lists.parquet"
    with Database() as database:
        rows = "VALUES ('u', 'b', 2), ('u', 'a', 1)"
        named = f"SELECT * FROM ({rows}) AS lists(user_id, item_id, rank)"
        database.rows(f"COPY ({named}) TO '{path}' (FORMAT parquet)")
    query = query_of(
        "SELECT item_id, position FROM lists",
        "reads: lists(item_id STRING, position INT64)",
        "writes: found(item_id STRING, position INT64)",
        "order: position",
    )
    engine.attach_parquet("lists", query.reads["lists"], str(path))
    (part,) = engine.run(query, {}).parts
    assert part["item_id"].tolist() == ["a", "b"] and part["position"].tolist() == [1, 2]

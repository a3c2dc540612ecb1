"""mlcore.files.database: queries in memory, without files, that a signal ends."""

from __future__ import annotations

import gc
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from mlcore.files.database import Database, has_duckdb, import_duckdb
from mlcore.files.rows_sql import quote_name, quote_path, quote_sql
from tests.files.test_duckdb_input import without_duckdb


def test_a_duckdb_that_cannot_be_loaded_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_duckdb()
    without_duckdb(monkeypatch)
    assert not has_duckdb()


# Without end, as far as a test is concerned, and without rows that could fill the memory.
ENDLESS = "range(100000) a, range(100000) b WHERE sqrt(a.range + b.range) < -1"


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.1])  # before the query starts, or during it
def test_a_signal_ends_a_query(seconds: float) -> None:
    others = set(threading.enumerate())
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), Database(threads=2) as database:
        timer.start()
        database.rows(f"SELECT count(*) FROM {ENDLESS}")
    timer.join()
    gc.collect()  # ends a thread that was about to be given its first query
    for thread in set(threading.enumerate()) - others:
        thread.join(10)
        assert not thread.is_alive(), f"{thread.name} goes on"


def test_columns_come_back_as_they_were_appended() -> None:
    with Database(threads=1) as database:
        database.rows("CREATE TABLE t(name VARCHAR, number DOUBLE)")
        database.append("t", {"n": np.array([0.5, 2.0]), "s": np.array(["a", "b"])}, "s, n")
        assert database.rows("SELECT name FROM t WHERE number > $least", {"least": 1}) == [("b",)]
        assert database.arrays("SELECT number FROM t ORDER BY name")["number"].tolist() == [0.5, 2]


def test_an_error_of_a_query_leaves_the_database_usable() -> None:
    with Database(threads=1) as database:
        with pytest.raises(import_duckdb().Error):
            database.rows("SELECT no_such_column")
        assert database.rows("SELECT 7") == [(7,)]


def test_more_than_the_memory_limit_needs_a_folder(tmp_path: Path) -> None:
    sort = (
        "SELECT count(*) FROM (SELECT range FROM range(2000000) ORDER BY hash(range) LIMIT 1999999)"
    )
    with Database(1, memory_limit=2**24) as database:
        with pytest.raises(import_duckdb().OutOfMemoryException):
            database.rows(sort)
    with Database(1, memory_limit=2**24, temp_directory=str(tmp_path)) as database:
        assert database.rows(sort) == [(1_999_999,)]


def test_a_confined_database_touches_its_paths_and_nothing_else(tmp_path: Path) -> None:
    own, other = tmp_path / "own [1].csv", tmp_path / "other.csv"
    own.write_text("n\n1\n")
    other.write_text("n\n2\n")
    new = tmp_path / "new.csv"
    with Database(threads=1, paths=[own]) as database:
        read = f"SELECT n FROM read_csv({quote_path(own)})"
        assert database.rows(read) == [(1,)]
        for query in (
            f"SELECT * FROM read_csv({quote_path(other)})",
            f"SELECT * FROM {quote_name(str(other))}",
            f"SELECT * FROM glob({quote_sql(str(tmp_path / '*'))})",
            f"COPY (SELECT 1) TO {quote_sql(str(new))}",
            f"ATTACH {quote_sql(str(new))}",
            "SET enable_external_access = true",
            f"SET allowed_paths = [{quote_sql(str(other))}]",
            "SET memory_limit = '1GB'",
        ):
            with pytest.raises(import_duckdb().Error):
                database.rows(query)
        assert database.rows(read) == [(1,)]
    assert sorted(tmp_path.iterdir()) == [other, own]


def test_no_query_finds_a_variable_of_python() -> None:
    secret = {"n": np.array([1])}  # which DuckDB would find in this frame
    with Database(threads=1) as database, pytest.raises(import_duckdb().Error):
        database.rows("SELECT * FROM secret")
    assert secret

"""GoogleSQL as an engine: rows go in and come out whole, and what BigQuery refuses is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlcore.errors import DataError
from mlcore.warehouse.query import Column, parse_query
from tests.warehouse.googlesql import GoogleSql, GoogleSqlError, analyze, execute

MIXED = [
    Column("name", "STRING", nullable=True),
    Column("count", "INT64", nullable=True),
    Column("share", "FLOAT64", nullable=True),
    Column("flag", "BOOL", nullable=True),
]
ROWS = [("é", 2**63 - 1, 0.1, True), ("", -1, -0.0, False), (None, None, None, None)]


def test_values_of_every_type_come_back_as_they_went_in() -> None:
    columns, rows = execute("SELECT * FROM t", {"t": (MIXED, ROWS)}, {})
    assert columns == [(column.name, column.type) for column in MIXED]
    assert sorted(map(repr, rows)) == sorted(map(repr, ROWS))


def test_parameters_have_the_type_of_their_value() -> None:
    columns, rows = execute(
        "SELECT @s AS s, @i AS i, @f AS f, @b AS b", {}, {"s": "x", "i": 1, "f": 1.0, "b": True}
    )
    assert columns == [("s", "STRING"), ("i", "INT64"), ("f", "FLOAT64"), ("b", "BOOL")]
    assert rows == [("x", 1, 1.0, True)]


def test_a_table_may_have_a_dotted_name_in_backticks() -> None:
    table = ([Column("x", "INT64")], [(2,), (1,)])
    _, rows = execute("SELECT x FROM `a-project.set.t` ORDER BY x", {"a-project.set.t": table}, {})
    assert rows == [(1,), (2,)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 7 % 2 AS x",
        "SELECT x::FLOAT64 AS x FROM t",
        "SELECT LOG2(x) AS y FROM t",
        "SELECT x FROM t UNION SELECT x FROM t",
        "SELECT COUNT(*) FILTER (WHERE x > 1) AS n FROM t",
        "SELECT x AS groups FROM t",
        "SELECT CONCAT('a', 'b') + x AS y FROM t",
        "SELECT y FROM t",
        "SELECT @unknown AS x",
        "SELECT MEDIAN(x) AS y FROM t",
        "SELECT CAST(x AS BIGINT) AS y FROM t",
    ],
)
def test_what_bigquery_refuses_is_refused(text: str) -> None:
    with pytest.raises(GoogleSqlError):
        analyze(text, {"t": [Column("x", "INT64")]}, {})


def test_what_only_the_newest_googlesql_knows_is_refused() -> None:
    with pytest.raises(GoogleSqlError, match="Unexpected FROM"):
        analyze("FROM t |> SELECT x", {"t": [Column("x", "INT64")]}, {})


def test_a_failing_run_is_an_error() -> None:
    with pytest.raises(GoogleSqlError, match="division by zero"):
        execute("SELECT 1 / x AS y FROM t", {"t": ([Column("x", "INT64")], [(0,)])}, {})


def test_the_engine_orders_rows_and_checks_the_header() -> None:
    text = (
        b"-- q: 1.\n-- reads: t(x STRING)\n-- writes: r(x STRING)\n-- order: x\nSELECT x FROM t\n"
    )
    query = parse_query(Path("q.sql"), text)
    with GoogleSql() as engine:
        engine.load("t", query.reads["t"], [{"x": np.array(["é", "z", "A"], object)}])
        (part,) = engine.run(query, {}).parts
        assert part["x"].tolist() == ["A", "z", "é"]
        assert engine.store(query, {}, "kept") == (3, {})
        engine.attach("t", query.reads["t"], "kept")
        (again,) = engine.run(query, {}).parts
        assert again["x"].tolist() == ["A", "z", "é"]
        wrong = parse_query(Path("q.sql"), text.replace(b"r(x STRING)", b"r(x INT64)"))
        with pytest.raises(DataError, match="expected the columns of the header"):
            engine.run(wrong, {})


def test_the_engine_takes_several_parts_and_none() -> None:
    text = b"-- q: 1.\n-- reads: t(x INT64)\n-- writes: r(n INT64)\nSELECT COUNT(*) AS n FROM t\n"
    query = parse_query(Path("q.sql"), text)
    with GoogleSql() as engine:
        for parts, count in (([], 0), ([[1, 2], [], [3]], 3)):
            engine.load("t", query.reads["t"], [{"x": np.array(part, np.int64)} for part in parts])
            (part,) = engine.run(query, {}).parts
            assert part["n"].tolist() == [count]

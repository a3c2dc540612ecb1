"""The interface of engines: what they share, shown by the least engine there can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from mlcore.errors import DataError, DataWarning
from mlcore.warehouse.engines.base import (
    BoundQuery,
    Engine,
    Result,
    Rows,
    check_columns,
    default_of,
    rewrite_placeholders,
)
from mlcore.warehouse.query import Column, parse_query

QUERY = parse_query(
    Path("q.sql"),
    b"-- q: doubled.\n-- reads: t(n INT64)\n-- writes: t(n INT64)\n-- order: n\n"
    b"SELECT n * 2 AS n FROM t\n",
)


class Doubler(Engine):
    """Doubles the numbers of its tables, and sorts them if asked to."""

    name = "doubler"

    def __init__(self) -> None:
        self.tables: dict[str, list[Rows]] = {}

    def close(self) -> None:
        self.tables.clear()

    @property
    def version(self) -> str:
        return "1"

    def load(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> None:
        self.tables[table] = list(parts)

    def attach_parquet(self, table: str, columns: Sequence[Column], path: str) -> None:
        raise NotImplementedError

    def _run(self, bound: BoundQuery, order: Sequence[str]) -> Result:
        parts = [{"n": part["n"] * 2} for part in self.tables["t"]]
        if order:
            parts = [{"n": np.sort(part["n"])} for part in parts]
        return Result(bound.query.writes, iter(parts))

    def _estimate(self, bound: BoundQuery) -> str:
        return f"{bound.place}: little"


def test_rows_come_in_the_order_of_the_header_or_in_any() -> None:
    with Doubler() as engine:
        engine.load("t", QUERY.reads["t"], [{"n": np.array([3, 1])}])
        assert [part["n"].tolist() for part in engine.run(QUERY, {}).parts] == [[2, 6]]
        found = engine.run(QUERY, {}, ordered=False)
        assert [part["n"].tolist() for part in found.parts] == [[6, 2]]
        assert engine.estimate(QUERY, {}) == "q.sql: little"
    assert engine.tables == {}


def test_a_result_is_materialized_in_place_of_its_own_source() -> None:
    engine = Doubler()
    engine.load("t", QUERY.reads["t"], [{"n": np.array([3, 1])}, {"n": np.array([5])}])
    assert engine.materialize(QUERY, {}, "t") == 3
    assert [part["n"].tolist() for part in engine.tables["t"]] == [[6, 2], [10]]


def test_an_engine_without_tables_of_its_own_says_so() -> None:
    engine, columns = Doubler(), QUERY.reads["t"]
    with pytest.raises(DataError, match="^t: .* as doubler keeps no tables, got 'shop.t'$"):
        engine.attach("t", columns, "shop.t")
    with pytest.raises(DataError, match="^t: .* as doubler loads none, got gs://b/t.csv$"):
        engine.load_uri("t", columns, "gs://b/t.csv")
    with pytest.raises(DataError, match="^shop.t: .* as doubler keeps no tables, got a table$"):
        engine.store(QUERY, {}, "shop.t")


def test_all_placeholders_are_rewritten() -> None:
    assert rewrite_placeholders("SELECT @a, @b_2 + @a", ":") == "SELECT :a, :b_2 + :a"


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ([("n", "FLOAT64")], "n FLOAT64"),
        ([("n", None)], "n of another type"),
        ([("m", "INT64")], "m INT64"),
        ([("n", "INT64"), ("m", "BOOL")], "n INT64, m BOOL"),
        ([], ""),
    ],
)
def test_columns_that_are_not_those_of_the_header_are_refused(
    found: list[tuple[str, str | None]], shown: str
) -> None:
    with pytest.raises(DataError) as caught:
        check_columns(QUERY, found)
    rule = "expected the columns of the header (n INT64)"
    assert str(caught.value) == f"q.sql: writes: {rule}, got {shown}"


def test_a_column_that_a_table_lacks_has_a_default_or_may_be_null() -> None:
    assert default_of(Column("n", "INT64", default=7.0), [], "t") == 7.0
    assert default_of(Column("n", "INT64", nullable=True), [], "t") is None
    for found, shown in ((["a", "b"], "'a', 'b'"), ([], "none")):
        with pytest.raises(DataError) as caught:
            default_of(Column("n", "INT64"), found, "shop.t")
        assert str(caught.value) == f"shop.t: n: expected a column of this name, got {shown}"


def test_an_engine_that_does_not_close_is_noted_and_no_error() -> None:
    class Stuck(Doubler):
        def close(self) -> None:
            raise OSError(39, "Directory not empty")

    with pytest.warns(DataWarning, match=r"^doubler: \[Errno 39\] Directory not empty$"), Stuck():
        pass

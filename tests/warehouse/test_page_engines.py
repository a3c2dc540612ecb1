"""The page on other engines: what the tests of the queries rest on."""

from __future__ import annotations

import pytest

from tests.warehouse.page_engines import Postgres, Sqlite, replacements
from tests.warehouse.sql_cases import queries
from tests.warehouse.sql_subset import FUNCTIONS

TYPES = {"STRING", "INT64", "FLOAT64", "BOOL"}


def test_the_page_replaces_what_queries_have_and_nothing_else() -> None:
    texts = "\n".join(query.text for query in queries().values())
    for engine, replaced in replacements().items():
        assert TYPES | {"@n", "5e-1"} <= replaced.keys() <= TYPES | {"@n", "5e-1"} | FUNCTIONS
        needless = [name for name in replaced.keys() & FUNCTIONS if f"{name}(" not in texts]
        assert needless == [], engine


@pytest.mark.sqlite
def test_a_text_is_rewritten_where_the_page_says_so() -> None:
    with Sqlite() as engine:
        text = "SELECT GREATEST(5e-1, @n_1) FROM t2 -- 1e+9"
        assert engine.rewrite(text) == "SELECT MAX(5e-1, :n_1) FROM t2 -- 1e+9"


@pytest.mark.postgres
def test_the_server_orders_texts_otherwise_than_by_bytes() -> None:
    # Else the collation of the page would do nothing.
    with Postgres() as engine:
        rewritten = engine.rewrite("SELECT 5e-1 < @n")
        assert rewritten == "SELECT FLOAT8 '5e-1' < %(n)s"
        _, rows = engine.execute(
            """SELECT 'a' < 'B', 'a' < 'B' COLLATE "C", pg_typeof(1e0)::text"""
        )
    assert rows == [(True, False, "numeric")]

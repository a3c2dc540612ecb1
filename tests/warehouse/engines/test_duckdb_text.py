"""What DuckDB's tree of a text shows; tests/attacks has texts that run and texts that do not."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from mlcore.files.database import Database
from mlcore.warehouse.engines.duckdb_text import find_foreign, parsed_query


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database(threads=1) as opened:
        yield opened


def foreign_in(database: Database, text: str) -> str | None:
    ((found,),) = database.rows("SELECT json_serialize_sql($text)", {"text": text})
    return find_foreign(parsed_query(found), ["t"])


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("FROM t", None),
        ('FROM "T" JOIN (FROM t) USING (a), unnest([1])', None),
        ("FROM t, READ_TEXT('x')", "read_text(...)"),
        ("FROM 'a.csv'", "'a.csv'"),
        ("FROM main.t", "'main.t'"),
        ("SELECT main.getenv('x')", "getenv(...)"),
        ("SELECT sum(getenv('x')) OVER () FROM t", "getenv(...)"),
        ("DESCRIBE t", "SHOW"),
        # A name is seen by what follows it, and by itself only where it is recursive.
        ("WITH x AS (FROM t), y AS (FROM x) FROM y, x ORDER BY (SELECT max(a) FROM x)", None),
        ("WITH x AS (FROM y), y AS (FROM t) FROM x", "'y'"),
        ("WITH x AS (FROM x) FROM x", "'x'"),
        ("WITH RECURSIVE x AS (FROM x) FROM x", "'x'"),
        ("WITH RECURSIVE x AS (FROM t UNION ALL FROM x) FROM x", None),
        ("WITH RECURSIVE x AS (FROM x UNION ALL FROM x) FROM x", "'x'"),
        ("FROM (WITH x AS (FROM t) FROM x), x", "'x'"),
        ("FROM t, LATERAL (WITH t AS (FROM t) FROM t)", None),
    ],
)
def test_what_a_text_reads_besides_its_tables_is_found(
    database: Database, text: str, foreign: str | None
) -> None:
    assert foreign_in(database, text) == foreign


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM t; FROM t", "expected one query, got 2 of them"),
        ("-- nothing", "expected one query, got 0 of them"),
        ("COPY t TO 'x'", "expected one query, a SELECT, got another statement"),
        ("PIVOT t ON a USING sum(b)", "expected one query, a SELECT, got another statement"),
        ("SELECT FROM", "expected what duckdb can run, got 'syntax error at "),
    ],
)
def test_what_is_not_one_query_is_refused(database: Database, text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        foreign_in(database, text)
    assert str(caught.value).startswith(said)


def test_a_tree_too_deep_for_python_is_refused() -> None:
    former = sys.getrecursionlimit()  # which other packages raise
    sys.setrecursionlimit(1000)
    try:
        with pytest.raises(
            ValueError, match="^expected a query nested less deep, got one too deep"
        ):
            parsed_query("[" * 100_000 + "]" * 100_000)
    finally:
        sys.setrecursionlimit(former)

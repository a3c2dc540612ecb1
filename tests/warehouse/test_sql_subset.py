"""Every query keeps to the subset of SQL that BigQuery, DuckDB and Spark read alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.files.database import Database
from mlcore.warehouse.query import Query, parse_query
from tests.warehouse.sql_cases import ROOT, queries
from tests.warehouse.sql_subset import FUNCTIONS, KEYWORDS, faults, names_of

GOOD = """\
-- q: what it does.
--
-- reads: events(user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64 NULL)
-- reads: users(user_id STRING)
-- writes: result(user_id STRING, score FLOAT64)
-- order: user_id
-- param: n INT64: how many
WITH ranked AS (
  SELECT
    events.user_id AS user_id,
    events.weight / 2e0 + 5e-1 AS score,
    COUNT(*) OVER (PARTITION BY events.user_id) AS items,
    ROW_NUMBER() OVER (PARTITION BY events.user_id ORDER BY events.weight DESC, events.item_id) AS age
  FROM events
  JOIN users ON events.user_id = users.user_id
  WHERE events.item_id <> 'a,b_1'
)

SELECT
  user_id,
  score
FROM ranked
WHERE age <= @n AND items > 1
"""


def query_of(text: str) -> Query:
    return parse_query(Path("q.sql"), text.encode())


@pytest.mark.parametrize("query", queries().values(), ids=list(queries()))
def test_a_query_keeps_to_the_subset(query: Query) -> None:
    assert faults(query) == []


def test_a_text_of_the_subset_has_no_faults() -> None:
    assert faults(query_of(GOOD)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("events.weight / 2e0", "events.weight / 2", "integers divide to an integer"),
        ("events.weight / 2e0", "1 / events.weight", "integers divide to an integer"),
        ("events.weight / 2e0", "events.weight % 2", "no % in BigQuery"),
        ("events.weight / 2e0", "events.weight // 2", "no // in BigQuery"),
        ("events.weight / 2e0", "events.weight::DOUBLE", "no :: in BigQuery"),
        ("events.weight / 2e0", "CAST(events.weight AS FLOAT64)", "no name of a type"),
        ("events.weight / 2e0", "LOG(events.weight)", "LOG is ln in one engine"),
        ("events.weight / 2e0", "LOG2(events.weight)", "no LOG2 in BigQuery"),
        (
            "events.weight / 2e0",
            "LN(events.weight, 2) / MEDIAN(2)",
            "neither a keyword nor a function",
        ),
        ("events.weight / 2e0", "median(events.weight)", "no function that all engines have"),
        ("events.weight / 2e0", "LN", "a function stands before its parenthesis"),
        ("events.weight / 2e0", "events.weight || events.item_id", "not in all engines"),
        ("events.weight / 2e0", "events.weight[0]", "not in all engines"),
        ("5e-1", "0.5", "write 5e-1"),
        ("'a,b_1'", '"a"', "quote names"),
        ("'a,b_1'", "`a`", "quote names"),
        ("'a,b_1'", r"'a\n'", "texts of other characters"),
        ("'a,b_1'", "'é'", "texts of other characters"),
        ("<>", "!=", "<> is the one"),
        ("WHERE age <= @n AND items > 1", "QUALIFY age <= @n AND items > 1", "not in older Spark"),
        ("items > 1", "items > 1 LIMIT 5", "which rows come first"),
        ("items > 1", "items > 1;", ";: not in all engines"),
        ("items > 1", "items > 1 ORDER BY user_id", "the runner orders the rows"),
        ("items > 1", "user_id NOT IN (SELECT user_id FROM users)", "NOT IN is NULL"),
        ("items > 1", "items > 1 UNION SELECT user_id, 1 FROM users", "UNION ALL"),
        ("items > 1", "items > 1 GROUP BY 1", "write the column"),
        ("ON events.user_id = users.user_id", "USING (user_id)", "take ON"),
        ("COUNT(*) OVER", "COUNT(*) FILTER (WHERE weight > 1) OVER", "three spellings"),
        ("COUNT(*) OVER", "COUNTIF(weight > 1) OVER", "three spellings"),
        ("PARTITION BY events.user_id)", "ORDER BY events.user_id)", "the frame differs"),
        (" ORDER BY events.weight DESC, events.item_id", "", "not defined without ORDER BY"),
        ("ORDER BY events.weight", "ORDER BY events.timestamp", "NULL comes first or last"),
        ("  user_id,\n  score\nFROM", "  *\nFROM", "write the columns"),
        ("events.user_id AS user_id,", "events.*,", "write the columns"),
        ("events.user_id AS user_id,", "events.user_id,", "user_id: ClickHouse names it with"),
        ("AS items", "AS groups", "a reserved word"),
        ("AS items", "AS Items", "neither a keyword"),
        ("WITH", "WITH RECURSIVE", "restricted in each engine"),
        ("WITH", "with", "keywords are written in capitals"),
        ("FROM ranked", "FROM ranked, users", "one table; the others by JOIN"),
        (
            "FROM ranked",
            "FROM somewhere",
            "somewhere: neither read nor made",
        ),
        ("FROM ranked", "FROM UNNEST(ranked)", "positions count from 0 or from 1"),
        ("JOIN users ON events.user_id = users.user_id", "", "users: not used"),
        (
            "WITH ranked AS",
            "WITH users AS (SELECT 1), ranked AS",
            "users: made, yet it is the name",
        ),
        ("@n", "@m", "expected parameters of the header, got @m"),
        ("@n", "3", "expected @n in the text, got it nowhere"),
        ("-- q: what it does.\n--", "-- q: what it does.\n-- See @n.", "no @ in comments"),
        ("items > 1\n", "items > 1", "lines end in LF"),
        ("    events.user_id AS", "\tevents.user_id AS", "no tabs"),
    ],
)
def test_what_is_not_portable_is_told(old: str, new: str, fault: str) -> None:
    assert GOOD.count(old) >= 1
    try:
        told = faults(query_of(GOOD.replace(old, new)))
    except DataError as error:  # the runner itself does not take it
        told = [str(error)]
    assert any(fault in line for line in told), told


def test_a_missing_time_may_be_ordered_by_when_it_is_given_a_value() -> None:
    text = GOOD.replace("events.weight DESC", "COALESCE(events.timestamp, 0) DESC")
    assert faults(query_of(text)) == []
    beside = text.replace("events.item_id)", "events.timestamp)")
    assert any("NULL comes first" in line for line in faults(query_of(beside)))


def test_a_missing_time_may_be_ordered_by_when_a_condition_leaves_it_out() -> None:
    text = GOOD.replace("ORDER BY events.weight", "ORDER BY events.timestamp")
    filtered = text.replace("WHERE events.item_id", "WHERE events.timestamp > 5 AND events.item_id")
    assert faults(query_of(filtered)) == []


@pytest.mark.duckdb
def test_no_name_is_a_reserved_word_of_duckdb() -> None:
    with Database(threads=1) as database:
        found = database.rows(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
        )
    reserved = {name for (name,) in found}
    assert len(reserved) > 50
    for query in queries().values():
        columns = {column.name for column in query.writes}
        tables = set(query.reads)
        assert not (names_of(query.text) | columns | tables) & reserved, query.name


@pytest.mark.parametrize("words", [KEYWORDS, FUNCTIONS], ids=["keywords", "functions"])
def test_what_is_allowed_is_used(words: frozenset[str]) -> None:
    # Allowing no more than that keeps the list short enough to be checked on each engine.
    code = "\n".join(re.sub(r"--.*", "", query.text) for query in queries().values())
    assert words <= set(re.findall(r"[A-Z_0-9]+", code))


def test_the_readme_names_every_query_and_every_function() -> None:
    readme = (ROOT / "sql" / "README.md").read_text("utf-8")
    assert [name for name in queries() if f"`{name}`" not in readme] == []
    assert [name for name in sorted(FUNCTIONS) if f"`{name}`" not in readme] == []

"""Texts for BigQuery: stored tables before the query, which stays as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlcore.warehouse.engines.bigquery import BigQuery
from mlcore.warehouse.engines.bigquery_text import Source, wrap
from mlcore.warehouse.query import bundled_query
from tests.warehouse.engines.bigquery_cases import (
    COPY_USERS,
    IDS,
    SQL,
    TIME,
    USER,
    WEIGHT,
    copy_of,
    refusal,
    rows_of,
)
from tests.warehouse.fake_bigquery import FakeBigQuery, Field


def test_the_text_of_a_query_is_sent_as_it_is_behind_its_tables_on_one_line() -> None:
    sources = {"events": Source("SELECT `user_id`, `item_id` FROM `p.d.t`", False)}
    assert wrap(COPY_USERS, {}, sources, ["user_id"]) == (
        "WITH `events` AS (SELECT `user_id`, `item_id` FROM `p.d.t`) SELECT * FROM ("
        + COPY_USERS.text
        + "\n) ORDER BY `user_id`"
    )


def test_a_message_of_bigquery_counts_the_lines_of_the_file(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    text = COPY_USERS.text.replace("FROM events", "\nFROM events\nWHERE nothing = 7")
    query = replace(COPY_USERS, text=text)
    line = text.splitlines().index("WHERE nothing = 7") + 1
    fake.add("shop.events", IDS, [])
    engine.attach("events", query.reads["events"], "shop.events")
    error = refusal(lambda: engine.run(query, {}))
    assert str(error).startswith("copy.sql: expected what BigQuery takes, got ")
    assert "nothing" in str(error) and f"[at {line}:7]" in str(error)


def test_a_table_that_was_not_given_is_named(engine: BigQuery) -> None:
    assert str(refusal(lambda: engine.run(COPY_USERS, {}))) == (
        "copy.sql: events: expected a table to be given, got none"
    )


def test_a_stored_table_is_read_whatever_its_own_names_and_numbers(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    # Names of columns have no case in BigQuery; 10.5 s is in second 10, -0.5 s in second -1.
    schema = [
        *[Field("Item_ID", "STRING"), Field("USER_id", "STRING"), Field("other", "STRING")],
        *[Field("weight", "NUMERIC"), Field("timestamp", "TIMESTAMP")],
    ]
    rows = [("i", "u", "x", 2.5, 10_500_000), ("j", "v", None, 0.1, -500_000)]
    fake.add("shop.events", schema, rows)
    query = copy_of("user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64")
    engine.attach("events", query.reads["events"], "shop.events")
    assert rows_of(engine, query) == [("u", "i", 2.5, 10), ("v", "j", 0.1, -1)]


def test_columns_that_a_stored_table_lacks_are_their_default_or_null(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    query = copy_of("user_id STRING, weight FLOAT64 = 0.5, n INT64 = 3, timestamp INT64 NULL")
    fake.add("shop.events", IDS, [("u", "i")])
    engine.attach("events", query.reads["events"], "test-project.shop.events")
    assert rows_of(engine, query) == [("u", 0.5, 3, None)]


def test_lists_of_the_command_have_a_rank_that_queries_call_position(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    query = copy_of("user_id STRING, item_id STRING, position INT64")
    fake.add("shop.lists", [*IDS, Field("rank", "INTEGER")], [("u", "i", 7)])
    engine.attach("events", query.reads["events"], "shop.lists")
    assert rows_of(engine, query) == [("u", "i", 7)]


def test_a_missing_value_where_none_may_miss_stops_the_query(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    fake.add("shop.events", IDS, [("u", "i"), (None, "j")])
    engine.attach("events", COPY_USERS.reads["events"], "shop.events")
    error = refusal(lambda: engine.run(COPY_USERS, {}))
    assert str(error) == (
        "copy.sql: expected what BigQuery takes, "
        "got 'events: user_id: expected a value, got NULL'"
    )
    query = copy_of("user_id STRING NULL, item_id STRING")
    engine.attach("events", query.reads["events"], "shop.events")
    assert rows_of(engine, query) == [(None, "j"), ("u", "i")]


@pytest.mark.parametrize(
    ("found", "message", "hint"),
    [
        (Field("user_id", "INTEGER"), "user_id: expected STRING, got INTEGER", "ids are strings"),
        (Field("user_id", "STRING", "REPEATED"), "expected STRING, got ARRAY of STRING", None),
        (Field("user_id", "RECORD"), "user_id: expected STRING, got RECORD", None),
        (Field("id", "STRING"), "user_id: expected a column of this name, got 'id'", "view"),
        (
            Field("timestamp", "DATETIME"),
            "timestamp: expected INT64 or a time with a zone, got DATETIME",
            "does not say which moment",
        ),
        (Field("weight", "STRING"), "weight: expected FLOAT64, got STRING", None),
    ],
)
def test_a_column_of_another_type_is_refused(
    fake: FakeBigQuery, engine: BigQuery, found: Field, message: str, hint: str | None
) -> None:
    column = {"timestamp": TIME, "weight": WEIGHT}.get(found.name, USER)
    fake.add("shop.events", [found], [])
    error = refusal(lambda: engine.attach("events", [column], "shop.events"))
    assert str(error).startswith("shop.events: ") and str(error).endswith(message)
    assert (error.hint is None) if hint is None else (error.hint and hint in error.hint)


def log_of(engine: BigQuery, fake: FakeBigQuery) -> None:
    query = bundled_query("extract_events")
    schema = [*IDS, Field("action", "STRING"), Field("timestamp", "TIMESTAMP")]
    times = [-1.0, 9.5, 10.0, 10.5, 19.0, 19.5, 20.0, 20.5, None]
    rows = [
        (f"u{place}", "i", "buy", None if time is None else int(time * 10**6))
        for place, time in enumerate(times)
    ]
    fake.add("shop.log", schema, rows)
    engine.attach("raw_events", query.reads["raw_events"], "shop.log")
    weights = {"action": np.array(["buy"], object), "weight": np.array([2.0])}
    engine.load("action_weights", query.reads["action_weights"], [weights])


@pytest.mark.parametrize(
    ("begin", "end", "users"),
    [
        (10, 20, "2345"),
        (-(2**62), 10, "01"),
        (20, 2**62, "67"),
        (2**62, 2**63 - 1, ""),
    ],
)
def test_a_span_takes_the_rows_of_its_whole_seconds_whatever_its_bounds(
    fake: FakeBigQuery, engine: BigQuery, begin: int, end: int, users: str
) -> None:
    # Second 10 has 10.0 and 10.5, second 19 has 19.0 and 19.5: begin is taken, end is not.
    log_of(engine, fake)
    found = rows_of(engine, bundled_query("extract_events"), begin_time=begin, end_time=end)
    assert [row[0] for row in found] == [f"u{digit}" for digit in users]


def test_a_span_is_said_of_the_stored_column_so_that_partitions_are_passed_over(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    log_of(engine, fake)
    rows_of(engine, bundled_query("extract_events"), begin_time=10, end_time=20)
    text = fake.sent_jobs("query")[-1]["query"]["query"]
    assert (
        "FROM `test-project.shop.log` WHERE `timestamp` >= TIMESTAMP_SECONDS(@begin_time) "
        "AND `timestamp` < TIMESTAMP_SECONDS(@end_time))" in text
    )


def test_only_queries_that_take_a_span_of_their_rows_have_its_parameters() -> None:
    # What wrap says of the stored column must be what the query says itself.
    named = [
        path for path in SQL.glob("*.sql") if "@begin_time" in path.read_text(encoding="utf-8")
    ]
    assert [path.stem for path in named] == ["extract_events"]
    text = named[0].read_text(encoding="utf-8")
    assert "raw_events.timestamp >= @begin_time" in text
    assert "raw_events.timestamp < @end_time" in text

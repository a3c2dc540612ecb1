"""The BigQuery engine: what it sends, what it makes of the answers, what it refuses."""

from __future__ import annotations

import gzip
import json
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import google.api_core.exceptions
import google.auth
import google.auth.exceptions
import numpy as np
import pytest
import requests

from mlcore.warehouse.engines.base import Rows
from mlcore.warehouse.engines import BigQuery, BigQueryOptions
from mlcore.warehouse.engines.bigquery_client import import_bigquery
from mlcore.warehouse.engines.bigquery_names import billed_bytes, check_table, price_words
from mlcore.warehouse.engines.bigquery_text import Source, wrap
from mlcore.errors import ConfigError, MlcoreError
from mlcore.files.database import import_duckdb
from mlcore.warehouse.query import Column, Query, bundled_query, parse_query
from tests.warehouse.fake_bigquery import SECRET, Credentials, FakeBigQuery, Fault, Field

SQL = Path(__file__).parents[3] / "sql"
USER, ITEM = Column("user_id", "STRING"), Column("item_id", "STRING")
WEIGHT = Column("weight", "FLOAT64", default=1.0)
TIME = Column("timestamp", "INT64", nullable=True)
IDS = [Field("user_id", "STRING"), Field("item_id", "STRING")]
# Of each query, for the parameters without a default.
GIVEN: dict[str, dict[str, Any]] = {
    "extract_events": {"begin_time": 0, "end_time": 100},
    "cap_history": {"max_user_interactions": 2},
    "split_random": {"part": "train"},
    "split_last_n": {"part": "train"},
    "split_temporal": {"part": "train", "cutoff": 5},
}

COPY = """-- copy: all rows.
--
-- reads: events({columns})
-- writes: rows({columns})
-- order: user_id
SELECT {names} FROM events
"""


def copy_of(columns: str) -> Query:
    names = ", ".join(column.split()[0] for column in columns.split(", "))
    return parse_query(Path("copy.sql"), COPY.format(columns=columns, names=names).encode())


COPY_USERS = copy_of("user_id STRING, item_id STRING")


@pytest.fixture
def fake() -> FakeBigQuery:
    return FakeBigQuery()


@pytest.fixture
def engine(fake: FakeBigQuery) -> Iterator[BigQuery]:
    with BigQuery(BigQueryOptions(dataset="scratch"), fake.client()) as opened:
        yield opened


def part(**columns: Sequence[Any]) -> Rows:
    kinds = {"weight": np.float64, "timestamp": object, "n": np.int64}
    return {name: np.array(cells, kinds.get(name, object)) for name, cells in columns.items()}


def rows_of(engine: BigQuery, query: Query, **values: Any) -> list[tuple[Any, ...]]:
    result = engine.run(query, query.values({**GIVEN.get(query.name, {}), **values}))
    names = [column.name for column in result.columns]
    return [row for part in result.parts for row in zip(*(part[name].tolist() for name in names))]


def refusal(work: Callable[[], object]) -> MlcoreError:
    with pytest.raises(MlcoreError) as caught:
        work()
    assert "\n" not in str(caught.value)
    return caught.value


# --- the text ---------------------------------------------------------------------------------------


def test_the_text_of_a_query_is_sent_as_it_is_behind_its_tables_on_one_line() -> None:
    sources = {"events": Source("SELECT `user_id`, `item_id` FROM `p.d.t`", False)}
    assert wrap(COPY_USERS, {}, sources, ["user_id"]) == (
        "WITH `events` AS (SELECT `user_id`, `item_id` FROM `p.d.t`) SELECT * FROM ("
        + COPY_USERS.text
        + "\n) ORDER BY `user_id`"
    )


@pytest.mark.parametrize("path", sorted(SQL.glob("*.sql")), ids=lambda path: path.stem)
def test_every_query_is_one_that_bigquery_takes(
    path: Path, fake: FakeBigQuery, engine: BigQuery
) -> None:
    query = bundled_query(path.stem)
    old = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRING": "STRING"}
    for table, columns in query.reads.items():
        fake.add(f"shop.{table}", [Field(column.name, old[column.type]) for column in columns], [])
        engine.attach(table, columns, f"shop.{table}")
    words = engine.estimate(query, query.values(GIVEN.get(query.name, {})))
    assert words.startswith("would process 0.0 MiB, at most $0.0")


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


# --- tables that are loaded -------------------------------------------------------------------------


def test_rows_are_uploaded_as_json_lines_that_lose_nothing(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    # 2^53 - 1 is the last integer that every reader of JSON has exactly; the next goes as a text.
    # 0.1 + 0.2 needs all 17 digits. What is missing is left out.
    columns = [USER, WEIGHT, TIME]
    first = part(user_id=["é\n", "007"], weight=[0.1 + 0.2, 5e-324], timestamp=[2**53 - 1, None])
    second = part(user_id=[""], weight=[3.0], timestamp=[2**53])
    engine.load("events", columns, [first, second])
    ((_, content),) = fake.uploads.values()
    assert content.decode() == (
        '{"user_id": "é\\n", "weight": 0.30000000000000004, "timestamp": 9007199254740991}\n'
        '{"user_id": "007", "weight": 5e-324}\n'
        '{"user_id": "", "weight": 3.0, "timestamp": "9007199254740992"}\n'
    )
    query = copy_of("user_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL")
    assert rows_of(engine, query) == [
        ("", 3.0, 2**53),
        ("007", 5e-324, None),
        ("é\n", 0.1 + 0.2, 2**53 - 1),
    ]


def test_a_load_names_types_and_lets_bigquery_guess_nothing(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    engine.load("events", [USER, TIME], [part(user_id=["u"], timestamp=[7])])
    (load,) = [job["load"] for job in fake.sent_jobs("load")][-1:]
    assert load["schema"]["fields"] == [
        {"name": "user_id", "type": "STRING", "mode": "REQUIRED"},
        {"name": "timestamp", "type": "INT64", "mode": "NULLABLE"},
    ]
    assert load["autodetect"] is False and load["sourceFormat"] == "NEWLINE_DELIMITED_JSON"


def test_a_loaded_table_expires_within_a_day_and_is_deleted_at_the_end(fake: FakeBigQuery) -> None:
    with pytest.raises(RuntimeError):
        with BigQuery(BigQueryOptions(dataset="other-project.scratch"), fake.client()) as engine:
            engine.load("events", [USER], [part(user_id=["u"])])
            ((name, table),) = fake.tables.items()
            raise RuntimeError
    assert name.startswith("other-project.scratch.mlcore_events_")
    expires = datetime.fromtimestamp(int(table.more["expirationTime"]) / 1000, timezone.utc)
    left = expires - datetime.now(timezone.utc)
    assert timedelta(hours=23) < left <= timedelta(days=1)
    assert not fake.tables


def test_a_table_of_no_rows_is_made_without_an_upload(fake: FakeBigQuery, engine: BigQuery) -> None:
    engine.load("events", [USER, ITEM], [part(user_id=[], item_id=[])])
    assert not fake.uploads and rows_of(engine, COPY_USERS) == []
    assert engine.estimate(COPY_USERS, {}).endswith(", not counting events, yet to be loaded")


def test_a_table_given_again_replaces_the_first(fake: FakeBigQuery, engine: BigQuery) -> None:
    for user in ("old", "new"):
        engine.load("events", [USER, ITEM], [part(user_id=[user], item_id=["i"])])
    assert rows_of(engine, COPY_USERS) == [("new", "i")] and len(fake.tables) == 1
    fake.add("shop.events", IDS, [("stored", "i")])
    engine.attach("events", [USER, ITEM], "shop.events")
    assert rows_of(engine, COPY_USERS) == [("stored", "i")]
    assert list(fake.tables) == ["test-project.shop.events"]


def test_loading_without_a_dataset_is_refused_before_any_row_is_read(fake: FakeBigQuery) -> None:
    def rows() -> Iterator[Rows]:
        raise AssertionError("a row was read")
        yield {}

    with BigQuery(client=fake.client()) as engine:
        error = refusal(lambda: engine.load("events", [USER], rows()))
    assert str(error) == "events: dataset: expected one to load into, got none"


def test_a_result_that_is_kept_is_a_table_of_the_next_query(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    # Round by round towards the 2-core: c has one user, without c v has one item, then a one user.
    pairs = [("u", "a"), ("u", "b"), ("v", "a"), ("v", "c"), ("w", "b"), ("w", "d"), ("x", "b")]
    pairs += [("x", "d")]
    users, items = zip(*pairs)
    query = bundled_query("kcore_round")
    rows = part(user_id=users, item_id=items, weight=[1.0] * len(pairs), timestamp=[None] * 8)
    engine.load("interactions", query.reads["interactions"], [rows])
    values = query.values({"min_user_interactions": 2, "min_item_interactions": 2})
    counts = [engine.materialize(query, values, "interactions") for _ in range(5)]
    # 8 rows; x and w have b and d; u has a and b. c and with it a fall.
    assert counts == [7, 6, 5, 4, 4]
    assert len(fake.tables) == 1, "older rounds are deleted"
    assert {row[:2] for row in rows_of(engine, query)} == {
        *[("w", "b"), ("w", "d"), ("x", "b"), ("x", "d")]
    }


def test_a_parquet_file_is_loaded_as_it_is(
    fake: FakeBigQuery, engine: BigQuery, tmp_path: Path
) -> None:
    path = tmp_path / "events.parquet"
    with import_duckdb().connect() as connection:
        connection.execute(
            "COPY (SELECT * FROM (VALUES ('u', '007', 3), ('v', 'é', NULL)) AS t(user_id, item_id, "
            f"weight)) TO '{path}' (FORMAT parquet)"
        )
    engine.attach_parquet("events", COPY_USERS.reads["events"], str(path))
    assert rows_of(engine, COPY_USERS) == [("u", "007"), ("v", "é")]
    (table,) = fake.tables.values()
    assert "expirationTime" in table.more
    query = copy_of("user_id STRING, weight FLOAT64 = 1")
    engine.attach_parquet("events", query.reads["events"], str(path))
    error = refusal(lambda: engine.run(query, {}))
    assert "events: weight: expected a value, got NULL" in str(error)


def test_a_broken_parquet_file_is_one_line(engine: BigQuery, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    path.write_bytes(b"PAR1")
    error = refusal(lambda: engine.attach_parquet("events", [USER], str(path)))
    assert str(error).startswith(f"{path}: expected what BigQuery takes, got 'Input file is not in")
    error = refusal(lambda: engine.attach_parquet("events", [USER], str(tmp_path / "none")))
    assert "expected a readable file" in str(error)


URI_CASES = {
    "gs://shop/day.jsonl": b'{"item_id": "i", "user_id": "u", "other": 7}\n{"user_id": "v", '
    b'"item_id": "j", "weight": 2.5}\n',
    "gs://shop/day.csv": b"other,weight,item_id,user_id\n7,,i,u\n,2.5,j,v\n",
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("uri", URI_CASES)
def test_files_of_cloud_storage_are_loaded_by_the_names_of_their_columns(
    fake: FakeBigQuery, engine: BigQuery, uri: str, packed: bool
) -> None:
    content = URI_CASES[uri]
    uri += ".gz" if packed else ""
    fake.objects[uri] = gzip.compress(content) if packed else content
    query = copy_of("user_id STRING, item_id STRING, weight FLOAT64 = 1")
    engine.load_uri("events", query.reads["events"], uri)
    assert rows_of(engine, query) == [("u", "i", 1.0), ("v", "j", 2.5)]
    (table,) = fake.tables.values()
    assert "expirationTime" in table.more


def test_a_uri_of_another_kind_or_of_nothing_is_refused(engine: BigQuery) -> None:
    for uri in ("gs://shop/day.avro", "s3://shop/day.jsonl", "day.jsonl"):
        assert "got '" + uri in str(refusal(lambda: engine.load_uri("events", [USER], uri)))
    error = refusal(lambda: engine.load_uri("events", [USER], "gs://shop/none.jsonl"))
    assert str(error).startswith(
        "gs://shop/none.jsonl: expected what BigQuery takes, got 'Not found"
    )


# --- stored tables ----------------------------------------------------------------------------------


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
        (Field("id", "STRING"), "user_id: expected a column of this name, got 'id'", None),
        (
            Field("timestamp", "DATETIME"),
            "timestamp: expected INT64 or TIMESTAMP, got DATETIME",
            "TIMESTAMP(column, zone)",
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


def test_a_table_that_is_not_there_is_one_line(engine: BigQuery) -> None:
    assert str(refusal(lambda: engine.attach("events", [USER], "shop.none"))) == (
        "shop.none: expected what BigQuery takes, "
        "got 'Not found: Table test-project:shop.none was not found in location EU'"
    )


@pytest.mark.parametrize(
    "name",
    [
        *["events", "a.b.c.d", "shop.", ".events", "shop.ev`ents", "shop.events; DROP TABLE x"],
        *[
            "shop.'events",
            "shop.events*",
            "shop.events$20260101",
            "sh op.events",
            "shop.ev\\ents",
            "",
        ],
    ],
)
def test_what_is_no_name_of_a_table_never_reaches_bigquery(
    fake: FakeBigQuery, engine: BigQuery, name: str
) -> None:
    for work in (
        lambda: engine.attach("events", [USER], name),
        lambda: engine.store(COPY_USERS, {}, name),
    ):
        assert "expected DATASET.TABLE or PROJECT.DATASET.TABLE, got" in str(refusal(work))
    assert fake.requests == []


@pytest.mark.parametrize(
    "name", ["shop.events", "my-project.shop.events", "a.com:b.shop.täg lich-1"]
)
def test_names_of_tables_may_be_what_bigquery_allows(name: str) -> None:
    check_table(name)


# --- the span of time -------------------------------------------------------------------------------


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


# --- runs -------------------------------------------------------------------------------------------


def users_table(fake: FakeBigQuery, engine: BigQuery, count: int = 7) -> None:
    fake.add("shop.events", IDS, [(f"u{n}", "i") for n in reversed(range(count))])
    engine.attach("events", COPY_USERS.reads["events"], "shop.events")


def test_a_run_begins_with_a_dry_run_of_the_same_text(fake: FakeBigQuery, engine: BigQuery) -> None:
    users_table(fake, engine)
    engine.run(COPY_USERS, {})
    dry, real = fake.sent_jobs("query")
    assert dry["dryRun"] and "dryRun" not in real
    assert dry["query"]["query"] == real["query"]["query"]


def test_rows_come_page_by_page_in_the_order_of_the_header(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    users_table(fake, engine)
    result = engine.run(COPY_USERS, {})
    asked = len(fake.requests)
    first = next(result.parts)
    assert first["user_id"].tolist() == ["u0", "u1", "u2"] and len(fake.requests) == asked + 1
    rest = [part["user_id"].tolist() for part in result.parts]
    assert rest == [["u3", "u4", "u5"], ["u6"]]


def test_rows_in_any_order_are_not_sorted(fake: FakeBigQuery, engine: BigQuery) -> None:
    users_table(fake, engine)
    engine.run(COPY_USERS, {}, ordered=False)
    assert "ORDER BY" not in fake.sent_jobs("query")[-1]["query"]["query"]


def test_values_come_back_with_the_types_of_the_header(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    query = copy_of("user_id STRING, n INT64, weight FLOAT64, fine BOOL, timestamp INT64 NULL")
    schema = [
        *[Field("user_id", "STRING"), Field("n", "INTEGER"), Field("weight", "FLOAT")],
        *[Field("fine", "BOOLEAN"), Field("timestamp", "INTEGER")],
    ]
    fake.add("shop.events", schema, [("u", 2**62 + 1, 0.1, True, None), ("v", -1, 1e300, False, 7)])
    engine.attach("events", query.reads["events"], "shop.events")
    (found,) = engine.run(query, {}).parts
    assert {name: values.dtype.kind for name, values in found.items()} == {
        **{"user_id": "O", "n": "i", "weight": "f", "fine": "b", "timestamp": "O"}
    }
    assert [values.tolist() for values in found.values()] == [
        *[["u", "v"], [2**62 + 1, -1], [0.1, 1e300], [True, False], [None, 7]]
    ]


def test_parameters_are_sent_with_the_types_of_the_header(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    text = """-- echo: its parameters.
-- writes: told(name STRING, signed BOOL, x FLOAT64, k INT64, part STRING)
-- param: name STRING: any
-- param: signed BOOL: any
-- param: x FLOAT64: any
-- param: k INT64: any
-- param: part FRACTION: any
SELECT @name AS name, @signed AS signed, @x AS x, @k AS k, @part AS part"""
    query = parse_query(Path("echo.sql"), text.encode())
    given = {"name": "é'`", "signed": True, "x": 0.1, "k": 2**62 + 1, "part": 0.5}
    assert rows_of(engine, query, **given) == [("é'`", True, 0.1, 2**62 + 1, "80000000")]
    for job in fake.sent_jobs("query"):
        assert job["query"]["parameterMode"] == "NAMED"
        assert {
            found["name"]: (found["parameterType"]["type"], found["parameterValue"]["value"])
            for found in job["query"]["queryParameters"]
        } == {
            "name": ("STRING", "é'`"),
            "signed": ("BOOL", "true"),
            "x": ("FLOAT64", 0.1),
            "k": ("INT64", "4611686018427387905"),
            "part": ("STRING", "80000000"),
        }


def test_a_result_that_is_not_what_the_header_says_is_refused_before_it_costs(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    users_table(fake, engine)
    query = replace(COPY_USERS, writes=(USER, Column("item_id", "INT64")))
    error = refusal(lambda: engine.run(query, {}))
    assert "expected the columns of the header (user_id STRING, item_id INT64)" in str(error)
    assert all(job["dryRun"] for job in fake.sent_jobs("query"))


def test_statistics_are_those_of_the_job(fake: FakeBigQuery, engine: BigQuery) -> None:
    fake.processed_bytes = 30 * 2**20
    users_table(fake, engine)
    statistics = dict(engine.run(COPY_USERS, {}).statistics)
    assert str(statistics.pop("job_id")).startswith("mlcore_")
    assert statistics == {
        "bytes_processed": 30 * 2**20,
        "bytes_billed": 30 * 2**20,
        "slot_millis": 7,
        "cache_hit": False,
    }


def test_the_version_is_that_of_the_client_library(engine: BigQuery) -> None:
    assert engine.version == f"google-cloud-bigquery {import_bigquery().__version__}"


def test_every_job_has_the_labels(fake: FakeBigQuery) -> None:
    options = BigQueryOptions(dataset="scratch", labels={"team": "shop"})
    with BigQuery(options, fake.client()) as engine:
        engine.load("events", [USER, ITEM], [part(user_id=["u"], item_id=["i"])])
        engine.store(COPY_USERS, {}, "shop.users")
    labels = [body["configuration"]["labels"] for _, path, body in fake.requests if "/jobs" in path]
    assert len(labels) == 4  # the upload has two requests
    assert all(found["tool"] == "mlcore" and found["team"] == "shop" for found in labels)
    queries = [job["labels"]["query"] for job in fake.sent_jobs("query")]
    assert queries == ["copy", "copy"]


def test_progress_is_told_while_a_job_runs(
    fake: FakeBigQuery, engine: BigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    told: list[str] = []
    users_table(fake, engine)
    fake.looks_until_done = 8
    engine.run(COPY_USERS, {}, progress=lambda step, done, total: told.append(step))
    assert set(told) == {"run copy in BigQuery (0.0 MiB): running"} and len(told) == len(pauses)
    assert len(pauses) > 5 and pauses[0] == 0.1 and max(pauses) == 2.0


def test_a_signal_cancels_the_job_and_deletes_what_was_loaded(
    fake: FakeBigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        with BigQuery(BigQueryOptions(dataset="scratch"), fake.client()) as engine:
            engine.load("events", [USER, ITEM], [part(user_id=["u"], item_id=["i"])])
            fake.looks_until_done = 10
            engine.run(COPY_USERS, {})
    (job_id,) = [job_id for job_id in fake.jobs if job_id.startswith("mlcore_")]
    assert len(fake.sent("POST", f"/jobs/{job_id}/cancel")) == 1
    assert not fake.tables


def test_a_job_that_fails_is_one_line_and_not_cancelled(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    users_table(fake, engine)
    fake.job_fault = Fault(400, "billingTierLimitExceeded", "Query exceeded\n resource limits.")
    error = refusal(lambda: engine.run(COPY_USERS, {}))
    assert str(error) == (
        "copy.sql: expected what BigQuery takes, got 'Query exceeded resource limits.'"
    )
    assert error.hint is not None and "sql/cap_history.sql" in error.hint
    assert fake.sent("POST", "/cancel") == []


# --- what it costs ----------------------------------------------------------------------------------


def test_the_price_is_that_of_the_bytes_but_of_10_mib_for_each_table() -> None:
    # 1.23 GiB at 6.25 dollars for 1024 GiB: 1.23 / 1024 * 6.25 = 0.00751 dollars, rounded up.
    assert price_words(int(1.23 * 2**30), 1, 6.25) == (
        "would process 1.2 GiB, at most $0.0076 on demand "
        "($6.25 per TiB beyond the free one of each month; at least 10 MiB for each table)"
    )
    assert billed_bytes(0, 3) == 30 * 2**20 and billed_bytes(0, 0) == 10 * 2**20
    assert billed_bytes(10 * 2**20 + 1, 1) == 11 * 2**20
    assert "at most $12.0000 on demand ($12 per TiB" in price_words(2**40, 1, 12.0)


def test_an_estimate_runs_nothing(fake: FakeBigQuery, engine: BigQuery) -> None:
    fake.processed_bytes = 2**40
    users_table(fake, engine)
    words = engine.estimate(COPY_USERS, {})
    assert words.startswith("would process 1024.0 GiB, at most $6.2500 on demand ($6.25 per TiB")
    (job,) = fake.sent_jobs("query")
    assert job["dryRun"] and not fake.jobs


def test_a_query_above_the_maximum_is_refused_before_it_costs(fake: FakeBigQuery) -> None:
    options = BigQueryOptions(maximum_bytes_billed=20 * 2**20)
    with BigQuery(options, fake.client()) as engine:
        users_table(fake, engine)
        fake.processed_bytes = 20 * 2**20
        assert len(rows_of(engine, COPY_USERS)) == 7
        assert fake.sent_jobs("query")[-1]["query"]["maximumBytesBilled"] == str(20 * 2**20)
        fake.jobs.clear()
        fake.processed_bytes += 1
        for work in (
            lambda: engine.run(COPY_USERS, {}),
            lambda: engine.estimate(COPY_USERS, {}),
            lambda: engine.store(COPY_USERS, {}, "shop.users"),
        ):
            assert str(refusal(work)) == (
                "copy.sql: maximum_bytes_billed: expected a query that is billed at most "
                "20,971,520 bytes (20 MiB), got 22,020,096 (21 MiB)"
            )
        assert not fake.jobs


# --- results that stay ------------------------------------------------------------------------------


def test_a_stored_result_replaces_the_table_clustered_by_its_ids(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    fake.add("shop.model", [Field("old", "STRING")], [("x",)])
    fake.add("shop.train", [*IDS, Field("n", "INTEGER")], [("u", "b", 2), ("u", "a", 1)])
    query = replace(copy_of("user_id STRING, item_id STRING, n INT64"), order=("n", "item_id"))
    engine.attach("events", query.reads["events"], "shop.train")
    count, statistics = engine.store(query, query.values({}), "shop.model")
    assert count == 2 and statistics["slot_millis"] == 7
    job = fake.sent_jobs("query")[-1]["query"]
    assert job["writeDisposition"] == "WRITE_TRUNCATE" and "ORDER BY" not in job["query"]
    assert job["clustering"] == {"fields": ["item_id"]}
    assert sorted(fake.tables["test-project.shop.model"].rows) == [("u", "a", 1), ("u", "b", 2)]


def test_a_result_without_an_order_is_not_clustered(fake: FakeBigQuery, engine: BigQuery) -> None:
    fake.add("shop.events", IDS, [("u", "i")])
    query = replace(COPY_USERS, order=())
    engine.attach("events", query.reads["events"], "shop.events")
    engine.store(query, {}, "shop.copy")
    assert "clustering" not in fake.sent_jobs("query")[-1]["query"]


# --- options, credentials, the extra ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dataset": "a b"}, "dataset: expected DATASET or PROJECT.DATASET, got 'a b'"),
        ({"dataset": "p.d.t"}, "dataset: expected DATASET or PROJECT.DATASET, got 'p.d.t'"),
        ({"maximum_bytes_billed": 0}, "maximum_bytes_billed: expected an integer >= 1, got 0"),
        ({"labels": {"Team": "x"}}, "got 'Team'"),
        ({"labels": {"query": "x"}}, "other than tool and query, got 'query'"),
        ({"labels": {"team": "A"}}, "labels: team: expected at most 63 of a-z, 0-9, _ and -"),
        ({"labels": {"team": "a" * 64}}, "labels: team: expected at most 63"),
        ({"labels": {f"k{n}": "" for n in range(63)}}, "labels: expected at most 62, got 63"),
    ],
)
def test_options_that_bigquery_would_refuse_are_refused_at_once(
    given: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        BigQueryOptions(**given)
    assert message in str(caught.value)


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "google.cloud", None)
    error = refusal(BigQuery)
    assert str(error) == (
        "bigquery: expected the extra [bigquery] to be installed, got no such package"
    )
    assert error.hint is not None and ".[bigquery]" in error.hint


@pytest.mark.parametrize("kind", ["DefaultCredentialsError", "OSError"])
def test_missing_credentials_are_one_line_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def find(*args: Any, **more: Any) -> Any:
        raise getattr(google.auth.exceptions, kind)(f"File {SECRET}.json was not found.")

    monkeypatch.setattr(google.auth, "default", find)
    error = refusal(BigQuery)
    assert str(error) == (
        "bigquery: credentials: expected Application Default Credentials that work, " f"got {kind}"
    )
    assert error.hint is not None and "gcloud auth application-default login" in error.hint


def test_credentials_without_a_project_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.auth, "default", lambda *args, **more: (Credentials(), None))
    for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    assert str(refusal(BigQuery)).startswith("bigquery: project: expected one")


class StaleCredentials(Credentials):
    """Such as those whose server of tokens answers with what it was sent."""

    def before_request(self, *args: Any) -> None:
        raise google.auth.exceptions.RefreshError("invalid_grant", {"refresh_token": SECRET})


def test_no_credentials_reach_messages_or_statistics(fake: FakeBigQuery) -> None:
    shown: list[str] = []

    def note(work: Callable[[], object]) -> None:
        error = refusal(work)
        shown.extend([str(error), str(error.hint), *traceback.format_exception(error)])

    stale = BigQuery(BigQueryOptions(dataset="scratch"), fake.client(StaleCredentials()))
    note(lambda: stale.attach("events", [USER], "shop.events"))
    note(lambda: stale.load("events", [USER], []))
    with BigQuery(BigQueryOptions(dataset="scratch"), fake.client()) as engine:
        users_table(fake, engine)
        result = engine.run(COPY_USERS, {})
        shown.append(json.dumps(dict(result.statistics)))
        for code, reason in ((400, "invalid"), (401, "authError"), (403, "accessDenied")):
            fault = Fault(code, reason, "no")

            def refuse(request: object) -> None:
                raise fault

            fake.before = refuse
            note(lambda: engine.attach("events", [USER], "shop.events"))
            note(lambda: engine.run(COPY_USERS, {}))
            note(lambda: engine.estimate(COPY_USERS, {}))
            note(lambda: engine.load("events", [USER], [part(user_id=["u"])]))
        fake.before = lambda request: None
    assert len(shown) > 40
    assert not any(SECRET in text or "Bearer" in text or "https:" in text for text in shown)


def test_what_the_library_has_tried_in_vain_is_named(fake: FakeBigQuery, engine: BigQuery) -> None:
    def cut(request: object) -> None:
        cause = requests.exceptions.ConnectionError(SECRET)
        raise google.api_core.exceptions.RetryError("Timeout of 600.0s exceeded", cause)

    fake.before = cut
    assert str(refusal(lambda: engine.attach("events", [USER], "shop.events"))) == (
        "shop.events: expected what BigQuery takes, got 'ConnectionError'"
    )
    fake.before = lambda request: None


def test_a_defect_of_ours_keeps_its_traceback(fake: FakeBigQuery, engine: BigQuery) -> None:
    def fail(request: object) -> None:
        raise ZeroDivisionError

    fake.before = fail
    with pytest.raises(ZeroDivisionError):
        engine.attach("events", [USER], "shop.events")
    fake.before = lambda request: None

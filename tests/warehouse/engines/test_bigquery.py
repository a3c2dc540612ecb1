"""The BigQuery engine: what it sends, what it makes of the answers, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlcore.warehouse.engines import BigQuery, BigQueryOptions
from mlcore.warehouse.engines.bigquery_client import import_bigquery
from mlcore.warehouse.query import Column, bundled_query, parse_query
from tests.warehouse.engines.bigquery_cases import (
    COPY_USERS,
    GIVEN,
    IDS,
    ITEM,
    SQL,
    USER,
    copy_of,
    part,
    refusal,
    rows_of,
    users_table,
)
from tests.warehouse.fake_bigquery import FakeBigQuery, Field


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


def test_a_table_that_is_not_there_is_one_line(engine: BigQuery) -> None:
    assert str(refusal(lambda: engine.attach("events", [USER], "shop.none"))) == (
        "shop.none: expected what BigQuery takes, "
        "got 'Not found: Table test-project:shop.none was not found in location EU'"
    )


def test_a_run_begins_with_a_dry_run_of_the_same_text(fake: FakeBigQuery, engine: BigQuery) -> None:
    users_table(fake, engine)
    engine.run(COPY_USERS, {})
    dry, real = fake.sent_jobs("query")
    assert dry["dryRun"] and "dryRun" not in real
    assert dry["query"]["query"] == real["query"]["query"]


def test_what_the_dry_run_finds_beside_the_tables_of_the_header_is_refused(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    users_table(fake, engine)
    fake.also_reads = {"is_read": ["test-project.shop.other"]}
    text = COPY_USERS.text.replace("SELECT", "SELECT -- is_read\n", 1)
    said = str(refusal(lambda: engine.run(replace(COPY_USERS, text=text), {})))
    assert said.endswith("of the header and nothing else, got 'test-project.shop.other'")
    assert all(job.get("dryRun") for job in fake.sent_jobs("query"))


def test_what_a_view_reads_is_not_more_than_the_view(fake: FakeBigQuery, engine: BigQuery) -> None:
    users_table(fake, engine)
    (view,) = (name for name in fake.tables)
    fake.also_reads = {view: ["test-project.shop.other"]}
    assert len(rows_of(engine, COPY_USERS)) == 7


def test_a_script_is_refused_before_it_runs(fake: FakeBigQuery, engine: BigQuery) -> None:
    users_table(fake, engine)
    fake.statement_type = "SCRIPT"
    said = str(refusal(lambda: engine.run(COPY_USERS, {})))
    assert said.endswith("reads: expected tables of the header and nothing else, got SCRIPT")


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


def test_a_missing_value_where_none_may_be_is_not_stored(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    fake.add("shop.copy", IDS, [("old", "i")])
    fake.add("shop.events", IDS, [("u", "i"), ("v", None)])
    query = copy_of("user_id STRING, item_id STRING NULL")
    engine.attach("events", query.reads["events"], "shop.events")
    strict = replace(query, writes=COPY_USERS.writes)
    error = refusal(lambda: engine.store(strict, {}, "shop.copy"))
    assert str(error).endswith("got 'rows: item_id: expected a value, got NULL'")
    assert fake.tables["test-project.shop.copy"].rows == [("old", "i")]
    assert engine.store(query, {}, "shop.copy")[0] == 2
    assert sorted(fake.tables["test-project.shop.copy"].rows) == [("u", "i"), ("v", None)]


def test_a_result_without_an_order_is_not_clustered(fake: FakeBigQuery, engine: BigQuery) -> None:
    fake.add("shop.events", IDS, [("u", "i")])
    query = replace(COPY_USERS, order=())
    engine.attach("events", query.reads["events"], "shop.events")
    engine.store(query, {}, "shop.copy")
    assert "clustering" not in fake.sent_jobs("query")[-1]["query"]


def test_rows_are_appended_to_a_table_or_make_it(fake: FakeBigQuery, engine: BigQuery) -> None:
    users_table(fake, engine, 3)
    for written in (1, 2):
        assert engine.store(COPY_USERS, {}, "shop.copy", append=True)[0] == 3
        assert len(fake.tables["test-project.shop.copy"].rows) == 3 * written
    assert engine.store(COPY_USERS, {}, "shop.copy")[0] == 3
    assert len(fake.tables["test-project.shop.copy"].rows) == 3
    error = refusal(lambda: engine.store(COPY_USERS, {}, "shop.copy", partition="user_id"))
    assert str(error).startswith("shop.copy: partition: expected none")

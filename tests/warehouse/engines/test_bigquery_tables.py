"""Files as tables of BigQuery: loaded without loss, deleted at the end."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from mlcore.files.database import import_duckdb
from mlcore.warehouse.engines import BigQuery, BigQueryOptions
from mlcore.warehouse.engines.base import Rows
from tests.warehouse.engines.bigquery_cases import (
    COPY_USERS,
    IDS,
    ITEM,
    TIME,
    USER,
    WEIGHT,
    copy_of,
    part,
    refusal,
    rows_of,
)
from tests.warehouse.fake_bigquery import FakeBigQuery


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

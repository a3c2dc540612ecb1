"""Columns of Parquet and of tables: the same values on every engine, or the same refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlcore.errors import DataError
from mlcore.warehouse.engines import BigQuery, BigQueryOptions, DuckDb, Spark, SparkOptions
from mlcore.warehouse.engines.base import Engine
from mlcore.warehouse.query import parse_query
from mlcore.warehouse.tables import provide_table
from tests.warehouse.sql_cases import result_rows

QUERY = parse_query(
    Path("q.sql"),
    b"-- q: all.\n-- reads: t(user_id STRING, weight FLOAT64 = 2, timestamp INT64 NULL)\n"
    b"-- writes: o(user_id STRING, weight FLOAT64, timestamp INT64 NULL)\n-- order: user_id\n"
    b"SELECT user_id, weight, timestamp FROM t\n",
)
Give = Callable[[Path], None]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    from tests.warehouse.spark_cluster import QUICK_JAVA

    folder = str(tmp_path_factory.mktemp("warehouse"))
    conf = {**QUICK_JAVA, "spark.sql.warehouse.dir": folder, "spark.sql.shuffle.partitions": "2"}
    with Spark(SparkOptions("local[1]", conf)) as opened:
        yield opened


@pytest.fixture(
    params=[
        "duckdb",
        pytest.param("spark", marks=pytest.mark.spark),
        pytest.param("spark table", marks=pytest.mark.spark),
        pytest.param("bigquery", marks=pytest.mark.bigquery),
    ]
)
def reader(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Give]]:
    """An engine, and what gives it a Parquet file as its table t."""
    columns = QUERY.reads["t"]
    if request.param == "duckdb":
        with DuckDb() as engine:
            yield engine, lambda path: engine.attach_parquet("t", columns, str(path))
    elif request.param == "bigquery":
        fake = request.getfixturevalue("fake")
        with BigQuery(BigQueryOptions(dataset="scratch"), fake.client()) as warehouse:
            yield warehouse, lambda path: warehouse.attach_parquet("t", columns, str(path))
    else:
        of_java: Spark = request.getfixturevalue("spark")

        def store(path: Path) -> None:
            session: Any = of_java.session
            session.read.parquet(str(path)).write.mode("overwrite").saveAsTable("stored")
            of_java.attach("t", columns, "stored")

        is_table = request.param == "spark table"
        yield of_java, (
            store if is_table else (lambda path: of_java.attach_parquet("t", columns, str(path)))
        )


def write(path: Path, select: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {select}) TO '{path}' (FORMAT parquet)")
    return path


def second(text: str) -> int:
    """Return the second since 1970 that a time of RFC 3339 lies in."""
    return int(datetime.fromisoformat(text).timestamp() // 1)


@pytest.mark.parametrize(
    ("select", "weight", "time"),
    [
        ("1700000000::BIGINT AS timestamp", 2.0, 1_700_000_000),
        ("1700000000::INTEGER AS timestamp", 2.0, 1_700_000_000),
        ("NULL::BIGINT AS timestamp", 2.0, None),
        (
            "TIMESTAMPTZ '2026-03-01 09:00:00+01' AS timestamp",
            2.0,
            second("2026-03-01T09:00:00+01:00"),
        ),
        (
            "TIMESTAMPTZ '2026-03-01 08:00:00.999999+00' AS timestamp",
            2.0,
            second("2026-03-01T08:00:00.999999Z"),
        ),
        (
            "TIMESTAMPTZ '1960-02-29 23:59:59.5+00' AS timestamp",
            2.0,
            second("1960-02-29T23:59:59.5Z"),
        ),
        ("NULL::TIMESTAMPTZ AS timestamp", 2.0, None),
        ("0.1::DECIMAL(9, 2) AS weight", 0.1, None),
        ("0.1::FLOAT AS weight", 0.10000000149011612, None),
        ("3::SMALLINT AS weight", 3.0, None),
    ],
)
def test_a_value_is_the_same_on_every_engine(
    select: str, weight: float, time: int | None, reader: tuple[Engine, Give], tmp_path: Path
) -> None:
    engine, give = reader
    give(write(tmp_path / "t.parquet", f"'u' AS user_id, {select}"))
    assert result_rows(engine, QUERY, {}) == [("u", weight, time)]


@pytest.mark.parametrize(
    ("select", "message", "hint"),
    [
        (
            "'u' AS user_id, TIMESTAMP '2026-03-01 09:00:00' AS timestamp",
            "timestamp: expected INT64 or a time with a zone, got ",
            "does not say which moment it is",
        ),
        (
            "'u' AS user_id, DATE '2026-03-01' AS timestamp",
            "timestamp: expected INT64 or a time with a zone, got ",
            "does not say which moment it is",
        ),
        (
            "'u' AS user_id, 5::DECIMAL(18, 0) AS timestamp",
            "timestamp: expected INT64 or a time with a zone, got ",
            "cut the decimals",
        ),
        (
            "'u' AS user_id, 5::DOUBLE AS timestamp",
            "timestamp: expected INT64 or a time with a zone, got ",
            "cut the decimals",
        ),
        (
            "'u' AS user_id, '2026-03-01T08:00:00Z' AS timestamp",
            "timestamp: expected INT64 or a time with a zone, got ",
            "a view that converts the column",
        ),
        ("7::BIGINT AS user_id", "user_id: expected STRING, got ", "ids are strings"),
        ("'u' AS user_id, '2' AS weight", "weight: expected FLOAT64, got ", None),
    ],
)
def test_a_type_is_refused_alike_before_the_query_runs(
    select: str, message: str, hint: str | None, reader: tuple[Engine, Give], tmp_path: Path
) -> None:
    _, give = reader
    path = write(tmp_path / "t.parquet", select)
    with pytest.raises(DataError) as caught:
        give(path)
    assert message in str(caught.value)
    assert (hint or "") in (caught.value.hint or "") and (caught.value.hint is None) == (not hint)


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("'u' AS user_id, -1::DOUBLE AS weight", "weight: expected finite numbers above 0"),
        ("'u' AS user_id, 'nan'::DOUBLE AS weight", "weight: expected finite numbers above 0"),
        ("'u' AS user_id, 'inf'::DOUBLE AS weight", "weight: expected finite numbers above 0"),
        ("'u' AS user_id, NULL::DOUBLE AS weight", "weight: expected "),
        ("'' AS user_id", "user_id: expected ids of at least one character"),
        ("NULL::VARCHAR AS user_id", "user_id: expected "),
    ],
)
def test_a_value_that_breaks_its_rule_stops_the_query(
    select: str, message: str, reader: tuple[Engine, Give], tmp_path: Path
) -> None:
    engine, give = reader
    path = write(tmp_path / "t.parquet", select)
    with pytest.raises(DataError) as caught:
        give(path)
        result_rows(engine, QUERY, {})
    assert message in str(caught.value)


@pytest.mark.parametrize("time", ["5::BIGINT", "TIMESTAMPTZ '2026-03-01 09:00:00+01'"])
def test_no_rows_are_a_table_without_rows(
    time: str, reader: tuple[Engine, Give], tmp_path: Path
) -> None:
    engine, give = reader
    give(write(tmp_path / "t.parquet", f"'u' AS user_id, {time} AS timestamp WHERE false"))
    assert result_rows(engine, QUERY, {}) == []


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.spark)])
def local(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine that reads folders of this machine."""
    if request.param == "spark":
        yield request.getfixturevalue("spark")
        return
    with DuckDb() as engine:
        yield engine


def partitioned(folder: Path, column: str, values: Sequence[str], select: str) -> Path:
    for value in values:
        (folder / f"{column}={value}").mkdir(parents=True)
        write(folder / f"{column}={value}" / "part-0.parquet", select)
    return folder


@pytest.mark.parametrize("as_uri", [False, True])
@pytest.mark.parametrize("is_pattern", [False, True])
def test_the_names_of_partitions_are_a_column_or_are_passed_over(
    as_uri: bool, is_pattern: bool, local: Engine, tmp_path: Path
) -> None:
    days = partitioned(
        tmp_path / "x=1" / "days", "date", ["2026-01-02", "2026-01-01"], "'u' AS user_id"
    )
    users = partitioned(
        tmp_path / "users", "user_id", ["007", "7", "a%2Fb"], "4.5::DOUBLE AS weight"
    )
    for folder, expected in (
        (days, [("u", 2.0, None)] * 2),
        (users, [("007", 4.5, None), ("7", 4.5, None), ("a/b", 4.5, None)]),
    ):
        place = f"{'file://' if as_uri else ''}{folder}{'/*/*.parquet' if is_pattern else ''}"
        provide_table(local, "t", QUERY.reads["t"], place)
        assert result_rows(local, QUERY, {}) == expected


def test_numbers_in_the_names_of_partitions_are_read_by_the_type_of_their_column(
    local: Engine, tmp_path: Path
) -> None:
    folder = partitioned(tmp_path / "times", "timestamp", ["5", "-7"], "'u' AS user_id")
    provide_table(local, "t", QUERY.reads["t"], folder)
    assert sorted(result_rows(local, QUERY, {})) == [("u", 2.0, -7), ("u", 2.0, 5)]


def test_parts_of_different_partitions_are_refused(local: Engine, tmp_path: Path) -> None:
    folder = partitioned(tmp_path / "days", "date", ["2026-01-01"], "'u' AS user_id")
    write(folder / "part-0.parquet", "'u' AS user_id")
    with pytest.raises(DataError, match="expected folders date=... around all parts"):
        provide_table(local, "t", QUERY.reads["t"], folder)


@pytest.mark.spark
def test_spark_finds_the_names_of_partitions_at_an_address(spark: Spark, tmp_path: Path) -> None:
    users = partitioned(tmp_path / "users", "user_id", ["007"], "4.5::DOUBLE AS weight")
    plain = write(tmp_path / "plain.parquet", "'u' AS user_id")
    for folder, expected in ((users, ("007", 4.5, None)), (plain, ("u", 2.0, None))):
        spark.attach_parquet("t", QUERY.reads["t"], folder.as_uri())
        assert result_rows(spark, QUERY, {}) == [expected]


@pytest.mark.parametrize("name", ["s3://bucket/events/", "gs://bucket/*.parquet", "hdfs://h/e"])
def test_duckdb_refuses_what_is_not_of_this_machine(name: str) -> None:
    with DuckDb() as engine, pytest.raises(DataError, match="expected a path of this machine"):
        provide_table(engine, "t", QUERY.reads["t"], name)


@pytest.mark.bigquery
def test_bigquery_loads_the_parts_of_a_folder_of_cloud_storage(fake: Any, tmp_path: Path) -> None:
    uri = "gs://bucket/events/*.parquet"
    fake.objects[uri] = write(tmp_path / "t.parquet", "'u' AS user_id").read_bytes()
    with BigQuery(BigQueryOptions(dataset="scratch"), fake.client()) as engine:
        for place in ("gs://bucket/events", "gs://bucket/events/", uri):
            provide_table(engine, "t", QUERY.reads["t"], place)
            assert result_rows(engine, QUERY, {}) == [("u", 2.0, None)]

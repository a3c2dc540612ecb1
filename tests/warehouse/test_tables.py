"""Sources of tables: what mlcore reads, and what it leaves to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from mlcore.errors import DataError
from mlcore.files.options import Format, InputOptions
from mlcore.warehouse.engines import DuckDb
from mlcore.warehouse.query import Column, parse_query
from mlcore.warehouse.tables import check_readable, is_file, provide_table

COLUMNS = (Column("user_id", "STRING"), Column("weight", "FLOAT64", default=2.0))
QUERY = parse_query(
    Path("q.sql"),
    b"-- q: all.\n-- reads: t(user_id STRING, weight FLOAT64 = 2)\n"
    b"-- writes: o(user_id STRING, weight FLOAT64)\n-- order: user_id\n"
    b"SELECT user_id, weight FROM t\n",
)


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDb]:
    with DuckDb() as opened:
        yield opened


@pytest.mark.parametrize(
    ("place", "format", "expected"),
    [
        ("-", None, True),
        ("events.csv.gz", None, True),
        ("events.parquet", None, True),
        ("gs://bucket/events.csv", None, False),
        ("shop.events", None, False),
        ("shop.events", "csv", False),
        ("here", None, False),
        ("here", "csv", True),
    ],
)
def test_a_file_is_known_by_its_name_or_by_its_format_where_it_is(
    place: str,
    format: Format | None,
    expected: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").touch()
    assert is_file(place, format) == expected


def test_a_file_is_opened_to_see_that_it_can_be_read(tmp_path: Path) -> None:
    for place in ("gs://bucket/none.csv", "none-*.parquet"):
        check_readable(place)
    with pytest.raises(DataError, match="none.csv: expected a readable file"):
        check_readable(tmp_path / "none.csv")


def test_a_table_is_provided_with_its_defaults(engine: DuckDb, tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text("user_id\nv\nu\n")
    assert provide_table(engine, "t", COLUMNS, path, InputOptions(format="csv")) == 2
    (part,) = engine.run(QUERY, {}).parts
    assert part["user_id"].tolist() == ["u", "v"] and part["weight"].tolist() == [2.0, 2.0]


def test_what_is_there_but_has_no_format_is_no_table(engine: DuckDb, tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    path.touch()
    with pytest.raises(DataError, match="expected a name that ends in .csv, .jsonl or .parquet"):
        provide_table(engine, "t", COLUMNS, path)


def test_a_folder_of_parquet_parts_is_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    for part in range(2):
        sql = f"SELECT 'u{part}' AS user_id, 1.5::DOUBLE AS weight"
        duckdb.execute(f"COPY ({sql}) TO '{folder}/part-{part}.snappy.parquet'")
    for name in ("_SUCCESS", ".crc", "part-2.snappy.parquet"):
        (folder / name).touch()
    assert is_file(folder)
    with DuckDb() as engine:
        for place in (folder, folder / "part-[01]*"):
            assert provide_table(engine, "t", COLUMNS, place) is None
            (rows,) = engine.run(QUERY, {}).parts
            assert rows["user_id"].tolist() == ["u0", "u1"]


def test_files_for_engines_are_read_by_the_input_options(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("ann\t3\n", "latin-1")
    options = InputOptions(field_names=("user_id", "weight"), encoding="latin-1")
    with DuckDb() as engine:
        assert provide_table(engine, "t", COLUMNS, path, options) == 1
        (part,) = engine.run(QUERY, {}).parts
        assert part["weight"].tolist() == [3.0]


@pytest.mark.parametrize("id_", ["uuid()", "'a'::ENUM ('a')"])
def test_ids_of_parquet_may_be_of_any_type_of_text(id_: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.execute(f"COPY (SELECT {id_} AS user_id, 1.5::DOUBLE AS weight) TO '{path}'")
    with DuckDb() as engine:
        provide_table(engine, "t", COLUMNS, path)
        (part,) = engine.run(QUERY, {}).parts
        assert len(part["user_id"]) == 1


TIMED = parse_query(
    Path("q.sql"),
    b"-- q: all.\n-- reads: t(user_id STRING, weight FLOAT64 = 2, timestamp INT64 NULL)\n"
    b"-- writes: o(user_id STRING, weight FLOAT64, timestamp INT64 NULL)\n-- order: user_id\n"
    b"SELECT user_id, weight, timestamp FROM t\n",
)


@pytest.mark.filterwarnings("ignore:.*read 1 part")
@pytest.mark.parametrize("in_folder", [False, True])
@pytest.mark.parametrize(
    ("time", "options"),
    [
        ("1772352000", InputOptions()),
        ("1772352000000::BIGINT", InputOptions(timestamp_unit="ms")),
        ("TIMESTAMPTZ '2026-03-01 08:00:00+00'", InputOptions()),
        ("TIMESTAMPTZ '2026-03-01 08:00:00.999999+00'", InputOptions()),
        ("TIMESTAMP '2026-03-01 08:00:00.9'", InputOptions(timezone="UTC")),
        ("'2026-03-01T08:00:00Z'", InputOptions()),
        ("TIMESTAMP '2026-03-01 09:00:00'", InputOptions(timezone="Europe/Berlin")),
        ("TIMESTAMP_MS '2026-03-01 08:00:00'", InputOptions(timezone="UTC")),
        ("DATE '2026-03-01'", InputOptions(timezone="-08:00")),
        ("NULL::TIMESTAMPTZ", InputOptions()),
    ],
)
def test_times_of_parquet_are_those_that_a_file_has(
    time: str, options: InputOptions, in_folder: bool, tmp_path: Path
) -> None:
    path = tmp_path / ("part.parquet" if in_folder else "a.parquet")
    row = f"SELECT 'u' AS user_id, 1.5::DECIMAL(9, 2)::DOUBLE AS weight, {time} AS timestamp"
    duckdb.execute(f"COPY ({row}) TO '{path}'")
    with DuckDb() as engine:
        provide_table(engine, "t", TIMED.reads["t"], tmp_path if in_folder else path, options)
        (part,) = engine.run(TIMED, {}).parts
    assert part["weight"].tolist() == [1.5]
    assert part["timestamp"].tolist() == [None if "NULL" in time else 1_772_352_000]


@pytest.mark.parametrize(
    ("time", "message", "hint"),
    [
        ("TIMESTAMP '2026-03-01 09:00:00'", "with a time zone, got TIMESTAMP$", "--timezone UTC"),
        ("DATE '2026-03-01'", "with a time zone, got DATE$", "--timezone UTC"),
        ("1.5", "timestamp: expected integer seconds, .*, got DECIMAL", None),
    ],
)
def test_times_of_parquet_are_refused_as_in_a_file(
    time: str, message: str, hint: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    duckdb.execute(f"COPY (SELECT 'u' AS user_id, {time} AS timestamp) TO '{path}'")
    with DuckDb() as engine, pytest.raises(DataError, match=message) as caught:
        provide_table(engine, "t", TIMED.reads["t"], path)
    assert (hint or "") in (caught.value.hint or "")

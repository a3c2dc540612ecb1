"""Sources of tables: what mlcore reads, and what it leaves to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.files.options import Format
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
    assert provide_table(engine, "t", COLUMNS, path, "csv") == 2
    (part,) = engine.run(QUERY, {}).parts
    assert part["user_id"].tolist() == ["u", "v"] and part["weight"].tolist() == [2.0, 2.0]


def test_what_is_there_but_has_no_format_is_no_table(engine: DuckDb, tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    path.touch()
    with pytest.raises(DataError, match="expected a name that ends in .csv, .jsonl or .parquet"):
        provide_table(engine, "t", COLUMNS, path)

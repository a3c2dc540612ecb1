"""Interactions from Parquet: typed columns, the rules and the words of the other readers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mlcore.errors import DataError, MlcoreError
from mlcore.files.database import Database
from mlcore.files.interactions import read_events, read_interactions
from mlcore.files.options import ColumnNames, InputOptions
from mlcore.files.parquet import has_integers_or_moments
from mlcore.files.parts import is_parquet
from tests.cli.test_bad_input import DECIMALS, NO_ROW, NO_TIME, OTHER_TIMES
from tests.cli.cases import run
from tests.files.samples import (
    CSV,
    NASTY_IDS,
    SAME,
    SECOND,
)
from tests.files.samples import content_of as content_of_interactions
from tests.files.samples import save
from tests.files.test_duckdb_input import content_of

COLUMNS = "user_id, item_id, weight, timestamp"
ROWS = "('bob', 'tea', 4, 300), ('ann', 'tea', 1, 100), ('ann', 'milk', 2.5, 50)"
VALUES = f"SELECT * FROM (VALUES {ROWS}) t({COLUMNS})"


def write(folder: Path, query: str, name: str = "a.parquet") -> Path:
    path = folder / name
    with Database(threads=1) as database:
        database.rows(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def one_row(**columns: str) -> str:
    """A query for one row, of SQL for each column."""
    given = {"user_id": "'ann'", "item_id": "'tea'"} | columns
    return "SELECT " + ", ".join(f"{sql} AS {name}" for name, sql in given.items())


def test_parquet_gives_what_the_same_csv_gives(tmp_path: Path) -> None:
    path = write(tmp_path, VALUES)
    interactions = read_interactions(path)
    assert content_of_interactions(interactions) == SAME
    assert interactions.sha256() == read_interactions(save(tmp_path, "a.csv", CSV)).sha256()


@pytest.mark.parametrize(
    "type_", ["TINYINT", "UINTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL(9,2)"]
)
def test_weights_are_numbers_of_any_type(type_: str, tmp_path: Path) -> None:
    path = write(tmp_path, one_row(weight=f"CAST(3 AS {type_})"))
    assert read_events(path).weights.tolist() == [3.0]


def test_a_weight_of_32_bits_keeps_its_value(tmp_path: Path) -> None:
    # 0.1 in float32 is 13421773 / 2^27, not the float64 nearest to 0.1.
    path = write(tmp_path, one_row(weight="CAST(0.1 AS FLOAT)"))
    assert read_events(path).weights.tolist() == [13421773 / 2**27]


@pytest.mark.parametrize(
    ("sql", "microseconds"),
    [
        ("CAST(-7 AS INTEGER)", -7 * SECOND),
        ("253402300799", 253_402_300_799 * SECOND),
        ("'2023-11-15T03:43:20.25+05:30'", 1_700_000_000_250_000),
        ("TIMESTAMPTZ '2023-11-14 22:13:20.000001+00'", 1_700_000_000_000_001),
        ("TIMESTAMPTZ '2023-11-14 14:13:20-08'", 1_700_000_000_000_000),
        ("TIMESTAMPTZ_NS '2023-11-14 22:13:20.000001999+00'", 1_700_000_000_000_001),
        ("TIMESTAMPTZ_NS '1969-12-31 23:59:59.999999999+00'", -1),
    ],
)
def test_timestamps_are_seconds_texts_or_have_a_time_zone(
    sql: str, microseconds: int, tmp_path: Path
) -> None:
    times = read_events(write(tmp_path, one_row(timestamp=sql))).timestamps
    assert times is not None and times.tolist() == [microseconds]


def test_without_weights_and_timestamps_weights_are_1(tmp_path: Path) -> None:
    events = read_events(write(tmp_path, one_row(more="[1, 2]")))
    assert events.weights.tolist() == [1.0] and events.timestamps is None


def test_ids_stay_what_they_are_in_the_order_of_bytes(tmp_path: Path) -> None:
    values = ", ".join("('{0}', '{0}')".format(id_.replace("'", "''")) for id_ in NASTY_IDS)
    path = write(tmp_path, f"SELECT * FROM (VALUES {values}) t(user_id, item_id)")
    events = read_events(path)
    assert events.user_ids == events.item_ids == sorted(NASTY_IDS, key=str.encode)
    assert sorted(events.users.tolist()) == list(range(len(NASTY_IDS)))
    assert (events.users == events.items).all()


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    # Swapped, so that whoever mixes up the file's names and ours is found out.
    path = write(tmp_path, "SELECT 'a' AS user_id, '1' AS item_id, 100 AS weight, 0.5 AS time")
    events = read_events(
        path, input_options=InputOptions(ColumnNames("item_id", "user_id", "time", "weight"))
    )
    assert events.timestamps is not None
    assert (events.user_ids, events.item_ids) == (["1"], ["a"])
    assert (events.weights.tolist(), events.timestamps.tolist()) == ([0.5], [100 * SECOND])


def test_row_order_and_slices_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = content_of(read_events(write(tmp_path, VALUES)))
    monkeypatch.setattr("mlcore.files.duckdb_input._ROWS_PER_FETCH", 2)
    for path in (write(tmp_path, VALUES), write(tmp_path, f"{VALUES} ORDER BY weight")):
        assert content_of(read_events(path, threads=2)) == found


@pytest.mark.parametrize("names", [{"weight": "ratng"}, {"timestamp": "when"}, {"item": "what"}])
def test_a_column_that_is_named_must_be_there(names: dict[str, str], tmp_path: Path) -> None:
    (name,) = names.values()
    path = write(tmp_path, VALUES)
    with pytest.raises(DataError) as caught:
        read_events(path, input_options=InputOptions(ColumnNames(**names)))
    there = "'user_id', 'item_id', 'weight', 'timestamp'"
    assert str(caught.value) == f"{path}: {name}: expected a column of this name, got {there}"


IDS = "expected an id of at least one character, got an empty one"
WEIGHT, TIME = "expected a finite number above 0", "expected integer seconds or an RFC 3339 time"
TIME_TYPES = "expected integer seconds, RFC 3339 or timestamps with a time zone"
STRINGS = (
    "ids are strings: as numbers, 007 and 7 would be one; "
    "write the column as text, as CAST(... AS VARCHAR) gives it"
)
ZONE = "a time without a zone does not say which moment it is; --timezone UTC, or another, says it"
USER = "--user-column names another"
UNIT = "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds?"
MILLISECONDS = f"{UNIT} --timestamp-unit ms reads milliseconds"

CAST = "CAST(... AS DOUBLE) makes numbers"
FAULTS: dict[str, tuple[str, str, str | None]] = {
    "integer ids": (one_row(item_id="7"), "item_id: expected strings, got INTEGER", STRINGS),
    "binary ids": (one_row(user_id="'a'::BLOB"), "user_id: expected strings, got BLOB", STRINGS),
    "no such column": (
        "SELECT 1 AS user, '1' AS item_id",
        "user_id: expected a column of this name, got 'user', 'item_id'",
        USER,
    ),
    "a name in capitals": (
        "SELECT '1' AS USER_ID, '1' AS item_id",
        "user_id: expected a column of this name, got 'USER_ID', 'item_id'",
        f"{USER}, such as 'USER_ID'",
    ),
    "weights as text": (one_row(weight="'1'"), "weight: expected numbers, got VARCHAR", CAST),
    "weights that are true": (one_row(weight="true"), "weight: expected numbers, got BOOLEAN", CAST),
    "times without a zone": (
        one_row(timestamp="TIMESTAMP '2024-01-01'"), f"timestamp: {TIME_TYPES}, got TIMESTAMP", ZONE,
    ),
    "fractions as times": (one_row(timestamp="1.5::DOUBLE"), f"timestamp: {TIME_TYPES}, got DOUBLE", DECIMALS),
    "no rows": (one_row() + " LIMIT 0", "expected rows, got none", None),
    "an empty id": (one_row(user_id="''"), f"row 1: user_id: {IDS}", None),
    "no id": (one_row(item_id="NULL::VARCHAR"), "row 1: item_id: expected a string, got null", None),
    "a line break in an id": (
        one_row(item_id="'a' || chr(10)"),
        "row 1: item_id: expected no NUL and no line break, got 'a\\n'",
        None,
    ),
    "a NUL in an id": (
        one_row(item_id="'a' || chr(0)"),
        "row 1: item_id: expected no NUL and no line break, got 'a\\x00'",
        None,
    ),
    "an id too long": (
        one_row(item_id="repeat('x', 65536)"),
        "row 1: item_id: expected at most 65535 bytes, got 65536",
        None,
    ),
    "no weight": (one_row(weight="NULL::DOUBLE"), f"row 1: weight: {WEIGHT}, got null", NO_ROW),
    "weight 0": (one_row(weight="0::DECIMAL(9,2)"), f"row 1: weight: {WEIGHT}, got 0.0", NO_ROW),
    "weight NaN": (one_row(weight="'nan'::FLOAT"), f"row 1: weight: {WEIGHT}, got NaN", NO_ROW),
    "weight infinite": (one_row(weight="'inf'::DOUBLE"), f"row 1: weight: {WEIGHT}, got Infinity", None),
    "no time": (one_row(timestamp="NULL::BIGINT"), f"row 1: timestamp: {TIME}, got null", NO_TIME),
    "milliseconds": (
        one_row(timestamp="1600000000000"), f"row 1: timestamp: {TIME}, got 1600000000000", MILLISECONDS,
    ),
    "time as other text": (one_row(timestamp="'soon'"), f"row 1: timestamp: {TIME}, got 'soon'", OTHER_TIMES),
    "the first fault of several": (
        "SELECT * FROM (VALUES ('a', 'b', 1.5), ('a', 'c', 2), ('a', '', -3), ('', '', -4)) "
        "t(user_id, item_id, weight)",
        f"row 3: item_id: {IDS}",
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_row_and_column(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, message, hint = FAULTS[name]
    write(tmp_path, query)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        read_events("a.parquet")
    assert (str(caught.value), caught.value.hint) == (f"a.parquet: {message}", hint)


@pytest.mark.parametrize("content", [b"", b"PAR1", CSV.encode(), b"PAR1" + b"\0" * 99 + b"PAR1"])
def test_another_format_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path, "a.parquet", content)
    with pytest.raises(DataError) as caught:
        read_events("a.parquet", input_options=InputOptions(format="csv"))
    assert str(caught.value) == (
        "a.parquet: expected a whole Parquet file, got a damaged one or another format"
    )


def test_a_missing_file_is_named_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        read_events("a.parquet")
    assert str(caught.value) == (
        "a.parquet: expected a readable file, got 'No such file or directory'"
    )


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    other = write(tmp_path, one_row(), "a1.parquet")
    path = write(tmp_path, VALUES).rename(tmp_path / "a[1].parquet")
    assert len(read_events(path).users) == 3 and len(read_events(other).users) == 1


def test_without_duckdb_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, VALUES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MlcoreError) as caught:
        read_events("a.parquet")
    assert str(caught.value) == (
        "a.parquet: duckdb: expected the extra [local] to be installed, got no such package"
    )
    assert caught.value.hint is not None and ".[local]" in caught.value.hint


def test_a_model_trained_on_parquet_is_that_of_the_csv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, VALUES)
    save(tmp_path, "a.csv", CSV)
    assert run("train --interactions a.parquet --out-dir from-parquet") == 0
    assert run("train --interactions a.csv --out-dir from-csv") == 0
    files = {path.name for path in (tmp_path / "from-csv").iterdir()} - {"provenance.json"}
    assert len(files) > 3
    for name in files:
        found = (tmp_path / "from-parquet" / name).read_bytes()
        assert found == (tmp_path / "from-csv" / name).read_bytes(), name


def test_parquet_is_known_by_its_name() -> None:
    names = ["a.parquet", "a.parquet.csv", "A.PARQUET", "parquet", "-", "b/.parquet"]
    assert [name for name in names if is_parquet(name)] == ["a.parquet", "A.PARQUET", "b/.parquet"]


def test_whether_a_column_has_integers_or_moments_is_seen_without_reading_it(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, one_row(a="7::UTINYINT", b="7.0", c="now()"))
    found = [has_integers_or_moments(path, name) for name in ("a", "b", "c", "d")]
    assert found == [(True, False), (False, False), (False, True), None]

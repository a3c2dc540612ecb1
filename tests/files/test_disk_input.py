"""mlcore.files.disk_input: the interactions of the readers in memory, bit for bit, whatever the file."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from mlcore import DataError, Interactions
from mlcore.errors import DataWarning
from mlcore.files import disk_input
from mlcore.files.disk_input import read_interactions_on_disk
from mlcore.files.interactions import read_events
from mlcore.files.options import ColumnNames, InputOptions
from mlcore.memory.arrays import arrays_in

pytestmark = pytest.mark.duckdb

LIMIT = 2**28


def rows(number: int, with_times: bool = True) -> list[str]:
    """Repeated rows, weights whose sum depends on their order, and ids whose order is that of bytes."""
    rng = random.Random(number)
    users = [*(f"u{n:03}" for n in range(40)), "ü", "U", "é", "😀", "a b"]
    lines = []
    for _ in range(number):
        line = f"{rng.choice(users)},i{rng.randrange(30)},{rng.choice([0.1, 0.2, 0.3, 1e16, 7])}"
        lines.append(f"{line},{rng.randrange(5)}" if with_times else line)
    return lines


def write(path: Path, lines: list[str], header: str = "user_id,item_id,weight,timestamp") -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


def assert_same(one: Interactions, other: Interactions) -> None:
    assert list(one.user_ids) == list(other.user_ids)
    assert list(one.item_ids) == list(other.item_ids)
    for a, b in (
        (one.user_items.indptr, other.user_items.indptr),
        (one.user_items.indices, other.user_items.indices),
        (one.user_items.data, other.user_items.data),
        (one.timestamps, other.timestamps),
    ):
        if b is None:
            assert a is None
            continue
        assert a is not None and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    assert (one.combined_by, one.has_repeats) == (other.combined_by, other.has_repeats)
    assert one.sha256() == other.sha256()


def read(
    path: Path, folder: Path, how: str = "sum", options: InputOptions = InputOptions()
) -> tuple[Interactions, int]:
    return read_interactions_on_disk(
        path, how, options, folder=str(folder), memory_limit=LIMIT, threads=2  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("how", ["sum", "max", "last", "count"])
@pytest.mark.parametrize("fetched", [disk_input._ROWS_PER_FETCH, 7])
def test_rows_become_the_interactions_of_the_other_readers(
    how: str, fetched: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_input, "_ROWS_PER_FETCH", fetched)
    path = write(tmp_path / "events.csv", rows(2000))
    with arrays_in(tmp_path):
        found, num_rows = read(path, tmp_path, how)
    assert num_rows == 2000
    assert_same(found, read_events(path).aggregate(how))  # type: ignore[arg-type]


def test_without_times_or_weights_it_is_the_same(tmp_path: Path) -> None:
    for header, lines in (
        ("user_id,item_id,weight", rows(300, with_times=False)),
        ("user_id,item_id", [line.rpartition(",")[0] for line in rows(300, with_times=False)]),
    ):
        path = write(tmp_path / "events.csv", lines, header)
        assert_same(read(path, tmp_path)[0], read_events(path).aggregate("sum"))


def test_what_duckdb_is_not_sure_of_the_standard_reader_reads(tmp_path: Path) -> None:
    """Quotes around line breaks, and times that only databases write without a zone."""
    lines = [f'"{line.replace(",", chr(34) + "," + chr(34))}"' for line in rows(50)]
    lines[3] = 'x,"a ""b"" c",2,2026-01-01T00:00:00+05:30'
    path = write(tmp_path / "events.csv", lines)
    assert_same(read(path, tmp_path)[0], read_events(path, reader="standard").aggregate("sum"))


def test_parts_jsonl_and_parquet_are_read(tmp_path: Path) -> None:
    import duckdb

    folder = tmp_path / "parts"
    folder.mkdir()
    for number in range(3):
        write(folder / f"{number}.csv", rows(100 + number))
    with pytest.warns(DataWarning, match="read 3 parts"):
        expected = read_events(folder).aggregate("sum")
    assert_same(read(folder, tmp_path)[0], expected)
    one = write(tmp_path / "one.csv", rows(500))
    select = f"SELECT * FROM read_csv('{one}', types = {{'user_id': 'VARCHAR'}})"
    duckdb.sql(f"COPY ({select}) TO '{tmp_path}/one.parquet'")
    duckdb.sql(f"COPY ({select}) TO '{tmp_path}/one.jsonl' (FORMAT json)")
    expected = read_events(one).aggregate("sum")
    for name in ("one.parquet", "one.jsonl"):
        assert_same(read(tmp_path / name, tmp_path)[0], expected)


def test_names_of_columns_and_units_of_time_are_those_of_the_options(tmp_path: Path) -> None:
    path = write(
        tmp_path / "events.csv", ["u,a,2,1700000000000", "u,b,1,1700000000001"], "who,what,w,at"
    )
    options = InputOptions(ColumnNames("who", "what", "w", "at"), timestamp_unit="ms")
    expected = read_events(path, input_options=options).aggregate("sum")
    assert_same(read(path, tmp_path, options=options)[0], expected)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["u,a,1,5", "u,b,0,5"], r"events.csv:3: weight: expected .* got '0'"),
        (["u,a,1,5", ",b,1,5"], r"events.csv:3: user_id: expected an id"),
        (["u,a,1e308,5", "u,a,1e308,5"], r"weight: user 'u', item 'a': expected a finite sum"),
        ([], r"expected at least one row|expected rows"),
    ],
)
def test_a_fault_has_the_message_of_the_other_readers(
    lines: list[str], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "events.csv", lines)
    with pytest.raises(DataError, match=message):
        read(path, tmp_path)
    with pytest.raises(DataError, match=message):
        read_events(path).aggregate("sum")


def test_dates_taken_for_seconds_are_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path / "events.csv", ["u,a,1,20260301", "u,b,1,20260302"])
    with pytest.warns(DataWarning, match="took dates such as 2026030"):
        read(path, tmp_path)


def test_too_little_memory_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    path = write(tmp_path / "events.csv", rows(200_000))
    with pytest.raises(DataError, match="expected enough memory to sort") as caught:
        read_interactions_on_disk(
            path, "sum", InputOptions(), folder=str(tmp_path), memory_limit=2**20, threads=2
        )
    assert caught.value.hint is not None and "a larger --memory-limit" in caught.value.hint


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "events.csv", rows(200))
    folder = tmp_path / "scratch"
    folder.mkdir()
    with arrays_in(folder):
        found, _ = read(path, folder)
    assert not list(folder.iterdir())
    assert np.isfinite(found.user_items.data).all()

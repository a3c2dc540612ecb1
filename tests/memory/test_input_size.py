"""mlcore.memory.input_size: files too long for memory are found before they are read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mlcore import DataError
from mlcore.memory.input_size import ROW_BYTES, check_rows_fit, least_rows

AVAILABLE = "mlcore.memory.input_size.available_bytes"


def write_rows(path: Path, rows: int) -> Path:
    lines = (f"u{row:07},i{row % 97:03}\n" for row in range(rows))
    path.write_text("user_id,item_id\n" + "".join(lines))
    return path


def test_the_rows_of_a_file_are_estimated_from_below(tmp_path: Path) -> None:
    # The header is the longest line, with 15 characters; rows have 13, each with a line break.
    path = write_rows(tmp_path / "a.csv", 100_000)
    assert least_rows(path) == path.stat().st_size // 16
    assert 0.85 * 100_000 < least_rows(path) <= 100_000


@pytest.mark.parametrize(
    "name", ["short.csv", "packed.csv.gz", "packed.csv", "a.parquet", "one.csv"]
)
def test_files_whose_size_says_nothing_are_left_to_the_reader(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AVAILABLE, lambda: 0)
    path = tmp_path / name
    if name == "short.csv":
        write_rows(path, 10)
    elif name.startswith("packed"):
        path.write_bytes(gzip.compress(write_rows(tmp_path / "rows", 10**5).read_bytes() * 9, 0))
    elif name == "one.csv":
        path.write_bytes(b"x" * 2**20)
    else:
        write_rows(path, 100_000)
    assert least_rows(path) == 0
    check_rows_fit(path)


def test_a_file_that_cannot_fit_is_an_error_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rows(tmp_path / "a.csv", 100_000)
    needed = least_rows(path) * ROW_BYTES
    for available in (needed, None):
        monkeypatch.setattr(AVAILABLE, lambda: available)
        check_rows_fit(path)
    monkeypatch.setattr(AVAILABLE, lambda: needed - 1)
    check_rows_fit("-")
    with pytest.raises(DataError) as caught:
        check_rows_fit(path)
    assert str(caught.value) == (
        f"{path}: memory: expected rows that fit into 2.0 MiB, as available, "
        "got at least 87,501, which take 2.0 MiB to read"
    )

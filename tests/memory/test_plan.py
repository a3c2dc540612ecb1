"""mlcore.memory.plan and mlcore.memory.input_size: what a plan says, and what is refused before the work."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mlcore import DataError
from mlcore.memory.input_size import ROW_BYTES, least_rows, refuse_long_file
from mlcore.memory.plan import Part, Plan

MIB = 2**20
PLAN = Plan(
    "cosine",
    "9 interactions",
    {
        "count": [Part("interactions", 2 * MIB), Part("scratch", 20 * MIB, "2 threads x 10 MiB")],
        "write": [Part("interactions", 2 * MIB), Part("nothing", 0), Part("model", 19 * MIB)],
    },
    held=2 * MIB,
    note="the model directory has at most 9.0 MiB",
)


def test_the_step_that_takes_most_is_the_peak() -> None:
    assert (PLAN.peak, PLAN.num_bytes) == ("count", 22 * MIB)


def test_a_plan_is_a_line_for_each_part_at_the_peak() -> None:
    # Available are 28 MiB more than the 2 that are held.
    assert PLAN.text(28 * MIB) == (
        "memory plan: cosine, 9 interactions\n"
        "  interactions  2.0 MiB\n"
        "  scratch        20 MiB (2 threads x 10 MiB)\n"
        "  at most        22 MiB to count, 30 MiB available\n"
        "  the model directory has at most 9.0 MiB"
    )
    assert "available" not in PLAN.text(None)


def test_what_is_held_already_needs_no_room() -> None:
    assert PLAN.fits(20 * MIB) and not PLAN.fits(20 * MIB - 1) and PLAN.fits(None)


def test_a_refusal_names_the_largest_part_and_the_cure() -> None:
    asked: list[int] = []

    def cure(fitting: int) -> str:
        asked.append(fitting)
        return "with 1 thread it fits"

    error = PLAN.refusal(10 * MIB, cure)
    assert str(error) == (
        "cosine: memory: expected a need of at most 12 MiB, as available, "
        "got 22 MiB, of which 20 MiB for scratch"
    )
    assert error is not None and error.hint == "with 1 thread it fits"
    assert asked == [12 * MIB]
    assert PLAN.refusal(20 * MIB, cure) is None and PLAN.refusal(None, cure) is None
    assert len(asked) == 1


# --- rows of a file -------------------------------------------------------------------------------


def write_rows(path: Path, rows: int) -> Path:
    path.write_text(
        "user_id,item_id\n" + "".join(f"u{row:07},i{row % 97:03}\n" for row in range(rows))
    )
    return path  # fmt: skip


def test_the_rows_of_a_file_are_foreseen_from_below(tmp_path: Path) -> None:
    # The header is the longest line, with 15 characters; rows have 13, each with a line break.
    path = write_rows(tmp_path / "a.csv", 100_000)
    assert least_rows(path) == path.stat().st_size // 16
    assert 0.85 * 100_000 < least_rows(path) <= 100_000


@pytest.mark.parametrize(
    "name", ["short.csv", "packed.csv.gz", "packed.csv", "a.parquet", "one.csv"]
)
def test_files_whose_size_does_not_tell_are_left_to_the_reader(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "short.csv":
        write_rows(path, 10)
    elif name.startswith("packed"):
        path.write_bytes(gzip.compress(write_rows(tmp_path / "rows", 10**5).read_bytes() * 9, 0))
    elif name == "one.csv":
        path.write_bytes(b"x" * MIB)
    else:
        write_rows(path, 100_000)
    assert least_rows(path) == 0
    refuse_long_file(path, 0)


def test_a_file_that_cannot_fit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.csv", 100_000)
    needed = least_rows(path) * ROW_BYTES
    refuse_long_file(path, needed)
    refuse_long_file(path, None)
    refuse_long_file("-", 0)
    with pytest.raises(DataError) as caught:
        refuse_long_file(path, needed - 1)
    assert str(caught.value) == (
        f"{path}: memory: expected rows that fit into 2.0 MiB, as available, "
        "got at least 87,501, which take 2.0 MiB to read"
    )

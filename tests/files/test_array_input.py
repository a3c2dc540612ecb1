"""Reading by numpy: the arrays, ids, notes and errors are those of the standard library's reader."""

from __future__ import annotations

import gzip
import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcore.files.array_input import integers_of, read_events_by_numpy
from mlcore.files.interactions import read_events
from mlcore.files.options import ColumnNames, InputOptions
from mlcore.files.text_codes import words_of
from mlcore.files.values import weight_from_text
from mlcore.progress import Progress, no_progress
from mlcore.times import TimeUnit
from tests.files.samples import CSV, save
from tests.files.test_duckdb_input import (
    CSV_PIECES,
    HARD_WEIGHTS,
    INPUTS,
    SURE,
    UNSURE,
    Content,
    by_standard_library,
    content_of,
    outcome,
    plain_csv,
    synthetic_csv,
)

NAMES = InputOptions()
ALL = {name: one for name, one in (INPUTS | SURE | UNSURE).items() if "jsonl" not in one[0]}


def by_numpy(
    path: Path, threads: int | None = None, progress: Progress = no_progress
) -> Content | None:
    """What numpy alone makes of a file; None if it is not sure."""
    events = read_events_by_numpy(path, NAMES, threads, progress)
    return None if events is None else content_of(events)


@pytest.mark.parametrize("name", ALL)
def test_every_input_gives_the_same_by_either_reader(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = save(tmp_path, *ALL[name]).name
    assert outcome(file, "numpy") == outcome(file, "standard")


@pytest.mark.parametrize("path", ["missing.csv", "missing.txt", "folder.csv", "-x.csv"])
def test_paths_that_are_no_files_give_the_same_error(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    assert outcome(path, "numpy") == outcome(path, "standard")


LONG = "a" * 63
READ_BY_NUMPY: dict[str, tuple[str, str | bytes]] = {
    name: ALL[name]
    for name in [
        "csv", "csv, CRLF", "csv, no final newline", "csv, CRLF, no final newline",
        "csv, other column order", "csv, other row order", 
        "csv, a pair in several rows", "csv, gzip", "csv, gzip in parts",
        "csv, gzip without its ending", "csv, ending of gzip without gzip", "csv, two columns",
        "csv, other columns", "csv, control characters", "csv, ids alike",
        "two kinds of line break",
    ]
} | {
    "64 bytes": ("a.csv", f"user_id,item_id\n{LONG}b,{LONG[1:]}é\n{LONG},{LONG}a\n"),
    "tabs": ("a.tsv", "user_id\titem_id\nb\t,\na\t;\n"),
    "seconds": ("a.csv", "user_id,item_id,timestamp\na,1,0\nb,1,253402300799\nb,2,0000001234567890\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ_BY_NUMPY)
def test_plain_files_are_read_by_numpy_itself(name: str, tmp_path: Path) -> None:
    path = save(tmp_path, *READ_BY_NUMPY[name])
    found = by_numpy(path)
    assert found is not None
    assert found == by_standard_library(path)


@pytest.mark.parametrize(
    "row", [f"{LONG}ab,1,1,0", "a,1,1,253402300800", "a,1,1,-1", "a,1,1,1.0", "a,1,1,12345678901234567"]
)  # fmt: skip
def test_what_is_beyond_it_is_left_to_others(row: str, tmp_path: Path) -> None:
    header = "user_id,item_id,weight,timestamp"
    path = save(tmp_path, "a.csv", f"{header}\na,2,1,0\n{row}\n")
    assert by_numpy(path) is None
    assert outcome(path, "numpy") == outcome(path, "standard")


def test_without_a_header_the_first_line_is_a_row(tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", "a,x,1\nb,x,2\n")
    options = InputOptions(field_names=("item_id", "", "user_id"))
    events = read_events_by_numpy(path, options)
    assert events is not None and (events.user_ids, events.item_ids) == (["1", "2"], ["a", "b"])
    standard = read_events(path, input_options=options, reader="standard")
    assert content_of(events) == content_of(standard)


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    # Swapped, so that whoever mixes up the file's names and ours is found out.
    names = ColumnNames("item_id", "user_id", "timestamp", "weight")
    path = save(tmp_path, "a.csv", "user_id,item_id,weight,timestamp\na,1,100,0.5\n")
    events = read_events_by_numpy(path, InputOptions(names))
    assert events is not None and events.timestamps is not None
    assert (events.user_ids, events.item_ids) == (["1"], ["a"])
    assert (events.weights.tolist(), events.timestamps.tolist()) == ([0.5], [100_000_000])


@pytest.mark.parametrize(
    ("unit", "least", "greatest"),
    [
        ("s", 0, 253402300799),
        ("ms", 31536000000, 4133980799999),
        ("us", 31536000000000, 4133980799999999),
    ],
)
def test_times_may_be_of_any_unit(
    unit: TimeUnit, least: int, greatest: int, tmp_path: Path
) -> None:
    options = InputOptions(timestamp_unit=unit)
    times = [random.Random(0).randint(least, greatest) for _ in range(50)] + [least, greatest]
    rows = "".join(f"u,{row},{time}\n" for row, time in enumerate(times))
    path = save(tmp_path, "a.csv", f"user_id,item_id,timestamp\n{rows}")
    events = read_events_by_numpy(path, options)
    assert events is not None
    standard = read_events(path, input_options=options, reader="standard")
    assert content_of(events) == content_of(standard)


def test_digits_are_the_number_they_write() -> None:
    draw = random.Random(0)
    texts = [str(draw.randrange(10**size)).zfill(size) for size in range(1, 17) for _ in range(9)]
    sizes = np.array([len(text) for text in texts])
    block = "".join(texts).encode() + bytes(8)
    words = words_of(block, np.cumsum(sizes) - sizes, sizes)
    assert integers_of(words, sizes).tolist() == [int(text) for text in texts]


@pytest.mark.parametrize("byte", sorted({*range(1, 256)} - {*b"0123456789,\r\n"}))
def test_no_other_byte_is_a_digit(byte: int, tmp_path: Path) -> None:
    for place in range(9):
        text = bytearray(b"123456789")
        text[place] = byte
        path = save(tmp_path, "a.csv", b"user_id,item_id,timestamp\na,1,1\na,2," + text + b"\n")
        assert by_numpy(path) is None


def test_weights_have_the_bits_that_python_gives_them(tmp_path: Path) -> None:
    draw = random.Random(0)
    texts = HARD_WEIGHTS + [f"{draw.random()}e{draw.randrange(-300, 300)}" for _ in range(2000)]
    texts = [text for text in texts if 0 < float(text) < float("inf") and len(text) <= 64]
    rows = "".join(f"u,{row},{text}\n" for row, text in enumerate(texts))
    path = save(tmp_path, "a.csv", f"user_id,item_id,weight\n{rows}")
    events = read_events_by_numpy(path, NAMES, threads=1)
    assert events is not None
    found = {events.item_ids[item]: weight for item, weight in zip(events.items, events.weights)}
    assert [found[str(row)] for row in range(len(texts))] == [*map(weight_from_text, texts)]


def test_too_many_weights_are_left_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.array_input._MOST_WEIGHTS", 2)
    path = save(tmp_path, "a.csv", "user_id,item_id,weight\na,1,1\na,2,2\na,3,1\n")
    assert by_numpy(path) is not None
    path = save(tmp_path, "a.csv", "user_id,item_id,weight\na,1,1\na,2,2\na,3,3\n")
    assert by_numpy(path) is None


def test_any_csv_gives_the_same_by_either_reader(tmp_path: Path) -> None:
    pieces_without = [piece for piece in CSV_PIECES if '"' not in piece]

    @settings(max_examples=300)
    @given(pieces=st.lists(st.sampled_from(pieces_without), max_size=14))
    def check(pieces: list[str]) -> None:
        path = save(tmp_path, "any.csv", "user_id,item_id\n" + "".join(pieces))
        found = by_numpy(path)
        assert found is None or found | {"notes": []} == outcome(path, "standard")

    check()


def test_plain_text_with_one_oddity_gives_the_same_by_either_reader(tmp_path: Path) -> None:
    @settings(max_examples=100)
    @given(text=plain_csv(), piece=st.sampled_from(CSV_PIECES), place=st.floats(0, 1))
    def check(text: str, piece: str, place: float) -> None:
        begin = round(place * len(text))
        path = save(tmp_path, "a.csv", text[:begin] + piece + text[begin:])
        found = by_numpy(path)
        assert found is None or found | {"notes": []} == outcome(path, "standard")

    check()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("block_bytes", [1, 7, 64, 2**20])
def test_order_threads_and_blocks_change_nothing(
    block_bytes: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.array_input._BLOCK_BYTES", block_bytes)
    order = list(range(300))
    straight = save(tmp_path, "a.csv", synthetic_csv(order))
    random.Random(1).shuffle(order)
    shuffled = save(tmp_path, "b.csv", synthetic_csv(order))
    found = by_numpy(straight, threads)
    assert found is not None
    assert found == by_numpy(shuffled, threads) == by_standard_library(straight)
    for content in READ_BY_NUMPY.values():
        path = save(tmp_path, *content)
        assert by_numpy(path, threads) == by_standard_library(path)


def test_large_files_go_through_numpy_and_small_ones_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []
    monkeypatch.setattr(
        "mlcore.files.interactions.read_events_by_numpy", lambda path, *_: tried.append(path)
    )
    path = save(tmp_path, "a.csv", CSV)
    assert content_of(read_events(path)) == by_standard_library(path) and tried == []
    monkeypatch.setattr("mlcore.files.interactions._NUMPY_FROM_BYTES", len(CSV))
    assert content_of(read_events(path)) == by_standard_library(path)
    assert tried == [path]


def test_a_name_that_is_no_text_is_a_name(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.csv"))
    try:
        path.write_text(CSV)
    except OSError:
        pytest.skip("no such names here")
    assert content_of(read_events(path, reader="numpy")) == by_standard_library(path)


def test_progress_goes_up_to_the_size_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.array_input._BLOCK_BYTES", 10)
    for name, data in (("a.csv", CSV.encode()), ("a.csv.gz", gzip.compress(CSV.encode()))):
        path = save(tmp_path, name, data)
        told: list[tuple[str, int, int]] = []
        by_numpy(path, progress=lambda *report: told.append(report))
        assert {step for step, _, _ in told} == {f"read {path}"}
        done = [done for _, done, _ in told]
        assert done == sorted(done) and done[-1] == len(data)

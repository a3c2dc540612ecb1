"""mlcore.files.lists_native: the bytes of the writers in Python, whatever the ids and the numbers."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlcore import native
from mlcore.files import lists_native
from mlcore.files.lists_native import ListArrays, format_lists, growth
from mlcore.files.predictions import find_list_format
from mlcore.jsontext import format_number
from mlcore.numeric.utf8 import utf8_of

FORMATS = {None: "-", ",": "lists.csv", "\t": "lists.tsv"}
MARKS = '"\\,\t\r\n\b\f\x00\x1f\x7f\u2028é🂡/'

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(MARKS), max_size=6)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70).map(float)


@pytest.fixture(params=native.levels(), scope="module", autouse=True)
def level(request: pytest.FixtureRequest) -> Any:
    """Run the code as it was compiled for each of the levels that the processor runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "library", lambda: native.load(request.param))
        yield


@st.composite
def some_lists(draw: st.DrawFn) -> tuple[list[str], ListArrays]:
    items = draw(st.lists(texts, min_size=1, max_size=4))

    def entries(count: int) -> tuple[Any, Any, Any]:
        lengths = draw(st.lists(st.integers(0, 12), min_size=count, max_size=count))
        size = sum(lengths)
        positions = draw(st.lists(st.integers(0, len(items) - 1), min_size=size, max_size=size))
        values = draw(st.lists(numbers, min_size=size, max_size=size))
        bounds = np.append(0, np.cumsum(lengths, dtype=np.int64))
        return bounds, np.array(positions, np.int32), np.array(values, np.float64)

    users = draw(st.lists(texts, max_size=3))
    bounds, listed, scores = entries(len(users))
    filled = np.array(
        draw(st.lists(st.booleans(), min_size=len(listed), max_size=len(listed))), bool
    )
    reasons = entries(len(listed)) if draw(st.booleans()) else None
    return items, ListArrays(users, bounds, listed, scores, filled, reasons)


@pytest.mark.parametrize("delimiter", FORMATS)
@given(some_lists())
def test_the_bytes_are_those_of_the_writers_in_python(
    delimiter: str | None, drawn: tuple[list[str], ListArrays]
) -> None:
    items, lists = drawn
    lists = lists if delimiter is None else lists._replace(reasons=None)
    list_format = find_list_format(FORMATS[delimiter])
    assert list_format.delimiter == delimiter
    expected = list_format._write(list(map(list_format.quote, items)), lists)
    assert format_lists(lists, utf8_of(items), delimiter) == expected


def printed(values: list[float]) -> list[str]:
    count = len(values)
    arrays = np.zeros(count, np.int32), np.array(values, np.float64), np.zeros(count, bool)
    lists = ListArrays(["u"], np.array([0, count]), *arrays)
    lines = format_lists(lists, utf8_of(["i"]), ",").decode().splitlines()
    return [line.split(",")[3] for line in lines]


@given(st.lists(st.integers(0, 2**64 - 1)))
@example([0, 1, 1 << 63, 0x7FEFFFFFFFFFFFFF, 0x0010000000000000, 0x000FFFFFFFFFFFFF])
def test_any_bits_are_printed_as_by_python(bits: list[int]) -> None:
    values = [value for (value,) in struct.iter_unpack("<d", struct.pack(f"<{len(bits)}Q", *bits))]
    finite = [value for value in values if math.isfinite(value)]
    assert printed(finite) == list(map(format_number, finite))


def test_powers_and_their_neighbors_are_printed_as_by_python() -> None:
    # of two, where the gap below is half of that above, and of ten, where the layout changes
    powers = [2.0**n for n in range(-1074, 1024)] + [10.0**n for n in range(-323, 309)]
    values = [np.nextafter(x, to) for x in powers for to in (-math.inf, x, math.inf)]
    values += [-value for value in values]
    finite = [float(value) for value in values if math.isfinite(value)]
    assert printed(finite) == list(map(format_number, finite))


def test_the_longest_entry_fits_its_room() -> None:
    lowest = -1.2345678901234567e-06  # 25 bytes
    one = np.array([0, 1]), np.array([0], np.int32), np.array([lowest])
    rows = ListArrays([""], *one, np.ones(1, bool), one)
    for lists in (rows, rows._replace(reasons=(np.zeros(2, np.int64), *one[1:]))):
        size = len(format_lists(lists, utf8_of([""]), None))
        count = 1 + 1 + int(lists.reasons is rows.reasons)
        assert size <= count * lists_native.MOST_AROUND
    line = format_lists(lists, utf8_of([""]), None)
    assert (
        len(line) - len(b'{"user_id": "", "items": []}\n') + len(", ") <= lists_native.MOST_AROUND
    )


@pytest.mark.parametrize("letter", [*map(chr, range(128)), "é"])
def test_no_letter_of_an_id_takes_more_than_its_growth(letter: str) -> None:
    texts, one = utf8_of([letter]), (np.array([0], np.int32), np.zeros(1), np.zeros(1, bool))
    for delimiter in (None, ",", "\t"):
        lines = [
            format_lists(ListArrays([user], np.array([0, 1]), *one), utf8_of([user]), delimiter)
            for user in (letter * 100, "")
        ]
        taken = len(lines[0]) - len(lines[1])
        assert taken <= 2 * (100 * growth(texts) * int(texts.sizes[0]) + 2)
    assert growth(utf8_of(["a", letter])) == growth(texts)


def test_writers_are_compiled_if_there_is_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = ListArrays(
        ['"'], np.array([0, 1]), np.array([0], np.int32), np.ones(1), np.ones(1, bool)
    )
    written = []
    for is_compiled in (True, False):
        monkeypatch.setattr(native, "is_available", lambda: is_compiled)
        write: Any = find_list_format("-").writer(["\\"])
        assert (write.func is format_lists) == is_compiled
        written.append(write(lists))
    assert set(written) == {
        b'{"user_id": "\\"", "items": [{"item_id": "\\\\", "score": 1, "source": "popularity"}]}\n'
    }

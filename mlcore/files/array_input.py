"""Interactions from CSV by numpy: the arrays of the standard reader, or "not sure".

Reads files whose every line has the fields of the header and no quotes, which every reader splits
alike; ids and numbers of up to 64 bytes, and times that are integers. All else is left to another
reader, which also says what is wrong with a file.

One pass over the bytes: blocks of lines, small enough for the cache, go to threads; each finds the
ends of fields, and numbers the ids as they come. One pass over the rows: those numbers become
positions in the order of all ids.
"""

from __future__ import annotations

import csv
import os
import queue
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlcore.files.csv_layout import CsvLayout
from mlcore.files.inputs import display_name, find_input_format, opened
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.plain import LONGEST_LINE
from mlcore.files.tables import BadValue
from mlcore.files.text_codes import (
    MAX_TEXT_BYTES,
    TextCodes,
    TextCodesError,
    Words,
    in_order,
    texts_of,
    words_of,
)
from mlcore.files.values import weight_from_text
from mlcore.interactions import Events
from mlcore.limits import MAX_COLUMNS
from mlcore.numeric.threads import map_in_order, resolve_threads
from mlcore.progress import Progress, no_progress
from mlcore.times import UNITS, TimeUnit
from mlcore.types import Float64Array, Int32Array, Int64Array

__all__ = ["read_events_by_numpy"]

_BLOCK_BYTES = 2**20  # changes speed only
_MOST_WEIGHTS = 2**20  # each is converted once, by Python
_NEWLINE = ord("\n")
# Of the 8 bytes of a word: the digit 0; what takes those above 9 to 128; the highest bit.
_ZEROS, _TO_128, _HIGHEST = (np.uint64(byte * 0x0101010101010101) for byte in (0x30, 0x76, 0x80))
_STEPS = [
    (np.uint64(2**bits * 10 ** (bits // 8) + 1), np.uint64(bits), np.uint64(kept))
    for bits, kept in ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF), (32, 0xFFFFFFFF))
]


class _NotSure(Exception):
    """Not a file for this reader."""


def read_events_by_numpy(
    path: PathLike,
    input_options: InputOptions,
    threads: int | None = None,
    progress: Progress = no_progress,
) -> Events | None:
    """Return the rows of a CSV file in any order, or None if not sure of them.

    Args:
        threads: None for one per core.
        progress: called with the bytes read.

    Raises:
        DataError: the file is missing, or the format is not known.
    """
    if os.fspath(path) == "-" or not os.path.isfile(path) or not input_options.is_utf_8():
        return None  # a pipe can be read once only
    if find_input_format(path, input_options.format) != "csv":
        return None
    try:
        with opened(path) as (raw, stream):
            size = os.fstat(raw.fileno()).st_size

            def on_block() -> None:
                progress(f"read {display_name(path)}", raw.tell(), size)

            layout, first, table = _read_header(stream, input_options)
            blocks = chain(first, _blocks(stream))
            events = table.read(blocks, resolve_threads(threads), on_block)
    except (_NotSure, TextCodesError, UnicodeDecodeError, BadValue, csv.Error):
        return None
    except (OSError, EOFError, zlib.error):
        return None
    layout.say(display_name(path))
    return events


def _read_header(stream: IO[bytes], options: InputOptions) -> tuple[CsvLayout, list[bytes], _Table]:
    """Return how fields are separated, the first line if it is no header, and where columns are."""
    names = options.columns
    lines: list[bytes] = []

    def next_line() -> str:
        lines.append(stream.readline(LONGEST_LINE))
        return lines[-1].decode()

    layout = CsvLayout.of_first_line(next_line, names.in_order()[:2], options)
    line = layout.line.removesuffix("\n").removesuffix("\r")
    _expect(
        layout.skipped == 0 and len(layout.delimiter) == 1 and not set("\0\r\ufeff") & set(line)
    )
    header = options.field_names
    if header is None:
        header = tuple(next(csv.reader([line], delimiter=layout.delimiter, strict=True), ()))
        lines.clear()
    _expect({*names.required()} <= {*header} and len(header) <= MAX_COLUMNS)
    _expect(all(header.count(name) <= 1 for name in names.in_order()))
    columns = [header.index(name) if name in header else None for name in names.in_order()]
    return layout, lines, _Table(layout.delimiter, len(header), columns, options.timestamp_unit)


def _expect(fine: bool) -> None:
    if not fine:
        raise _NotSure


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield whole lines."""
    while block := stream.read(_BLOCK_BYTES):
        if not block.endswith(b"\n"):
            block += stream.readline(LONGEST_LINE)
        if not block.endswith(b"\n"):
            _expect(not stream.read(1))  # the last line may lack its break
            block += b"\n"
        yield block


class _Part(NamedTuple):
    """Some rows of the table, N of them.

    Attributes:
        worker: whose numbers they are.
        users: (N,) int32 numbers of ids.
        items: (N,) int32 likewise.
        weights: (N,) float64, or None if there is no such column.
        times: (N,) int64 microseconds since 1970 UTC, or None likewise.
    """

    worker: int
    users: Int32Array
    items: Int32Array
    weights: Float64Array | None
    times: Int64Array | None


class _Table(NamedTuple):
    """Where the columns of a table are.

    Attributes:
        delimiter: one character.
        width: fields of each line.
        columns: places of user, item, weight and time; None for one that is not there.
        unit: of the time.
    """

    delimiter: str
    width: int
    columns: Sequence[int | None]
    unit: TimeUnit

    def read(self, blocks: Iterable[bytes], threads: int, on_block: Callable[[], object]) -> Events:
        """Return the rows of some blocks."""
        workers = [_Worker(self, number) for number in range(threads)]
        idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in workers:
            idle.put(worker)

        def read(block: bytes) -> _Part:
            worker = idle.get()
            try:
                return worker.read(block)
            finally:
                idle.put(worker)

        def parts() -> Iterator[_Part]:
            for part in map_in_order(read, blocks, threads):
                on_block()
                yield part

        return _join(workers, parts())

    def cut(self, block: bytes) -> Iterator[tuple[Words, Int64Array] | None]:
        """Yield words and sizes of each column in turn."""
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        _expect(not any(byte in block for byte in (b'"', b"\0", b"\r")))
        if not block.isascii():
            block.decode()
        data = np.frombuffer(block, np.uint8)
        is_end = data == _NEWLINE
        num_rows = np.count_nonzero(is_end)
        is_end |= data == ord(self.delimiter)
        places = np.flatnonzero(is_end)
        _expect(len(places) == num_rows * self.width)
        ends = places.reshape(num_rows, self.width)
        _expect(bool((data[ends[:, -1]] == _NEWLINE).all()))
        padded = block + bytes(8)
        for column in self.columns:
            if column is None:
                yield None
                continue
            begins = np.zeros(num_rows, np.int64)
            if column == 0:
                begins[1:] = ends[:-1, -1]
                begins[1:] += 1
            else:
                np.add(ends[:, column - 1], 1, out=begins)
            sizes = ends[:, column] - begins
            _expect(1 <= sizes.min() and sizes.max() <= MAX_TEXT_BYTES)
            yield words_of(padded, begins, sizes), sizes


class _Worker:
    """Reads blocks, one at a time, and knows the texts that it has met."""

    def __init__(self, table: _Table, number: int) -> None:
        self.users, self.items = TextCodes(), TextCodes()
        self._weights, self._levels = TextCodes(), np.empty(0)
        self._table, self._number = table, number

    def read(self, block: bytes) -> _Part:
        user, item, weight, time = self._table.cut(block)
        assert user is not None and item is not None
        return _Part(
            self._number,
            self.users.encode(user[0]),
            self.items.encode(item[0]),
            None if weight is None else self._weights_of(weight[0]),
            None if time is None else _times_of(*time, self._table.unit),
        )

    def _weights_of(self, words: Words) -> Float64Array:
        numbers = self._weights.encode(words)
        _expect(len(self._weights) <= _MOST_WEIGHTS)
        new = self._weights.words[:, len(self._levels) :]
        if new.size:
            self._levels = np.append(self._levels, [*map(weight_from_text, texts_of(new))])
        return self._levels[numbers]


def _times_of(words: Words, sizes: Int64Array, unit: TimeUnit) -> Int64Array:
    known = UNITS[unit]
    numbers = integers_of(words, sizes)
    _expect(bool(((known.least <= numbers) & (numbers <= known.greatest)).all()))
    return numbers * (1_000_000 // known.per_second)  # nanoseconds have more digits than are read


def integers_of(words: Words, sizes: Int64Array) -> Int64Array:
    """Return the numbers of texts of 1 to 16 digits, (N,) int64.

    >>> integers_of(words_of(b"12,3456789012" + bytes(8), np.array([0, 3]), np.array([2, 10])),
    ...     np.array([2, 10])).tolist()
    [12, 3456789012]
    """
    _expect(len(words) <= 2)
    numbers = _digits(words[0], np.minimum(sizes, 8))
    for word in words[1:]:
        more = np.maximum(sizes - 8, 0)
        numbers *= 10**more
        numbers += _digits(word, more)
    return numbers


def _digits(words: Words, sizes: Int64Array) -> Int64Array:
    """Return the numbers of up to 8 digits; 0 of none."""
    unused = (64 - 8 * sizes).astype(np.uint64)
    digits = words ^ (_ZEROS >> unused)
    # A byte above 9 has or gets its highest bit.
    _expect(not (((digits + _TO_128) | digits) & _HIGHEST).any())
    digits <<= unused  # zeros come first
    # Two digits each, then four, then eight; the first is lowest.
    for factor, bits, kept in _STEPS:
        digits = (digits * factor >> bits) & kept
    return digits.astype(np.int64)


class _Column:
    """The values of a column, in memory that grows in place: parts to join would take it twice."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._values = np.empty(0, dtype)
        self._used = 0

    def append(self, values: Any) -> None:
        end = self._used + len(values)
        if end > len(self._values):
            self._values.resize(end + end // 8, refcheck=False)
        self._values[self._used : end] = values
        self._used = end

    def whole(self) -> Any:
        self._values.resize(self._used, refcheck=False)
        return self._values


def _join(workers: Sequence[_Worker], parts: Iterable[_Part]) -> Events:
    """Return the rows of all parts, with the ids of all workers."""
    columns = [_Column(dtype) for dtype in (np.int32, np.int32, np.float64, np.int64)]
    readers: list[tuple[int, int]] = []
    for part in parts:
        readers.append((part.worker, len(part.users)))
        for column, values in zip(columns, part[1:]):
            if values is not None:
                column.append(values)
    _expect(len(readers) > 0)
    users, items, weights, times = (column.whole() for column in columns)
    user_ids = _renumber(users, readers, [worker.users for worker in workers])
    item_ids = _renumber(items, readers, [worker.items for worker in workers])
    weights = weights if len(weights) else np.ones(len(users))
    return Events(user_ids, item_ids, users, items, weights, times if len(times) else None)


def _renumber(
    numbers: Int32Array, readers: Iterable[tuple[int, int]], codes: Sequence[TextCodes]
) -> list[str]:
    """Make positions of the numbers that workers gave to ids, in place; return all ids in order.

    Args:
        readers: worker and number of rows of each part, in order.
        codes: of each worker.
    """
    ids, places = in_order(codes)
    begin = 0
    for reader, num_rows in readers:
        rows = slice(begin, begin + num_rows)
        numbers[rows] = places[reader][numbers[rows]]
        begin += num_rows
    return ids

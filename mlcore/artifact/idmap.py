"""``items.csv`` and ``users.csv``: one line for each id, in order, under a strict subset of CSV.

The first line is ``index,id``; line k + 2 holds k and its id. An id is quoted exactly when it
contains a comma or a quote. Ids strictly ascend in UTF-8 byte order, hence are unique.

A file without quotes is checked as arrays of bytes, and its ids are decoded one by one on access, so
the first request to a large model does not wait for all. A file with quotes or a fault is parsed
line by line, which finds the message.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

from mlcore.errors import IdMapError, shorten
from mlcore.ids import MAX_ID_BYTES, id_fault
from mlcore.numeric.utf8 import Utf8
from mlcore.types import Int64Array

__all__ = ["StoredIds", "format_id_map", "parse_id_map"]

_HEADER = "index,id\n"
_BLOCK_IDS = 2**13  # so that arrays stay in the cache; changes speed only


def format_id_map(ids: Sequence[str]) -> bytes:
    """Return the file of valid ids in ascending order.

    >>> format_id_map(["a", 'b,"c'])
    b'index,id\\n0,a\\n1,"b,""c"\\n'
    """
    lines = [f"{index},{_quote(id_)}\n" for index, id_ in enumerate(ids)]
    return (_HEADER + "".join(lines)).encode()


def _quote(id_: str) -> str:
    if "," in id_ or '"' in id_:
        return '"' + id_.replace('"', '""') + '"'
    return id_


class StoredIds(Sequence[str]):
    """The ids of a checked file without quotes, decoded on access.

    Args:
        begins: (N,) int64, the first byte of each id.
        ends: (N,) int64, the byte after its last.

    >>> StoredIds(b"index,id\\n0,a\\n", np.array([11]), np.array([12]))[0]
    'a'
    """

    def __init__(self, data: bytes, begins: Int64Array, ends: Int64Array) -> None:
        self._data, self._begins, self._ends = data, begins, ends

    def __len__(self) -> int:
        return len(self._begins)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...

    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return StoredIds(self._data, self._begins[place], self._ends[place])
        return self._data[self._begins[place] : self._ends[place]].decode()

    def __iter__(self) -> Iterator[str]:
        if len(self) < self._data.count(b"\n") - 1:
            return map(self.__getitem__, range(len(self)))
        lines = self._data.decode().split("\n")[1:-1]
        return (line.partition(",")[2] for line in lines)

    @property
    def utf8(self) -> Utf8:
        """The ids as ``mlcore.numeric.utf8.utf8_of`` returns them."""
        return Utf8(np.frombuffer(self._data, np.uint8), self._begins, self._ends)


def parse_id_map(data: bytes, count: int, place: str) -> Sequence[str]:
    """Return the ids of a file.

    Args:
        count: the number of ids by the manifest.
        place: the file, for messages.

    Raises:
        IdMapError: the file breaks the format.

    >>> parse_id_map(b"index,id\\n0,a\\n", 1, "items.csv")[0]
    'a'
    """
    plain = _parse_plain(data, count)
    return _parse_lines(data, count, place) if plain is None else plain


def _parse_plain(data: bytes, count: int) -> StoredIds | None:
    """Return the ids of a file without fault and without quotes, else None."""
    if not data.startswith(_HEADER.encode()) or any(byte in data for byte in (b'"', b"\0", b"\r")):
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == ord("\n"))  # of all lines
    if len(ends) != count + 1 or ends[-1] != len(array) - 1:
        return None
    begins, ends = _after_indices(array, ends[:-1] + 1), ends[1:]  # (N,)
    # One comma per line, after the index, so none in an id.
    if begins is None or data.count(b",") != count + 1:
        return None
    sizes = ends - begins
    if not ((sizes > 0) & (sizes <= MAX_ID_BYTES)).all() or not _ascend(array, begins, ends):
        return None
    return StoredIds(data, begins, ends)


def _after_indices(array: Any, begins: Int64Array) -> Int64Array | None:
    """Return where line k continues after ``k,``, or None if one does not begin with it."""
    after, first, digits = np.empty_like(begins), 0, 1
    while first < len(begins):
        last = min(10**digits, first + _BLOCK_IDS, len(begins))
        places = begins[first:last]
        if places[-1] + digits >= len(array):
            return None
        rest = np.arange(first, last, dtype=np.uint32)  # positions are int32
        for digit in reversed(range(digits)):
            rest, expected = np.divmod(rest, np.uint32(10))
            if not np.array_equal(array[places + digit], expected + ord("0")):
                return None
        if (array[places + digits] != ord(",")).any():
            return None
        after[first:last] = places + digits + 1
        first, digits = last, digits + (last == 10**digits)
    return after


def _ascend(array: Any, begins: Int64Array, ends: Int64Array) -> bool:
    """Return whether each id comes before the next, compared 8 bytes at a time."""
    padded = np.concatenate([array, np.zeros(8, np.uint8)])
    # The 8 bytes from each position on, as a number that compares as they do.
    words: Any = np.ndarray(len(array) + 1, ">u8", padded, strides=1)
    for first in range(0, len(begins) - 1, _BLOCK_IDS):
        span = slice(first, first + _BLOCK_IDS + 1)
        found = _words(words, begins[span], ends[span])
        one, other, passed = found[:-1], found[1:], 0
        pairs = np.arange(first, first + len(one))  # an id and the next, alike so far
        while len(pairs):
            # Alike to where both have ended: one id twice.
            if ((one > other) | ((one == other) & (one == 0))).any():
                return False
            pairs, passed = pairs[one == other], passed + 8
            one = _words(words, begins[pairs] + passed, ends[pairs])
            other = _words(words, begins[pairs + 1] + passed, ends[pairs + 1])
    return True


def _words(words: Any, begins: Int64Array, ends: Int64Array) -> Any:
    """Return up to 8 bytes from each begin, and 0 for those after the end; no id has a NUL."""
    begins = np.minimum(begins, ends)
    missing = np.maximum(8 - (ends - begins), 0).astype(np.uint64)
    return np.where(
        missing == 8, 0, words[begins].astype(np.uint64) >> (8 * missing) << (8 * missing)
    )


def _parse_lines(data: bytes, count: int, place: str) -> list[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise IdMapError(
            f"{place}:{line}: expected UTF-8, got the byte 0x{data[error.start]:02x}"
        ) from None
    if not text.startswith(_HEADER):
        raise IdMapError(
            f"{place}:1: expected the header 'index,id', got {shorten(text.partition(chr(10))[0])}"
        )
    if not text.endswith("\n"):
        raise IdMapError(f"{place}: expected a line break at the end, got none")
    lines = text.split("\n")[1:-1]
    if len(lines) != count:
        raise IdMapError(f"{place}: expected {count} ids as in the manifest, got {len(lines)}")
    ids = [_parse_line(line, index, place) for index, line in enumerate(lines)]
    if not all(map(operator.lt, ids, ids[1:])):
        index = next(index for index in range(1, count) if not ids[index - 1] < ids[index])
        raise IdMapError(
            f"{place}:{index + 2}: expected an id after {shorten(ids[index - 1])} in UTF-8 byte "
            f"order, got {shorten(ids[index])}"
        )
    return ids


def _parse_line(line: str, index: int, place: str) -> str:
    prefix = f"{index},"
    if not line.startswith(prefix):
        raise IdMapError(f"{place}:{index + 2}: expected the index {index}, got {shorten(line)}")
    id_ = field = line[len(prefix) :]
    if '"' in field or "," in field:
        id_ = field[1:-1].replace('""', '"')
        if _quote(id_) != field:
            raise IdMapError(
                f"{place}:{index + 2}: id: expected quotes around, and doubled within, an id "
                f"with a comma or a quote, got {shorten(field)}"
            )
    fault = None if id_.isalnum() and len(id_) < 1000 else id_fault(id_)
    if fault is not None:
        raise IdMapError(f"{place}:{index + 2}: id: {fault}")
    return id_

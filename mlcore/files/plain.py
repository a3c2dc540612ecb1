"""Whether every reader splits a file at line breaks and delimiters in the same way.

Readers of CSV disagree about a stray quote, a lone carriage return or a byte that is not UTF-8.
``sniff`` looks for anything they could disagree about, at the speed of memory. Any reader may read
a file without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

__all__ = ["LONGEST_LINE", "Dialect", "sniff"]

_BLOCK_BYTES = 2**17  # fits the L2 cache; larger ones take twice as long
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'
LONGEST_LINE = 2**17  # DuckDB takes some more
_BOM = b"\xef\xbb\xbf"


class _NotPlain(Exception):
    """Readers could disagree about this file."""


@dataclass(frozen=True)
class Dialect:
    """The form of a plain file, and what it counts.

    Attributes:
        first_line: without its line break.
        lines: their number, with blank ones.
        delimiters: their number, for CSV outside quotes.
        line_break: of each line; the last one may lack it.
        quoted: whether a CSV file has quotes.
        delimiter: as given.
    """

    first_line: str
    lines: int
    delimiters: int
    line_break: str
    quoted: bool
    delimiter: str = ","


def sniff(
    stream: IO[bytes], delimiter: str, on_block: Callable[[], object] = lambda: None
) -> Dialect | None:
    r"""Return the dialect of a file if every reader splits it alike, else None.

    A plain file is UTF-8 without NUL and byte order mark. All lines end in ``\n``, or all in
    ``\r\n``, with no other ``\r``; none is longer than
    131,072 bytes. With a delimiter of CSV, quotes are as in RFC 4180 and enclose no line break. With quotes (JSON Lines),
    there are no backslashes and no control characters.

    Args:
        stream: the uncompressed bytes, from the start.
        delimiter: of CSV, one character; a quote for JSON Lines, which splits into keys and values.
        on_block: called after each block.

    Raises:
        OSError: as the stream raises it; also EOFError and zlib.error from a damaged gzip file.

    >>> from io import BytesIO
    >>> sniff(BytesIO(b"a,b\n1,2\n"), ",").delimiters
    2
    >>> sniff(BytesIO(b'a,b\n1, "2"\n'), ",") is None
    True
    """
    counter = _Counter(delimiter)
    try:
        while block := stream.read(_BLOCK_BYTES):
            # Whole lines, so that no line, quote or character continues across blocks.
            counter.add(block + stream.readline(LONGEST_LINE))
            on_block()
        return counter.result()
    except (_NotPlain, UnicodeDecodeError):
        return None


class _Counter:
    def __init__(self, delimiter: str) -> None:
        self._is_csv = delimiter != '"'
        self._delimiter = ord(delimiter)
        self._first_line: bytes | None = None
        self._newlines = self._returns = self._delimiters = 0
        self._quoted = self._ended = False

    def add(self, block: bytes) -> None:
        if self._first_line is None:
            self._first_line = block[: block.find(b"\n") + 1] or block
        _expect(not self._ended)  # only the last line may lack its line break
        self._ended = not block.endswith(b"\n")
        _expect_short_lines(block)
        _expect(b"\0" not in block)
        if not block.isascii():
            block.decode()
        data = np.frombuffer(block, np.uint8)
        newlines = _count(data == _NEWLINE)
        returns = block.count(b"\r") if b"\r" in block else 0
        _expect(returns in (0, newlines) and block.count(b"\r\n", 0) == returns)
        self._newlines += newlines
        self._returns += returns
        if self._is_csv:
            self._add_csv(data, b'"' in block)
        else:
            _expect(b"\\" not in block and _count(data < ord(" ")) == newlines + returns)
            self._delimiters += _count(data == _QUOTE)

    def _add_csv(self, data: npt.NDArray[np.uint8], quoted: bool) -> None:
        delimiters = data == self._delimiter
        if quoted:
            self._quoted = True
            delimiters &= ~_expect_plain_quotes(data, self._delimiter)
        self._delimiters += _count(delimiters)

    def result(self) -> Dialect:
        _expect(self._first_line is not None and self._returns in (0, self._newlines))
        assert self._first_line is not None
        _expect(not self._first_line.startswith(_BOM))
        line_break = "\r\n" if self._returns else "\n"
        return Dialect(
            self._first_line.decode().removesuffix(line_break),
            self._newlines + self._ended,
            self._delimiters,
            line_break,
            self._quoted,
            chr(self._delimiter),
        )


def _expect(fine: bool) -> None:
    if not fine:
        raise _NotPlain


def _count(marks: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(marks))


def _expect_short_lines(block: bytes) -> None:
    # A line of twice the size of a window fills one of them, wherever it begins.
    window = LONGEST_LINE // 2
    for begin in range(0, len(block) - window + 1, window):
        _expect(block.find(b"\n", begin, begin + window) >= 0)


def _expect_plain_quotes(data: npt.NDArray[np.uint8], delimiter: int) -> npt.NDArray[np.bool_]:
    """Return which bytes of whole lines are within quotes, the opening ones included."""
    is_quote = data == _QUOTE
    # Counted modulo 256, which keeps odd and even apart.
    within = (np.cumsum(is_quote, dtype=np.uint8) & 1).astype(bool)
    _expect(not within[-1] and not (within & (data == _NEWLINE)).any())
    quotes = np.flatnonzero(is_quote)
    opening, closing = quotes[0::2], quotes[1::2]
    around = np.concatenate(([_NEWLINE], data, [_NEWLINE]))  # gives each byte two neighbors
    before, after = around[opening], around[closing + 2]
    # A quote beside a quote is one of a doubled pair: the field goes on.
    _expect(bool(np.isin(before, (delimiter, _NEWLINE, _QUOTE)).all()))
    _expect(bool(np.isin(after, (delimiter, _NEWLINE, _RETURN, _QUOTE)).all()))
    return within

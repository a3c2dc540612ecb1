"""Input files as chunks of text lines: plain or gzip, a path or ``-`` for standard input.

Bytes are decoded here, so a fault names its line in every format.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mlcore.errors import DataError, DataWarning, os_errors_at
from mlcore.files.options import FORMATS, Format, PathLike
from mlcore.progress import Progress, no_progress

__all__ = [
    "TextChunk",
    "display_name",
    "find_format",
    "opened",
    "read_text",
    "text_chunks",
]

_CHUNK_BYTES = 2**20
_BOM = b"\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class TextChunk:
    """Whole lines of a file."""

    first_line: int  # counted from 1
    text: str  # ends with a line break, except at the end of the file


def display_name(path: PathLike) -> str:
    """Return the name of an input in messages.

    >>> display_name("-")
    'standard input'
    """
    return "standard input" if os.fspath(path) == "-" else os.fspath(path)


def find_format(path: PathLike, given: Format | None) -> Format:
    """Return the format of a file: by its name, perhaps with ``.gz``, else as given.

    Raises:
        DataError: the name does not show the format, and none is given.

    >>> find_format("events.jsonl.gz", None)
    'jsonl'
    """
    name = os.fspath(path).removesuffix(".gz")
    for known in FORMATS:
        if name.endswith(f".{known}"):
            return known
    if given is not None:
        return given
    raise DataError(
        f"{display_name(path)}: expected a name that ends in .csv or .jsonl (or either and .gz), "
        "got another",
        "--format csv or --format jsonl says what it is",
    )


def text_chunks(path: PathLike, progress: Progress = no_progress) -> Iterator[TextChunk]:
    """Yield a file as chunks of whole lines.

    Skips a byte order mark at the start with a DataWarning; recognizes gzip by its first bytes.

    Args:
        progress: called with the bytes of the file that are read.

    Raises:
        DataError: missing, unreadable, not UTF-8, a NUL character, or a damaged gzip file.
    """
    name = display_name(path)
    line, seen = 1, 0
    with opened(path) as (raw, stream):
        size = 0 if os.fspath(path) == "-" else os.fstat(raw.fileno()).st_size
        for data in _line_blocks(stream, path):
            if line == 1 and data.startswith(_BOM):
                data = data.removeprefix(_BOM)
                warnings.warn(f"{name}:1: skipped a byte order mark", DataWarning, stacklevel=2)
            text, fault = _decode(data, line, name)
            yield TextChunk(line, text)
            if fault is not None:
                raise fault
            line += data.count(b"\n")
            seen += len(data)
            progress(f"read {name}", raw.tell() if size else seen, size)


def read_text(path: PathLike) -> str:
    """Return a whole small file, such as a configuration.

    Raises:
        DataError: as ``text_chunks``.
    """
    return "".join(chunk.text for chunk in text_chunks(path))


@contextmanager
def opened(path: PathLike) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Give the file itself and the stream of its uncompressed bytes; without gzip, the same.

    Raises:
        DataError: missing or unreadable.
    """
    if os.fspath(path) == "-":
        yield sys.stdin.buffer, _uncompressed(sys.stdin.buffer, path)
        return
    if Path(path).is_dir():
        raise DataError(f"{display_name(path)}: expected a file, got a directory")
    with os_errors_at(path, "a readable file"):
        raw = open(path, "rb")
    with raw:
        yield raw, _uncompressed(raw, path)


def _uncompressed(raw: IO[bytes], path: PathLike) -> IO[bytes]:
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
    with os_errors_at(display_name(path), "a readable file"):
        is_gzip = buffered.peek(2)[:2] == _GZIP_MAGIC
    return io.BufferedReader(gzip.GzipFile(fileobj=buffered)) if is_gzip else buffered


def _line_blocks(stream: IO[bytes], path: PathLike) -> Iterator[bytes]:
    name = display_name(path)
    with os_errors_at(name, "a readable file"):
        try:
            while lines := stream.readlines(_CHUNK_BYTES):
                yield b"".join(lines)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            got = "one that ends too early" if isinstance(error, EOFError) else "a damaged one"
            raise DataError(f"{name}: expected a whole gzip file, got {got}") from error


def _decode(data: bytes, first_line: int, name: str) -> tuple[str, DataError | None]:
    """Return the lines before the first fault, for the reader to check first, and the fault."""
    fault: str | None = None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        text = data[: error.start].decode()
        fault = f"expected UTF-8, got the byte 0x{data[error.start]:02x}"
    if "\0" in text:
        text = text[: text.index("\0")]
        fault = "expected text, got a NUL character"
    if fault is None:
        return text, None
    line = first_line + text.count("\n")
    return text[: text.rfind("\n") + 1], DataError(f"{name}:{line}: {fault}")

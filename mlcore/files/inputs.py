"""Input files as chunks of text lines: plain or gzip, a path or ``-`` for standard input.

Bytes are decoded here, so a fault names its line in every format.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from typing import IO

from mlcore.errors import DataError, DataWarning, os_errors_at
from mlcore.files.formats import ROW_FORMATS
from mlcore.files.options import Format, PathLike
from mlcore.limits import MAX_DOCUMENT_BYTES, MAX_LINE_BYTES
from mlcore.progress import Progress, no_progress

__all__ = [
    "GZIP_MAGIC",
    "TextChunk",
    "display_name",
    "find_input_format",
    "opened",
    "read_text",
    "text_chunks",
]

_CHUNK_BYTES = 2**20
_BOM = "\ufeff"
GZIP_MAGIC = b"\x1f\x8b"
_UNPACK = "{} FILE > NEW unpacks it"
_UNZIP = "unzip -p FILE > NEW unpacks it; save a spreadsheet as CSV"
_IS_PARQUET = "a name that ends in .parquet says so"
# What else a file may begin with, what it is, and what makes text of it.
_OTHER_MAGIC = {
    b"PK\x03\x04": ("a zip archive", _UNZIP),
    b"BZh": ("bzip2", _UNPACK.format("bunzip2 -c")),
    b"\xfd7zXZ": ("xz", _UNPACK.format("xz -dc")),
    b"\x28\xb5\x2f\xfd": ("zstd", _UNPACK.format("zstd -dc")),
    b"PAR1": ("Parquet", _IS_PARQUET),
}
_SAVE = "save the spreadsheet as CSV"
_CONVERT = "write it as .csv or .parquet with what wrote it, such as pandas"
# What helps with files of other names; else --format does.
_OTHER_ENDINGS = {
    ".zip": _UNZIP,
    ".bz2": _UNPACK.format("bunzip2 -c"),
    ".xz": _UNPACK.format("xz -dc"),
    ".zst": _UNPACK.format("zstd -dc"),
    ".parquet": _UNPACK.format("gunzip -c"),  # and .gz
    ".pq": _IS_PARQUET,
    ".parq": _IS_PARQUET,
    ".json": "--format jsonl if each line is an object; "
    "jq -c '.[]' FILE > NEW makes lines of an array",
    **dict.fromkeys([".xls", ".xlsx", ".ods"], _SAVE),
    **dict.fromkeys([".feather", ".arrow", ".avro", ".orc", ".pkl", ".npy", ".npz"], _CONVERT),
    **dict.fromkeys([".db", ".duckdb", ".sqlite"], _CONVERT),
}
_ENDINGS: dict[str, Format] = {ending: rows.format for ending, rows in ROW_FORMATS.items()}
_OTHER_ENCODING = "--encoding names another, such as latin-1 or utf-16"
_NO_LINES = (
    "a line has one row, list or history: tr '\\r' '\\n' < FILE > NEW, if carriage returns alone end "
    "lines; jq -c '.[]' FILE > NEW makes lines of a JSON array"
)


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


def find_input_format(path: PathLike, given: Format | None) -> Format:
    """Return the format of an input: by its name, perhaps with ``.gz``, else as given.

    Raises:
        DataError: the name does not show the format, and none is given.

    >>> find_input_format("events.TSV", None)
    'csv'
    """
    name = os.fspath(path).lower().removesuffix(".gz")
    for ending, known in _ENDINGS.items():
        if name.endswith(ending):
            return known
    if given is not None:
        return given
    if name != "-":
        with os_errors_at(path, "a readable file"):
            os.stat(path)  # a file that is not there needs no other name
    raise DataError(
        f"{display_name(path)}: expected a name that ends in .csv or .jsonl (or either and .gz), "
        "got another",
        _OTHER_ENDINGS.get(
            os.path.splitext(name)[1], "--format csv or --format jsonl says what it is"
        ),
    )


def text_chunks(
    path: PathLike, progress: Progress = no_progress, encoding: str | None = None
) -> Iterator[TextChunk]:
    """Yield a file as chunks of whole lines.

    Skips a byte order mark at the start with a DataWarning; recognizes gzip by its first bytes.

    Args:
        progress: called with the bytes of the file that are read.
        encoding: None for UTF-8, and no hint at the option.

    Raises:
        DataError: missing, unreadable, not in the encoding, a NUL character, a line of more than
            ``MAX_LINE_BYTES``, or a damaged gzip file.
    """
    name = display_name(path)
    line, seen = 1, 0
    other = encoding and _OTHER_ENCODING
    with opened(path) as (raw, stream):
        size = 0 if os.fspath(path) == "-" else os.fstat(raw.fileno()).st_size
        for num_bytes, text, fault in _texts(_blocks(stream, name), encoding or "utf-8", other):
            if line == 1 and text.startswith(_BOM):
                text = text.removeprefix(_BOM)
                warnings.warn(f"{name}:1: skipped a byte order mark", DataWarning, stacklevel=2)
            if "\0" in text:
                text = text[: text.index("\0")]
                fault = DataError("expected text, got a NUL character", other)
            whole = text if fault is None else text[: text.rfind("\n") + 1]
            yield TextChunk(line, whole)
            line += text.count("\n")
            if fault is not None:  # after the lines before it, for the reader to check first
                raise DataError(f"{name}:{line}: {fault}", fault.hint)
            seen += num_bytes
            progress(f"read {name}", raw.tell() if size else seen, size)


def _texts(
    blocks: Iterator[bytes], encoding: str, other: str | None
) -> Iterator[tuple[int, str, DataError | None]]:
    """Yield size and whole lines of each block; before a fault the text up to it, and the fault.

    Args:
        other: the hint where bytes are not in the encoding.
    """
    decode = codecs.getincrementaldecoder(encoding)().decode
    shown = "UTF-8" if codecs.lookup(encoding).name == "utf-8" else encoding
    rest = ""
    for block in chain(blocks, [b""]):  # the last one ends the decoder
        try:
            text = rest + decode(block, not block)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, "replace")
            got = f"the byte 0x{error.object[error.start]:02x}"
            yield len(block), rest + before, DataError(f"expected {shown}, got {got}", other)
            return
        # Only a line that goes on from block to block can be too long.
        end = text.find("\n", len(rest))
        if _is_too_long(text if end < 0 else text[:end]):
            message = f"line: expected at most {MAX_LINE_BYTES} bytes, got more"
            yield len(block), "", DataError(message, _NO_LINES)
            return
        end = text.rfind("\n") + 1 if block else len(text)
        rest = text[end:]
        if end:
            yield len(block), text[:end], None


def _is_too_long(line: str) -> bool:
    if line.isascii() or 4 * len(line) <= MAX_LINE_BYTES:  # a character has at most 4 bytes
        return len(line) > MAX_LINE_BYTES
    return len(line.encode("utf-8", "surrogatepass")) > MAX_LINE_BYTES  # lone ones are in utf-7


def read_text(path: PathLike) -> str:
    """Return a whole small file, such as a configuration.

    Raises:
        DataError: as ``text_chunks``, or it has more than ``MAX_DOCUMENT_BYTES``.
    """
    parts: list[str] = []
    size = 0
    for chunk in text_chunks(path):
        size += len(chunk.text.encode())
        if size > MAX_DOCUMENT_BYTES:
            raise DataError(
                f"{display_name(path)}: expected at most {MAX_DOCUMENT_BYTES} bytes, got more"
            )
        parts.append(chunk.text)
    return "".join(parts)


@contextmanager
def opened(path: PathLike) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Give the file itself and the stream of its uncompressed bytes; without gzip, the same.

    Raises:
        DataError: missing or unreadable.
    """
    if os.fspath(path) == "-":
        yield sys.stdin.buffer, _uncompressed(sys.stdin.buffer, path)
        return
    if os.path.isdir(path):
        raise DataError(f"{display_name(path)}: expected a file, got a directory")
    with os_errors_at(path, "a readable file"):
        raw = open(path, "rb")
    try:
        yield raw, _uncompressed(raw, path)
    finally:
        with suppress(OSError):  # nothing was written to it
            raw.close()


def _uncompressed(raw: IO[bytes], path: PathLike) -> IO[bytes]:
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
    with os_errors_at(display_name(path), "a readable file"):
        is_gzip = buffered.peek(2)[:2] == GZIP_MAGIC
    return io.BufferedReader(gzip.GzipFile(fileobj=buffered)) if is_gzip else buffered


def _blocks(stream: IO[bytes], name: str) -> Iterator[bytes]:
    with os_errors_at(name, "a readable file"):
        try:
            begins = True
            while block := stream.read(_CHUNK_BYTES):
                if begins:
                    _refuse_other_formats(name, block)
                    begins = False
                yield block
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            got = "one that ends too early" if isinstance(error, EOFError) else "a damaged one"
            raise DataError(f"{name}: expected a whole gzip file, got {got}") from error


def _refuse_other_formats(name: str, head: bytes) -> None:
    for magic, (got, cure) in _OTHER_MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{name}: expected text, plain or gzip, got {got}", cure)

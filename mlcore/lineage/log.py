"""The lineage file: a journal with one record a line, which is read from its end."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mlcore.errors import DataError, DataWarning, from_os_error, os_errors_at
from mlcore.files.inputs import GZIP_MAGIC, text_chunks
from mlcore.files.journal import open_journal
from mlcore.files.options import PathLike
from mlcore.files.partials import discard
from mlcore.jsontext import parse_json
from mlcore.lazy import LazyModule
from mlcore.lineage.names import find_root
from mlcore.lineage.record import Record, begins_record, format_record, parse_record
from mlcore.limits import MAX_LINE_BYTES

__all__ = ["Line", "Log", "append", "appended", "check_appendable", "read_lineage"]

tempfile: Any = LazyModule("tempfile")  # only for a packed log

_FIRST_BLOCK_BYTES, _BLOCK_BYTES = 2**16, 2**22
_BOM = b"\xef\xbb\xbf"
_MARK = re.compile(rb"(?:<{7,}|>{7,}|\|{7,})(?: .*)?|={7,}")
_CURE = "delete the marks and keep the other lines, of both sides; merge=union in .gitattributes does so"
# The output as ``format_record`` writes it: in a text, a quote has a backslash before it.
_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_OUTPUT = re.compile(
    rb'"output": \{(?:"role": T, )?"file": (?:null|T), "stored": (null|T), "format": (?:null|T), '
    rb'(?:"rows": \d+, )?"bytes": (?:null|\d+), "sha256": (?:null|"([0-9a-f]{64})")'.replace(
        b"T", _TEXT
    )
)


@dataclass(frozen=True)
class Line:
    """A record, and the first byte of its line in the log."""

    start: int
    record: Record


class _Mark(DataError):
    """A line that git leaves where two sides of a merge differ."""


class _Unfinished(DataError):
    """The beginning of a record at the end of the log."""


class Log:
    """A log of runs, of which only the lines that a question needs are parsed.

    The newest lines are indexed first, by the content of their output, and no more than it takes to
    answer. Lines that are no records, such as the marks of a merge conflict, are passed over and
    remembered: see ``faults``.

    Args:
        path: of a file, perhaps packed with gzip, or of a pipe.

    Raises:
        DataError: missing or unreadable.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = os.fspath(path)
        if not os.path.exists(path):
            raise DataError(
                f"{self.path}: expected a log of runs, got no such file",
                "--lineage names one, as run_sql writes it in the current folder",
            )
        self.root = find_root(path)
        self._resources = ExitStack()
        self._file = _seekable(path, self._resources)
        self._size = self._begin = self._file.seek(0, os.SEEK_END)
        self._block_bytes = _FIRST_BLOCK_BYTES
        self._index: dict[str, list[int]] = {}  # starts by content or table, newest first
        self._faults: dict[int, DataError] = {}  # by start
        self._has_record = False

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        with os_errors_at(self.path, "a readable file"):
            self._resources.close()

    def with_content(self, sha256: str, before: int | None = None) -> Iterator[Line]:
        """Yield the lines whose output has a content, newest first.

        Args:
            before: the start of the first line that does not count.
        """
        return self._found(sha256, before)

    def with_table(self, stored: str, before: int | None = None) -> Iterator[Line]:
        """Yield the lines whose output is a table of the engine, as ``with_content``."""
        return self._found(_key_of_table(stored), before)

    def with_name(self, name: str) -> Iterator[Line]:
        """Yield the lines whose output is a file of this name, newest first."""
        # The longest part that every way to write the name in JSON has as it is.
        plain = max(re.findall(r"[\w.-]+", name, re.ASCII), key=len, default="").encode()
        end, size = self._size, _FIRST_BLOCK_BYTES
        while end > 0:
            for start, text in self._lines_before(end, size):
                line = self._line(start, text) if plain in text else None
                if line is not None and line.record.output.file == name:
                    yield line
                end = start
            size = min(2 * size, _BLOCK_BYTES)

    def records(self) -> dict[int, Record]:
        """Return all records by the number of their line, from 1, oldest first."""
        self._file.seek(0)
        found: dict[int, Record] = {}
        start = number = 0
        while text := self._file.readline(MAX_LINE_BYTES + 2):
            number += 1
            self._expect_line(len(text) - 1)
            line = self._line(start, text.removesuffix(b"\n"))
            start += len(text)
            if line is not None:
                found[number] = line.record
        return found

    def numbers(self, starts: Sequence[int]) -> dict[int, int]:
        """Return the number of the line at each start, from 1."""
        numbers, number, seen = {}, 1, 0
        for start in sorted(set(starts)):
            while seen < start:
                block = self._read(seen, min(start - seen, _BLOCK_BYTES))
                number, seen = number + block.count(b"\n"), seen + len(block)
            numbers[start] = number
        return numbers

    def faults(self) -> list[tuple[int, DataError]]:
        """Return lines seen so far that are no records, with their numbers and reasons, oldest first.

        The marks of merge conflicts are one together, at the first.
        """
        numbers = self.numbers(list(self._faults))
        faults = [(numbers[start], fault) for start, fault in sorted(self._faults.items())]
        marks = [number for number, fault in faults if isinstance(fault, _Mark)]
        if len(marks) > 1:
            got = f"got the marks of a merge conflict in lines {', '.join(map(str, marks[:6]))}"
            more = f" and {len(marks) - 6} more" if len(marks) > 6 else ""
            conflict = _Mark(f"expected records of runs, {got}{more}", _CURE)
            others = [one for one in faults if not isinstance(one[1], _Mark)]
            faults = sorted([(marks[0], conflict), *others], key=lambda one: one[0])
        return faults

    def report_faults(self) -> None:
        """Warn of ``faults``, in one line, or raise the first if there is no record but them.

        Raises:
            DataError: the file is no log.
        """
        for number, fault in self.faults()[:1]:
            if not self._has_record and not isinstance(fault, (_Mark, _Unfinished)):
                raise DataError(f"{self.path}:{number}: {fault}", fault.hint)
            self._warn(number, fault, len(self.faults()) - 1)

    def check_end(self) -> None:
        """Refuse a file whose last line, marks and beginnings of records apart, is no record.

        Raises:
            DataError: see ``check_appendable``.
        """
        end = self._size
        while end > 0 and not self._has_record:
            for start, text in self._lines_before(end, _FIRST_BLOCK_BYTES):
                end = start
                if self._line(start, text) is not None:
                    break
                fault = self._faults[start]
                if not isinstance(fault, _Mark) and not _begins_record(text):
                    if (
                        self._line(0) is None
                    ):  # a file of another kind, of which the first line tells most
                        start, fault = 0, self._faults[0]
                    (number,) = self.numbers([start]).values()
                    hint = fault.hint or "--lineage names another log"
                    raise DataError(f"{self.path}:{number}: {fault}", hint)
        self.report_faults()

    def _warn(self, number: int, fault: DataError, others: int = 0) -> None:
        if isinstance(fault, _Unfinished):
            message = f"{self.path}: ignored a last line that was not written to its end"
        else:
            more = f", and {others} other fault{'s' if others > 1 else ''}" if others else ""
            cure = f": {fault.hint}" if fault.hint else ""
            message = f"{self.path}:{number}: {fault}{more}; passed over{cure}"
        warnings.warn(message, DataWarning, stacklevel=3)

    def _found(self, key: str, before: int | None) -> Iterator[Line]:
        limit, seen = self._size if before is None else before, 0
        while True:
            starts = self._index.get(key, [])
            while seen < len(starts):
                start, seen = starts[seen], seen + 1
                if start < limit and (line := self._line(start)) is not None:
                    yield line
                    starts = self._index.get(key, [])  # another question may have gone on
            if self._begin == 0:
                return
            self._index_more()

    def _index_more(self) -> None:
        for start, text in self._lines_before(self._begin, self._block_bytes):
            if (key := self._key(start, text)) is not None:
                self._index.setdefault(key, []).append(start)
            self._begin = start
        self._block_bytes = min(2 * self._block_bytes, _BLOCK_BYTES)

    def _key(self, start: int, text: bytes) -> str | None:
        """Return what the output of a line is found by, None of a line that is no record."""
        at = text.find(b'"output": {')
        if at >= 0 and text.endswith((b"}", b"}\r")) and (found := _OUTPUT.match(text, at)):
            self._has_record = True
            stored, sha256 = found.groups()
            if sha256 is not None:
                return str(sha256, "ascii")
            try:
                return _key_of_table(parse_json(stored.decode()))
            except ValueError:  # what is wrong is said below
                pass
        if (line := self._line(start, text)) is None:
            return None
        output = line.record.output
        return output.sha256 if output.sha256 is not None else _key_of_table(output.stored)

    def _line(self, start: int, text: bytes | None = None) -> Line | None:
        if text is None:
            self._file.seek(start)
            text = self._file.readline(MAX_LINE_BYTES).removesuffix(b"\n")
        try:
            line = Line(start, _parse(text, is_last=start + len(text) == self._size))
        except DataError as error:
            self._faults[start] = error
            return None
        self._has_record = True
        return line

    def _lines_before(self, end: int, num_bytes: int) -> list[tuple[int, bytes]]:
        """Return lines that end there, newest first, with their starts; one at least."""
        begin, data = end, b""
        while begin > 0 and (begin == end or b"\n" not in data[:-1]):
            self._expect_line(len(data))
            size = min(begin, max(num_bytes, len(data)))  # a long line is not copied often
            begin -= size
            data = self._read(begin, size) + data
        texts = data.removesuffix(b"\n").split(b"\n")
        if begin > 0:
            del texts[0]  # which begins before
        lines, start = [], end - data.endswith(b"\n")
        for text in reversed(texts):
            start -= len(text)
            lines.append((start, text))
            start -= 1
        return lines

    def _expect_line(self, size: int) -> None:
        if size > MAX_LINE_BYTES:
            raise DataError(f"{self.path}: line: expected at most {MAX_LINE_BYTES} bytes, got more")

    def _read(self, start: int, size: int) -> bytes:
        with os_errors_at(self.path, "a readable file"):
            self._file.seek(start)
            if len(data := self._file.read(size)) < size:
                raise DataError(f"{self.path}: expected a file that only grows, got a shorter one")
        return data


def read_lineage(path: PathLike) -> list[Record]:
    """Return the records of a lineage file, oldest first: the first is that of line 1.

    A last line that was not written to its end is ignored, with a DataWarning.

    Raises:
        DataError: missing, unreadable, or a line that is no record.
    """
    with Log(path) as log:
        records = log.records()
        for number, fault in log.faults():
            if not isinstance(fault, _Unfinished):
                raise DataError(f"{log.path}:{number}: {fault}", fault.hint)
            log._warn(number, fault)
    return list(records.values())


def check_appendable(path: PathLike) -> None:
    """Refuse a lineage file that cannot take a record, before there is work to lose.

    Writes nothing. The file need not exist. Of a file its last lines decide what it is: the marks of a
    merge conflict, or the beginning of a record, are passed over with a DataWarning.

    Raises:
        DataError: it, or its folder, cannot be written to, or it is a file of something else.
    """
    target = Path(path)
    if not os.path.lexists(target):
        if not target.parent.is_dir() or not os.access(target.parent, os.W_OK | os.X_OK):
            raise DataError(
                f"{path}: expected a folder to write to, got none in {str(target.parent)!r}",
                "--lineage says where the line is to go",
            )
        return
    if target.exists() and not target.is_file():
        raise DataError(f"{path}: expected a file, got something else")
    try:
        open(target, "r+b").close()
    except OSError as error:
        raise from_os_error(error, path, "a file to write to") from error
    with Log(path) as log:
        log.check_end()


def append(path: PathLike, record: Record) -> None:
    """Add a record to a lineage file as its last line, and wait until it is on the disk.

    Lines of several processes follow one another. Whatever goes wrong, the file has the whole line
    or is as it was; what a crash left of a line is removed before, with a DataWarning.

    Args:
        path: made if there is none.

    Raises:
        DataError: the disk refused, or the last line is of something else.
    """
    with appended(path, [record]):
        pass


@contextmanager
def appended(path: PathLike, records: Sequence[Record]) -> Iterator[None]:
    """Add records as ``append`` does, and take them back if the block raises.

    No other process adds any meanwhile.

    Raises:
        DataError: the disk refused, or the last line is of something else.
    """
    is_new = not os.path.lexists(path)
    with open_journal(Path(path)) as journal:
        journal.mend_end(lambda line: _is_whole(line, f"{os.fspath(path)}: last line"))
        try:
            with journal.appended(*map(format_record, records)):
                yield
        except BaseException:
            if is_new and journal.is_empty:
                discard(Path(path))
            raise


def _is_whole(line: bytes, place: str) -> bool:
    """Return whether a last line lacks its line feed alone.

    Raises:
        DataError: it is the line of something else, which nobody may remove.
    """
    try:
        _parse(line, is_last=True)
    except _Unfinished:
        return False
    except _Mark:
        return True
    except DataError as error:
        raise DataError(f"{place}: {error}", error.hint) from None
    return True


def _parse(text: bytes, *, is_last: bool) -> Record:
    """Return the record of a line.

    Args:
        is_last: whether no line feed follows.

    Raises:
        DataError: it is none, without the place.
    """
    try:
        return parse_record(text.removeprefix(_BOM).decode(), "")
    except UnicodeDecodeError as error:
        fault = f"expected UTF-8, got the byte 0x{text[error.start]:02x}"
    except DataError as error:
        fault = str(error).removeprefix(": ")
    if _MARK.fullmatch(text.rstrip(b"\r")):
        raise _Mark("expected a record of a run, got the mark of a merge conflict", _CURE)
    if is_last and _begins_record(text):
        raise _Unfinished(fault)
    raise DataError(fault)


def _begins_record(text: bytes) -> bool:
    return begins_record(text.removeprefix(_BOM).decode(errors="replace"))


def _key_of_table(stored: str | None) -> str:
    return f"table {stored}"  # no digest has a space


def _seekable(path: PathLike, resources: ExitStack) -> IO[bytes]:
    with os_errors_at(path, "a readable file"):
        if os.path.isfile(path):
            file = resources.enter_context(open(path, "rb"))
            if file.read(2) != GZIP_MAGIC:
                return file
        copy: IO[bytes] = resources.enter_context(tempfile.TemporaryFile())
        for chunk in text_chunks(path):
            copy.write(chunk.text.encode())
        return copy

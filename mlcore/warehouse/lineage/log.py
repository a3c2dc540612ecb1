"""The lineage file: read, and lengthened by a whole line or not at all."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from mlcore.files.options import PathLike
from mlcore.errors import DataError, DataWarning, from_os_error
from mlcore.files.inputs import read_text
from mlcore.warehouse.lineage.record import LineageRecord

__all__ = ["append", "check_appendable", "read_lineage"]


def read_lineage(path: PathLike) -> list[LineageRecord]:
    """Return the records of a lineage file, oldest first: the first is that of line 1.

    A last line that was not written to its end is passed over, with a DataWarning.

    Args:
        path: of the file.

    Raises:
        DataError: missing, unreadable, or a line that is no record.
    """
    *lines, rest = read_text(path).split("\n")
    records = [
        LineageRecord.from_line(line, f"{os.fspath(path)}:{number}")
        for number, line in enumerate(lines, 1)
    ]
    if rest and (last := _whole(rest)) is not None:
        records.append(last)
    elif rest:
        message = f"{os.fspath(path)}: passed over a last line that was not written to its end"
        warnings.warn(message, DataWarning, stacklevel=2)
    return records


def check_appendable(path: PathLike) -> None:
    """Refuse a lineage file that could not take a record, before there is work to lose.

    Args:
        path: of the file, there or not. Nothing is written.

    Raises:
        DataError: it, or its folder, cannot be written to, or it holds other lines than records.
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
    read_lineage(path)


def append(path: PathLike, record: LineageRecord) -> None:
    """Add a record to a lineage file as its last line, and wait until it is on the disk.

    Lines of several processes follow one another. Whatever goes wrong, the file has the whole line
    or is as it was; what a crash left of a line is removed before, with a DataWarning.

    Args:
        path: of the file; made if there is none.
        record: of a run.

    Raises:
        DataError: the disk refused.
    """
    line = record.to_line().encode("utf-8", "replace") + b"\n"
    try:
        with _locked(Path(path)) as stream:
            _mend_end(stream, path)
            _write(stream, line)
    except OSError as error:
        raise from_os_error(error, path, "a file to write to") from error


@contextmanager
def _locked(path: Path) -> Iterator[FileIO]:
    """Give the file, open for this process alone."""
    while True:
        # Without a buffer, whose rest would be written once more at the end if the disk is full.
        with open(path, "a+b", buffering=0) as stream:
            _lock(stream)
            # Git puts a new file in the place of the one that was waited for.
            if not _stands_at(stream, path):
                continue
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise DataError(f"{path}: expected a file, got something else")
            yield stream
            return


def _lock(stream: FileIO) -> None:
    # The system lets go of it when the process ends, however it ends.
    with suppress(ImportError):  # Windows
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX)


def _stands_at(stream: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _mend_end(stream: FileIO, path: PathLike) -> None:
    """Give the last line its line feed, or remove it if it is only a part of a record."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - 1))
    if stream.read() in (b"", b"\n"):
        return
    stream.seek(0)
    content = stream.read()
    start = content.rfind(b"\n") + 1
    if _whole(content[start:].decode(errors="replace")) is not None:
        _write(stream, b"\n")
        return
    message = f"{os.fspath(path)}: removed a last line that was not written to its end"
    warnings.warn(message, DataWarning, stacklevel=3)
    stream.truncate(start)


def _whole(line: str) -> LineageRecord | None:
    try:
        return LineageRecord.from_line(line, "")
    except DataError:
        return None


def _write(stream: FileIO, data: bytes) -> None:
    end = stream.seek(0, os.SEEK_END)
    try:
        while data:
            data = data[stream.write(data) :]
        os.fsync(stream.fileno())
    except BaseException:  # also Ctrl-C
        with suppress(OSError):
            stream.truncate(end)
        raise

"""Append-only files of lines: a line is whole and on the disk, or not in the file."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

from mlcore.errors import DataError, DataWarning, from_os_error, os_errors_at
from mlcore.files.locks import is_at, lock
from mlcore.interrupts import held_signals
from mlcore.limits import MAX_DOCUMENT_BYTES, MAX_LINE_BYTES

__all__ = ["Journal", "open_journal"]


class Journal:
    """An open journal, which no other process opens meanwhile."""

    def __init__(self, path: Path, stream: FileIO) -> None:
        self._path, self._stream = path, stream

    @property
    def is_empty(self) -> bool:
        """Whether it holds no byte."""
        return os.fstat(self._stream.fileno()).st_size == 0

    def lines(self) -> list[bytes]:
        """Return all lines, without their line feeds; see ``mend_end``.

        Raises:
            DataError: there are more than ``MAX_DOCUMENT_BYTES``.
        """
        self._expect_at_most(MAX_DOCUMENT_BYTES, os.fstat(self._stream.fileno()).st_size)
        return self._content(0).split(b"\n")[:-1]

    def mend_end(self, is_whole: Callable[[bytes], bool] = lambda line: False) -> None:
        """Remove what a crash left of a last line, with a DataWarning.

        Args:
            is_whole: whether a last line lacks its line feed alone, and gets it.

        Raises:
            DataError: the last line has more than ``MAX_LINE_BYTES``, or the disk refused.
        """
        end = self._stream.seek(0, os.SEEK_END)
        if self._content(max(0, end - 1)) in (b"", b"\n"):
            return
        begin = max(0, end - MAX_LINE_BYTES - 1)
        content = self._content(begin)
        start = content.rfind(b"\n") + 1
        self._expect_at_most(MAX_LINE_BYTES, len(content) - start, "last line: ")
        if is_whole(content[start:]):
            self._write(b"\n")
            return
        message = f"{self._path}: removed a last line that was not written to its end"
        warnings.warn(message, DataWarning, stacklevel=2)
        self._stream.truncate(begin + start)
        os.fsync(self._stream.fileno())

    def append(self, *lines: str) -> None:
        """Add lines, and wait until they are on the disk; if that fails, the file is as it was.

        Raises:
            DataError: the disk refused.
        """
        with self.appended(*lines):
            pass

    @contextmanager
    def appended(self, *lines: str) -> Iterator[None]:
        """Do what ``append`` does, and take the lines back if the block raises.

        Raises:
            DataError: the disk refused.
        """
        end = self._stream.seek(0, os.SEEK_END)
        try:
            self._write(b"".join(line.encode("utf-8", "replace") + b"\n" for line in lines))
            yield
        except BaseException:  # also Ctrl-C
            with held_signals():
                self._cut(end)
            raise

    def _content(self, start: int) -> bytes:
        with os_errors_at(self._path, "a readable file"):
            self._stream.seek(start)
            return self._stream.read()

    def _expect_at_most(self, limit: int, size: int, name: str = "") -> None:
        if size > limit:
            raise DataError(f"{self._path}: {name}expected at most {limit} bytes, got more")

    def _write(self, data: bytes) -> None:
        with os_errors_at(self._path, "room to write"):
            while data:
                data = data[self._stream.write(data) :]
            os.fsync(self._stream.fileno())

    def _cut(self, end: int) -> None:
        try:
            self._stream.truncate(end)
        except OSError:
            message = f"{self._path}: has lines at its end of what was not written"
            warnings.warn(message, DataWarning, stacklevel=2)


@contextmanager
def open_journal(path: Path, *, wait: bool = True) -> Iterator[Journal]:
    """Open a journal for this process alone; made if there is none.

    Args:
        wait: until another process closes it.

    Raises:
        BlockingIOError: another process has it open, and ``wait`` is false.
        DataError: it cannot be written to.
    """
    try:
        stream = _open_locked(path, wait)
    except BlockingIOError:
        raise
    except OSError as error:
        raise from_os_error(error, path, "a file to write to") from error
    try:
        yield Journal(path, stream)
    finally:
        with suppress(OSError):  # every line is on the disk
            stream.close()


def _open_locked(path: Path, wait: bool) -> FileIO:
    while True:
        with ExitStack() as stack:
            # Without a buffer, whose rest would be written once more at the end if the disk is full.
            stream = stack.enter_context(open(path, "a+b", buffering=0))
            lock(stream.fileno(), wait)
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise DataError(f"{path}: expected a file, got something else")
            # Git replaces a file by another, perhaps while we waited.
            if is_at(stream.fileno(), path):
                stack.pop_all()
                return stream

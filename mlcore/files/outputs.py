"""Output files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TextIO, cast

from mlcore.errors import DataError, from_os_error
from mlcore.files.options import PathLike

__all__ = ["open_outputs"]


@contextlib.contextmanager
def open_outputs(*paths: PathLike) -> Iterator[list[TextIO]]:
    """Give a text stream for each path; replace the files, one right after the other, on success.

    Until then the text goes to hidden siblings, which are removed on any exception and on Ctrl-C.
    Open outputs before the work starts, and one that cannot be written fails at once. ``-`` is
    standard output; a name that ends in ``.gz`` is compressed, without a time stamp.

    Raises:
        DataError: the same path twice, or the disk refused.
    """
    regular = [os.path.realpath(path) for path in paths if os.fspath(path) != "-"]
    if len(set(regular)) < len(regular) or len(paths) - len(regular) > 1:
        raise DataError(
            f"{_name(paths[-1])}: expected a different file for each output, got one twice"
        )
    outputs: list[_Output] = []
    try:
        for path in paths:
            outputs.append(_Output(path))
        yield [output.stream for output in outputs]
        for output in outputs:
            output.finish()
        for output in outputs:
            output.publish()
    finally:
        for output in outputs:
            output.discard()


class _Output:
    """One output: a stream, and what to do on success."""

    def __init__(self, path: PathLike) -> None:
        self._path = path
        self._partial: Path | None = None
        raw = self._open()
        self._files: list[IO[bytes]] = [raw]
        if os.fspath(path).endswith(".gz"):
            raw = cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0))
            self._files.insert(0, raw)
        self.stream: TextIO = _Writer(raw, path)

    def _open(self) -> IO[bytes]:
        if os.fspath(self._path) == "-":
            return _keep_open(sys.stdout.buffer)
        target = Path(os.path.realpath(self._path))
        try:
            if target.exists() and not stat.S_ISREG(target.stat().st_mode):
                return open(target, "wb")  # a device or a pipe; a directory is refused here
            self._partial = target.with_name(f".{target.name}.partial-{secrets.token_hex(4)}")
            return open(self._partial, "xb")
        except OSError as error:
            self._partial = None
            raise from_os_error(error, self._path, "a file to write to") from error

    def finish(self) -> None:
        """Sync all bytes to disk."""
        with _room_to_write(_name(self._path)):
            self.stream.flush()
            raw = self._files[-1]
            for file in self._files:
                if file is not raw:
                    file.close()
            raw.flush()
            if self._partial is not None:
                os.fsync(raw.fileno())
            raw.close()

    def publish(self) -> None:
        """Rename the file to its path."""
        if self._partial is not None:
            with _room_to_write(_name(self._path)):
                target = os.path.realpath(self._path)
                if os.path.exists(target):
                    shutil.copymode(target, self._partial)
                os.replace(self._partial, target)
            self._partial = None

    def discard(self) -> None:
        """Remove a file that was not published."""
        for file in self._files:
            with contextlib.suppress(OSError, ValueError):
                file.close()
        if self._partial is not None:
            with contextlib.suppress(OSError):
                self._partial.unlink()


class _Writer(io.TextIOWrapper):
    """UTF-8 with plain line feeds, whose errors name the output."""

    def __init__(self, raw: IO[bytes], path: PathLike) -> None:
        super().__init__(raw, encoding="utf-8", newline="\n", write_through=False)
        self._place = _name(path)

    def write(self, text: str) -> int:
        with _room_to_write(self._place):
            return super().write(text)


@contextlib.contextmanager
def _room_to_write(place: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise from_os_error(error, place, "room to write") from error


def _name(path: PathLike) -> str:
    return "standard output" if os.fspath(path) == "-" else os.fspath(path)


def _keep_open(stream: IO[bytes]) -> IO[bytes]:
    return os.fdopen(os.dup(stream.fileno()), "wb")

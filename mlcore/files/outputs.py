"""Output files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeAlias, cast

from mlcore.errors import DataError, from_os_error
from mlcore.files.clobber import refuse_clobber
from mlcore.files.formats import ending_of
from mlcore.files.options import PathLike
from mlcore.files.locks import close
from mlcore.files.partials import create_partial, discard
from mlcore.files.placing import HiddenFile, locked_together, put_in_place
from mlcore.interrupts import held_signals, note_stream

__all__ = ["OnWritten", "OutputStream", "descriptor_of", "is_stream", "open_outputs"]

OnWritten: TypeAlias = Callable[
    [Sequence[Path | None]], contextlib.AbstractContextManager[object] | None
]

_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self|proc/thread-self)/fd/([0-9]{1,9})")
_MAX_LINKS = 40


@contextlib.contextmanager
def open_outputs(
    *paths: PathLike,
    inputs: Mapping[str, PathLike | None] = {},
    types: Mapping[str, str] | None = None,
    on_written: OnWritten | None = None,
) -> Iterator[list[OutputStream]]:
    """Give a text stream for each path; on success replace the files, all of them or none.

    Until then the text goes to hidden siblings, which are removed on any exception and on Ctrl-C, and
    after a kill by the next run with the same output. Signals wait while files get their names; for
    what a kill leaves of several see ``put_in_place``. Open outputs before the work starts, and one
    that cannot be written fails at once. ``-`` is standard output, as ``/dev/stdout``; devices and
    pipes are written to as they are; a name that ends in ``.gz`` is compressed, without a time stamp.

    Args:
        inputs: what the work reads, by option; an output among them is refused.
        types: of the columns, for ``convert_to_parquet``: a name that ends in ``.parquet`` is
            written as CSV and converted on success. None if there is no such name.
        on_written: called with the hidden file of each output, or None where it has none, when all are
            whole and on disk. May return a context manager: it is entered before the first file gets
            its name and left when all have theirs, with the exception if they get none.

    Raises:
        DataError: the same path twice, a path of an input, or the disk refused: all is as before, or
            else the message names what is not.
        MlcoreError: Parquet, and DuckDB is not installed.
    """
    for path in paths:
        refuse_clobber(path, inputs)
    if len({_key(path) for path in paths}) < len(paths):
        raise DataError(
            f"{_name(paths[-1])}: expected a different file for each output, got one twice"
        )
    outputs = [_Output(path, types) for path in paths]
    try:
        for output in outputs:
            output.open()
        yield [output.stream for output in outputs]
        for output in outputs:
            output.finish()
        _publish(outputs, on_written)
    finally:
        with held_signals():
            for output in outputs:
                output.discard()


def _publish(outputs: Sequence[_Output], on_written: OnWritten | None) -> None:
    """Give the hidden files their names, in what ``on_written`` returns."""
    files = [output.hidden_file() for output in outputs if output.hidden is not None]
    with contextlib.ExitStack() as around:
        around.enter_context(locked_together(files))
        if on_written is not None:
            noted = on_written([output.hidden for output in outputs])
            around.enter_context(noted or contextlib.nullcontext())
        with held_signals():
            put_in_place(files)
            around.close()


class _Output:
    """One output: a stream, and what to do on success."""

    def __init__(self, path: PathLike, types: Mapping[str, str] | None) -> None:
        self._path = path
        self._partial: Path | None = None
        self._lock: int | None = None
        self._types = types if ending_of(path) == ".parquet" else None
        self._files: list[IO[bytes]] = []

    def open(self) -> None:
        """Open the stream.

        Raises:
            DataError, MlcoreError: as ``open_outputs``.
        """
        path = self._path
        if self._types is not None:
            from mlcore.files.parquet_output import check_parquet_output

            check_parquet_output(path)
        raw = self._open()
        self._files.append(raw)
        if self._types is not None and self._partial is None:
            raise DataError(f"{_name(path)}: expected a file to write Parquet to, got a stream")
        if os.fspath(path).lower().endswith(".gz"):
            raw = cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0))
            self._files.insert(0, raw)
        self.stream = OutputStream(raw, path)

    def _open(self) -> IO[bytes]:
        try:
            if is_stream(self._path):
                note_stream()
            descriptor = descriptor_of(self._path)
            if descriptor is not None:
                # Opened anew by its name, a file that the shell opened would be cut to nothing.
                return os.fdopen(os.dup(descriptor), "wb")
            if _is_special(self._path):
                return open(self._path, "wb")  # a device or a pipe; a directory is refused here
            if os.fspath(self._path).endswith(("/", os.sep)):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            return os.fdopen(os.dup(self._create()[1]), "wb")
        except OSError as error:
            raise from_os_error(error, self._path, "a file to write to") from error

    def _create(self) -> tuple[Path, int]:
        with held_signals():  # or nobody would know of the file
            target = Path(os.path.realpath(self._path))
            self._partial, self._lock = made = create_partial(target, _create_file)
        return made

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
            if self._types is not None:
                self._convert(self._types)
            if os.name == "nt":
                self._unlock()  # Windows renames no file that is open

    def _convert(self, types: Mapping[str, str]) -> None:
        """Replace the hidden CSV file by a hidden Parquet file."""
        from mlcore.files.parquet_output import convert_to_parquet

        csv_path, lock = self._partial, self._lock
        assert csv_path is not None and lock is not None
        try:
            parquet_path, descriptor = self._create()
            convert_to_parquet(csv_path, parquet_path, types, _name(self._path))
            os.fsync(descriptor)
        finally:
            with held_signals():
                discard(csv_path)
                if self._lock != lock:
                    close(lock)

    @property
    def hidden(self) -> Path | None:
        """Where it is until it gets its name."""
        return self._partial

    def hidden_file(self) -> HiddenFile:
        """Return the hidden file with the name that it is to get."""
        assert self._partial is not None
        return HiddenFile(self._partial, Path(os.path.realpath(self._path)), os.fspath(self._path))

    def discard(self) -> None:
        """Remove a file that did not get its name."""
        for file in self._files:
            with contextlib.suppress(OSError, ValueError):
                file.close()
        if self._partial is not None:
            discard(self._partial)
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            close(self._lock)
            self._lock = None


class OutputStream(io.TextIOWrapper):
    """UTF-8 with plain line feeds, whose errors name the output."""

    def __init__(self, raw: IO[bytes], path: PathLike) -> None:
        super().__init__(raw, encoding="utf-8", newline="\n", write_through=False)
        self._place = _name(path)

    def write(self, text: str) -> int:
        """Write text; return its length."""
        with _room_to_write(self._place):
            return super().write(text)

    def write_bytes(self, data: bytes) -> None:
        """Write what is UTF-8 already; only to a stream that gets nothing else.

        Text waits in a buffer of its own, and emptying it would change the bytes of a ``.gz``.
        """
        with _room_to_write(self._place):
            self.buffer.write(data)


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


def _key(path: PathLike) -> str | int:
    """Return what two paths to one output have in common."""
    descriptor = descriptor_of(path)
    return os.path.realpath(path) if descriptor is None else descriptor


def _is_special(path: PathLike) -> bool:
    # Of the path as given: what /dev/fd/63 links to is no path, but pipe:[4711].
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:  # nothing is there, or a link to nothing
        return False


def descriptor_of(path: PathLike) -> int | None:
    """Return the open descriptor that a path names, perhaps by links: 1 for - and /dev/stdout.

    >>> descriptor_of("-"), descriptor_of("/dev/fd/63"), descriptor_of("events.csv")
    (1, 63, None)
    """
    if os.fspath(path) == "-":
        return 1
    name = os.path.abspath(path)
    for _ in range(_MAX_LINKS):
        if name in _STREAMS:
            return _STREAMS[name]
        if found := _DESCRIPTOR.fullmatch(name):
            return int(found[1])
        if not os.path.islink(name):
            return None
        name = os.path.abspath(os.path.join(os.path.dirname(name), os.readlink(name)))
    return None


def is_stream(path: PathLike) -> bool:
    """Return whether a path names no file, but a descriptor, a device or a pipe.

    >>> is_stream("-"), is_stream("/dev/null"), is_stream("lists.jsonl")
    (True, True, False)
    """
    return descriptor_of(path) is not None or (_is_special(path) and not os.path.isdir(path))


def _create_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)

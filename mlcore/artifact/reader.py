"""Opening a model directory: sizes, headers and row offsets are checked, arrays are mapped."""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy.typing as npt

from mlcore.artifact.idmap import parse_id_map
from mlcore.artifact.manifest import (
    MAX_MANIFEST_BYTES,
    MODEL_FILES,
    Manifest,
    expected_arrays,
    parse_object,
)
from mlcore.artifact.npz import ArraySpec, map_npz
from mlcore.errors import CsrError, ManifestError, MissingFileError, SizeError
from mlcore.ids import IdMap
from mlcore.types import CsrMatrix

__all__ = ["ModelFiles"]

# None on Windows, which opens no directories.
_O_DIRECTORY: int | None = getattr(os, "O_DIRECTORY", None)


class ModelFiles:
    """The files of one model directory, all opened at once and checked against the manifest.

    They stay those of one model when another takes the place of the directory, even in the middle
    of opening it. Every method raises the subclass of ArtifactError for the fault it finds.

    Attributes:
        is_mapped: whether files are mapped, where they can be, or read.
        manifest_bytes: ``manifest.json`` as it stands there.
        contents: all bytes of each other file.
    """

    def __init__(self, folder: Path, directory: int | None, is_mapped: bool = True) -> None:
        self._folder = folder
        self._directory = directory
        self.is_mapped = is_mapped
        self.manifest = self._read_manifest()
        self._refuse_unlisted()
        self.contents = {
            name: self._map(name, entry.bytes) for name, entry in self.manifest.files.items()
        }

    @classmethod
    def open(cls, directory: str | os.PathLike[str], is_mapped: bool = True) -> ModelFiles:
        """Open a model directory."""
        folder = Path(directory)
        while True:
            with _opened_directory(folder) as descriptor:
                try:
                    return cls(folder, descriptor, is_mapped)
                except MissingFileError:
                    # Unless what we began to open is only missing because it was replaced.
                    if not _is_replaced(folder, descriptor):
                        raise

    def place(self, name: str) -> str:
        """Return the path of a file, for messages."""
        return f"{self._folder / name}"

    def check_sizes(self) -> None:
        """Refuse mapped files that were cut or went on since: reading beyond their end ends the process."""
        for name, content in self.contents.items():
            if not isinstance(content, bytes):
                self._check_size(name, content.size())  # as the system has it now

    def config(self) -> dict[str, object]:
        """Return the object in ``config.json``, which may be of a later version."""
        place, data = self.place("config.json"), bytes(self.contents["config.json"])
        _refuse_larger(len(data), place)
        return parse_object(_decode(data, place), place)

    def ids(self, name: str, count: int) -> IdMap:
        """Return the ids of a file, parsed when first asked for."""

        def parse() -> Sequence[str]:
            self.check_sizes()
            return parse_id_map(bytes(self.contents[name]), count, self.place(name))

        return IdMap(parse, count)

    def specs(self, name: str) -> dict[str, ArraySpec]:
        """Return dtype and length of each array of a file by the manifest's counts."""
        return expected_arrays(self.manifest.counts, self.manifest.features)[name]

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of a file, mapped and read-only."""
        return map_npz(self.contents[name], self.specs(name), self.place(name))

    def csr(self, name: str, num_columns: int) -> CsrMatrix:
        """Return the matrix of a file with its row offsets checked, its indices not."""
        arrays = self.arrays(name)
        indptr = arrays["indptr"]
        place = f"{self.place(name)}: indptr.npy"
        if indptr[0] != 0 or indptr[-1] != len(arrays["indices"]):
            raise CsrError(
                f"{place}: expected offsets from 0 to {len(arrays['indices'])}, "
                f"got {indptr[0]} to {indptr[-1]}"
            )
        if (indptr[1:] < indptr[:-1]).any():
            raise CsrError(f"{place}: expected offsets that never decrease, got one that does")
        return CsrMatrix(indptr, arrays["indices"], arrays["data"], num_columns)

    def _read_manifest(self) -> Manifest:
        place = self.place("manifest.json")
        with self._open_file("manifest.json") as file:
            size = os.fstat(file.fileno()).st_size
            _refuse_larger(size, place)
            self.manifest_bytes = file.read(size)
            return Manifest.from_text(_decode(self.manifest_bytes, place), place)

    def _refuse_unlisted(self) -> None:
        for name in sorted({*MODEL_FILES} - {"manifest.json", *self.manifest.files}):
            try:
                os.lstat(self._path(name), dir_fd=self._directory)
            except OSError:
                continue
            raise ManifestError(
                f"{self.place(name)}: expected a file that the manifest lists, "
                "got one that it does not"
            )

    def _map(self, name: str, expected_size: int) -> mmap.mmap | bytes:
        with self._open_file(name) as file:
            self._check_size(name, os.fstat(file.fileno()).st_size)
            if self.is_mapped:
                with contextlib.suppress(OSError, ValueError):  # where files cannot be mapped
                    # The mapping lives as long as an array that looks into it.
                    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            data = file.read(expected_size + 1)
            self._check_size(name, len(data))
            return data

    def _check_size(self, name: str, size: int) -> None:
        expected = self.manifest.files[name].bytes
        if size != expected:
            raise SizeError(
                f"{self.place(name)}: expected {expected} bytes as in the manifest, got {size}"
            )

    def _path(self, name: str) -> Path | str:
        return self._folder / name if self._directory is None else name

    @contextlib.contextmanager
    def _open_file(self, name: str) -> Iterator[BinaryIO]:
        """Give a file, which the system may also refuse to read when it is open."""
        place, path = self.place(name), self._path(name)
        try:
            status = os.lstat(path, dir_fd=self._directory)
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb", opener=partial(os.open, dir_fd=self._directory)) as file:
                    yield file
                return
        except OSError as error:
            raise MissingFileError(f"{place}: expected a file, got {error.strerror!r}") from error
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "something else"
        raise MissingFileError(f"{place}: expected a regular file, got {kind}")


@contextlib.contextmanager
def _opened_directory(folder: Path) -> Iterator[int | None]:
    """Give a descriptor of a directory; None where there are none, and paths have to do."""
    try:
        found = None if _O_DIRECTORY is None else os.open(folder, os.O_RDONLY | _O_DIRECTORY)
    except OSError as error:
        got = "a file" if os.path.isfile(folder) else repr(error.strerror)
        got = "no such directory" if isinstance(error, FileNotFoundError) else got
        raise MissingFileError(f"{folder}: expected a model directory, got {got}") from error
    try:
        yield found
    finally:
        if found is not None:
            with contextlib.suppress(OSError):  # nothing was written to it
                os.close(found)


def _is_replaced(folder: Path, directory: int | None) -> bool:
    try:
        return directory is not None and not os.path.samestat(os.stat(folder), os.fstat(directory))
    except OSError:
        return False


def _refuse_larger(size: int, place: str) -> None:
    if size > MAX_MANIFEST_BYTES:
        raise ManifestError(f"{place}: expected at most {MAX_MANIFEST_BYTES} bytes, got {size}")


def _decode(data: bytes, place: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{place}: expected UTF-8, got the byte 0x{data[error.start]:02x} at {error.start}"
        ) from None

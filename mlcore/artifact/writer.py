"""Writing the files of a model, with size and digest of each for the manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy.typing as npt

from mlcore.artifact.manifest import FileEntry
from mlcore.artifact.npz import write_npz

__all__ = ["ModelWriter"]


class ModelWriter:
    """Writes files into an existing, empty folder; ``entries`` has those written, in order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.entries: dict[str, FileEntry] = {}

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a file."""
        with open(self._folder / name, "xb") as file:
            sink = _DigestingSink(file)
            sink.write(data)
        self.entries[name] = FileEntry(sink.size, sink.digest.hexdigest())

    def write_arrays(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a ``.npz`` file with arrays as for ``write_npz``."""
        with open(self._folder / name, "xb") as file:
            sink = _DigestingSink(file)
            specs = write_npz(sink, arrays)
        self.entries[name] = FileEntry(sink.size, sink.digest.hexdigest(), specs)


class _DigestingSink:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> None:
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)

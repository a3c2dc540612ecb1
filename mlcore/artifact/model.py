"""A trained model, and its directory."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from mlcore.artifact.directory import replaced_directory
from mlcore.artifact.idmap import format_id_map, parse_id_map
from mlcore.artifact.manifest import (
    FORMAT,
    FORMAT_VERSION,
    MAX_DEPTH,
    MAX_MANIFEST_BYTES,
    ModelCounts,
    FileEntry,
    Manifest,
    expected_arrays,
)
from mlcore.artifact.npz import map_npz, verify_npz_crc, write_npz
from mlcore.config import TrainConfig
from mlcore.errors import (
    ChecksumError,
    CsrError,
    ManifestError,
    MissingFileError,
    SizeError,
    shorten_json,
)
from mlcore.ids import IdMap
from mlcore.jsontext import JsonTextError, format_document, parse_json
from mlcore.types import CsrMatrix, Int64Array
from mlcore.version import VERSION

__all__ = ["MODEL_FILES", "Model", "describe_model", "verify_model"]

MODEL_FILES = (
    "config.json",
    "items.csv",
    "similarity.npz",
    "popularity.npz",
    "users.csv",
    "histories.npz",
    "manifest.json",
)
# None on Windows, which opens no directories.
_O_DIRECTORY: int | None = getattr(os, "O_DIRECTORY", None)


@dataclass(frozen=True)
class Model:
    """All that is needed to recommend, and to train the same again from the same data.

    Attributes:
        config_json: the full configuration, as it stands in ``config.json``.
        items: ids of the I items.
        similarity: (I, I) float32, source items as rows: what having item i speaks for item j.
        popularity: (I,) int64, users of each item: the fallback.
        num_users: U of the training.
        num_interactions: E of the training.
        interactions_sha256: digest of the training interactions in canonical form.
        users: ids of the U users, or None in a model without users.
        histories: (U, I) float32, the weights used for scoring, or None likewise.
    """

    config_json: Mapping[str, object]
    items: IdMap
    similarity: CsrMatrix
    popularity: Int64Array
    num_users: int
    num_interactions: int
    interactions_sha256: str
    users: IdMap | None = None
    histories: CsrMatrix | None = None

    @property
    def config(self) -> TrainConfig:
        """The configuration.

        Raises:
            ConfigError: the model was trained with something this version does not know; it
                recommends all the same.
        """
        return TrainConfig.from_json(self.config_json, "config.json")

    def save(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the model directory: all of it, or nothing.

        Args:
            directory: where it is to stand; the folder around it exists.
            overwrite: replace a model directory that stands there, in one step.

        Raises:
            DataError: something stands there already, or the disk refused.
        """
        with replaced_directory(Path(directory), overwrite, MODEL_FILES) as partial:
            self.write_files(partial)

    def write_files(self, folder: Path) -> None:
        """Write the files of the model into an existing, empty folder.

        Args:
            folder: takes the files.
        """
        writer = _Writer(folder, {})
        writer.write_bytes("config.json", format_document(self.config_json).encode())
        writer.write_bytes("items.csv", format_id_map(self.items.ids))
        writer.write_arrays("similarity.npz", _csr_to_arrays(self.similarity))
        writer.write_arrays("popularity.npz", {"counts": self.popularity})
        if self.users is not None and self.histories is not None:
            writer.write_bytes("users.csv", format_id_map(self.users.ids))
            writer.write_arrays("histories.npz", _csr_to_arrays(self.histories))
        manifest = Manifest(
            ModelCounts(
                self.num_users, len(self.items), self.num_interactions, self.similarity.num_entries
            ),
            writer.entries,
            self.interactions_sha256,
            {"name": "mlcore", "version": VERSION},
        )
        writer.write_bytes("manifest.json", manifest.to_text().encode())

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Model:
        """Open a model directory: sizes, headers and row offsets are checked, arrays are mapped.

        The time does not grow with the stored pairs. Ids are parsed when first asked for. For a
        directory from elsewhere call ``verify_model`` as well.

        Args:
            directory: a model directory.

        Raises:
            ArtifactError: a subclass for each kind of fault.
        """
        return _open(_Files.open(Path(directory)))


def verify_model(directory: str | os.PathLike[str]) -> Manifest:
    """Check everything about a model directory: every byte, every index, every value.

    Args:
        directory: a model directory.

    Returns:
        The manifest.

    Raises:
        ArtifactError: a subclass for each kind of fault.
    """
    files = _Files.open(Path(directory))
    _verify(files)
    return files.manifest


def describe_model(directory: str | os.PathLike[str], verify: bool = False) -> dict[str, Any]:
    """Return what a model directory holds, as a JSON object.

    Args:
        directory: a model directory.
        verify: check everything, not only what opening checks.

    Raises:
        ArtifactError: a subclass for each kind of fault.
    """
    files = _Files.open(Path(directory))
    model = _open(files)
    if verify:
        _verify(files)
    lengths = np.diff(model.similarity.indptr)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "producer": dict(files.manifest.producer),
        "verified": verify,
        "items": len(model.items),
        "users": model.num_users,
        "with_users": files.manifest.with_users,
        "interactions": model.num_interactions,
        "pairs": model.similarity.num_entries,
        "longest_row": int(lengths.max(initial=0)),
        "interactions_sha256": model.interactions_sha256,
        "config": model.config_json,
        "bytes": {name: entry.bytes for name, entry in files.manifest.files.items()},
    }


def _open(files: _Files) -> Model:
    counts = files.manifest.counts
    with_users = files.manifest.with_users
    return Model(
        config_json=files.config(),
        items=files.ids("items.csv", counts.items),
        similarity=files.csr("similarity.npz", counts.items),
        popularity=files.arrays("popularity.npz")["counts"],
        num_users=counts.users,
        num_interactions=counts.interactions,
        interactions_sha256=files.manifest.interactions_sha256,
        users=files.ids("users.csv", counts.users) if with_users else None,
        histories=files.csr("histories.npz", counts.items) if with_users else None,
    )


def _verify(files: _Files) -> None:
    folder = files.folder
    for name in files.manifest.files:
        files.verify_checksum(name)
    model = _open(files)
    for ids in (model.items, model.users):
        if ids is not None:
            ids.load()  # which checks the file
    _verify_csr(model.similarity, f"{folder / 'similarity.npz'}")
    _verify_similarity(model.similarity, f"{folder / 'similarity.npz'}")
    _verify_popularity(model, f"{folder / 'popularity.npz'}")
    if model.histories is not None:
        _verify_csr(model.histories, f"{folder / 'histories.npz'}")
        _verify_weights(model.histories, f"{folder / 'histories.npz'}")
        counts = np.bincount(model.histories.indices, minlength=len(model.items))
        if not np.array_equal(counts, model.popularity):
            raise CsrError(
                f"{folder / 'popularity.npz'}: counts.npy: expected the users of each item in "
                "histories.npz, got other numbers"
            )


def _csr_to_arrays(matrix: CsrMatrix) -> dict[str, npt.NDArray[Any]]:
    return {"indptr": matrix.indptr, "indices": matrix.indices, "data": matrix.data}


@dataclass
class _Writer:
    """Writes files, and notes size and digest of each."""

    folder: Path
    entries: dict[str, FileEntry]

    def write_bytes(self, name: str, data: bytes) -> None:
        with open(self.folder / name, "xb") as file:
            sink = _DigestingSink(file)
            sink.write(data)
        self.entries[name] = FileEntry(sink.size, sink.digest.hexdigest())

    def write_arrays(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        with open(self.folder / name, "xb") as file:
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


class _Files:
    """The files of one model directory, all opened at once and checked against the manifest.

    They stay those of one model when another takes the place of the directory, even in the middle
    of opening it.
    """

    def __init__(self, folder: Path, directory: int | None) -> None:
        self.folder = folder
        self._directory = directory
        self.manifest = self._read_manifest()
        self._refuse_unlisted()
        self._contents = {
            name: self._map(name, entry.bytes) for name, entry in self.manifest.files.items()
        }

    @classmethod
    def open(cls, folder: Path) -> _Files:
        while True:
            with _opened_directory(folder) as directory:
                try:
                    return cls(folder, directory)
                except MissingFileError:
                    # Unless what we began to open is only missing because it was replaced.
                    if not _is_replaced(folder, directory):
                        raise

    def _read_manifest(self) -> Manifest:
        place = f"{self.folder / 'manifest.json'}"
        with self._open_file("manifest.json") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_MANIFEST_BYTES:
                raise ManifestError(
                    f"{place}: expected at most {MAX_MANIFEST_BYTES} bytes, got {size}"
                )
            return Manifest.from_text(_decode(file.read(), place), place)

    def _refuse_unlisted(self) -> None:
        for name in sorted({*MODEL_FILES} - {"manifest.json", *self.manifest.files}):
            try:
                os.lstat(self._place(name), dir_fd=self._directory)
            except OSError:
                continue
            raise ManifestError(
                f"{self.folder / name}: expected a file that the manifest lists, "
                "got one that it does not"
            )

    def _map(self, name: str, expected_size: int) -> mmap.mmap | bytes:
        with self._open_file(name) as file:
            size = os.fstat(file.fileno()).st_size
            if size != expected_size:
                raise SizeError(
                    f"{self.folder / name}: expected {expected_size} bytes as in the manifest, "
                    f"got {size}"
                )
            try:
                # The mapping lives as long as an array that looks into it.
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError):
                return file.read()  # where files cannot be mapped, the same bytes are read

    def _place(self, name: str) -> Path | str:
        return self.folder / name if self._directory is None else name

    def _open_file(self, name: str) -> BinaryIO:
        path = self.folder / name
        place = self._place(name)
        try:
            status = os.lstat(place, dir_fd=self._directory)
            if stat.S_ISREG(status.st_mode):
                return open(place, "rb", opener=partial(os.open, dir_fd=self._directory))
        except OSError as error:
            raise MissingFileError(f"{path}: expected a file, got {error.strerror!r}") from error
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "something else"
        raise MissingFileError(f"{path}: expected a regular file, got {kind}")

    def config(self) -> dict[str, object]:
        place = f"{self.folder / 'config.json'}"
        data = bytes(self._contents["config.json"])
        if len(data) > MAX_MANIFEST_BYTES:
            raise ManifestError(
                f"{place}: expected at most {MAX_MANIFEST_BYTES} bytes, got {len(data)}"
            )
        try:
            value = parse_json(_decode(data, place), MAX_DEPTH)
        except JsonTextError as error:
            raise ManifestError(f"{place}: expected a JSON object, got {error}") from None
        if not isinstance(value, dict):
            raise ManifestError(f"{place}: expected a JSON object, got {shorten_json(value)}")
        return value

    def ids(self, name: str, count: int) -> IdMap:
        data, place = self._contents[name], f"{self.folder / name}"
        return IdMap(lambda: parse_id_map(bytes(data), count, place), count)

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        specs = expected_arrays(self.manifest.counts)[name]
        return map_npz(self._contents[name], specs, f"{self.folder / name}")

    def csr(self, name: str, num_columns: int) -> CsrMatrix:
        arrays = self.arrays(name)
        indptr = arrays["indptr"]
        place = f"{self.folder / name}: indptr.npy"
        if indptr[0] != 0 or indptr[-1] != len(arrays["indices"]):
            raise CsrError(
                f"{place}: expected offsets from 0 to {len(arrays['indices'])}, "
                f"got {indptr[0]} to {indptr[-1]}"
            )
        if (indptr[1:] < indptr[:-1]).any():
            raise CsrError(f"{place}: expected offsets that never decrease, got one that does")
        return CsrMatrix(indptr, arrays["indices"], arrays["data"], num_columns)

    def verify_checksum(self, name: str) -> None:
        data = self._contents[name]
        found = hashlib.sha256(data).hexdigest()
        expected = self.manifest.files[name].sha256
        if found != expected:
            raise ChecksumError(f"{self.folder / name}: sha256: expected {expected}, got {found}")
        if name.endswith(".npz"):
            specs = expected_arrays(self.manifest.counts)[name]
            map_npz(data, specs, f"{self.folder / name}")
            verify_npz_crc(data, specs, f"{self.folder / name}")


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
            os.close(found)


def _is_replaced(folder: Path, directory: int | None) -> bool:
    try:
        return directory is not None and not os.path.samestat(os.stat(folder), os.fstat(directory))
    except OSError:
        return False


def _decode(data: bytes, place: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{place}: expected UTF-8, got the byte 0x{data[error.start]:02x} at {error.start}"
        ) from None


def _verify_csr(matrix: CsrMatrix, place: str) -> None:
    indices, data = matrix.indices, matrix.data
    outside = np.flatnonzero((indices < 0) | (indices >= matrix.num_columns))
    if len(outside):
        raise CsrError(
            f"{place}: indices.npy: element {outside[0]}: expected 0 to {matrix.num_columns - 1}, "
            f"got {indices[outside[0]]}"
        )
    descending = indices[1:] <= indices[:-1]
    starts = matrix.indptr[1:-1]
    descending[starts[(starts > 0) & (starts < len(indices))] - 1] = False
    if descending.any():
        raise CsrError(
            f"{place}: indices.npy: element {np.flatnonzero(descending)[0] + 1}: expected an index "
            "above the one before it in the same row, got none"
        )
    wrong = np.flatnonzero(~np.isfinite(data) | (data == 0))
    if len(wrong):
        raise CsrError(
            f"{place}: data.npy: element {wrong[0]}: expected a finite number other than 0, "
            f"got {data[wrong[0]]}"
        )


def _verify_similarity(similarity: CsrMatrix, place: str) -> None:
    own = np.flatnonzero(similarity.row_of_entry() == similarity.indices)
    if len(own):
        raise CsrError(
            f"{place}: indices.npy: element {own[0]}: expected another item than the row's own, "
            f"got {similarity.indices[own[0]]}"
        )


def _verify_weights(histories: CsrMatrix, place: str) -> None:
    wrong = np.flatnonzero(histories.data < 0)
    if len(wrong):
        raise CsrError(
            f"{place}: data.npy: element {wrong[0]}: expected a weight above 0, "
            f"got {histories.data[wrong[0]]}"
        )


def _verify_popularity(model: Model, place: str) -> None:
    counts = model.popularity
    wrong = np.flatnonzero((counts < 0) | (counts > model.num_users))
    if len(wrong):
        raise CsrError(
            f"{place}: counts.npy: element {wrong[0]}: expected 0 to {model.num_users} users, "
            f"got {counts[wrong[0]]}"
        )
    if int(counts.sum()) != model.num_interactions:
        raise CsrError(
            f"{place}: counts.npy: expected a sum of {model.num_interactions} interactions, "
            f"got {counts.sum()}"
        )

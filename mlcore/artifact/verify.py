"""Checking everything about a model directory, as is wise for one from elsewhere."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.artifact.history_rule import normalization_arrays
from mlcore.artifact.manifest import FORMAT, FORMAT_VERSION, Manifest
from mlcore.artifact.model import Model
from mlcore.artifact.npz import map_npz, verify_npz_crc
from mlcore.artifact.provenance import read_provenance
from mlcore.artifact.reader import ModelFiles
from mlcore.errors import ChecksumError, CsrError
from mlcore.numeric.csr import check_ascending
from mlcore.types import BoolArray, CsrMatrix, Int32Array, Int64Array
from mlcore.weighting import Normalization

__all__ = ["describe_model", "verify_model"]


def verify_model(directory: str | os.PathLike[str]) -> Manifest:
    """Check every byte, index and value of a model directory; return its manifest.

    Raises:
        ArtifactError: a subclass for each kind of fault.
    """
    files = ModelFiles.open(directory)
    _verify(files)
    return files.manifest


def describe_model(directory: str | os.PathLike[str], verify: bool = False) -> dict[str, Any]:
    """Return what a model directory holds, and its provenance if that is there, as a JSON object.

    Args:
        verify: check everything, not only what opening checks.

    Raises:
        ArtifactError: a subclass for each kind of fault.
    """
    files = ModelFiles.open(directory)
    model = Model.from_files(files)
    if verify:
        _verify(files)
    lengths = np.diff(model.similarity.indptr)  # (I,) int64
    provenance = read_provenance(Path(directory))
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
        **({} if model.attributes is None else {"attributes": model.attributes.describe()}),
        "bytes": {name: entry.bytes for name, entry in files.manifest.files.items()},
        **({} if provenance is None else {"provenance": provenance}),
    }


def _verify(files: ModelFiles) -> None:
    for name in files.manifest.files:
        _verify_checksum(files, name)
    model = Model.from_files(files)
    for ids in (model.items, model.users):
        if ids is not None:
            ids.load()  # which checks the file
    place = files.place("similarity.npz")
    _verify_csr(model.similarity, place)
    _verify_similarity(model.similarity, place)
    _verify_popularity(model, files.place("popularity.npz"))
    for name, arrays in normalization_arrays(model.normalization or Normalization()).items():
        for array, values in arrays.items():
            fine = np.isfinite(values) & ((values >= 0) | (array == "factors"))
            rule = "a finite number" if array == "factors" else "a finite number of at least 0"
            _expect(fine, values, f"{files.place(name)}: {array}.npy", rule)
    if model.attributes is not None:
        model.attributes.verify(files)
    if model.histories is not None:
        place = files.place("histories.npz")
        _verify_csr(model.histories, place)
        _expect(
            model.histories.data > 0, model.histories.data, f"{place}: data.npy", "a weight above 0"
        )
        counts = np.bincount(model.histories.indices, minlength=len(model.items))
        if not np.array_equal(counts, model.popularity):
            raise CsrError(
                f"{files.place('popularity.npz')}: counts.npy: expected the users of each item in "
                "histories.npz, got other numbers"
            )
        if model.order is not None:
            _verify_order(model.order, model.histories.indptr, files.place("order.npz"))


def _verify_checksum(files: ModelFiles, name: str) -> None:
    files.check_sizes()
    data, place = files.contents[name], files.place(name)
    found, expected = hashlib.sha256(data).hexdigest(), files.manifest.files[name].sha256
    if found != expected:
        raise ChecksumError(f"{place}: sha256: expected {expected}, got {found}")
    if name.endswith(".npz"):
        map_npz(data, files.specs(name), place)
        verify_npz_crc(data, files.specs(name), place)


def _expect(fine: BoolArray, values: npt.NDArray[Any], place: str, rule: str) -> None:
    """Raise CsrError for the first value that is not fine."""
    wrong = np.flatnonzero(~fine)
    if len(wrong):
        raise CsrError(f"{place}: element {wrong[0]}: expected {rule}, got {values[wrong[0]]}")


def _verify_csr(matrix: CsrMatrix, place: str) -> None:
    indices, data = matrix.indices, matrix.data
    inside = (indices >= 0) & (indices < matrix.num_columns)
    _expect(inside, indices, f"{place}: indices.npy", f"0 to {matrix.num_columns - 1}")
    check_ascending(matrix, place)
    fine = np.isfinite(data) & (data != 0)
    _expect(fine, data, f"{place}: data.npy", "a finite number other than 0")


def _verify_similarity(similarity: CsrMatrix, place: str) -> None:
    others = similarity.row_of_entry() != similarity.indices
    rule = "another item than the row's own"
    _expect(others, similarity.indices, f"{place}: indices.npy", rule)


def _verify_order(order: Int32Array, indptr: Int64Array, place: str) -> None:
    place = f"{place}: positions.npy"
    lengths = np.repeat(np.diff(indptr), np.diff(indptr))  # (E,)
    _expect((order >= 1) & (order <= lengths), order, place, "1 to the items of the history")
    firsts = np.repeat(indptr[:-1], np.diff(indptr))  # (E,) entry at which the history begins
    taken = np.bincount(firsts + order - 1, minlength=len(order))  # how often each place
    _expect(taken[firsts + order - 1] == 1, order, place, "each position of a history once")


def _verify_popularity(model: Model, file: str) -> None:
    counts, place = model.popularity, f"{file}: counts.npy"
    inside = (counts >= 0) & (counts <= model.num_users)
    _expect(inside, counts, place, f"0 to {model.num_users} users")
    if model.decayed_popularity is not None:
        decayed, is_taken = model.decayed_popularity, counts > 0
        fine = np.where(is_taken, np.isfinite(decayed) & (decayed > 0), decayed == 0)
        rule = "a finite number above 0, or 0 without users"
        _expect(fine, decayed, f"{file}: decayed.npy", rule)
    if int(counts.sum()) != model.num_interactions:
        raise CsrError(
            f"{place}: expected a sum of {model.num_interactions} interactions, "
            f"got {counts.sum()}"
        )

"""Whether two recommenders made the same lists; only then can their times be compared.

``python -m benchmarks.list_agreement NAME OURS THEIRS`` compares two files of scores.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.matrix import SparseMatrix, load_matrix
from benchmarks.report import log, run
from mlcore.errors import DataError
from mlcore.types import BoolArray, Float64Array, Int64Array

__all__ = ["find_disagreement", "main"]

# A part of a score: two of the peers add up in float32, thousands of terms for some users.
TOLERANCE = 5e-5


def find_disagreement(ours: SparseMatrix, theirs: SparseMatrix) -> str | None:
    """Return what differs between two recommenders, in words, or None.

    Lists must be of the same length, and the scores at each place the same; an item that only one of them
    lists must tie with the last one of the list, where any choice is right.

    Args:
        ours: (U, I) scores of the items listed, all above 0.
    """
    lengths = int((np.diff(ours.indptr) != np.diff(theirs.indptr)).sum())
    if lengths:
        return f"{lengths} lists are of another length"
    rows = np.repeat(np.arange(ours.shape[0]), np.diff(ours.indptr))  # (P,)
    first, second = (_best_first(matrix, rows) for matrix in (ours, theirs))
    places = int(_differ(first, second).sum())
    if places:
        return f"{places} places have another score"
    lowest = first[np.maximum(ours.indptr[1:] - 1, 0)][rows]  # (P,) the last score of each list
    keys = [rows * ours.shape[1] + matrix.indices for matrix in (ours, theirs)]
    common, at_ours, at_theirs = np.intersect1d(
        keys[0], keys[1], assume_unique=True, return_indices=True
    )
    values = int(_differ(ours.data[at_ours], theirs.data[at_theirs]).sum())
    if values:
        return f"{values} items have another score"
    strange = sum(
        int((_differ(matrix.data, lowest) & ~np.isin(key, common)).sum())
        for matrix, key in zip((ours, theirs), keys)
    )
    return f"{strange} items of one are none of the other" if strange else None


def _best_first(matrix: SparseMatrix, rows: Int64Array) -> Float64Array:
    scores: Float64Array = matrix.data[np.lexsort((-matrix.data, rows))].astype(np.float64)
    return scores


def _differ(ours: Float64Array, theirs: Float64Array) -> BoolArray:
    differ: BoolArray = np.abs(ours - theirs) > TOLERANCE * ours
    return differ


def compare(name: str, our_path: str, their_path: str) -> None:
    """Raise DataError if the lists in two files disagree."""
    ours, theirs = load_matrix(our_path), load_matrix(their_path)
    disagreement = find_disagreement(ours, theirs)
    if disagreement is not None:
        raise DataError(f"{name}: expected the lists that mlcore makes, got: {disagreement}")
    log(f"{name}: same lists, {ours.shape[0]} with {ours.nnz} items")


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    name, our_path, their_path = argv

    def work() -> int:
        compare(name, our_path, their_path)
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

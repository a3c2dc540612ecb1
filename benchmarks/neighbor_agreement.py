"""Whether two kernels found the same neighbors; only then can their times be compared.

``python -m benchmarks.neighbor_agreement NAME OURS THEIRS K TOLERANCE`` compares two matrix files and prints
as JSON how well they agree; without K they must be the same, bit for bit.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.matrix import SparseMatrix, load_matrix
from benchmarks.report import log, run
from mlcore.errors import DataError
from mlcore.numeric.topk import top_k_per_row
from mlcore.types import CsrMatrix, Float64Array, Int64Array

__all__ = ["Neighbors", "best_neighbors", "find_disagreement", "have_same_bits", "main"]


@dataclass(frozen=True)
class Neighbors:
    """The pairs (item, neighbor) that a kernel found, as I * item + neighbor, ascending.

    Attributes:
        pairs: (P,) int64.
        values: (P,) float64.
        counts: (I,) int64 neighbors of each item.
        lowest: (I,) float64, the value of the last neighbor of each item, infinite without one.
    """

    pairs: Int64Array
    values: Float64Array
    counts: Int64Array
    lowest: Float64Array


def best_neighbors(similarity: SparseMatrix, k: int) -> Neighbors:
    """Return the best ``k`` >= 1 entries of each row, without the diagonal.

    Args:
        similarity: (I, I), source items as rows.
    """
    found = CsrMatrix.from_scipy(similarity)
    num_items, rows = found.num_columns, found.row_of_entry()
    keep = (found.indices != rows) & (found.data != 0)
    indptr = np.concatenate([[0], np.cumsum(keep)])[found.indptr]
    values = found.data[keep].astype(np.float64)
    indptr, columns, values = top_k_per_row(indptr, found.indices[keep], values, k)
    counts = np.diff(indptr)
    rows = np.repeat(np.arange(num_items), counts)
    lowest = np.full(num_items, np.inf)
    np.minimum.at(lowest, rows, values)
    order = np.lexsort((columns, rows))
    return Neighbors((rows * num_items + columns)[order], values[order], counts, lowest)


def find_disagreement(ours: Neighbors, theirs: Neighbors, tolerance: float) -> str | None:
    """Return what differs between two kernels, in words, or None.

    Rows must be of the same length and common pairs of the same value; a pair that only one of
    them has must tie with the last neighbor of its row, where any choice is right.

    Args:
        tolerance: greatest difference of values that count as the same.
    """
    lengths = int((ours.counts != theirs.counts).sum())
    if lengths:
        return f"{lengths} items have another number of neighbors"
    num_items = len(ours.counts)
    _, at_ours, at_theirs = np.intersect1d(
        ours.pairs, theirs.pairs, assume_unique=True, return_indices=True
    )
    values = np.abs(ours.values[at_ours] - theirs.values[at_theirs]) > tolerance
    if values.any():
        return f"{int(values.sum())} pairs have another value"
    for found, common in ((ours, at_ours), (theirs, at_theirs)):
        alone = np.ones(len(found.pairs), bool)
        alone[common] = False
        lowest = ours.lowest[found.pairs[alone] // num_items]
        strange = np.abs(found.values[alone] - lowest) > tolerance
        if strange.any():
            return f"{int(strange.sum())} neighbors of one are none of the other"
    return None


def have_same_bits(ours: SparseMatrix, theirs: SparseMatrix) -> bool:
    """Return whether two CSR matrices hold the same arrays."""
    return all(
        getattr(ours, name).tobytes() == getattr(theirs, name).tobytes()
        for name in ("indptr", "indices", "data")
    )


def check_bits(name: str, our_path: str, their_path: str) -> None:
    """Raise DataError if two files differ."""
    if not have_same_bits(load_matrix(our_path), load_matrix(their_path)):
        raise DataError(f"{name}: expected the same bits, got others")
    log(f"{name}: same bits")


def compare(
    name: str, our_path: str, their_path: str, k: int, tolerance: float
) -> dict[str, int | float]:
    """Return how well the neighbors in two files agree.

    Args:
        our_path: matrix file of our neighbors by source.
        k: number of neighbors asked for.

    Raises:
        DataError: they disagree.
    """
    ours, theirs = (best_neighbors(load_matrix(path), k) for path in (our_path, their_path))
    disagreement = find_disagreement(ours, theirs, tolerance)
    if disagreement is not None:
        raise DataError(f"{name}: expected the neighbors that mlcore finds, got: {disagreement}")
    _, at_ours, at_theirs = np.intersect1d(
        ours.pairs, theirs.pairs, assume_unique=True, return_indices=True
    )
    ties = len(theirs.pairs) - len(at_theirs)
    largest = float(np.abs(ours.values[at_ours] - theirs.values[at_theirs]).max(initial=0))
    log(
        f"{name}: same neighbors, {len(ours.pairs)} pairs, {ties} of them other ties at the end, "
        f"values at most {largest:.1e} apart"
    )
    return {"pairs": len(ours.pairs), "other_ties": ties, "largest_difference": largest}


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    name, our_path, their_path, *limits = argv

    def work() -> int:
        if limits:
            k, tolerance = limits
            print(json.dumps(compare(name, our_path, their_path, int(k), float(tolerance))))
        else:
            check_bits(name, our_path, their_path)
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

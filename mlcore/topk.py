"""The best K entries of each row under one total order: score descending, then index ascending."""

from __future__ import annotations

import numpy as np

from mlcore.types import Float64Array, Int32Array, Int64Array

__all__ = ["top_k_per_row"]


def top_k_per_row(
    indptr: Int64Array, indices: Int32Array, scores: Float64Array, k: int
) -> tuple[Int64Array, Int32Array, Float64Array]:
    """Keep the ``k`` best entries of each sparse row, best first.

    Ties go to the smaller index, so the order of entries within a row changes nothing. Equals, row
    by row, ``np.lexsort((indices, -scores))[:k]``.

    Args:
        indptr: (R + 1,) int64 row offsets.
        indices: (P,) int32 column of each entry, distinct within a row, in any order.
        scores: (P,) finite float64.
        k: how many to keep, >= 1; a row with fewer keeps them all.

    Returns:
        Offsets (R + 1,), columns and scores of the kept entries, in rank order within each row.

    >>> indptr, indices = np.array([0, 3]), np.array([2, 0, 1], np.int32)
    >>> top_k_per_row(indptr, indices, np.array([0.5, 0.5, 0.9]), k=2)[1].tolist()
    [1, 0]
    """
    counts = np.diff(indptr)  # (R,) int64
    thresholds = np.full(len(counts), -np.inf)  # (R,) float64: the k-th best score of each row
    for row in np.flatnonzero(counts > k):
        row_scores = scores[indptr[row] : indptr[row + 1]]
        thresholds[row] = np.partition(row_scores, len(row_scores) - k)[len(row_scores) - k]
    # >=, not >: all ties with the k-th best compete, and the smaller index wins below.
    survivors = np.flatnonzero(scores >= np.repeat(thresholds, counts))
    rows = np.repeat(np.arange(len(counts)), counts)[survivors]
    order = np.lexsort((indices[survivors], -scores[survivors], rows))
    survivors, rows = survivors[order], rows[order]
    row_starts = np.searchsorted(rows, np.arange(len(counts)))
    kept = np.arange(len(rows)) - row_starts[rows] < k
    new_indptr = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(np.minimum(counts, k), out=new_indptr[1:])
    return new_indptr, indices[survivors[kept]], scores[survivors[kept]]

"""The best K entries of each row under one total order: score descending, then index ascending."""

from __future__ import annotations

import numpy as np

from mlcore.numeric.ranges import offsets, ragged_arange
from mlcore.types import Float64Array, Int32Array, Int64Array

__all__ = ["keep_best", "kth_best", "top_k_per_row"]

_SHORT_ROW, _TABLE_ROWS = 2**9, 2**6  # change speed only


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
    indptr, indices, scores = keep_best(indptr, indices, scores, k)
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))  # (P,) int64
    order = np.lexsort((indices, -scores, rows))
    return indptr, indices[order], scores[order]


def keep_best(
    indptr: Int64Array, indices: Int32Array, scores: Float64Array, k: int
) -> tuple[Int64Array, Int32Array, Float64Array]:
    """Keep the ``k`` best entries of each sparse row, in the order in which they came.

    The same entries as ``top_k_per_row``, from the same arguments, without the cost of sorting.

    Returns:
        Offsets (R + 1,), columns and scores of the kept entries.

    >>> indptr, indices = np.array([0, 3]), np.array([2, 0, 1], np.int32)
    >>> keep_best(indptr, indices, np.array([0.5, 0.5, 0.9]), k=2)[1].tolist()
    [0, 1]
    """
    counts = np.diff(indptr)  # (R,) int64
    if not (counts > k).any():
        return indptr, indices, scores
    limits = np.repeat(kth_best(indptr, scores, k), counts)  # (P,) float64
    kept = np.flatnonzero(scores >= limits)
    bounds = np.searchsorted(kept, indptr)  # (R + 1,)
    surplus = np.diff(bounds) - k  # (R,) ties at the limit
    if (surplus > 0).any():
        rows = np.repeat(np.arange(len(counts)), np.diff(bounds))
        ties = np.flatnonzero((scores[kept] == limits[kept]) & (surplus[rows] > 0))
        ties = ties[np.lexsort((-indices[kept[ties]], rows[ties]))]  # those to drop first
        rows = rows[ties]
        drop = np.arange(len(ties)) - np.searchsorted(rows, rows) < surplus[rows]
        kept = np.delete(kept, ties[drop])
        bounds = np.searchsorted(kept, indptr)
    return bounds, indices[kept], scores[kept]


def kth_best(indptr: Int64Array, scores: Float64Array, k: int) -> Float64Array:
    """Return the ``k``-th best score of each row, minus infinity where a row has no more than k.

    Args:
        indptr: (R + 1,) int64 row offsets.
        scores: (P,) float64; NaN counts as the best.
        k: >= 1.

    >>> kth_best(np.array([0, 3, 4]), np.array([0.5, 0.7, 0.9, 0.1]), k=2).tolist()
    [0.7, -inf]
    """
    lengths = np.diff(indptr)  # (R,)
    limits = np.full(len(lengths), -np.inf)
    rows = np.flatnonzero(lengths > k)
    if len(rows) > _TABLE_ROWS and lengths[rows].mean() < _SHORT_ROW:
        rows = rows[np.argsort(lengths[rows])]
        for some in np.split(rows, range(_TABLE_ROWS, len(rows), _TABLE_ROWS)):
            limits[some] = _kth_best_of_like(indptr[some], lengths[some], scores, k)
        return limits
    for row in rows.tolist():
        row_scores = scores[indptr[row] : indptr[row + 1]]
        position = len(row_scores) - k
        limits[row] = np.partition(row_scores, position)[position]
    return limits


def _kth_best_of_like(
    starts: Int64Array, lengths: Int64Array, scores: Float64Array, k: int
) -> Float64Array:
    """Return the ``k``-th best score of rows of about one length, the last of which is the longest."""
    width = lengths[-1]
    table = np.full((len(lengths), width), -np.inf)
    table[np.arange(width) < lengths[:, None]] = scores[ragged_arange(starts, lengths)]
    table.partition(width - k, axis=1)
    best: Float64Array = table[:, width - k]
    return best

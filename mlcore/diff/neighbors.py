"""Ranked neighbors of the same items in two models: how much of the lists is common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.numeric.ranges import offsets, ragged_arange, row_blocks
from mlcore.numeric.sums import sum_by_group
from mlcore.progress import Progress, no_progress
from mlcore.types import BoolArray, CsrMatrix, Float32Array, Float64Array, Int64Array

__all__ = ["NeighborOverlap", "compare_neighbors"]

PERSISTENCE = 0.9  # p of RBO: the first 10 ranks have 86 % of the weight
BLOCK_ENTRIES = 2**16  # whose sorting stays in the cache; changes speed and memory only


@dataclass(frozen=True)
class NeighborOverlap:
    """How alike the lists of C items are in two models.

    Attributes:
        overlap: (C,) float64 for each cutoff K, see ``compare_neighbors``.
        rbo: (C,) float64.
        same: (C,) bool, whether both lists have the same items in the same order.
        num_pairs: pairs that both models store.
        num_other_weights: those of them whose weights differ.
    """

    overlap: dict[int, Float64Array]
    rbo: Float64Array
    same: BoolArray
    num_pairs: int
    num_other_weights: int


@dataclass(frozen=True)
class _Lists:
    """Stored entries of some rows, in the order of the matrix: (P,) each, lengths (R,)."""

    lengths: Int64Array
    rows: Int64Array
    columns: Int64Array
    weights: Float32Array
    ranks: Int64Array

    @classmethod
    def of_rows(cls, similarity: CsrMatrix, rows: Int64Array) -> _Lists:
        starts = similarity.indptr[rows]
        lengths = similarity.indptr[rows + 1] - starts
        entries = ragged_arange(starts, lengths)
        columns, weights = similarity.indices[entries], similarity.data[entries]
        row_of = np.repeat(np.arange(len(rows)), lengths)  # (P,) int64
        order = np.lexsort((columns, -weights, row_of))
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order)) - (np.cumsum(lengths) - lengths)[row_of]
        return cls(lengths, row_of, columns.astype(np.int64), weights, ranks)


def compare_neighbors(
    similarity_a: CsrMatrix,
    similarity_b: CsrMatrix,
    b_of_a: Int64Array,
    cutoffs: Sequence[int],
    progress: Progress = no_progress,
) -> NeighborOverlap:
    """Compare the neighbors of each item of both models, best first.

    The list of an item is its row: weight descending, then position, as ``similar_items`` has it.
    With X_d, the number of items that are among the first d of both lists, and l, the length of the
    longer list:

    overlap@K = X_k / k, k = min(K, l)
    RBO = sum of p^(d-1) X_d / d over d = 1 ... l, divided by the sum of p^(d-1); p = 0.9

    Both are 1 for equal lists, also for two empty ones, and 0 for lists without a common item, also
    if one is empty. RBO is rank-biased overlap (Webber, Moffat and Zobel, A Similarity Measure for
    Indefinite Rankings, TOIS 28(4), 2010, equation 4), cut at l and divided by what equal lists would
    have. It is not their extrapolation, which takes a list that lost its end for the same: beyond
    these lists there is nothing.

    Args:
        similarity_a: (I_a, I_a) float32, source items as rows.
        similarity_b: (I_b, I_b) float32.
        b_of_a: (I_a,) int64 position in b of each item of a, -1 for none.
        cutoffs: each K >= 1.

    Returns:
        Values of the C items with a position in b, in the order of a.

    >>> one = CsrMatrix(np.array([0, 2, 2, 2]), np.array([1, 2]), np.array([0.5, 0.9]), 3)
    >>> other = CsrMatrix(np.array([0, 1, 1, 1]), np.array([1]), np.array([0.5]), 3)
    >>> compare_neighbors(one, other, np.arange(3), [1, 2]).overlap
    {1: array([0., 1., 1.]), 2: array([0.5, 1. , 1. ])}
    """
    rows_a = np.flatnonzero(b_of_a >= 0)  # (C,)
    rows_b = b_of_a[rows_a]
    lengths = np.diff(similarity_a.indptr)[rows_a] + np.diff(similarity_b.indptr)[rows_b]
    overlap = {k: np.empty(len(rows_a)) for k in cutoffs}
    rbo, same = np.empty(len(rows_a)), np.empty(len(rows_a), bool)
    num_pairs = num_other = 0
    for begin, end in row_blocks(offsets(lengths), max(1, len(rows_a)), BLOCK_ENTRIES):
        progress("comparing neighbors", begin, len(rows_a))
        a = _Lists.of_rows(similarity_a, rows_a[begin:end])
        b = _Lists.of_rows(similarity_b, rows_b[begin:end])
        at_a, at_b = _find_common(a, b, b_of_a, similarity_b.num_columns)
        num_pairs += len(at_a)
        num_other += int((a.weights[at_a] != b.weights[at_b]).sum())
        rows, ranks_a, ranks_b = a.rows[at_a], a.ranks[at_a], b.ranks[at_b]
        agreed = np.bincount(rows[ranks_a == ranks_b], minlength=end - begin)
        same[begin:end] = (agreed == a.lengths) & (agreed == b.lengths)
        longer = np.maximum(a.lengths, b.lengths)  # (R,)
        depths = np.maximum(ranks_a, ranks_b)  # from here on an item counts in X
        for k in cutoffs:
            counts = np.bincount(rows[depths < k], minlength=end - begin)
            overlap[k][begin:end] = np.where(longer, counts / np.clip(longer, 1, k), 1)
        rbo[begin:end] = _rank_biased(rows, depths, longer)
    rbo[same] = 1  # not a rounding error away from it
    return NeighborOverlap(overlap, rbo, same, num_pairs, num_other)


def _find_common(
    a: _Lists, b: _Lists, b_of_a: Int64Array, num_columns: int
) -> tuple[Int64Array, Int64Array]:
    """Return where the entries of the same row and item are in either, ordered by both."""
    columns = b_of_a[a.columns]
    known = np.flatnonzero(columns >= 0)
    keys_a = a.rows[known] * num_columns + columns[known]
    keys_b = b.rows * num_columns + b.columns
    _, at_a, at_b = np.intersect1d(keys_a, keys_b, assume_unique=True, return_indices=True)
    return known[at_a], at_b


def _rank_biased(rows: Int64Array, depths: Int64Array, longer: Int64Array) -> Float64Array:
    """Return RBO of each row, (R,): each common item adds p^(d-1) / d from its depth to the end."""
    ranks = np.arange(1, int(longer.max(initial=0)) + 1)
    weights = np.cumprod(np.full(len(ranks), PERSISTENCE)) / PERSISTENCE  # p^(d-1)
    total = np.concatenate([[0.0], np.cumsum(weights)])
    shared = np.concatenate([[0.0], np.cumsum(weights / ranks)])
    sums = sum_by_group(rows, shared[longer[rows]] - shared[depths], len(longer))
    return np.where(longer, sums / np.where(longer, total[longer], 1), 1)

"""Diversity: how different the items of a list are by a similarity matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mlcore.numeric.csr import check_rows
from mlcore.numeric.ranges import ragged_arange
from mlcore.numeric.sums import sum_by_group
from mlcore.types import CsrMatrix, Float64Array, Int32Array, Int64Array

__all__ = ["list_diversity"]

# Cells of scratch: of lists processed together, of pairs, of dense rows of the similarity.
# Changes speed and memory only.
LIST_CELLS = 2**22
PAIR_CELLS = 2**19
ROW_CELLS = 2**19


def list_diversity(
    ranked: Int32Array, similarity: CsrMatrix, cutoffs: Sequence[int]
) -> Float64Array:
    """Return the diversity of the first n items of each list, for each cutoff n.

    1 - mean over ordered pairs (i, j), i != j, of w(i, j) / max |w|. A pair that is not stored
    counts 0; max |w| is over all stored values (1 if all are 0 or none is stored). Ranges from 0,
    all alike, to 1, nothing in common; up to 2 with stored values below 0.
    Smyth and McClave, Similarity vs. Diversity (ICCBR 2001): 1 - the mean similarity of the pairs;
    Ziegler, McNee, Konstan and Lausen, Improving Recommendation Lists Through Topic Diversification
    (WWW 2005): the sum over the pairs is the intra-list similarity. Compare two recommenders by the
    same matrix only.

    Args:
        ranked: (R, N) int32 items of each list, best first, each at most once, -1 beyond its end.
        similarity: (I, I) float32, source items as rows.
        cutoffs: C numbers, each >= 1 and at most N.

    Returns:
        (R, C) float64; NaN where the first n hold fewer than two items.

    Raises:
        CsrError: as ``check_rows``.

    >>> pairs = np.array([0, 1, 1]), np.array([1], np.int32), np.array([0.5], np.float32)
    >>> similarity = CsrMatrix(*pairs, num_columns=2)
    >>> list_diversity(np.array([[1, 0], [1, -1]], np.int32), similarity, [2]).tolist()
    [[0.5], [nan]]
    """
    check_rows(similarity, "similarity.npz")
    greatest = float(np.abs(similarity.data).max(initial=0)) or 1.0
    ascending = sorted(cutoffs)
    size = max(1, LIST_CELLS // max(1, ranked.shape[1]))
    blocks = [ranked[begin : begin + size] for begin in range(0, len(ranked), size)]
    sums = [_add_up_pairs(block, similarity, ascending) for block in blocks]
    total = np.concatenate([np.empty((0, len(ascending))), *sums])  # (R, C) float64
    lengths = (ranked >= 0).sum(axis=1)  # (R,)
    sizes = np.minimum(lengths[:, None], ascending)  # (R, C) items among the first n
    pairs = np.where(sizes < 2, np.nan, sizes * (sizes - 1.0))
    in_order: Float64Array = 1 - total / pairs / greatest
    return in_order[:, [ascending.index(n) for n in cutoffs]]


def _add_up_pairs(
    ranked: Int32Array, similarity: CsrMatrix, cutoffs: Sequence[int]
) -> Float64Array:
    """Return the sum of w(i, j) over the pairs of each list, (R, C), cutoffs ascending.

    Makes the row of each item dense, so that finding one pair costs one lookup, however many
    neighbors there are. No block size changes the order of addition.
    """
    longest, width = cutoffs[-1], similarity.num_columns + 1
    items = ranked[:, :longest].ravel()  # (R * n,) int32
    entries = np.flatnonzero(items >= 0)
    entries = entries[np.argsort(items[entries], kind="stable")]
    near = np.zeros((len(items), len(cutoffs)))  # (R * n, C) w(i, j) added up over j
    # One cell more than there are items, always 0: item -1 of the next row points to it.
    rows = np.zeros(max(1, ROW_CELLS // width) * width)
    for span in _spans(items[entries], longest, len(rows) // width):
        some = entries[span]
        is_new = np.diff(items[some], prepend=-1) > 0
        used = _fill_rows(rows, similarity, items[some][is_new])
        first_cell = (np.cumsum(is_new) - 1) * width  # (S,)
        cells = ranked[some // longest, :longest] + first_cell[:, None]  # (S, n) int64
        parts = np.add.reduceat(rows.take(cells), [0, *cutoffs[:-1]], axis=1)
        near[some] = np.cumsum(parts, axis=1)
        rows[used] = 0
    lists, ranks = np.divmod(np.arange(len(items)), longest)
    sums = [
        sum_by_group(lists[ranks < n], near[ranks < n, at], len(ranked))
        for at, n in enumerate(cutoffs)
    ]
    return np.stack(sums, axis=1)


def _spans(items: Int32Array, longest: int, num_rows: int) -> Iterator[slice]:
    """Yield spans of ascending items: at most ``num_rows`` distinct ones, bounded by PAIR_CELLS."""
    is_new = np.diff(items, prepend=-1) > 0
    number = np.cumsum(is_new) - 1  # position among the distinct items
    by_rows = np.searchsorted(number, np.arange(0, int(is_new.sum()), num_rows))
    by_pairs = np.arange(0, len(items), max(1, PAIR_CELLS // longest))
    bounds = np.unique(np.concatenate([by_rows, by_pairs, [len(items)]])).tolist()
    yield from map(slice, bounds, bounds[1:])


def _fill_rows(rows: Float64Array, similarity: CsrMatrix, sources: Int32Array) -> Int64Array:
    """Write the dense rows of some items; return the cells to clear afterwards."""
    starts = similarity.indptr[sources]
    lengths = similarity.indptr[sources + 1] - starts
    stored = ragged_arange(starts, lengths)
    first_cell = np.arange(len(sources)) * (similarity.num_columns + 1)
    used: Int64Array = np.repeat(first_cell, lengths) + similarity.indices[stored]
    rows[used] = similarity.data[stored]
    rows[first_cell + sources] = 0  # an item does not pair with itself
    return used

"""Scores and ranks on arrays: from histories and a similarity matrix to ranked items.

score(j) is the sum over the history, in ascending item order, of float64(w_i) * float64(s_ij),
added in float64 from +0. A product of two float32 is exact in float64, so fused multiply-add
changes nothing. Candidates are the items that at least one stored pair touches. Order: score
descending, then item position ascending. A program in any language that follows these sentences
gets the same items and the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from mlcore.errors import CsrError
from mlcore.sums import sum_by_group
from mlcore.topk import top_k_per_row
from mlcore.types import (
    BoolArray,
    CsrMatrix,
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
)

__all__ = ["Filters", "Ranking", "Scorer", "check_positions", "check_values", "stack_histories"]

# Users ranked together: bounded by this many (user, item) cells, each of which takes up to 40 bytes
# of scratch in each thread. Changes speed and memory only.
MAX_BLOCK_CELLS = 2**20
# scipy's product prepares scratch as long as the catalogue, which few rows do not pay for.
MIN_PRODUCT_ROWS = 16
MAX_BLOCK_ROWS = 1024


@dataclass(frozen=True)
class Filters:
    """Which items may be listed.

    Attributes:
        allowed: (I,) bool, or None if all are.
        include_seen: whether the items of the history may be listed.
    """

    allowed: BoolArray | None = None
    include_seen: bool = False


@dataclass(frozen=True)
class Ranking:
    """Ranked items of some users, best first.

    Attributes:
        indptr: (R + 1,) int64 offsets of each user's items.
        items: (P,) int32 item positions.
        scores: (P,) float64; 0 for items filled in.
        filled: (P,) bool, whether the item was filled in by popularity.
    """

    indptr: Int64Array
    items: Int32Array
    scores: Float64Array
    filled: BoolArray


def stack_histories(rows: Sequence[tuple[Int32Array, Float32Array]], num_items: int) -> CsrMatrix:
    """Return a matrix of the given rows.

    Args:
        rows: item positions, ascending, and weights of each user.
        num_items: I.

    Raises:
        CsrError: an item position points to no item, or a weight is not finite.

    >>> row = np.array([1], np.int32), np.array([2.0], np.float32)
    >>> stack_histories([row, row], 3).indptr.tolist()
    [0, 1, 2]
    """
    indptr = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(items) for items, _ in rows], out=indptr[1:])
    indices = np.concatenate([np.empty(0, np.int32), *(items for items, _ in rows)])
    check_positions(indices, num_items, "histories.npz")
    data = np.concatenate([np.empty(0, np.float32), *(weights for _, weights in rows)])
    check_values(data, "histories.npz")
    return CsrMatrix(indptr, indices, data, num_items)


def check_positions(positions: Int32Array, num_items: int, file: str) -> None:
    """Check stored item positions, which opening a model leaves unread.

    scipy's products would read foreign memory behind the arrays, and numpy takes -1 for the last.

    Args:
        positions: (P,) int32.
        num_items: I.
        file: where they are stored, for the message.

    Raises:
        CsrError: one of them points to no item.

    >>> check_positions(np.array([0, 2], np.int32), 3, "similarity.npz")
    """
    if len(positions) and not (0 <= positions.min() and positions.max() < num_items):
        raise CsrError(
            f"{file}: indices.npy: expected positions from 0 to {num_items - 1}, "
            f"got {positions.min()} to {positions.max()}"
        )


def check_values(values: Float32Array, file: str) -> None:
    """Check stored values, which opening a model leaves unread: NaN has no place in a ranking.

    Args:
        values: (P,) float32.
        file: where they are stored, for the message.

    Raises:
        CsrError: one of them is not finite.

    >>> check_values(np.array([0.5], np.float32), "similarity.npz")
    """
    finite = np.isfinite(values)
    if not finite.all():
        raise CsrError(f"{file}: data.npy: expected finite numbers, got {values[~finite][0]}")


@dataclass
class Scorer:
    """Ranks items by a similarity matrix, and completes short lists by popularity.

    Attributes:
        similarity: (I, I) float32, source items as rows.
        popularity: (I,) int64 users of each item.
    """

    similarity: CsrMatrix
    popularity: Int64Array
    _product_ready: sp.csr_matrix[np.float64] | None = field(default=None, init=False)
    _is_checked: bool = field(default=False, init=False)

    @cached_property
    def _by_popularity(self) -> Int64Array:
        """Items by users descending, then position ascending, (I,) int64."""
        return np.lexsort((np.arange(len(self.popularity)), -self.popularity))

    def block_rows(self) -> int:
        """Return how many users to rank together."""
        return max(1, min(MAX_BLOCK_ROWS, MAX_BLOCK_CELLS // max(1, self.similarity.num_rows)))

    def prepare(self) -> None:
        """Do once what ranking many users needs: check all indices, check and widen all values.

        Raises:
            CsrError: a stored index points to no item, or a stored value is not finite.
        """
        if not self._is_checked:
            self._check_columns(self.similarity.indices)
            check_values(self.similarity.data, "similarity.npz")
            # scipy leaves out sums that cancel to 0, which are candidates all the same.
            if (self.similarity.data > 0).all():
                self._product_ready = self.similarity.to_scipy()
            self._is_checked = True

    def rank(self, histories: CsrMatrix, n: int, filters: Filters, fill: BoolArray) -> Ranking:
        """Return the best ``n`` items of each history.

        Args:
            histories: (R, I) float32 weights above 0.
            n: the longest list, >= 1.
            filters: which items may be listed.
            fill: (R,) bool, whose short lists are completed with popular items.

        Returns:
            min(n, eligible) items for each history, never a seen one unless asked, no padding.

        Raises:
            CsrError: a stored index points to no item, or a stored value is not finite.
        """
        indptr, items, scores = self.score(histories)
        keep = self._eligible(histories, indptr, items, filters)
        indptr = np.concatenate([[0], np.cumsum(keep)])[indptr]
        indptr, items, scores = top_k_per_row(indptr, items[keep], scores[keep], n)
        ranking = Ranking(indptr, items, scores, np.zeros(len(items), bool))
        if (fill & (np.diff(indptr) < n)).any():
            return self._fill(ranking, histories, n, filters, fill)
        return ranking

    def score(self, histories: CsrMatrix) -> tuple[Int64Array, Int32Array, Float64Array]:
        """Return the score of each candidate of each history.

        Args:
            histories: (R, I) float32.

        Returns:
            Offsets (R + 1,), item positions and scores (P,); the order within a row is any.

        Raises:
            CsrError: a stored index points to no item, or a stored value is not finite.
        """
        if self._product_ready is not None and histories.num_rows >= MIN_PRODUCT_ROWS:
            product = histories.to_scipy() @ self._product_ready
            return product.indptr.astype(np.int64), product.indices, product.data
        rows = [self._score_row(*histories.row(row)) for row in range(histories.num_rows)]
        indptr = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(items) for items, _ in rows], out=indptr[1:])
        items = np.concatenate([np.empty(0, np.int32), *(items for items, _ in rows)])
        return indptr, items, np.concatenate([np.empty(0), *(scores for _, scores in rows)])

    def _score_row(
        self, history: Int32Array, weights: Float32Array
    ) -> tuple[Int32Array, Float64Array]:
        indptr = self.similarity.indptr
        lengths = indptr[history + 1] - indptr[history]  # (H,) stored pairs of each history item
        shift = indptr[history] - np.concatenate([[0], np.cumsum(lengths)[:-1]])
        entries = np.arange(int(lengths.sum())) + np.repeat(shift, lengths)  # (P,)
        columns = self.similarity.indices[entries]  # (P,) int32
        self._check_columns(columns)
        values = self.similarity.data[entries]  # (P,) float32
        check_values(values, "similarity.npz")
        products = np.repeat(weights.astype(np.float64), lengths) * values.astype(np.float64)
        num_items = self.similarity.num_rows
        if 8 * len(columns) < num_items:
            candidates, groups = np.unique(columns, return_inverse=True)
            return candidates, sum_by_group(groups, products, len(candidates))
        touched = np.zeros(num_items, bool)
        touched[columns] = True
        candidates = np.flatnonzero(touched).astype(np.int32)
        return candidates, sum_by_group(columns, products, num_items)[candidates]

    def _check_columns(self, columns: Int32Array) -> None:
        check_positions(columns, self.similarity.num_columns, "similarity.npz")

    def _eligible(
        self, histories: CsrMatrix, indptr: Int64Array, items: Int32Array, filters: Filters
    ) -> BoolArray:
        keep = np.ones(len(items), bool) if filters.allowed is None else filters.allowed[items]
        if not filters.include_seen:
            num_items = self.similarity.num_rows
            rows = np.repeat(np.arange(histories.num_rows), np.diff(indptr))
            seen = np.zeros(histories.num_rows * num_items, bool)
            seen[histories.row_of_entry() * num_items + histories.indices] = True
            keep &= ~seen[rows * num_items + items]
        return keep

    def _fill(
        self, ranking: Ranking, histories: CsrMatrix, n: int, filters: Filters, fill: BoolArray
    ) -> Ranking:
        by_popularity = self._by_popularity
        if filters.allowed is not None:
            by_popularity = by_popularity[filters.allowed[by_popularity]]
        items, scores, filled = [], [], []
        for row in range(histories.num_rows):
            begin, end = ranking.indptr[row], ranking.indptr[row + 1]
            listed, history = ranking.items[begin:end], histories.row(row)[0]
            missing = n - len(listed) if fill[row] else 0
            # Among so many of the most popular, enough are neither listed nor seen.
            head = by_popularity[: missing + len(listed) + len(history)]
            taken = np.concatenate([listed, history])
            extra = head[~np.isin(head, taken)][:missing].astype(np.int32)
            items += [listed, extra]
            scores += [ranking.scores[begin:end], np.zeros(len(extra))]
            filled += [np.zeros(len(listed), bool), np.ones(len(extra), bool)]
        lengths = np.array([len(part) for part in items], np.int64).reshape(-1, 2).sum(axis=1)
        return Ranking(
            np.concatenate([[0], np.cumsum(lengths)]),
            np.concatenate(items),
            np.concatenate(scores),
            np.concatenate(filled),
        )

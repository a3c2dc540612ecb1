"""Scores and ranks on arrays: from histories and a similarity matrix to ranked items.

score(j) is the sum over the history, in ascending item order, of float64(w_i) * float64(s_ij),
added in float64 from +0. A product of two float32 is exact in float64, so fused multiply-add
changes nothing. Candidates are the items that at least one stored pair touches. Order: score
descending, then item position ascending. A program in any language that follows these rules gets
the same items and the same bits, as do the three paths here: ``mlcore.recommend.scoring_native``, where
it was compiled; else row by row and, for many users, scipy's product of blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from mlcore import native
from mlcore.errors import CsrError
from mlcore.numeric.csr import check_rows
from mlcore.numeric.ranges import offsets, ragged_arange
from mlcore.numeric.sums import sum_by_group
from mlcore.numeric.topk import top_k_per_row
from mlcore.recommend.caps import Caps
from mlcore.recommend.ranking import DEEPER, Filters, Ranking, RowItems, complete_lists
from mlcore.recommend.scoring_native import WideRows, make_wide_rows, rank_rows
from mlcore.types import (
    BoolArray,
    CsrMatrix,
    Float32Array,
    Float64Array,
    FloatArray,
    Int32Array,
    Int64Array,
)

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = ["HISTORIES", "Scorer", "slice_histories", "stack_histories"]

HISTORIES, _SIMILARITY = "histories.npz", "similarity.npz"

# Bounds the users ranked together by (user, item) cells, or (user, listed item) in compiled code;
# each takes up to 40 bytes of scratch in each thread. Changes speed and memory only.
MAX_BLOCK_CELLS = 2**20
# A block needs scratch as long as the catalogue, which does not pay off for fewer rows.
MIN_PRODUCT_ROWS = 16
MAX_BLOCK_ROWS = 1024

_Lists: TypeAlias = tuple[Int64Array, Int32Array, Float64Array]  # offsets, items, scores
_RankRows: TypeAlias = Callable[
    [CsrMatrix, CsrMatrix, int, BoolArray | None, bool, RowItems | None, WideRows | None], _Lists
]


def stack_histories(
    rows: Sequence[tuple[Int32Array, Float32Array]], num_items: int, file: str = HISTORIES
) -> CsrMatrix:
    """Return a matrix whose rows are item positions and weights, checked.

    Args:
        file: where they are from, for messages.

    Raises:
        CsrError: as ``check_rows``, for weights.

    >>> row = np.array([1], np.int32), np.array([2.0], np.float32)
    >>> stack_histories([row, row], 3).indptr.tolist()
    [0, 1, 2]
    """
    return _checked(CsrMatrix(*_join_rows(rows, np.float32), num_items), file)


def slice_histories(histories: CsrMatrix, begin: int, end: int, file: str = HISTORIES) -> CsrMatrix:
    """Return rows ``begin`` to ``end`` (excluded) of a model's histories, checked.

    Args:
        file: as for ``stack_histories``.

    Raises:
        CsrError: as ``check_rows``, for weights.

    >>> histories = CsrMatrix(np.array([0, 1, 3]), np.array([2, 0, 1]), np.ones(3), num_columns=3)
    >>> slice_histories(histories, 1, 2).indices.tolist()
    [0, 1]
    """
    indptr = histories.indptr[begin : end + 1]
    span = slice(indptr[0], indptr[-1])
    indices, data = histories.indices[span], histories.data[span]
    return _checked(CsrMatrix(indptr - indptr[0], indices, data, histories.num_columns), file)


def _checked(histories: CsrMatrix, file: str) -> CsrMatrix:
    check_rows(histories, file, weights=True)
    return histories


def _join_rows(
    rows: Sequence[tuple[Int32Array, FloatArray]], dtype: npt.DTypeLike
) -> tuple[Int64Array, Int32Array, FloatArray]:
    """Return offsets, item positions and values of all rows, the values in ``dtype``."""
    items = [np.empty(0, np.int32), *(items for items, _ in rows)]
    values = [np.empty(0, dtype), *(values for _, values in rows)]
    return (
        offsets([len(part) for part in items[1:]]),
        np.concatenate(items),
        np.concatenate(values),
    )


@dataclass
class Scorer:
    """Rank items by a similarity matrix, and complete short lists by popularity.

    Attributes:
        similarity: (I, I) float32, source items as rows.
        popularity: (I,) int64 users of each item.
        fallback: (I,) by which popular items are ordered; None for their users.
        place: the path of a file of the model, for messages.
    """

    similarity: CsrMatrix
    popularity: Int64Array
    fallback: Int64Array | Float64Array | None = None
    place: Callable[[str], str] = str
    _product_ready: sp.csr_matrix[np.float64] | None = field(default=None, init=False)
    _rank_rows: _RankRows | None = field(init=False)
    _wide_rows: WideRows | None = field(default=None, init=False)
    _is_prepared: bool = field(default=False, init=False)
    _is_sound: BoolArray = field(init=False)  # (I,) whether a row of the similarity was checked

    def __post_init__(self) -> None:
        self._is_sound = np.zeros(self.similarity.num_rows, bool)
        self._rank_rows = rank_rows if native.is_available() else None

    @cached_property
    def _by_popularity(self) -> Int64Array:
        """Items that users have, by their fallback descending, then position ascending, int64.

        Raises:
            CsrError: a value is below 0 or not finite.
        """
        fallback = self.popularity if self.fallback is None else self.fallback
        if not (np.isfinite(fallback) & (fallback >= 0)).all():
            rule = "finite numbers of at least 0"
            raise CsrError(f"{self.place('popularity.npz')}: expected {rule}, got others")
        taken = np.flatnonzero(fallback > 0)
        popular: Int64Array = taken[np.lexsort((taken, -fallback[taken]))]
        return popular

    @cached_property
    def pairs_per_entry(self) -> float:
        """Mean stored pairs of an entry of the training's histories."""
        num_pairs = self.popularity @ np.diff(self.similarity.indptr)
        return float(num_pairs) / max(1, int(self.popularity.sum()))

    def block_rows(self, n: int, explain: bool = False) -> int:
        """Return how many users to rank together.

        Args:
            n: list length, >= 1.
            explain: explanations take as many cells as scipy's product.
        """
        num_items = self.similarity.num_rows
        width = num_items if self._rank_rows is None or explain else min(n, num_items)
        return max(1, min(MAX_BLOCK_ROWS, MAX_BLOCK_CELLS // max(1, width)))

    def prepare(self) -> None:
        """Check all rows once, and bring some into another form, for many users.

        Raises:
            CsrError: as ``check_rows``.
        """
        if self._is_prepared:
            return
        check_rows(self.similarity, self.place(_SIMILARITY))
        self._is_sound[:] = True
        if self._rank_rows is None and (self.similarity.data > 0).all():
            # Otherwise scipy drops sums that cancel to 0, which are still candidates.
            self._product_ready = self.similarity.to_scipy()
        if self._rank_rows is not None:
            self._wide_rows = make_wide_rows(self.similarity)
        self._is_prepared = True

    def check(self, items: Int32Array) -> None:
        """Check the rows of some items, each once: a mapped file is read no further than an answer needs.

        Raises:
            CsrError: as ``check_rows``.
        """
        if self._is_prepared or self._is_sound[items].all():
            return
        new = np.unique(items[~self._is_sound[items]])
        starts = self.similarity.indptr[new]
        lengths = self.similarity.indptr[new + 1] - starts
        entries = ragged_arange(starts, lengths)  # (P,)
        indices, data = self.similarity.indices[entries], self.similarity.data[entries]
        rows = CsrMatrix(offsets(lengths), indices, data, self.similarity.num_columns)
        check_rows(rows, self.place(_SIMILARITY))
        self._is_sound[new] = True

    def rank(self, histories: CsrMatrix, n: int, filters: Filters, fill: BoolArray) -> Ranking:
        """Return the best min(n, eligible) items of each history, without padding.

        Args:
            histories: (R, I) float32 weights above 0, checked.
            n: list length, >= 1.
            filters: limit what may be listed.
            fill: (R,) bool, which short lists to complete with popular items.

        Raises:
            CsrError: as ``check_rows``.
        """
        self.check(histories.indices)
        lists = self._rank(histories, n, filters)
        if filters.caps is not None:
            lists = self._cut_by_caps(lists, histories, n, filters, filters.caps)
        ranking = Ranking(*lists, np.zeros(len(lists[1]), bool))
        if (fill & (np.diff(ranking.indptr) < n)).any():
            allowed, popular = filters.allowed, self._by_popularity
            popular = popular if allowed is None else popular[allowed[popular]]
            return complete_lists(ranking, histories, n, fill, popular, filters)
        return ranking

    def _cut_by_caps(
        self, lists: _Lists, histories: CsrMatrix, n: int, filters: Filters, caps: Caps
    ) -> _Lists:
        """Leave out what caps do; rank longer lists of those that are short for it, until none is."""
        done: dict[int, tuple[Int32Array, Float64Array]] = {}
        rows, depth = np.arange(histories.num_rows), n
        while True:
            indptr, items, scores = lists
            for place, row in enumerate(rows.tolist()):
                span = slice(indptr[place], indptr[place + 1])
                kept = caps.walk(items[span], n)
                if len(kept) == n or span.stop - span.start < depth:
                    done[row] = items[span][kept], scores[span][kept]
            rows = np.array([row for row in rows.tolist() if row not in done], np.int64)
            if not len(rows):
                return _join_rows([done[row] for row in range(histories.num_rows)], np.float64)
            depth *= DEEPER
            lists = self._rank_some(histories, rows, depth, filters)

    def _rank_some(
        self, histories: CsrMatrix, rows: Int64Array, n: int, filters: Filters
    ) -> _Lists:
        """Return the lists of some histories, no more of them at once than fit the scratch."""
        size, lists = self.block_rows(n), list[tuple[Int32Array, Float64Array]]()
        for begin in range(0, len(rows), size):
            chosen = rows[begin : begin + size]
            some = [histories.row(row) for row in chosen.tolist()]
            stacked = CsrMatrix(*_join_rows(some, np.float32), histories.num_columns)
            indptr, items, scores = self._rank(stacked, n, filters.select(chosen))
            spans = map(slice, indptr[:-1], indptr[1:])
            lists += [(items[span], scores[span]) for span in spans]
        return _join_rows(lists, np.float64)

    def _rank(self, histories: CsrMatrix, n: int, filters: Filters) -> _Lists:
        if self._rank_rows is not None:
            limits = filters.allowed, filters.include_seen, filters.rows
            return self._rank_rows(self.similarity, histories, n, *limits, self._wide_rows)
        indptr, items, scores = self.score(histories)
        keep = self._eligible(histories, indptr, items, filters)
        return top_k_per_row(offsets(keep)[indptr], items[keep], scores[keep], n)

    def score(self, histories: CsrMatrix) -> _Lists:
        """Return the score of each candidate of (R, I) float32 histories.

        Returns:
            Offsets (R + 1,), item positions and scores (P,); in no particular order within a row.

        Raises:
            CsrError: as ``check_rows``.
        """
        self.check(histories.indices)
        similarity = self._product_ready
        if similarity is not None and histories.num_rows >= MIN_PRODUCT_ROWS:
            product = histories.to_scipy() @ similarity
            return product.indptr.astype(np.int64), product.indices, product.data
        rows = [self._score_row(*histories.row(row)) for row in range(histories.num_rows)]
        return _join_rows(rows, np.float64)

    def _score_row(
        self, history: Int32Array, weights: Float32Array
    ) -> tuple[Int32Array, Float64Array]:
        starts = self.similarity.indptr[history]  # (H,)
        lengths = self.similarity.indptr[history + 1] - starts  # (H,) pairs of each history item
        entries = ragged_arange(starts, lengths)  # (P,)
        columns = self.similarity.indices[entries]  # (P,) int32
        values = self.similarity.data[entries]  # (P,) float32
        products = np.repeat(weights.astype(np.float64), lengths) * values.astype(np.float64)
        num_items = self.similarity.num_rows
        if 8 * len(columns) < num_items:
            candidates, groups = np.unique(columns, return_inverse=True)
            return candidates, sum_by_group(groups, products, len(candidates))
        touched = np.zeros(num_items, bool)
        touched[columns] = True
        candidates = np.flatnonzero(touched).astype(np.int32)
        return candidates, sum_by_group(columns, products, num_items)[candidates]

    def _eligible(
        self, histories: CsrMatrix, indptr: Int64Array, items: Int32Array, filters: Filters
    ) -> BoolArray:
        keep = np.ones(len(items), bool) if filters.allowed is None else filters.allowed[items]
        num_items = self.similarity.num_rows
        rows = np.repeat(np.arange(histories.num_rows, dtype=np.int64), np.diff(indptr))
        cells = rows * num_items + items  # (P,) int64
        if not filters.include_seen:
            seen = np.zeros(histories.num_rows * num_items, bool)
            seen[histories.row_of_entry() * num_items + histories.indices] = True
            keep &= ~seen[cells]
        if filters.rows is not None:
            keep &= filters.rows.allowed(num_items)[cells]
        return keep

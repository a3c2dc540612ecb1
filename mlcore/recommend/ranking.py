"""Ranked lists: which items they may hold, and popular items that complete them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlcore.numeric.ranges import offsets, ragged_arange
from mlcore.recommend.caps import Caps
from mlcore.types import BoolArray, CsrMatrix, Float64Array, Int32Array, Int64Array

# Where caps leave out too many of a list, how much longer a list to try next. Changes speed only.
DEEPER = 4

__all__ = ["DEEPER", "Filters", "Ranking", "RowItems", "complete_lists"]


@dataclass(frozen=True)
class RowItems:
    """Items of each row of a block of users: its only candidates, or those that are none.

    Attributes:
        indptr: (R + 1,) int64 offsets of each row.
        items: (P,) int32 positions, ascending and each once in a row.
        are_included: whether they are the only candidates.
    """

    indptr: Int64Array
    items: Int32Array
    are_included: bool

    def row(self, row: int) -> Int32Array:
        """Return the items of a row."""
        return self.items[self.indptr[row] : self.indptr[row + 1]]

    def select(self, rows: Int64Array) -> RowItems:
        """Return some rows."""
        starts, lengths = self.indptr[rows], np.diff(self.indptr)[rows]
        items = self.items[ragged_arange(starts, lengths)]
        return RowItems(offsets(lengths), items, self.are_included)

    def allowed(self, num_items: int) -> BoolArray:
        """Return for each row and item whether it may be listed, (R * I,) bool."""
        num_rows = len(self.indptr) - 1
        allowed = np.full(num_rows * num_items, not self.are_included)
        rows = np.repeat(np.arange(num_rows), np.diff(self.indptr))  # (P,)
        allowed[rows * num_items + self.items] = self.are_included
        return allowed


@dataclass(frozen=True)
class Filters:
    """Which items may be listed.

    Attributes:
        allowed: (I,) bool, or None for all.
        include_seen: also list items of the history.
        caps: leave out what a list has enough of; None for no limits.
        rows: of the block of users that is ranked, what each row may list besides; None for all.
    """

    allowed: BoolArray | None = None
    include_seen: bool = False
    caps: Caps | None = None
    rows: RowItems | None = None

    def select(self, rows: Int64Array) -> Filters:
        """Return the filters for some rows of the block."""
        return self if self.rows is None else replace(self, rows=self.rows.select(rows))


@dataclass(frozen=True)
class Ranking:
    """Ranked items of some users, best first.

    Attributes:
        indptr: (R + 1,) int64 offsets of each user's items.
        items: (P,) int32 item positions.
        scores: (P,) float64; 0 for filled items.
        filled: (P,) bool, true for items added by popularity.
    """

    indptr: Int64Array
    items: Int32Array
    scores: Float64Array
    filled: BoolArray


def complete_lists(
    ranking: Ranking,
    histories: CsrMatrix,
    n: int,
    fill: BoolArray,
    popular: Int64Array,
    filters: Filters = Filters(),
) -> Ranking:
    """Append popular items, neither listed nor seen, to the lists that ``fill`` marks, up to ``n``.

    Args:
        ranking: of R users, at most ``n`` items each.
        histories: (R, I) float32.
        n: list length, >= 1.
        fill: (R,) bool.
        popular: (A,) int64 positions of the allowed items that users have, most popular first.
        filters: of which those of each row, and caps, are still to be applied.

    >>> lists = Ranking(np.array([0, 1]), np.array([2]), np.array([0.5]), np.array([False]))
    >>> history = CsrMatrix(np.array([0, 1]), np.array([0]), np.array([1.0]), num_columns=3)
    >>> complete_lists(lists, history, 3, np.array([True]), np.array([0, 1, 2])).items.tolist()
    [2, 1]
    """
    items, scores, filled = [], [], []
    rows = filters.rows
    if rows is not None and rows.are_included:
        # (I,) int64, in the order of popularity
        places = np.full(histories.num_columns, len(popular))
        places[popular] = np.arange(len(popular))
    for row in range(histories.num_rows):
        begin, end = ranking.indptr[row], ranking.indptr[row + 1]
        listed, history = ranking.items[begin:end], histories.row(row)[0]
        missing = n - len(listed) if fill[row] else 0
        candidates, barred = popular, history
        if rows is not None and rows.are_included:
            own = np.sort(places[rows.row(row)])
            candidates = popular[own[own < len(popular)]]
        elif rows is not None:
            barred = np.concatenate([history, rows.row(row)])
        extra = _most_popular(candidates, listed, barred, missing, filters.caps)
        items += [listed, extra]
        scores += [ranking.scores[begin:end], np.zeros(len(extra))]
        filled += [np.zeros(len(listed), bool), np.ones(len(extra), bool)]
    return Ranking(
        offsets([len(part) for part in items])[::2],  # two parts for each user
        np.concatenate(items),
        np.concatenate(scores),
        np.concatenate(filled),
    )


def _most_popular(
    popular: Int64Array, listed: Int32Array, history: Int32Array, missing: int, caps: Caps | None
) -> Int32Array:
    """Return the first items that are neither listed nor seen, and that caps let in."""
    taken = np.concatenate([listed, history])
    # This many of the most popular include enough that are neither listed nor seen.
    length = missing + len(taken)
    while True:
        head = popular[:length].astype(np.int32)
        free = head[~np.isin(head, taken)]
        if caps is None:
            return free[:missing]
        chosen = free[caps.walk(free, missing, listed)]
        if len(chosen) == missing or len(head) == len(popular):
            return chosen
        length *= DEEPER

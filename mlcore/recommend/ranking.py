"""Ranked lists: which items they may hold, and popular items that complete them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.numeric.ranges import offsets
from mlcore.recommend.caps import Caps
from mlcore.types import BoolArray, CsrMatrix, Float64Array, Int32Array, Int64Array

# Where caps leave out too many of a list, how much longer a list to try next. Changes speed only.
DEEPER = 4

__all__ = ["DEEPER", "Filters", "Ranking", "complete_lists"]


@dataclass(frozen=True)
class Filters:
    """Which items may be listed.

    Attributes:
        allowed: (I,) bool, or None for all.
        include_seen: also list items of the history.
        caps: leave out what a list has enough of; None for no limits.
    """

    allowed: BoolArray | None = None
    include_seen: bool = False
    caps: Caps | None = None


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
    caps: Caps | None = None,
) -> Ranking:
    """Append popular items, neither listed nor seen, to the lists that ``fill`` marks, up to ``n``.

    Args:
        ranking: of R users, at most ``n`` items each.
        histories: (R, I) float32.
        n: list length, >= 1.
        fill: (R,) bool.
        popular: (A,) int64 positions of the allowed items that users have, most popular first.

    >>> lists = Ranking(np.array([0, 1]), np.array([2]), np.array([0.5]), np.array([False]))
    >>> history = CsrMatrix(np.array([0, 1]), np.array([0]), np.array([1.0]), num_columns=3)
    >>> complete_lists(lists, history, 3, np.array([True]), np.array([0, 1, 2])).items.tolist()
    [2, 1]
    """
    items, scores, filled = [], [], []
    for row in range(histories.num_rows):
        begin, end = ranking.indptr[row], ranking.indptr[row + 1]
        listed, history = ranking.items[begin:end], histories.row(row)[0]
        missing = n - len(listed) if fill[row] else 0
        extra = _most_popular(popular, listed, history, missing, caps)
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

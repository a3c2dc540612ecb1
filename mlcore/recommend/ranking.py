"""Ranked lists of some users, which items they may hold, and popular items at their ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.types import BoolArray, CsrMatrix, Float64Array, Int32Array, Int64Array

__all__ = ["Filters", "Ranking", "complete_lists"]


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


def complete_lists(
    ranking: Ranking, histories: CsrMatrix, n: int, fill: BoolArray, popular: Int64Array
) -> Ranking:
    """Return the lists with popular items behind them, neither listed nor seen, up to ``n`` in all.

    Args:
        ranking: of R users, at most ``n`` items each.
        histories: (R, I) float32.
        n: the longest list, >= 1.
        fill: (R,) bool, whose lists to complete.
        popular: (A,) int64 positions of the items allowed, the most popular one first.

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
        # Among so many of the most popular, enough are neither listed nor seen.
        head = popular[: missing + len(listed) + len(history)]
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

"""Hits: the ranks of relevant items in lists, all that the metrics of a user depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt

import numpy as np

from mlcore.interactions import Interactions
from mlcore.numeric.ranges import ragged_arange
from mlcore.numeric.sums import sum_by_group
from mlcore.ranked_lists import Predictions
from mlcore.types import BoolArray, Float64Array, Int32Array, Int64Array

__all__ = ["Hits", "find_hits", "find_positions"]

# Bounds lists x their relevant items of a block to about this many bytes, which stay in the
# processor's cache. Changes speed and memory only.
BLOCK_CELLS = 2**20


@dataclass(frozen=True)
class Hits:
    """The H hits in the lists of U users, ordered by user, then rank.

    Attributes:
        users: (H,) int64 user of each hit.
        ranks: (H,) int64 rank in the list, from 0.
        items: (H,) int64 positions among the items of the ground truth.
        relevant: (U,) int64 relevant items of each user, listed or not, >= 1.
    """

    users: Int64Array
    ranks: Int64Array
    items: Int64Array
    relevant: Int64Array

    @cached_property
    def order(self) -> Int64Array:
        """Number of hits in the list up to and including this one, (H,) int64."""
        counts = np.bincount(self.users, minlength=len(self.relevant))
        earlier: Int64Array = (np.cumsum(counts) - counts)[self.users]
        return np.arange(1, len(self.users) + 1) - earlier

    def add_up(self, values: Float64Array, n: int) -> Float64Array:
        """Return each user's sum of (H,) ``values`` over the hits among the first ``n``, (U,) float64.

        >>> hits = Hits(np.array([1, 1]), np.array([0, 4]), np.array([0, 1]), np.array([3, 2]))
        >>> hits.add_up(np.array([0.5, 8.0]), 4).tolist()
        [0.0, 0.5]
        """
        within = self.ranks < n
        return sum_by_group(self.users[within], values[within], len(self.relevant))

    def count(self, n: int) -> Int64Array:
        """Return each user's number of hits among the first ``n``, (U,) int64.

        >>> hits = Hits(np.array([1, 1]), np.array([0, 4]), np.array([0, 1]), np.array([3, 2]))
        >>> hits.count(4).tolist()
        [0, 1]
        """
        return np.bincount(self.users[self.ranks < n], minlength=len(self.relevant))

    def among(self, wanted: BoolArray, relevant: Int64Array) -> Hits:
        """Return the hits of some items, as if no others were relevant, with unchanged ranks.

        Args:
            wanted: (T,) bool over the items of the ground truth.
            relevant: (U,) int64 number of wanted items relevant to each user, >= 0.

        Returns:
            Hits of the users with at least one such item, renumbered.

        >>> hits = Hits(np.array([1, 1]), np.array([0, 4]), np.array([0, 1]), np.array([3, 2]))
        >>> hits.among(np.array([False, True]), np.array([0, 1]))
        Hits(users=array([0]), ranks=array([4]), items=array([1]), relevant=array([1]))
        """
        has_any = relevant > 0
        keep = wanted[self.items]
        users = (np.cumsum(has_any) - 1)[self.users[keep]]
        return Hits(users, self.ranks[keep], self.items[keep], relevant[has_any])


def find_positions(ids: Sequence[str], known: Sequence[str]) -> Int64Array:
    """Return the position of each id in ``known``, which has each once, or -1.

    >>> find_positions(["b", "z"], ["a", "b"]).tolist()
    [1, -1]
    """
    index = {id_: position for position, id_ in enumerate(known)}
    return np.fromiter((index.get(id_, -1) for id_ in ids), np.int64, len(ids))


def find_hits(
    predictions: Predictions, ground_truth: Interactions, user_of_list: Int64Array, longest: int
) -> Hits:
    """Return the relevant items among the first ``longest`` of each list.

    Args:
        ground_truth: weights play no part.
        user_of_list: (R,) int64 user of each list, -1 to skip it.
        longest: >= 1.

    >>> truth = Interactions.from_columns(["u"], ["a"])
    >>> lists = Predictions(["u"], ["b", "a"], np.array([0, 2]), np.array([0, 1], np.int32))
    >>> find_hits(lists, truth, np.array([0]), 2).ranks.tolist()
    [1]
    """
    lookup = _Lookup(
        predictions,
        ground_truth,
        find_positions(ground_truth.item_ids, predictions.item_ids),
        np.zeros(len(predictions.item_ids) + 1, np.int32),
    )
    lists = np.flatnonzero(user_of_list >= 0)
    relevant = np.diff(ground_truth.user_items.indptr)  # (U,) int64
    size = max(1, isqrt(BLOCK_CELLS * len(relevant) // max(1, int(relevant.sum()))))
    blocks = [lists[begin : begin + size] for begin in range(0, len(lists), size)]
    found = [lookup.find(block, user_of_list[block], longest) for block in blocks]
    nothing = (np.empty(0, np.int64),) * 3
    users, ranks, items = (np.concatenate(parts) for parts in zip(nothing, *found))
    by_user = np.argsort(users, kind="stable")
    return Hits(users[by_user], ranks[by_user], items[by_user], relevant)


@dataclass(frozen=True)
class _Lookup:
    """Find hits block by block, without a table of all users and items.

    Attributes:
        codes: (T,) int64 position of each item of the ground truth in ``predictions.item_ids``, or
            -1 if it is in no list.
        columns: scratch, all 0: one int32 for each item of the lists, and one for -1.
    """

    predictions: Predictions
    ground_truth: Interactions
    codes: Int64Array
    columns: Int32Array

    def find(
        self, lists: Int64Array, users: Int64Array, longest: int
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return users, ranks and items of the hits of some lists, in their order."""
        starts = self.predictions.indptr[lists]
        lengths = np.minimum(self.predictions.indptr[lists + 1] - starts, longest)
        listed = self.predictions.items[ragged_arange(starts, lengths)]  # (P,) int32
        truth = self.ground_truth.user_items
        counts = truth.indptr[users + 1] - truth.indptr[users]
        wanted = truth.indices[ragged_arange(truth.indptr[users], counts)]  # (L,) int32
        codes = self.codes[wanted]
        width = len(wanted) + 1
        # Each relevant item gets a column, the later one if two users want it; 0 is nobody's.
        self.columns[codes] = np.arange(1, width)
        is_relevant = np.zeros(len(lists) * width, bool)
        first_cell = np.arange(len(lists)) * width  # (B,)
        is_relevant[np.repeat(first_cell, counts) + self.columns[codes]] = True
        columns = self.columns[listed]  # (P,) int32
        at = np.flatnonzero(is_relevant[np.repeat(first_cell, lengths) + columns])  # (H,)
        items = wanted[columns[at] - 1].astype(np.int64)
        self.columns[codes] = 0
        ends = np.cumsum(lengths)
        rows = np.searchsorted(ends, at, side="right")
        return users[rows], at - (ends - lengths)[rows], items

"""Whom a comparison is about: how the differences of users spread, and which users and items changed most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.interactions import Interactions
from mlcore.types import BoolArray, Float64Array, Int32Array, Int64Array

__all__ = [
    "ChangedLists",
    "ChangedUser",
    "Spread",
    "changed_items",
    "changed_users",
    "differences_of",
    "spread_of",
]

MOST = 20  # users and items shown
BINS = 10  # on each side of 0
DECIMALS = 12
# Equal hits give equal bits; other hits may give the same value, rounded otherwise.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Spread:
    """How many users have a difference of which size.

    Attributes:
        edges: of sizes, ascending from 0; a bin holds what is above its low edge, up to its high one.
        users_better: in each bin, those for whom the candidate is better.
        users_worse: likewise.
    """

    edges: Sequence[float]
    users_better: Sequence[int]
    users_worse: Sequence[int]


@dataclass(frozen=True)
class ChangedUser:
    """A user, and the metric in both."""

    user_id: str
    baseline: float
    candidate: float
    difference: float


@dataclass(frozen=True)
class ChangedLists:
    """An item: how many of the lists have it, and how many of these hit."""

    item_id: str
    baseline_lists: int
    candidate_lists: int
    baseline_hits: int
    candidate_hits: int


def differences_of(baseline: Float64Array, candidate: Float64Array) -> Float64Array:
    """Return candidate - baseline, 0 where only rounding tells them apart.

    >>> differences_of(np.array([0.3, 0.5]), np.array([0.1 + 0.2, 0.25])).tolist()
    [0.0, -0.25]
    """
    differences: Float64Array = candidate - baseline
    differences[np.abs(differences) <= ROUNDING] = 0
    return differences


def spread_of(differences: Float64Array) -> Spread:
    """Return how differences spread over ten bins on each side, up to 1, 2 or 5 times a power of ten.

    >>> spread_of(np.array([0.25, -0.1, 0.0, 0.5])).users_better
    [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    """
    sizes = np.abs(differences).round(DECIMALS)
    reaches = (float(f"{digit}e{power}") for power in range(-DECIMALS, 2) for digit in (1, 2, 5))
    reach = next(one for one in reaches if one >= sizes.max(initial=0))
    edges = (np.arange(BINS + 1) * reach / BINS).round(DECIMALS + 1)
    bin_of = np.maximum(np.searchsorted(edges, sizes) - 1, 0)
    better, worse = (
        np.bincount(bin_of[side], minlength=BINS).tolist()
        for side in (differences > 0, differences < 0)
    )
    return Spread(edges.tolist(), better, worse)


def changed_users(
    user_ids: Sequence[str], baseline: Float64Array, candidate: Float64Array
) -> list[ChangedUser]:
    """Return up to twenty users, the largest difference of either sign first; of equal ones the smaller id.

    Args:
        user_ids: ascending.
        baseline: (U,) the metric of each user, as ``candidate``.
    """
    differences = differences_of(baseline, candidate)
    sizes = np.abs(differences).round(DECIMALS)
    order = np.argsort(-sizes, kind="stable")[:MOST]
    return [
        ChangedUser(
            user_ids[user], float(baseline[user]), float(candidate[user]), float(differences[user])
        )
        for user in order.tolist()
        if sizes[user] > 0
    ]


def changed_items(
    item_ids: Sequence[str], before: Int32Array, after: Int32Array, ground_truth: Interactions
) -> list[ChangedLists]:
    """Return up to twenty items whose number of lists changed most; of equal ones the smaller id.

    Args:
        item_ids: of both sides, in any order.
        before: (U, n) positions of the items in the lists of the baseline, -1 beyond their end.
        after: (U, m) likewise of the candidate.
    """
    is_relevant = _Relevance(item_ids, ground_truth)
    counts = []
    for ranked in (before, after):
        listed = np.bincount(ranked[ranked >= 0], minlength=len(item_ids))  # (I,)
        hits = np.bincount(ranked[is_relevant(ranked)], minlength=len(item_ids))  # (I,)
        counts += [listed, hits]
    changes = np.abs(counts[2] - counts[0])
    order = sorted(np.flatnonzero(changes).tolist(), key=lambda i: (-changes[i], item_ids[i]))
    return [
        ChangedLists(item_ids[i], *(int(counts[column][i]) for column in (0, 2, 1, 3)))
        for i in order[:MOST]
    ]


class _Relevance:
    """Which places of lists, as (U, n) positions, hold what the user took."""

    def __init__(self, item_ids: Sequence[str], ground_truth: Interactions) -> None:
        position = {item_id: item for item, item_id in enumerate(item_ids)}
        codes = np.array([position.get(id_, -1) for id_ in ground_truth.item_ids], np.int64)
        truth = ground_truth.user_items
        users, items = truth.row_of_entry(), codes[truth.indices]
        self._num_items = len(item_ids)
        self._keys: Int64Array = (users * self._num_items + items)[items >= 0]

    def __call__(self, ranked: Int32Array) -> BoolArray:
        users = np.arange(len(ranked))[:, None]
        found: BoolArray = np.isin(users * self._num_items + ranked, self._keys) & (ranked >= 0)
        return found

"""Which items the lists show, by popularity, beside those that users take; and what popularity alone would show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from mlcore.evaluate.metrics import catalogue_coverage, gini, novelty
from mlcore.evaluate.slices import POPULARITY_SLICES
from mlcore.types import Float64Array, Int64Array

__all__ = ["Exposure", "most_popular_metrics", "shares_by_popularity"]

Exposure: TypeAlias = Mapping[str, Any]  # a member of ``metrics.json``


def shares_by_popularity(slice_of_item: Int64Array, counts: Int64Array) -> dict[str, float]:
    """Return which share of all counts the items of each slice have, 0 of no counts.

    Args:
        slice_of_item: (I,) int64 positions into ``POPULARITY_SLICES``.
        counts: (I,) int64 of each item, >= 0.

    >>> shares_by_popularity(np.array([0, 1, 1]), np.array([2, 1, 1]))
    {'head': 0.5, 'mid': 0.5, 'tail': 0.0, 'new': 0.0}
    """
    sums = np.zeros(len(POPULARITY_SLICES), np.int64)
    np.add.at(sums, slice_of_item, counts)
    shares: Float64Array = sums / max(1, int(counts.sum()))
    return dict(zip(POPULARITY_SLICES, shares.tolist()))


def most_popular_metrics(
    popularity: Int64Array, num_users: int, cutoffs: Sequence[int]
) -> dict[str, float]:
    """Return coverage, Gini index and novelty of the list of the most popular items, shown to everybody.

    Args:
        popularity: (I,) int64 users of each item in the training; of equal ones the first come first.
        num_users: of the training.

    >>> most_popular_metrics(np.array([1, 4]), 4, [1])
    {'coverage@1': 0.5, 'gini@1': 0.5, 'novelty@1': 0.0}
    """
    order = np.argsort(-popularity, kind="stable")
    metrics: dict[str, float] = {}
    for n in cutoffs:
        listed = np.zeros(len(popularity), np.int64)
        listed[order[:n]] = 1
        metrics[f"coverage@{n}"] = catalogue_coverage(listed)
        metrics[f"gini@{n}"] = gini(listed)
        metrics[f"novelty@{n}"] = novelty(listed, popularity, num_users)
    return metrics

"""Metrics of ranked lists: one function each, on arrays.

Per user, from ``hits`` (whether the item at each rank is relevant) and ``relevant`` (how many
items are): precision, recall, hit rate, NDCG, average precision, reciprocal rank. Over the whole
catalogue, from how often each item was listed: coverage, Gini, novelty. A list shorter than n has
no hits after its end. The definitions are those of trec_eval (Buckley; NIST).
"""

from __future__ import annotations

import numpy as np

from mlcore.types import BoolArray, Float64Array, Int64Array

__all__ = [
    "USER_METRICS",
    "average_precision",
    "catalogue_coverage",
    "gini",
    "hit_rate",
    "ndcg",
    "novelty",
    "precision",
    "recall",
    "reciprocal_rank",
]


def precision(hits: BoolArray, relevant: Int64Array, n: int) -> Float64Array:
    """Return hits among the first n / n, also when the list is shorter: ``P_n`` of trec_eval.

    Args:
        hits: (U, N) bool, best rank first.
        relevant: (U,) int64 relevant items of each user, >= 1.
        n: the cutoff, 1 to N.

    >>> precision(np.array([[True, False]]), np.array([1]), 2).tolist()
    [0.5]
    """
    values: Float64Array = hits[:, :n].sum(axis=1) / n
    return values


def recall(hits: BoolArray, relevant: Int64Array, n: int) -> Float64Array:
    """Return hits among the first n / relevant items: ``recall_n`` of trec_eval.

    Args:
        hits: (U, N) bool, best rank first.
        relevant: (U,) int64 relevant items of each user, >= 1.
        n: the cutoff, 1 to N.

    >>> recall(np.array([[True, False]]), np.array([4]), 2).tolist()
    [0.25]
    """
    values: Float64Array = hits[:, :n].sum(axis=1) / relevant
    return values


def hit_rate(hits: BoolArray, relevant: Int64Array, n: int) -> Float64Array:
    """Return 1 if there is a hit among the first n, else 0: ``success_n`` of trec_eval.

    Args:
        hits: (U, N) bool, best rank first.
        relevant: (U,) int64 relevant items of each user, >= 1.
        n: the cutoff, 1 to N.

    >>> hit_rate(np.array([[False, True]]), np.array([4]), 1).tolist()
    [0.0]
    """
    values: Float64Array = hits[:, :n].max(axis=1).astype(np.float64)
    return values


def ndcg(hits: BoolArray, relevant: Int64Array, n: int) -> Float64Array:
    """Return DCG / ideal DCG, with gain 1 and discount 1 / log2(rank + 1), rank from 1.

    The ideal list has min(n, relevant) hits first: ``ndcg_cut_n`` of trec_eval. Järvelin and
    Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques (ACM TOIS 2002).

    Args:
        hits: (U, N) bool, best rank first.
        relevant: (U,) int64 relevant items of each user, >= 1.
        n: the cutoff, 1 to N.

    >>> ndcg(np.array([[True, True, False]]), np.array([2]), 3).tolist()
    [1.0]
    """
    discounts = 1 / np.log2(np.arange(2, n + 2))  # (n,)
    ideal = np.cumsum(discounts)[np.minimum(relevant, n) - 1]  # (U,)
    gained: Float64Array = np.cumsum(hits[:, :n] * discounts, axis=1)[:, -1]
    values: Float64Array = gained / ideal
    return values


def average_precision(hits: BoolArray, relevant: Int64Array, n: int) -> Float64Array:
    """Return the sum over hits of precision at their rank / relevant: ``map_cut_n`` of trec_eval.

    The mean over users is MAP. Divided by all relevant items, not by min(n, relevant).

    Args:
        hits: (U, N) bool, best rank first.
        relevant: (U,) int64 relevant items of each user, >= 1.
        n: the cutoff, 1 to N.

    >>> average_precision(np.array([[False, True]]), np.array([2]), 2).tolist()
    [0.25]
    """
    precisions = np.cumsum(hits[:, :n], axis=1) / np.arange(1, n + 1)  # (U, n)
    values: Float64Array = (precisions * hits[:, :n]).sum(axis=1) / relevant
    return values


def reciprocal_rank(hits: BoolArray, relevant: Int64Array, n: int) -> Float64Array:
    """Return 1 / rank of the first hit among the first n, or 0. The mean over users is MRR.

    Args:
        hits: (U, N) bool, best rank first.
        relevant: (U,) int64 relevant items of each user, >= 1.
        n: the cutoff, 1 to N.

    >>> reciprocal_rank(np.array([[False, True]]), np.array([2]), 2).tolist()
    [0.5]
    """
    first = hits[:, :n].argmax(axis=1)
    return np.where(hits[:, :n].any(axis=1), 1 / (first + 1), 0.0)


USER_METRICS = {
    "precision": precision,
    "recall": recall,
    "hit_rate": hit_rate,
    "ndcg": ndcg,
    "map": average_precision,
    "mrr": reciprocal_rank,
}


def catalogue_coverage(listed: Int64Array) -> float:
    """Return the share of items that stand in at least one list.

    Args:
        listed: (I,) int64, in how many lists each item of the catalogue stands.

    >>> catalogue_coverage(np.array([3, 0, 1, 0]))
    0.5
    """
    return float((listed > 0).mean())


def gini(listed: Int64Array) -> float:
    """Return how unequally the lists spread over items: 0 all alike, (I - 1) / I one item only.

    sum over items, ascending by x, of (2 rank - I - 1) x / (I sum x), rank from 1. 0 if no item is
    listed at all.

    Args:
        listed: (I,) int64, in how many lists each item of the catalogue stands.

    >>> gini(np.array([1, 1])), gini(np.array([0, 5]))
    (0.0, 0.5)
    """
    ascending = np.sort(listed)
    total = int(ascending.sum())
    ranks = 2 * np.arange(1, len(ascending) + 1) - len(ascending) - 1
    return float((ranks * ascending).sum() / (len(ascending) * total)) if total else 0.0


def novelty(listed: Int64Array, popularity: Int64Array, num_users: int) -> float:
    """Return the mean of -log2(users of the item / all users) over all listed items, in bits.

    Zhou et al., Solving the Apparent Diversity-Accuracy Dilemma of Recommender Systems (PNAS
    2010). An item that nobody took counts like one that one user took. 0 if no item is listed.

    Args:
        listed: (I,) int64, in how many lists each item of the catalogue stands.
        popularity: (I,) int64 users of each item in the training, >= 0.
        num_users: users of the training.

    >>> novelty(np.array([1, 1]), np.array([4, 1]), 4)
    1.0
    """
    total = int(listed.sum())
    bits = np.log2(num_users / np.maximum(popularity, 1))  # (I,) float64
    return float((listed * bits).sum() / total) if total else 0.0

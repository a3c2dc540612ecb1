"""Metrics of ranked lists: one function each, on arrays.

Per user, (U,) float64 at cutoff n >= 1, from the ranks of the relevant items and their number:
precision, recall, hit rate, NDCG, average precision, reciprocal rank, as defined by trec_eval
(Buckley; NIST). A list shorter than n has no hits beyond its end. Over the whole catalogue, from
``listed``, (I,) int64 number of lists that hold each item: coverage, Gini, novelty.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlcore.evaluate.hits import Hits
from mlcore.types import Float64Array, Int64Array

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
    "user_metrics",
]


def precision(hits: Hits, n: int) -> Float64Array:
    """Return hits among the first n / n, also when the list is shorter: ``P_n`` of trec_eval.

    >>> precision(Hits(np.array([0]), np.array([0]), np.array([7]), np.array([1])), 2).tolist()
    [0.5]
    """
    values: Float64Array = hits.count(n) / n
    return values


def recall(hits: Hits, n: int) -> Float64Array:
    """Return hits among the first n / relevant items: ``recall_n`` of trec_eval.

    >>> recall(Hits(np.array([0]), np.array([0]), np.array([7]), np.array([4])), 2).tolist()
    [0.25]
    """
    values: Float64Array = hits.count(n) / hits.relevant
    return values


def hit_rate(hits: Hits, n: int) -> Float64Array:
    """Return 1 if there is a hit among the first n, else 0: ``success_n`` of trec_eval.

    >>> hit_rate(Hits(np.array([0]), np.array([1]), np.array([7]), np.array([4])), 1).tolist()
    [0.0]
    """
    return (hits.count(n) > 0).astype(np.float64)


def ndcg(hits: Hits, n: int) -> Float64Array:
    """Return DCG / ideal DCG, with gain 1 and discount 1 / log2(rank + 1), rank from 1.

    The ideal list has min(n, relevant) hits first: ``ndcg_cut_n`` of trec_eval. Järvelin and
    Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques (ACM TOIS 2002).

    >>> ndcg(Hits(np.array([0]), np.array([0]), np.array([7]), np.array([1])), 3).tolist()
    [1.0]
    """
    # No rank and no ideal list is beyond this, however great n is.
    n = min(n, int(max(hits.relevant.max(initial=1), hits.ranks.max(initial=0) + 1)))
    discounts = 1 / np.log2(np.arange(2, n + 2))  # (n,)
    ideal = np.cumsum(discounts)[np.minimum(hits.relevant, n) - 1]  # (U,)
    gains = discounts[np.minimum(hits.ranks, n - 1)]  # (H,) add_up drops ranks >= n
    values: Float64Array = hits.add_up(gains, n) / ideal
    return values


def average_precision(hits: Hits, n: int) -> Float64Array:
    """Return the sum over hits of precision at their rank / relevant: ``map_cut_n`` of trec_eval.

    The mean over users is MAP. Divided by all relevant items, not by min(n, relevant).

    >>> hits = Hits(np.array([0]), np.array([1]), np.array([7]), np.array([2]))
    >>> average_precision(hits, 2).tolist()
    [0.25]
    """
    values: Float64Array = hits.add_up(hits.order / (hits.ranks + 1), n) / hits.relevant
    return values


def reciprocal_rank(hits: Hits, n: int) -> Float64Array:
    """Return 1 / rank of the first hit among the first n, or 0. The mean over users is MRR.

    >>> reciprocal_rank(Hits(np.array([0]), np.array([1]), np.array([7]), np.array([2])), 2).tolist()
    [0.5]
    """
    return hits.add_up((hits.order == 1) / (hits.ranks + 1), n)


USER_METRICS = {
    "precision": precision,
    "recall": recall,
    "hit_rate": hit_rate,
    "ndcg": ndcg,
    "map": average_precision,
    "mrr": reciprocal_rank,
}


def user_metrics(
    hits: Hits, cutoffs: Sequence[int], names: Sequence[str] = tuple(USER_METRICS)
) -> dict[str, Float64Array]:
    """Return metrics of ``USER_METRICS`` at each cutoff, (U,) float64 each, named ``recall@10``.

    >>> hits = Hits(np.array([0]), np.array([1]), np.array([7]), np.array([2]))
    >>> user_metrics(hits, [2], ["recall", "mrr"])
    {'recall@2': array([0.5]), 'mrr@2': array([0.5])}
    """
    return {f"{name}@{n}": USER_METRICS[name](hits, n) for name in names for n in cutoffs}


def catalogue_coverage(listed: Int64Array) -> float:
    """Return the share of items that are in at least one list.

    >>> catalogue_coverage(np.array([3, 0, 1, 0]))
    0.5
    """
    return float((listed > 0).mean())


def gini(listed: Int64Array) -> float:
    """Return the Gini index of ``listed``: 0 if all are equal, (I - 1) / I for one item alone.

    sum over items, ascending by x, of (2 rank - I - 1) x / (I sum x), rank from 1; 0 if nothing is
    listed.

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
    2010). An item without users counts as one with one user. 0 if no item is listed.

    Args:
        listed: (I,) int64 number of lists that hold each item.
        popularity: (I,) int64 users of each item in the training, >= 0.
        num_users: of the training.

    >>> novelty(np.array([1, 1]), np.array([4, 1]), 4)
    1.0
    """
    total = int(listed.sum())
    bits = np.log2(num_users / np.maximum(popularity, 1))  # (I,) float64
    return float((listed * bits).sum() / total) if total else 0.0

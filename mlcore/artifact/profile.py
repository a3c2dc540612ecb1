"""How a model spreads: users over items, items over users, neighbors, weights. For charts, so of a size that any model has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlcore.types import CsrMatrix, Int64Array

__all__ = ["profile_arrays"]

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
WEIGHT_BINS = 20
# Of more weights as many, evenly spaced: opening a model reads no pairs, and showing it few.
MAX_WEIGHTS = 2**20


def profile_arrays(
    popularity: Int64Array, similarity: CsrMatrix, histories: CsrMatrix | None
) -> dict[str, Any]:
    """Return what the charts of a model show, as JSON has it.

    ``popularity``: the users of some items, by rank from 1, ranks doubling; ``held_by_most_popular``: the share of
    all interactions that so large a share of the items has. ``history_lengths`` and ``neighbors``: how many users
    have so many items, and items so many stored pairs, by doubling ranges. ``weights``: how many of
    ``weights_read`` stored weights are in each of twenty ranges.

    >>> from mlcore import Interactions, train_from_data
    >>> model = train_from_data(Interactions.from_columns(["u", "u", "v"], ["a", "b", "b"]))
    >>> profile_arrays(model.popularity, model.similarity, model.histories)["history_lengths"]
    {'1': 1, '2-3': 1}
    """
    descending = np.sort(popularity)[::-1]  # (I,)
    ranks = [rank for rank in (2**power for power in range(40)) if rank <= len(descending)]
    weights = similarity.data[:: max(1, -(-similarity.num_entries // MAX_WEIGHTS))]
    counts, edges = np.histogram(weights.astype(np.float64), WEIGHT_BINS)
    return {
        "popularity": [{"rank": rank, "users": int(descending[rank - 1])} for rank in ranks],
        "held_by_most_popular": _held(descending),
        "history_lengths": None if histories is None else _doubling(np.diff(histories.indptr)),
        "neighbors": _doubling(np.diff(similarity.indptr)),
        "weights": {"edges": edges.tolist(), "pairs": counts.tolist()} if len(weights) else None,
        "weights_read": len(weights),
    }


def _held(descending: Int64Array) -> Mapping[str, float]:
    """Return the share of all interactions that shares of the items have, at least one item each."""
    held = np.cumsum(descending) / max(1, int(descending.sum()))
    counts = {share: max(1, round(share * len(held))) for share in SHARES}
    return {f"{share:g}": float(held[n - 1]) for share, n in counts.items() if n <= len(held)}


def _doubling(lengths: Int64Array) -> dict[str, int]:
    """Return how many lengths are 0, 1, 2-3, 4-7 and so on, without empty ranges at the ends.

    >>> _doubling(np.array([1, 5, 5]))
    {'1': 1, '2-3': 0, '4-7': 2}
    """
    _, powers = np.frexp(lengths.astype(np.float64))  # 0 of 0, 1 of 1, 2 of 2 and 3
    counts = np.bincount(powers)
    first = int(np.argmax(counts > 0)) if len(counts) else 0
    names = ["0", "1", *(f"{2**n}-{2 ** (n + 1) - 1}" for n in range(1, 62))]
    return {names[n]: int(counts[n]) for n in range(first, len(counts))}

"""Interactions to choose configurations by."""

from __future__ import annotations

import numpy as np

from mlcore import Interactions
from mlcore.generate import generate_interactions

__all__ = ["library", "pairs_of", "shuffled"]


def library(seed: int = 1, with_times: bool = False, users: int = 120) -> Interactions:
    """Return those of users who have two items or more."""
    data = generate_interactions(2 * users, 60, 40 * users, seed=seed)
    times = data.timestamps if with_times else None
    every = Interactions.from_columns(data.user_ids, data.item_ids, data.weights, times)
    lengths = np.diff(every.user_items.indptr)
    kept = np.flatnonzero(lengths >= 2)[:users]
    return every.select(np.repeat(np.isin(np.arange(len(lengths)), kept), lengths))


def pairs_of(interactions: Interactions) -> set[tuple[str, str]]:
    matrix = interactions.user_items
    return {
        (interactions.user_ids[user], interactions.item_ids[item])
        for user, item in zip(matrix.row_of_entry().tolist(), matrix.indices.tolist())
    }


def shuffled(interactions: Interactions) -> Interactions:
    matrix = interactions.user_items
    order = np.random.default_rng(3).permutation(len(interactions))
    users = [interactions.user_ids[user] for user in matrix.row_of_entry()[order].tolist()]
    items = [interactions.item_ids[item] for item in matrix.indices[order].tolist()]
    times = interactions.timestamps
    new = None if times is None else times[order]
    return Interactions.from_columns(users, items, matrix.data[order], new, timestamp_unit="us")

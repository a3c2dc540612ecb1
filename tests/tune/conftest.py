"""Interactions to search on, and a search."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlcore import Interactions
from mlcore.tune.config import TuneConfig
from mlcore.tune.space import SearchSpace
from mlcore.tune.trials import Trial
from mlcore.tune.tune import tune_from_data

SPACE: dict[str, Any] = {
    "similarity": {
        "choice": [
            {"name": "cosine"},
            {"name": "asymmetric_cosine", "alpha": {"float": [0, 1]}},
            {"name": "tversky", "alpha": {"float": [0, 2]}, "beta": {"float": [0, 2]}},
        ]
    },
    "weighting": {"choice": [{"name": "none"}, {"name": "bm25", "smooth": True}]},
    "num_neighbors": {"choice": [None, {"int": [1, 30], "log": True}]},
    "shrinkage": {"float": [0, 20]},
}
METRIC = "ndcg@5"


def random_rows(seed: int) -> list[tuple[str, str, float]]:
    """Users of four tastes, each with 20 of 60 items, popular ones more often."""
    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, 61) ** 0.7
    rows = []
    for user in range(80):
        chances = popularity * np.where(np.arange(60) % 4 == user % 4, 6, 1)
        items = rng.choice(60, 20, replace=False, p=chances / chances.sum())
        rows += [(f"u{user:02}", f"i{item:02}", float(rng.integers(1, 6))) for item in items]
    return rows


ROWS = random_rows(3)
# The last user is in the validation alone, and so is one item.
TRAIN_ROWS = [row for n, row in enumerate(ROWS) if n % 4 and row[0] != "u79" and row[1] != "i07"]
VALID_ROWS = [row for row in ROWS if row not in TRAIN_ROWS]


def interactions_of(rows: list[tuple[str, str, float]]) -> Interactions:
    users, items, weights = zip(*rows)
    return Interactions.from_columns(users, items, weights)


@pytest.fixture(scope="module")
def train() -> Interactions:
    return interactions_of(TRAIN_ROWS)


@pytest.fixture(scope="module")
def valid() -> Interactions:
    return interactions_of(VALID_ROWS)


def search(
    train: Interactions,
    valid: Interactions,
    space: Any = SPACE,
    metric: str = METRIC,
    trials: int = 15,
    seed: int = 0,
    **options: Any,
) -> list[Trial]:
    config = TuneConfig(metric, trials, seed)
    found = tune_from_data(train, valid, SearchSpace.from_json(space), config, **options)
    return [replace(trial, seconds={}) for trial in found]

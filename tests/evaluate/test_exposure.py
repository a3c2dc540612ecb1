"""mlcore.evaluate.exposure: who is shown, by popularity."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.evaluate.config import EvaluateConfig
from mlcore.evaluate.evaluate import Catalogue, evaluate_from_data
from mlcore.evaluate.exposure import most_popular_metrics, shares_by_popularity

# 10 interactions: a is the head (the more popular hold 0 < 20 %), b and c the middle, d has nobody.
CATALOGUE = Catalogue(["a", "b", "c", "d"], np.array([6, 3, 1, 0]), 8)
LISTS = {"u": ["a", "b"], "v": ["c"], "w": ["d", "a"]}
TRUTH = {"u": ["a", "b", "x"], "v": ["b"], "w": ["a"]}


def test_shares_by_hand() -> None:
    config = EvaluateConfig(slices=["popularity"], popularity_shares=[0.2, 0.7])
    found = evaluate_from_data(LISTS, TRUTH, [1, 2], catalogue=CATALOGUE, config=config)
    assert found.to_json()["exposure"] == {
        "items_share": {"head": 0.25, "mid": 0.25, "tail": 0.25, "new": 0.25},
        "interactions_share": {"head": 0.6, "mid": 0.3, "tail": 0.1, "new": 0.0},
        "relevant_share": {"head": 0.4, "mid": 0.4, "tail": 0.0, "new": 0.2},
        "listed_share": {
            "1": {"head": 1 / 3, "mid": 0.0, "tail": 1 / 3, "new": 1 / 3},
            "2": {"head": 0.4, "mid": 0.2, "tail": 0.2, "new": 0.2},
        },
        "most_popular": {
            # One list for all: half of the catalogue, 0.5 and 0.75 of it never; -log2(6/8), and of 3/8.
            "coverage@1": 0.25,
            "gini@1": 0.75,
            "novelty@1": np.log2(8 / 6),
            "coverage@2": 0.5,
            "gini@2": 0.5,
            "novelty@2": (np.log2(8 / 6) + np.log2(8 / 3)) / 2,
        },
    }


def test_without_slices_by_popularity_there_is_none() -> None:
    config = EvaluateConfig()
    found = evaluate_from_data(LISTS, TRUTH, [1], catalogue=CATALOGUE, config=config)
    assert "exposure" not in found.to_json()


def test_nothing_listed_is_a_share_of_nothing() -> None:
    assert set(shares_by_popularity(np.array([0, 1]), np.array([0, 0])).values()) == {0.0}


@pytest.mark.parametrize("n", [3, 9])
def test_a_list_as_long_as_the_catalogue_has_all(n: int) -> None:
    found = most_popular_metrics(np.array([1, 4, 2]), 4, [n])
    assert found[f"coverage@{n}"] == 1
    assert found[f"gini@{n}"] == pytest.approx(0)

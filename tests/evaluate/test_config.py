"""mlcore.evaluate.config: what an evaluation and a comparison may be asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mlcore import ConfigError
from mlcore.evaluate.config import METRIC_NAMES, CompareConfig, EvaluateConfig
from mlcore.evaluate.metrics import USER_METRICS
from mlcore.evaluate.resampling import paired_test


def test_every_metric_of_users_has_its_name() -> None:
    assert METRIC_NAMES == tuple(USER_METRICS)


def test_a_metric_named_twice_is_one() -> None:
    config = CompareConfig(fail_if_worse=["mrr@10", "ndcg@10", "mrr@10"])
    assert config.fail_if_worse == ("mrr@10", "ndcg@10")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"test": "t"}, "test: expected 'randomization' or 'bootstrap', got 't'"),
        ({"rounds": 0}, "rounds: expected an integer >= 1, got 0"),
        (
            {"rounds": 18},
            "rounds: expected at least 19, fewer have no p as small as 0.05, got 18",
        ),
        (
            {"rounds": 98, "confidence": 0.99},
            "rounds: expected at least 99, fewer have no p as small as 0.01, got 98",
        ),
        ({"seed": -1}, "seed: expected an integer >= 0, got -1"),
        ({"confidence": 0.0}, "confidence: expected a finite number above 0, got 0.0"),
        ({"confidence": 1.0}, "confidence: expected a number above 0 and below 1, got 1.0"),
        ({"max_loss": -0.1}, "max_loss: expected a finite number >= 0 or null, got -0.1"),
        ({"max_loss": 0.1}, "max_loss: expected a metric it holds for, got 0.1 and no metric"),
    ],
)
def test_a_setting_of_a_comparison_out_of_range_is_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        CompareConfig(**settings)
    assert str(caught.value) == message


def test_the_fewest_rounds_allowed_can_be_significant() -> None:
    clear = np.random.default_rng(0).uniform(1, 2, (60, 1))
    for rounds, confidence in ((19, 0.95), (99, 0.99), (9, 0.9)):
        config = CompareConfig(rounds=rounds, confidence=confidence)
        assert paired_test(clear, config.test, rounds, 0)[0] <= config.level


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"confidence": 0}, "confidence: expected a finite number above 0 or null, got 0"),
        ({"confidence": 1.0}, "confidence: expected a number above 0 and below 1, got 1.0"),
        ({"bootstrap_rounds": 0}, "bootstrap_rounds: expected an integer >= 1, got 0"),
        ({"seed": -1}, "seed: expected an integer >= 0, got -1"),
        (
            {"slices": ["popularity", "age"]},
            "slices: expected some of history-length, popularity, got 'age'",
        ),
        *(
            (
                {"history_edges": edges, "slices": ["history-length"]},
                f"history_edges: expected integers >= 1, ascending, got {shown}",
            )
            for edges, shown in [([], "none"), ([0, 1], "0,1"), ([4, 2], "4,2"), ([2, 2], "2,2")]
        ),
        *(
            (
                {"popularity_shares": shares, "slices": ["popularity"]},
                "popularity_shares: expected two numbers above 0 and below 1, ascending, "
                f"got {shown}",
            )
            for shares, shown in [
                ([0.5], "0.5"), ([0.8, 0.2], "0.8,0.2"), ([0, 0.5], "0,0.5"), ([0.5, 1], "0.5,1"),
                ([0.5, math.nan], "0.5,nan"),
            ]
        ),
        (
            {"history_edges": [3], "slices": ["popularity"]},
            "history_edges: expected slices by history-length to use them for, got none",
        ),
        (
            {"popularity_shares": [0.1, 0.2]},
            "popularity_shares: expected slices by popularity to use them for, got none",
        ),
    ],
)  # fmt: skip
def test_a_setting_of_an_evaluation_out_of_range_is_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        EvaluateConfig(**settings)
    assert str(caught.value) == message

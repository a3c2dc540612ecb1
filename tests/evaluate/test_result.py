"""mlcore.evaluate.result: means over users, their intervals, and the summary."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats

from mlcore import Interactions
from mlcore.evaluate.catalogue import Catalogue
from mlcore.evaluate.compare import compare_from_data
from mlcore.evaluate.config import EvaluateConfig, MetricSeparator, SliceBy
from mlcore.evaluate.evaluate import evaluate_from_data
from mlcore.evaluate.resampling import bootstrap_interval
from mlcore.evaluate.result import mean_over_users
from mlcore.ranked_lists import Predictions
from tests.evaluate.test_catalogue import CUTOFFS, evaluate, random_data


@pytest.mark.parametrize("seed", range(2))
def test_intervals_are_those_that_scipy_finds(seed: int) -> None:
    lists, taken, _ = random_data(1)
    found = evaluate(lists, taken, None, EvaluateConfig(0.8, 40, seed))
    columns = np.stack(list(found.per_user.values()), axis=1)
    theirs = stats.bootstrap(
        (columns,), np.mean, n_resamples=40, confidence_level=0.8, axis=0, vectorized=True,
        method="percentile", rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    assert list(found.means.intervals) == list(found.metrics)
    for at, name in enumerate(found.metrics):
        expected = [bounds[at] for bounds in np.atleast_2d(theirs)]
        assert found.means.intervals[name] == pytest.approx(expected, abs=1e-12)
        assert found.means.intervals[name][0] < found.metrics[name] < found.means.intervals[name][1]


def test_metrics_that_some_users_lack_are_resampled_over_those_who_have_them() -> None:
    rng = np.random.default_rng(4)
    whole, part = rng.random(40), rng.random(40)
    part[::3] = np.nan
    columns = {"part": part, "whole": whole, "half": part / 2, "none": np.full(40, np.nan)}
    found = mean_over_users(columns, EvaluateConfig(0.9, 100, 7))
    assert found.counted == {"part": 26, "half": 26, "none": 0}
    assert list(found.metrics) == list(found.intervals) == ["part", "whole", "half"]
    assert found.metrics["part"] == pytest.approx(float(np.nanmean(part)), abs=1e-15)
    for name in found.metrics:
        values = columns[name][~np.isnan(columns[name])][:, None]
        expected = bootstrap_interval(values, 0.9, 100, 7)[:, 0]
        assert found.intervals[name] == pytest.approx(expected.tolist(), abs=1e-15)


def test_intervals_of_few_users_come_with_a_warning() -> None:
    lists, taken, catalogue = random_data(0)
    slices: list[SliceBy] = ["history-length"]
    warning = "The intervals of fewer than 30 users are too narrow."
    for config, expected in [
        (EvaluateConfig(0.9, 5, slices=slices), True),  # 60 users, but not in each slice
        (EvaluateConfig(0.9, 5), False),
        (EvaluateConfig(slices=slices), False),
    ]:
        shown = evaluate(lists, taken, catalogue, config).summary(CUTOFFS).splitlines()
        assert (shown[-1] == warning) == expected
    few = {user: taken[user] for user in list(taken)[:29]}
    assert warning in evaluate(lists, few, None, EvaluateConfig(0.9, 5)).summary(CUTOFFS)


def test_another_seed_gives_other_intervals_and_the_same_seed_the_same() -> None:
    lists, taken, _ = random_data(0)
    first, again, other = (
        evaluate(lists, taken, None, EvaluateConfig(0.9, 20, seed)) for seed in (1, 1, 2)
    )
    assert first.means.intervals == again.means.intervals != other.means.intervals
    assert first.metrics == other.metrics


@pytest.mark.parametrize("separator", ["@", "_at_"])
def test_rows_hold_what_the_document_holds(separator: MetricSeparator) -> None:
    lists, taken = {"u": ["a", "b"], "v": ["b"]}, {"u": ["a"], "v": ["c"], "w": ["b"]}
    catalogue = Catalogue(["a", "b"], np.array([3, 1]), 4)
    config = EvaluateConfig(
        confidence=0.9, bootstrap_rounds=20, slices=["popularity"], metric_separator=separator
    )
    found = evaluate_from_data(lists, taken, [1, 2], catalogue=catalogue, config=config)
    document = found.to_json()
    parts = [(None, None, document)]
    for by, slices in document["slices"].items():
        parts += [(by, name, part) for name, part in slices.items()]
    expected = [
        [by, name, metric, value, *part["confidence_intervals"].get(metric, [None] * 2)]
        for by, name, part in parts
        for metric, value in part["metrics"].items()
    ]
    rows = found.to_rows()
    assert [list(row.values())[:-1] for row in rows] == expected
    assert [row["users"] for row in rows if row["metric"].startswith("recall")][:2] == [3, 3]
    assert f"recall{separator}1" in found.metrics and f"coverage{separator}2" in found.metrics
    assert f"recall{separator}1 0.3333" in found.summary([1, 2])
    names = {row["metric"] for row in rows} | set(found.per_user)
    allowed = r"[A-Za-z0-9_. /-]+" if separator == "_at_" else r"[a-z_]+@[12]"
    assert all(re.fullmatch(allowed, name) for name in names)


def test_the_rows_of_a_comparison_are_its_metrics() -> None:
    lists = Predictions.from_lists({"u": ["a"], "v": ["b"]})
    truth = Interactions.from_columns(["u", "v"], ["a", "a"])
    comparison = compare_from_data(lists, lists, truth, [1])
    for row, (name, metric) in zip(
        comparison.to_rows(), comparison.to_json()["metrics"].items(), strict=True
    ):
        interval = [row.pop("low"), row.pop("high")]
        assert row | {"confidence_interval": interval, "spread": metric["spread"]} == {
            "metric": name,
            **metric,
        }

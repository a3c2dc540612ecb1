"""mlcore.charts.search: trials, and what a parameter explains, against a sum by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlcore.charts.search import MAX_PARAMETERS, best_of, explained, search_charts


def trial(number: int, value: float | None, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        **{"trial": number, "value": value, "config": config, "metrics": {}, "same_as": None},
        **{"error": None if value is not None else "no\nroom", "seconds": {"training": 0.5}},
        **more,
    }


TRIALS = [
    trial(0, 0.25, {"similarity": {"name": "rp3beta", "beta": 0.1}, "num_neighbors": 10}),
    trial(1, 0.5, {"similarity": {"name": "cosine"}, "num_neighbors": 10}),
    trial(2, None, {"similarity": {"name": "ease"}, "num_neighbors": 10}),
    trial(3, 0.5, {"similarity": {"name": "cosine"}, "num_neighbors": 1000}),
    trial(4, 0.25, {"similarity": {"name": "rp3beta", "beta": 0.2}, "num_neighbors": 20}),
    trial(5, 0.5, {"similarity": {"name": "cosine"}, "num_neighbors": 10}, same_as=1),
]


def test_charts_hold_every_trial_and_the_parameters_by_what_they_explain() -> None:
    charts = {chart.title: chart for chart in search_charts(TRIALS, "ndcg@10")}
    rows = charts["Trials, one after the other"].rows
    assert [row["ndcg@10"] for row in rows] == [one["value"] for one in TRIALS]
    assert (rows[2]["error"], rows[5]["same as"]) == (r"no\nroom", 1)
    assert [list(row.values()) for row in charts["Which parameters matter"].rows] == [
        ["similarity.name", 4, 1.0],  # the failure and the repeated one do not count
        ["similarity.beta", 2, 0.0],  # one value each
        ["num_neighbors", 4, 0.0],
    ]
    assert [list(row.values()) for row in charts["num_neighbors"].rows] == [
        *([10, 0.25], [10, 0.5], [20, 0.25], [1000, 0.5])
    ]
    assert list(charts["similarity.name"].rows[0].values()) == ["cosine", 0.5]


def test_what_groups_explain_is_what_an_analysis_of_variance_says() -> None:
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 4, 60)
    values = groups * 0.1 + rng.normal(0, 0.1, 60)
    design = (groups[:, None] == np.arange(4)).astype(float)
    (residual,) = np.linalg.lstsq(design, values, rcond=None)[1]
    adjusted_r2 = 1 - (residual / 56) / (np.var(values) * 60 / 59)
    assert explained(groups.tolist(), values.tolist()) == pytest.approx(adjusted_r2)


@pytest.mark.parametrize(
    ("groups", "values"),
    [("aa", [1, 2]), ("ab", [1, 2]), ("aabb", [1, 1, 1, 1]), ("aabb", [0, 1, 0, 1])],
)
def test_nothing_is_explained_by_one_group_or_chance(groups: str, values: list[float]) -> None:
    assert explained(list(groups), values) == 0


def test_failures_alone_have_no_chart() -> None:
    assert search_charts(TRIALS[2:3], "ndcg@10") == ()
    assert best_of(TRIALS[2:3]) is None
    best = best_of(TRIALS)
    assert best is not None and best["trial"] == 1


def test_no_more_than_the_most_important_parameters_have_a_chart() -> None:
    many = [trial(n, n / 9, {f"p{m}": n % (m + 2) for m in range(12)}) for n in range(9)]
    assert len(search_charts(many, "ndcg@10")) == 2 + MAX_PARAMETERS


@pytest.mark.matplotlib
@pytest.mark.parametrize("trials", [TRIALS, TRIALS[:1], [TRIALS[2], *TRIALS[3:5]]])
def test_every_chart_can_be_drawn(trials: list[dict[str, Any]]) -> None:
    for chart in search_charts(trials, "ndcg@10"):
        assert "<text" in chart.svg()

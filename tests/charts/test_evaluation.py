"""mlcore.charts.evaluation: the numbers of metrics.json, and which charts there are of what it has."""

from __future__ import annotations

from typing import Any

import pytest

from mlcore.charts.chart import Chart
from mlcore.charts.evaluation import at_cutoff, best_cutoff, evaluation_charts

METRICS = {"recall@5": 0.25, "recall@10": 0.5, "ndcg@5": 0.2, "ndcg@10": 0.3}
SLICE = {"users": 31, "ground_truth_items": 40, "metrics": METRICS}
SHARES = {"head": 0.5, "mid": 0.5, "new": 0.0}
FULL: dict[str, Any] = {
    "metrics": METRICS | {"coverage@5": 0.6, "coverage@10": 0.8, "gini@5": 0.7, "gini@10": 0.4},
    "confidence_intervals": {name: [value - 0.1, value + 0.1] for name, value in METRICS.items()},
    "slices": {
        "history-length": {"1": SLICE, "2-3": SLICE},
        "popularity": {"head": SLICE | {"confidence_intervals": {"ndcg@10": [0, 1]}}},
    },
    "exposure": {
        **{key: SHARES for key in ("items_share", "interactions_share", "relevant_share")},
        "listed_share": {"5": SHARES, "10": {"head": 0.9, "mid": 0.1, "new": 0.0}},
        "most_popular": {"coverage@5": 0.1, "coverage@10": 0.2, "gini@5": 0.9},
    },
}


def titles(document: dict[str, Any]) -> dict[str, Chart]:
    return {chart.title: chart for chart in evaluation_charts(document)}


def test_all_numbers_of_the_means_and_their_intervals_are_behind_the_chart() -> None:
    rows = titles(FULL)["Metrics by cutoff"].rows
    assert {row["metric"]: row["value"] for row in rows} == METRICS
    assert {row["metric"]: [row["low"], row["high"]] for row in rows} == FULL[
        "confidence_intervals"
    ]
    assert list(titles({"metrics": METRICS})["Metrics by cutoff"].rows[0]) == ["metric", "value"]


def test_slices_have_their_sizes_and_the_metric_nearest_to_ten() -> None:
    charts = titles(FULL)
    assert list(charts["Users with a short history, and with a long one"].rows) == [
        {"slice": one, "users": 31, "relevant items": 40, "ndcg@10": 0.3} for one in ("1", "2-3")
    ]
    (row,) = charts["Items that many take, and that few take"].rows
    assert (row["low"], row["high"]) == (0, 1)


def test_the_catalogue_stands_beside_the_most_popular() -> None:
    rows = titles(FULL)["How much of the catalogue is shown"].rows
    assert [list(row.values()) for row in rows] == [
        ["coverage@5", 0.6, 0.1],
        ["coverage@10", 0.8, 0.2],
        ["gini@5", 0.7, 0.9],
        ["gini@10", 0.4, None],
    ]
    head, mid = titles(FULL)["Popular items in the lists, and in what users take"].rows
    assert head == {
        **{"popularity": "head", "items": 0.5, "interactions": 0.5},
        **{"relevant": 0.5, "listed": 0.9},
    }
    assert mid["popularity"] == "mid"  # nobody has new ones


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"metrics": {}}, []),
        ({"metrics": {"rmse": 1.0}}, []),
        ({"metrics": {"mrr@10": 0.5}}, ["The metrics at 10"]),
        ({"metrics": {"mrr_at_5": 0.5, "mrr_at_10": 0.5}}, ["Metrics by cutoff"]),
        ({"metrics": METRICS, "slices": {"popularity": {}}}, ["Metrics by cutoff"]),
    ],
)
def test_what_is_not_there_has_no_chart(document: dict[str, Any], expected: list[str]) -> None:
    assert list(titles(document)) == expected


@pytest.mark.matplotlib
@pytest.mark.parametrize(
    "document", [FULL, {"metrics": {"mrr@10": 0.5}}, {"metrics": {"mrr_at_5": 0.5, "mrr_at_10": 0}}]
)
def test_every_chart_can_be_drawn(document: dict[str, Any]) -> None:
    for chart in evaluation_charts(document):
        assert "<text" in chart.svg()


def test_names_of_metrics() -> None:
    assert at_cutoff("a@b@5") == ("a@b", 5)
    assert [at_cutoff(name) for name in ("@", "a@", "a@\u0665", "a@99999999999")] == [None] * 4
    assert best_cutoff({}) is None
    assert best_cutoff({"ndcg@5": 1, "ndcg@15": 1}) == "ndcg@5"
    assert best_cutoff({"rmse": 1}) == "rmse"

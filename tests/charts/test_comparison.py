"""mlcore.charts.comparison: the numbers of comparison.json."""

from __future__ import annotations

from typing import Any

import pytest

from mlcore.charts.comparison import comparison_charts

METRIC: dict[str, Any] = {
    **{"baseline": 0.5, "candidate": 0.4, "difference": -0.1, "confidence_interval": [-0.2, 0.05]},
    **{"p_value": 0.04, "p_value_holm": 0.08, "verdict": "worse"},
    **{"users_better": 1, "users_equal": 6, "users_worse": 3},
    "spread": {"edges": [0, 0.5, 1], "users_better": [1, 0], "users_worse": [1, 2]},
}
COMPARISON: dict[str, Any] = {
    **{"users": 10, "users_with_other_lists": 7, "test": "randomization", "confidence": 0.95},
    "metrics": {"ndcg@5": METRIC, "ndcg@10": METRIC | {"verdict": "unclear"}},
    "deciding": ["ndcg@10"],
    "conclusions": ["ndcg@10: no significant difference."],
}


def test_every_number_is_behind_its_chart() -> None:
    differences, users, spread = comparison_charts(COMPARISON)
    assert [list(row.values()) for row in differences.rows] == [
        [name, 0.5, 0.4, -0.1, -0.2, 0.05, 0.04, 0.08] for name in ("ndcg@5", "ndcg@10")
    ]
    assert [list(row.values())[1:] for row in users.rows] == [[1, 6, 3]] * 2
    assert [list(row.values()) for row in spread.rows] == [[0, 0.5, 1, 1], [0.5, 1, 0, 2]]
    assert "the 1 users gain and the 3 lose; the other 6 have the same ndcg@10" in spread.sentence


def test_without_a_spread_or_a_difference_there_is_no_histogram() -> None:
    old = {key: value for key, value in METRIC.items() if key != "spread"}
    equal = METRIC | {"users_equal": 10}
    for one in (old, equal):
        assert len(comparison_charts(COMPARISON | {"metrics": {"ndcg@10": one}})) == 2


def test_of_many_metrics_those_that_decide_are_drawn() -> None:
    many = {f"ndcg@{n}": METRIC for n in range(1, 200)}
    differences, *_ = comparison_charts(COMPARISON | {"metrics": many, "deciding": ["ndcg@150"]})
    names = [row["metric"] for row in differences.rows]
    assert len(names) == 60 and "ndcg@150" in names


@pytest.mark.matplotlib
def test_worse_columns_stand_left_of_better_ones() -> None:
    *_, spread = comparison_charts(COMPARISON)
    columns = [(bar.get_x(), bar.get_height()) for bar in spread.figure().axes[0].patches]
    assert [height for _, height in columns] == [2, 1, 0, 0, 0, 0, 1, 0]
    assert columns[0][0] < columns[1][0] < columns[6][0]


@pytest.mark.matplotlib
def test_every_chart_can_be_drawn() -> None:
    for chart in comparison_charts(COMPARISON):
        assert "<text" in chart.svg()

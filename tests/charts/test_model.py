"""mlcore.charts.model: the numbers of a profile."""

from __future__ import annotations

from typing import Any

import pytest

from mlcore.charts.model import model_charts

PROFILE: dict[str, Any] = {
    "popularity": [{"rank": 1, "users": 40}, {"rank": 2, "users": 20}],
    "held_by_most_popular": {"0.1": 0.25, "0.5": 0.75},
    "history_lengths": {"1": 5, "2-3": 0, "4-7": 2},
    "neighbors": {"0": 1, "1": 3},
    "weights": {"edges": [0, 0.5, 1], "pairs": [9, 1]},
    "weights_read": 10,
}


def test_every_number_is_behind_its_chart() -> None:
    popular, histories, neighbors, weights = model_charts(PROFILE)
    assert [list(row.values()) for row in popular.rows] == [
        [1, 40, None, None],
        [2, 20, None, None],
        [None, None, 0.1, 0.25],
        [None, None, 0.5, 0.75],
    ]
    assert "A tenth of the items has 25 % of all interactions." in popular.sentence
    assert [list(row.values()) for row in histories.rows] == [["1", 5], ["2-3", 0], ["4-7", 2]]
    assert [list(row.values()) for row in neighbors.rows] == [["0", 1], ["1", 3]]
    assert [list(row.values()) for row in weights.rows] == [[0, 0.5, 9], [0.5, 1, 1]]


def test_what_a_model_lacks_has_no_chart() -> None:
    nothing: dict[str, Any] = {"popularity": [], "held_by_most_popular": {}, "weights": None}
    charts = model_charts(PROFILE | nothing | {"history_lengths": None})
    assert [chart.title for chart in charts] == ["How many neighbors items have"]


@pytest.mark.matplotlib
@pytest.mark.parametrize("users", [20, 0])
def test_every_chart_can_be_drawn(users: int) -> None:
    points = [{"rank": 1, "users": 40}, {"rank": 2, "users": users}]
    for chart in model_charts(PROFILE | {"popularity": points}):
        assert "<text" in chart.svg()

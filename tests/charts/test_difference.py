"""mlcore.charts.difference: the numbers of diff.json."""

from __future__ import annotations

from typing import Any

import pytest

from mlcore.charts.difference import difference_charts

SIDE = {"users": 3, "items": 2, "interactions": 7, "pairs": 4}
DIFFERENCE: dict[str, Any] = {
    "configuration": {"shrinkage": {"a": 0, "b": 1}, "similarity.beta": {"b": 0.5}},
    "data": {"same_interactions": False, "a": SIDE, "b": SIDE | {"users": 4}},
    "items": {
        "in_both": 5,
        "gone": {"count": 12, "most_popular": [{"item_id": "jam", "popularity": 9}]},
        "new": {"count": 0, "most_popular": []},
    },
    "neighbors": {
        "overlap@10": {"mean": 0.5, "median": 0.25},
        "rbo": {"mean": 0.75, "median": 0.8},
        **{"items_with_same_list": 2, "pairs_in_both": 6, "pairs_with_other_weight": 4},
        "items_by_rbo": [1, 0, 0, 0, 0, 2, 0, 0, 0, 2],
        "changed_most": [
            {"item_id": "tea", "popularity": 3, "rbo": 0.125, "a": ["milk", "jam"], "b": []}
        ],
    },
    "metrics": {"rbo": 0.75, "same_list_share": 0.4, "popularity_shift": 0.3},
    "gate": {"passed": False, "faults": ["rbo: expected at least 0.9, got 0.75"]},
}


def test_every_number_is_behind_its_chart() -> None:
    alike, spread = difference_charts(DIFFERENCE)
    assert [list(row.values()) for row in alike.rows] == [
        ["overlap@10", 0.5, 0.25],
        ["rbo", 0.75, 0.8],
        ["same list", 0.4, None],
    ]
    assert [row["items"] for row in spread.rows] == DIFFERENCE["neighbors"]["items_by_rbo"]
    assert (spread.rows[0]["rbo from"], spread.rows[-1]["to"]) == (0, 1)


def test_without_counts_there_is_one_chart() -> None:
    neighbors = DIFFERENCE["neighbors"] | {"items_by_rbo": []}
    assert len(difference_charts(DIFFERENCE | {"neighbors": neighbors})) == 1


@pytest.mark.matplotlib
def test_every_chart_can_be_drawn() -> None:
    for chart in difference_charts(DIFFERENCE):
        assert "<text" in chart.svg()

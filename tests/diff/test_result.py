"""mlcore.diff.result: what a difference says, as text, JSON and rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlcore.diff.gate import Condition, metric_names
from mlcore.diff.result import ABSENT, ChangedItem, Items, ListedItem, Mean, ModelData, ModelDiff
from mlcore.errors import GateError

A = ModelData(3, 4, 7, 8, True, "a" * 64)
SAME = ModelDiff({}, (A, A), 4, Items(0, []), Items(0, []), 0.0, {"rbo": Mean(1, 1)}, 4, 8, 0, [])
OTHER = ModelDiff(
    settings={"similarity.alpha": (0.4, ABSENT), "num_neighbors": (None, 50)},
    data=(A, replace(A, users=2, with_users=False, interactions_sha256="b" * 64)),
    items_in_both=2,
    items_gone=Items(2, [ListedItem("jam", 2)]),
    items_new=Items(0, []),
    popularity_shift=0.25,
    neighbors={"overlap@2": Mean(1 / 3, 0.5), "rbo": Mean(0.99999, 1)},
    items_with_same_list=1,
    pairs_in_both=6,
    pairs_with_other_weight=4,
    changed_most=[ChangedItem("tea\x1b[2J", 3, 0.123456, ["milk", "jam"], [])],
    fail_if=[Condition("rbo", "<", 1), Condition("items_gone", ">", 5)],
)


def test_a_summary_says_all_that_differs() -> None:
    assert OTHER.report().splitlines() == [
        "configuration:",
        "  similarity.alpha: 0.4 -> absent",
        "  num_neighbors: null -> 50",
        "data: other interactions, users 3 -> 2, with_users true -> false",
        "items: 2 in both, 2 gone, 0 new; popularity_shift 0.25",
        "  gone: 'jam' (2 users), ...",
        "neighbors of the items in both:",
        "  overlap@2: mean 0.3333, median 0.5",
        "  rbo: mean 0.99999, median 1",
        "  the same list: 1 items, a share of 0.5",
        "  another weight: 4 of 6 pairs in both",
        "changed most, by rbo:",
        "  'tea\\x1b[2J' (0.1235):",
        "    a: 'milk', 'jam'",
        "    b: none",
    ]


def test_no_difference_is_one_line() -> None:
    assert SAME.report() == "no differences: rbo 1, popularity_shift 0"


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"shrinkage": (0, 1)}},
        {"data": (A, replace(A, with_users=False))},
        {"items_gone": Items(1, []), "items_new": Items(1, [])},
        {"popularity_shift": 1e-9},
        {"items_with_same_list": 3},
        {"pairs_with_other_weight": 1},
    ],
)
def test_one_difference_of_any_kind_is_told(change: dict[str, object]) -> None:
    found = replace(SAME, **change)  # type: ignore[arg-type]
    assert not found.is_empty and found.report().startswith("configuration:")


def test_metrics_are_those_that_a_gate_may_name() -> None:
    assert list(OTHER.metrics) == metric_names([2])
    assert OTHER.metrics["same_list_share"] == 0.5
    assert OTHER.metrics["items_gone_share"] == 0.5
    assert [row["metric"] for row in OTHER.to_rows()] == metric_names([2])
    assert replace(SAME, items_in_both=0, items_with_same_list=0).metrics["same_list_share"] == 1


def test_a_gate_fails_by_the_conditions_that_hold() -> None:
    failure = OTHER.failure()
    assert isinstance(failure, GateError)
    assert str(failure) == "rbo: expected at least 1, got 0.99999"
    assert SAME.failure() is None


def test_json_has_no_value_for_a_setting_that_is_absent() -> None:
    shown = OTHER.to_json()
    assert shown["configuration"] == {
        "similarity.alpha": {"a": 0.4},
        "num_neighbors": {"a": None, "b": 50},
    }
    assert shown["data"]["same_interactions"] is False
    assert shown["items"]["gone"] == {
        "count": 2,
        "most_popular": [{"item_id": "jam", "popularity": 2}],
    }
    assert shown["neighbors"]["overlap@2"] == {"mean": 1 / 3, "median": 0.5}
    assert shown["neighbors"]["changed_most"][0]["a"] == ["milk", "jam"]
    assert shown["gate"] == {
        "fail_if": ["rbo<1", "items_gone>5"],
        "passed": False,
        "faults": ["rbo: expected at least 1, got 0.99999"],
    }
    assert SAME.to_json()["gate"] is None

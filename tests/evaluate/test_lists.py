"""mlcore.evaluate.lists: what Python has as lists, in whatever form; test_evaluate has each refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlcore import ConfigError, DataError
from mlcore.evaluate.compare import compare_from_data
from mlcore.evaluate.lists import as_data
from mlcore.ranked_lists import Predictions
from mlcore.recommend import RankedList
from mlcore.recommend.lists import Recommendation
from tests import oracles

BASELINE = {"u": ["b", "c"], "v": ["a"], "w": []}
CANDIDATE = {"u": ["a"], "v": ["a", "b"], "w": ["d"]}
TAKEN = {"u": ["a"], "v": ["b"], "w": ["c", "d"]}


def ranked(lists: dict[str, list[str]]) -> list[RankedList]:
    return [
        RankedList([Recommendation(id_, 1.0) for id_ in ids], user) for user, ids in lists.items()
    ]


def without_users(document: dict[str, Any]) -> dict[str, Any]:
    """Lists of lists have numbers in place of the ids of users."""
    changed = [{**row, "user_id": ""} for row in document["users_changed_most"]]
    return {**document, "users_changed_most": changed}


@pytest.mark.parametrize(
    "sides",
    [
        (BASELINE, CANDIDATE, TAKEN),
        (ranked(BASELINE), CANDIDATE, TAKEN),
        (oracles.predictions_of(BASELINE), ranked(CANDIDATE), oracles.truth_of(TAKEN)),
        ([*BASELINE.values()], [*CANDIDATE.values()], [*TAKEN.values()]),
    ],
    ids=["dictionaries", "predict_many", "our data", "lists of lists"],
)
def test_two_recommenders_are_compared_whatever_form_their_lists_have(sides: Any) -> None:
    baseline, candidate, taken = sides
    found = compare_from_data(baseline, candidate, taken, [1, 2])
    # Hits at 1: u by the candidate alone; v nobody; w the candidate, one of two.
    assert found.metrics["recall@1"].difference == pytest.approx((1 + 0 + 0.5) / 3)
    assert found.metrics["recall@2"].difference == pytest.approx((1 + 1 + 0.5) / 3)
    expected = compare_from_data(
        oracles.predictions_of(BASELINE),
        oracles.predictions_of(CANDIDATE),
        oracles.truth_of(TAKEN),
        [1, 2],
    )
    assert without_users(found.to_json()) == without_users(expected.to_json())


@pytest.mark.parametrize(
    ("baseline", "candidate", "message"),
    [
        (BASELINE, {**CANDIDATE, "u": ["a", "a"]}, "candidate: user 'u': expected each item once, got 'a' again"),
        ({**BASELINE, "u": [7]}, CANDIDATE, "baseline: user 'u': expected a string, got 7"),
        (BASELINE, {7: ["a"]}, "candidate: user_ids[0]: expected a string, got 7"),
        (BASELINE, "ab", "candidate: expected ids, such as a list of strings, got 'ab'"),
        ([["a"]], CANDIDATE, "baseline: expected lists by user, as in ground_truth, got lists alone"),
        (
            BASELINE,
            Predictions(["u", "u"], ["a"], np.array([0, 1, 1]), np.array([0], np.int32)),
            "candidate: user_ids: expected each once, got 'u' again",
        ),
        (
            BASELINE,
            Predictions(["u"], ["x"], np.array([0, 1]), np.array([0], np.int32)),
            "candidate: item_id: expected items of the ground truth, got none of them",
        ),
    ],
)  # fmt: skip
def test_lists_to_compare_are_refused_by_their_side(
    baseline: Any, candidate: Any, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        compare_from_data(baseline, candidate, TAKEN, [1])
    assert str(caught.value) == message


def test_sides_of_lists_alone_have_as_many_rows_as_the_ground_truth() -> None:
    with pytest.raises(DataError) as caught:
        as_data({"baseline": [["a"], ["b"]], "candidate": [["a"]]}, [["a"], ["b"]])
    assert str(caught.value) == "candidate: expected 2 lists as in ground_truth, got 1"


def test_another_way_with_extra_users_is_refused_by_compare_too() -> None:
    with pytest.raises(
        ConfigError, match="^extra_users: expected 'error' or 'ignore', got 'skip'$"
    ):
        compare_from_data(BASELINE, CANDIDATE, TAKEN, [2], extra_users="skip")  # type: ignore[arg-type]


class Series(list[Any]):
    """As groupby(...).agg(list) of pandas gives it: rows, and a label for each."""

    def __init__(self, by_label: dict[Any, Any]) -> None:
        super().__init__(by_label.values())
        self.by_label = by_label

    def to_dict(self) -> dict[Any, Any]:
        return self.by_label


def test_a_series_goes_by_its_labels_unless_they_are_places() -> None:
    lists, taken = as_data({"lists": Series({"v": ["b"], "u": ["a"]})}, {"u": ["a"], "v": ["b"]})
    assert lists["lists"].user_ids == ["v", "u"] and taken.user_ids == ["u", "v"]
    lists, _ = as_data({"lists": Series({0: ["b"], 1: ["a"]})}, [["a"], ["b"]])
    assert lists["lists"].user_ids == ["0", "1"]

"""mlcore.recommend.lists: lists of entries that are rows, too."""

from __future__ import annotations

import copy
import pickle

import pytest

from mlcore import Interactions, Recommender, train_from_data
from mlcore.recommend.lists import RankedList, RankedLists, Recommendation
from tests.optional import optional


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    baskets = {"ann": ["tea", "milk"], "bob": ["tea", "milk", "sugar"], "eve": ["milk", "sugar"]}
    rows = [(user, item) for user, items in baskets.items() for item in items]
    return Recommender(train_from_data(Interactions.from_columns(*zip(*rows))))


def test_rows_are_in_the_long_form_of_files(recommender: Recommender) -> None:
    found = recommender.predict("ann", n=3, fill="popularity", include_seen=True)
    assert isinstance(found, list) and found == list(found)
    assert found.to_rows() == [
        {"user_id": "ann", "item_id": id_, "rank": rank, "score": score, "source": source}
        for rank, (id_, score, source, _) in enumerate(found, 1)
    ]
    for without_user in (recommender.similar_items("tea"), recommender.predict_history(["tea"])):
        assert [list(row) for row in without_user.to_rows()] == [
            ["item_id", "rank", "score", "source"]
        ] * len(without_user)


def test_many_lists_are_rows_in_the_order_of_the_users(recommender: Recommender) -> None:
    many = recommender.predict_many(["eve", "ann", "eve"])
    single = [recommender.predict(user) for user in ("eve", "ann", "eve")]
    assert many == single
    assert many.to_rows() == [row for found in single for row in found.to_rows()]
    assert [found.user_id for found in many] == ["eve", "ann", "eve"]


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_frames_take_the_rows(name: str, recommender: Recommender) -> None:
    rows = recommender.predict_many(["ann", "eve"]).to_rows()
    frame = optional(name).DataFrame(rows)
    assert list(frame.columns) == ["user_id", "item_id", "rank", "score", "source"]
    assert frame["item_id"].to_list() == [row["item_id"] for row in rows]


def test_lists_pickle_and_copy() -> None:
    lists = RankedLists([RankedList([Recommendation("tea", 0.5)], "ann"), RankedList()])
    for found in (pickle.loads(pickle.dumps(lists)), copy.deepcopy(lists)):
        assert found == lists and found.to_rows() == lists.to_rows()
        assert type(found) is RankedLists and found[0].user_id == "ann"


def test_a_part_of_a_list_is_a_list(recommender: Recommender) -> None:
    found = recommender.predict("ann", n=3, include_seen=True)
    assert found[:2].to_rows() == found.to_rows()[:2] and found[0] == list(found)[0]
    lists = recommender.predict_many(["bob", "ann"])
    assert lists[1:].to_rows() == lists[1].to_rows() != []

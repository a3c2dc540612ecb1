"""mlcore.recommend.ranker: blocks of lists in the order of the requests; test_recommender has their contents."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mlcore import Interactions, train_from_data
from mlcore.errors import NoUsersError, UnknownUserError
from mlcore.recommend import scoring
from mlcore.recommend.ranker import RankedUsers, Ranker
from mlcore.recommend.request import ListOptions, UserRequest

BASKETS = {"ann": "tea milk", "bob": "tea milk sugar", "eve": "milk sugar"}


@pytest.fixture
def ranker() -> Ranker:
    rows = [(user, item) for user, items in BASKETS.items() for item in items.split()]
    return Ranker(train_from_data(Interactions.from_columns(*zip(*rows))))


def lists_of(ranker: Ranker, blocks: Iterator[RankedUsers]) -> list[tuple[str, list[str]]]:
    ids = ranker.model.items.ids
    return [
        (user, [ids[item] for item in items])
        for block in blocks
        for user, items in zip(
            block.user_ids,
            map(np.ndarray.tolist, np.split(block.ranking.items, block.ranking.indptr[1:-1])),
        )
    ]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("most_rows", [1, 2, 1024])
def test_lists_come_in_the_order_of_the_requests_whatever_the_blocks(
    most_rows: int, threads: int, ranker: Ranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "MAX_BLOCK_ROWS", most_rows)
    # Nobody can be given what is in the basket, and there are three items.
    expected = {"ann": ["sugar"], "bob": [], "eve": ["tea"]}
    users = ["eve", "ann", "bob", "ann"]
    requests = (UserRequest(user, ranker.history_of(user), False) for user in users)
    found = lists_of(ranker, ranker.rank_requests(requests, ListOptions(), threads))
    assert found == [(user, expected[user]) for user in users]
    everyone = lists_of(ranker, ranker.rank_all_users(ListOptions(), threads))
    assert everyone == list(expected.items())


def test_fill_is_that_of_the_request(ranker: Ranker) -> None:
    nothing = ranker.encode_history([])[0]
    requests = (UserRequest("new", nothing, fill) for fill in (True, False))
    found = lists_of(ranker, ranker.rank_requests(requests, ListOptions(2)))
    assert found == [("new", ["milk", "sugar"]), ("new", [])]


def test_users_are_known_to_the_model_or_refused(ranker: Ranker) -> None:
    assert ranker.user_ids() == ["ann", "bob", "eve"]
    with pytest.raises(UnknownUserError):
        ranker.history_of("zoe")
    rows = Interactions.from_columns(["ann", "ann"], ["tea", "milk"])
    without = Ranker(train_from_data(rows, with_users=False))
    with pytest.raises(NoUsersError):
        without.user_ids()

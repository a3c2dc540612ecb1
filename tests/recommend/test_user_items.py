"""mlcore.recommend.user_items: candidates and exclusions of each user, as one request each would have them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from mlcore import DataError, Model, Recommender, train_from_data
from mlcore.artifact.attributes import Attributes
from mlcore.files.catalogue import Catalogue
from mlcore.ids import IdMap
from mlcore.recommend import scoring
from mlcore.recommend.ranking import RowItems
from mlcore.recommend.request import ListOptions
from mlcore.recommend.user_items import UserItems, limit_rows
from tests import oracles

NUM_USERS, NUM_ITEMS = 60, 30
ITEMS = oracles.ids("i", NUM_ITEMS)
Way = Literal["row by row", "product", "compiled"]


@pytest.fixture(scope="module")
def model() -> Model:
    """Of items of which the last two are in a catalogue alone, with groups of a brand."""
    rng = np.random.default_rng(3)
    x = (rng.random((NUM_USERS, NUM_ITEMS)) < 0.15) * rng.integers(1, 4, (NUM_USERS, NUM_ITEMS))
    x[:, -2:] = 0
    interactions = oracles.interactions_of(x.astype(np.float64)).with_catalogue(ITEMS)
    trained = train_from_data(interactions, {"num_neighbors": 5})
    brands = Catalogue(ITEMS, {"brand": rng.integers(-1, 4, NUM_ITEMS).tolist()}, list("abcd"))
    return replace(trained, attributes=Attributes.encode(brands, trained.items))


WAYS = ["row by row", "product", pytest.param("compiled", marks=pytest.mark.native)]


def set_way(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank blocks in one way."""
    monkeypatch.setattr(scoring, "MIN_PRODUCT_ROWS", 10**9 if way == "row by row" else 2)
    monkeypatch.setattr("mlcore.native.is_available", lambda: way == "compiled")
    monkeypatch.setattr(scoring, "MAX_BLOCK_ROWS", 7)


def random_mapping(rng: np.random.Generator, users: list[str]) -> dict[str, list[str]]:
    """Return few items, many, or none for most users, in any order, some twice, some unknown."""
    some = [*ITEMS, "unknown", ""]
    lengths = rng.choice([0, 1, 5, 40], len(users))
    return {
        user: rng.choice(some, length).tolist()
        for user, length in zip(users, lengths.tolist())
        if rng.random() < 0.8
    }


OPTIONS: list[dict[str, Any]] = [
    {},
    {"include_seen": True, "n": 3},
    {"fill": "popularity", "n": 8},
    {"fill": "popularity", "explain": True, "include_seen": True},
    {"exclude": ITEMS[::3], "fill": "popularity"},
    {"include": ITEMS[::2], "explain": True},
    {"filter": {"none_of": {"brand": ["a"]}, "at_most": {"brand": 2}}, "fill": "popularity"},
    {"filter": {"at_most": {"brand": 1}}, "n": 4, "include_seen": True},
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sides", ["include", "exclude", "both"])
def test_each_list_is_that_of_one_request_with_the_items_of_its_user(
    sides: str, way: Way, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_way(way, monkeypatch)
    rng = np.random.default_rng(5)
    users = [*model.users.ids, "u000"] if model.users is not None else []
    num_filled = num_short = 0
    for options in OPTIONS:
        include = None if sides == "exclude" else random_mapping(rng, users)
        exclude = None if sides == "include" else random_mapping(rng, users)
        found = Recommender(model).predict_many(
            users, **options, include_by_user=include, exclude_by_user=exclude, threads=2
        )
        alone = Recommender(model)
        for user, ranked in zip(users, found, strict=True):
            common = options.get("include")
            if include is not None:
                own = set(include.get(user, []))
                common = own if common is None else own & set(common)
            barred = [*options.get("exclude", []), *(exclude or {}).get(user, [])]
            expected = alone.predict(user, **options | {"include": common, "exclude": barred})
            assert ranked == expected
            assert [item.because for item in ranked] == [item.because for item in expected]
            num_filled += sum(item.source == "popularity" for item in ranked)
            num_short += len(ranked) < options.get("n", 10)
    assert num_filled > 100 and num_short > 50


@pytest.mark.parametrize("way", WAYS)
def test_all_users_threads_and_blocks_give_the_same(
    way: Way, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(7)
    assert model.users is not None
    users = model.users.ids
    include, exclude = random_mapping(rng, users), random_mapping(rng, users)
    options = ListOptions(
        6,
        fill="popularity",
        include_by_user=UserItems.from_mapping("include", include, model.items),
        exclude_by_user=UserItems.from_mapping("exclude", exclude, model.items),
    )
    expected = Recommender(model).predict_many(
        users, 6, fill="popularity", include_by_user=include, exclude_by_user=exclude
    )
    set_way(way, monkeypatch)
    for threads, rows in ((1, 1), (2, 5), (3, 1000)):
        monkeypatch.setattr(scoring, "MAX_BLOCK_ROWS", rows)
        recommender = Recommender(model)
        blocks = list(recommender.rank_all_users(options, threads))
        found = [
            recommender._to_list(block, row, user)
            for block in blocks
            for row, user in enumerate(block.user_ids)
        ]
        assert found == list(expected)


def test_a_user_without_candidates_gets_an_empty_list_and_one_without_exclusions_all(
    model: Model,
) -> None:
    users = ["u000", "u001"]
    recommender = Recommender(model)
    some = [item.item_id for item in recommender.predict("u000")][1:]
    first, second = recommender.predict_many(users, include_by_user={"u000": some})
    assert [item.item_id for item in first] == some and second == []
    first, second = recommender.predict_many(users, exclude_by_user={"u000": some, "nobody": []})
    assert not {item.item_id for item in first} & {*some}
    assert second == recommender.predict("u001")
    filled = recommender.predict_many(users, fill="popularity", include_by_user={})
    assert list(filled) == [[], []]


def test_pairs_may_come_in_any_order_and_twice() -> None:
    rng = np.random.default_rng(2)
    users, items = rng.integers(0, 5, 200), rng.integers(0, 9, 200)
    names = list("abcde")
    expected = {name: sorted({*items[users == row].tolist()}) for row, name in enumerate(names)}
    for order in (np.arange(200), rng.permutation(200)):
        codes = users[order].astype(np.int32), items[order].astype(np.int32)
        found = UserItems.from_codes(names, *codes, 9)
        indptr, taken = found.take(["e", "nobody", "a", "e"])
        rows = [taken[begin:end].tolist() for begin, end in zip(indptr, indptr[1:])]
        assert rows == [expected["e"], [], expected["a"], expected["e"]]


def test_a_row_of_a_block_allows_its_items_or_all_others() -> None:
    indptr, items = np.array([0, 2, 2]), np.array([0, 2], np.int32)
    for are_included in (True, False):
        rows = RowItems(indptr, items, are_included)
        expected = [[True, False, True], [False] * 3]
        if not are_included:
            expected = [[False, True, False], [True] * 3]
        assert rows.allowed(3).reshape(2, 3).tolist() == expected
        assert rows.select(np.array([1, 0])).allowed(3).reshape(2, 3).tolist() == expected[::-1]


def test_no_mapping_is_no_limit_and_no_items_are_no_row() -> None:
    assert limit_rows(None, None, ["u"], 3) is None
    empty = UserItems.from_mapping("x", {"u": []}, IdMap.from_ids([]))
    limited = limit_rows(empty, empty, ["u", "v"], 0)
    assert limited is not None and limited.indptr.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["tea"], "expected a mapping from user ids to item ids, got ['tea']"),
        ("ann", "expected a mapping from user ids to item ids, got 'ann'"),
        (7, "expected a mapping from user ids to item ids, got 7"),
        ({"ann": "tea"}, "['ann']: expected ids, such as a list of strings, got 'tea'"),
        ({"ann": None}, "['ann']: expected ids, such as a list of strings, got None"),
        ({"ann": [7]}, "['ann'][0]: expected a string, got 7"),
        ({"ann": ["tea", float("nan")]}, "['ann'][1]: expected a string, got nan"),
        ({7: ["tea"]}, ": user: expected a string, got 7"),
        ({None: ["tea"]}, ": user: expected a string, got None"),
    ],
)
def test_what_is_no_mapping_of_ids_is_refused(value: Any, message: str, model: Model) -> None:
    for name in ("include_by_user", "exclude_by_user"):
        with pytest.raises(DataError) as caught:
            Recommender(model).predict_many(["u000"], **{name: value})
        separator = "" if message.startswith(("[", ":")) else ": "
        assert str(caught.value) == f"{name}{separator}{message}"

"""mlcore.recommend.recommender: ids in, ranked ids out; every way to ask gives the same items and bits."""

from __future__ import annotations

import dataclasses
import itertools
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import (
    ConfigError,
    DataError,
    Interactions,
    Model,
    Recommendation,
    Recommender,
    TrainConfig,
)
from mlcore import ids as ids_module
from mlcore import train_from_data
from mlcore.errors import CsrError, UnknownItemError, UnknownUserError
from mlcore.ids import IdMap
from mlcore.recommend import scoring
from mlcore.recommend.request import ListOptions
from mlcore.similarity import Dot
from mlcore.types import CsrMatrix
from mlcore.weighting import BM25
from tests import oracles

Lists = Sequence[Sequence[Recommendation]]


def random_model(
    seed: int = 1, num_users: int = 40, num_items: int = 25, config: TrainConfig | None = None
) -> Model:
    rng = np.random.default_rng(seed)
    x = np.zeros((num_users, num_items))
    for row in x:
        items = rng.choice(num_items - 2, int(rng.integers(1, 9)), replace=False)
        row[items] = rng.integers(1, 6, len(items))
    config = config or TrainConfig(weighting=BM25(smooth=True), num_neighbors=6)
    return train_from_data(oracles.interactions_of(x), config)


@pytest.fixture(autouse=True)
def products_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small data would be scored row by row otherwise, on every path."""
    monkeypatch.setattr(scoring, "MIN_PRODUCT_ROWS", 1)


@pytest.fixture(scope="module")
def model() -> Model:
    return random_model()


def history_in(model: Model, user_id: str) -> dict[str, float]:
    assert model.users is not None and model.histories is not None
    items, weights = model.histories.row(list(model.users.ids).index(user_id))
    return {model.items.ids[item]: float(weight) for item, weight in zip(items, weights)}


def expected_list(
    model: Model,
    history: dict[str, float],
    n: int,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    include_seen: bool = False,
    fill: str | None = None,
) -> list[Recommendation]:
    """The definition, on ids: plain loops over the stored pairs."""
    ids = list(model.items.ids)
    by_index = {ids.index(item): weight for item, weight in history.items() if item in ids}
    barred = {ids.index(item) for item in exclude if item in ids}
    if include is not None:
        barred |= set(range(len(ids))) - {ids.index(item) for item in include if item in ids}
    never = barred if include_seen else barred | by_index.keys()
    best = oracles.ranking(oracles.scores(model.similarity, by_index), n, never)
    found = [Recommendation(ids[item], score) for item, score in best]
    if fill is not None:
        listed = {item for item, _ in best}
        taken = {item for item, count in enumerate(model.popularity.tolist()) if count > 0}
        rest = taken - listed - barred - by_index.keys()
        popular = sorted(rest, key=lambda item: (-int(model.popularity[item]), item))
        found += [Recommendation(ids[item], 0.0, "popularity") for item in popular[: n - len(best)]]
    return found


def same(found: Lists, expected: Lists) -> bool:
    """Equal to the last bit; == alone takes -0.0 for 0.0."""
    return found == expected and [
        struct.pack("<d", item.score) for items in found for item in items
    ] == [struct.pack("<d", item.score) for items in expected for item in items]


# --- one case by hand ---------------------------------------------------------------------------


def by_hand() -> Recommender:
    """Four users; weights are numbers of common users.

    ann: tea milk; bob: tea milk sugar; eve: milk sugar; joe: cocoa. Items in id order: cocoa,
    milk, sugar, tea. Common users: milk-sugar 2, milk-tea 2, sugar-tea 1. Popularity: cocoa 1,
    milk 3, sugar 2, tea 2.
    """
    baskets = {"ann": "tea milk", "bob": "tea milk sugar", "eve": "milk sugar", "joe": "cocoa"}
    rows = [(user, item) for user, items in baskets.items() for item in items.split()]
    return Recommender(
        train_from_data(Interactions.from_columns(*zip(*rows)), oracles.plain(Dot()))
    )


def test_predict_gives_what_the_hand_computes() -> None:
    # ann has milk and tea: sugar gets 2 + 1. No item has a weight for cocoa, so it is no candidate.
    assert by_hand().predict("ann") == [("sugar", 3.0, "similarity", ())]
    # eve has milk and sugar: tea gets 2 + 1; joe has cocoa, a source without targets
    assert by_hand().predict_many(["joe", "eve"]) == [[], [("tea", 3.0, "similarity", ())]]


def test_fill_gives_what_the_hand_computes() -> None:
    recommender = by_hand()
    assert recommender.predict("ann", fill="popularity") == [
        ("sugar", 3.0, "similarity", ()),
        ("cocoa", 0.0, "popularity", ()),
    ]
    # sugar and tea have two users each: the smaller id first
    assert recommender.predict("joe", 2, fill="popularity") == [
        ("milk", 0.0, "popularity", ()),
        ("sugar", 0.0, "popularity", ()),
    ]


def test_explain_gives_what_the_hand_computes() -> None:
    assert by_hand().explain("ann", "sugar") == [("milk", 2.0), ("tea", 1.0)]
    assert by_hand().explain("ann", "cocoa") == []


def test_similar_items_give_what_the_hand_computes() -> None:
    assert by_hand().similar_items("tea") == [
        ("milk", 2.0, "similarity", ()),
        ("sugar", 1.0, "similarity", ()),
    ]
    assert by_hand().similar_items("cocoa") == []


def test_include_seen_lists_the_history_too() -> None:
    # milk gets 2 from tea, sugar 3, tea 2 from milk; milk before tea by id
    assert [item.item_id for item in by_hand().predict("ann", include_seen=True)] == [
        "sugar",
        "milk",
        "tea",
    ]


def test_a_weight_scales_the_contribution_of_an_item() -> None:
    # sugar: 0.5 * 2 + 4 * 1
    assert by_hand().predict_history({"tea": 4, "milk": 0.5}) == [("sugar", 5.0, "similarity", ())]


# --- the definition -----------------------------------------------------------------------------


@pytest.mark.parametrize("fill", [None, "popularity"])
@pytest.mark.parametrize("include_seen", [False, True])
@pytest.mark.parametrize("n", [1, 5, 10_000])
def test_every_way_to_ask_gives_the_same_bits_as_plain_loops(
    n: int, include_seen: bool, fill: Any, model: Model
) -> None:
    ids = list(model.items.ids)
    assert model.users is not None
    users = list(model.users.ids)
    filters: list[tuple[list[str] | None, list[str]]] = [
        (None, []),
        (ids[3:20], []),
        (None, ids[::3]),
        (ids[3:20], [*ids[::3], "no such item"]),
        ([], []),
        (["no such item"], []),
        (None, ids),
    ]
    for include, exclude in filters:
        recommender = Recommender(model)
        options: dict[str, Any] = {
            "include": include,
            "exclude": exclude,
            "include_seen": include_seen,
            "fill": fill,
        }
        histories = [history_in(model, user) for user in users]
        expected = [expected_list(model, history, n, **options) for history in histories]
        # before and after the batch path has prepared the matrix product
        for _ in range(2):
            assert same([recommender.predict(user, n, **options) for user in users], expected)
            assert same(
                [recommender.predict_history(h, n, weights="final", **options) for h in histories],
                expected,
            )
            assert same(recommender.predict_many(users, n, **options), expected)


def test_lists_hold_exactly_as_many_items_as_are_eligible(model: Model) -> None:
    recommender = Recommender(model)
    assert model.users is not None
    num_taken = int((model.popularity > 0).sum())
    for user, n in itertools.product(model.users.ids, (1, 7, 25, 26)):
        seen = history_in(model, user).keys()
        candidates = {item.item_id for item in recommender.predict(user, 10_000)}
        assert not candidates & seen
        assert len(recommender.predict(user, n)) == min(n, len(candidates))
        filled = recommender.predict(user, n, fill="popularity")
        assert (
            len(filled) == len({item.item_id for item in filled}) == min(n, num_taken - len(seen))
        )
        assert not {item.item_id for item in filled} & seen


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(("rows", "cells"), [(1, 2**22), (7, 2**22), (1024, 60), (1024, 2**22)])
def test_threads_and_block_size_change_nothing(
    threads: int, rows: int, cells: int, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model.users is not None
    users = [*model.users.ids, *model.users.ids[::-1]]
    whole = Recommender(model).predict_many(users, 5, threads=1, fill="popularity")
    monkeypatch.setattr(scoring, "MAX_BLOCK_ROWS", rows)
    monkeypatch.setattr(scoring, "MAX_BLOCK_CELLS", cells)
    parts = Recommender(model).predict_many(users, 5, threads=threads, fill="popularity")
    assert same(parts, whole)


def model_of(w: Any, num_users: int = 0) -> Model:
    """A model with the given similarities, whatever training would have made."""
    similarity = oracles.sparse(np.array(w, np.float32))
    num_items = similarity.num_rows
    histories = CsrMatrix(
        np.arange(num_users + 1), np.zeros(num_users, np.int32), np.ones(num_users, np.float32), 1
    )
    return Model(
        config_json=TrainConfig().to_json(),
        items=IdMap.from_ids(oracles.ids("i", num_items)),
        similarity=similarity,
        popularity=np.zeros(num_items, np.int64),
        num_users=num_users,
        num_interactions=num_users,
        interactions_sha256="0" * 64,
        users=IdMap.from_ids(oracles.ids("u", num_users)),
        histories=dataclasses.replace(histories, num_columns=num_items),
    )


def test_scores_that_cancel_to_0_are_listed_on_every_path() -> None:
    model = model_of([[0, 0, 0.5, -1], [0, 0, -0.5, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert model.users is not None
    recommender = Recommender(model)
    expected = [("i002", 0.0, "similarity", ()), ("i003", -1.0, "similarity", ())]
    assert recommender.predict_history(["i000", "i001"]) == expected
    recommender.predict_many([])  # prepares the batch path
    assert recommender.predict_history(["i000", "i001"]) == expected


# --- histories ----------------------------------------------------------------------------------


@given(
    st.dictionaries(st.integers(0, 30), st.floats(2.0**-149, 2.0**100), max_size=12),
    st.randoms(use_true_random=False),
)
def test_order_of_a_history_changes_no_bit(history: dict[int, float], random: Any) -> None:
    recommender = Recommender(HISTORY_MODEL)
    pairs = [(f"i{item:03}", weight) for item, weight in history.items()]
    shuffled = random.sample(pairs, len(pairs))
    raw = recommender.predict_history(dict(pairs))
    assert same([raw], [recommender.predict_history(dict(shuffled))])
    found = recommender.predict_history(dict(pairs), weights="final")
    assert same([found], [recommender.predict_history(dict(shuffled), weights="final")])
    assert same([found], [expected_list(HISTORY_MODEL, dict(pairs), 10)])


HISTORY_MODEL = random_model(seed=3)


def test_a_history_without_weights_weighs_1_each(model: Model) -> None:
    recommender, items = Recommender(model), ["i004", "i001", "i007"]
    expected = recommender.predict_history({item: 1.0 for item in items})
    assert expected and same([recommender.predict_history(iter(items))], [expected])


def test_weights_of_a_history_are_rounded_to_float32(model: Model) -> None:
    recommender, third = Recommender(model), 1 / 3
    rounded = float(np.float32(third))
    found = recommender.predict_history({"i001": third}, weights="final")
    assert found and third != rounded
    assert same([found], [recommender.predict_history({"i001": rounded}, weights="final")])
    assert same([found], [expected_list(model, {"i001": rounded}, 10)])


def test_items_the_model_does_not_know_are_passed_over(model: Model) -> None:
    recommender = Recommender(model)
    expected = recommender.predict_history({"i001": 2.0, "i005": 1.0})
    assert expected
    found = recommender.predict_history({"i001": 2.0, "new": 9.0, "i005": 1.0})
    assert same([found], [expected])
    pairs = [("new", 1), ("i005", 1), ("i001", 2)]
    (items, weights), unknown = recommender.encode_history(pairs, "final")
    assert (items.tolist(), weights.tolist(), unknown) == ([1, 5], [2, 1], 1)


@pytest.mark.parametrize("history", [{}, [], {"new": 1.0}])
def test_an_empty_history_has_no_candidates_but_may_be_filled(history: Any, model: Model) -> None:
    recommender = Recommender(model)
    assert recommender.predict_history(history) == []
    most_popular = np.lexsort((np.arange(25), -model.popularity))[:4]
    expected = [(f"i{item:03}", 0.0, "popularity", ()) for item in most_popular]
    assert recommender.predict_history(history, 4, fill="popularity") == expected


# --- similar items and explanations -------------------------------------------------------------


def test_similar_items_equal_a_history_of_this_item(model: Model) -> None:
    recommender = Recommender(model)
    for item in model.items.ids:
        for n in (1, 3, 100):
            expected = expected_list(model, {item: 1.0}, n)
            assert same([recommender.similar_items(item, n)], [expected])


def test_shares_add_up_to_the_score_bit_for_bit(model: Model) -> None:
    recommender = Recommender(model)
    assert model.users is not None
    num_shares = 0
    for user in model.users.ids:
        scores = {
            item.item_id: item.score for item in recommender.predict(user, 100, include_seen=True)
        }
        for item_id in model.items.ids:
            shares = recommender.explain(user, item_id)
            total = 0.0
            for share in shares:  # not sum(), which newer Pythons compensate
                total += share.share
            assert bool(shares) == (item_id in scores)
            assert struct.pack("<d", total) == struct.pack("<d", scores.get(item_id, 0.0))
            sources = [share.item_id for share in shares]
            assert sources == sorted(sources) and set(sources) <= history_in(model, user).keys()
            num_shares += len(shares)
    assert num_shares > 500


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, -1])
def test_a_list_of_no_items_is_refused(n: int, model: Model) -> None:
    recommender = Recommender(model)
    calls: list[Any] = [
        lambda: recommender.predict("u001", n),
        lambda: recommender.predict_history(["i001"], n),
        lambda: recommender.predict_many(["u001"], n),
        lambda: recommender.similar_items("i001", n),
        lambda: ListOptions(n),
    ]
    for call in calls:
        with pytest.raises(ConfigError) as caught:
            call()
        assert str(caught.value) == f"n: expected an integer >= 1, got {n}"


def test_an_unknown_way_to_fill_is_refused(model: Model) -> None:
    fill: Any = "random"
    with pytest.raises(ConfigError) as caught:
        Recommender(model).predict("u001", fill=fill)
    assert str(caught.value) == "fill: expected 'popularity' or None, got 'random'"


def test_an_unknown_user_is_refused(model: Model) -> None:
    recommender = Recommender(model)
    calls: list[Any] = [
        lambda: recommender.predict("nobody"),
        lambda: recommender.predict_many(["u001", "nobody"]),
        lambda: recommender.explain("nobody", "i001"),
    ]
    for call in calls:
        with pytest.raises(UnknownUserError) as caught:
            call()
        assert str(caught.value) == "user: expected a user of the model, got 'nobody'"


def test_an_unknown_item_is_refused(model: Model) -> None:
    recommender = Recommender(model)
    calls: list[Any] = [
        lambda: recommender.similar_items("nothing"),
        lambda: recommender.explain("u001", "nothing"),
    ]
    for call in calls:
        with pytest.raises(UnknownItemError) as caught:
            call()
        assert str(caught.value) == "item: expected an item of the model, got 'nothing'"


def test_a_model_without_users_answers_histories_only(model: Model) -> None:
    recommender = Recommender(dataclasses.replace(model, users=None, histories=None))
    expected = Recommender(model).predict_history(["i001"])
    assert expected and recommender.predict_history(["i001"]) == expected
    calls: list[Any] = [
        lambda: recommender.predict("u001"),
        lambda: recommender.predict_many(["u001"]),
        lambda: recommender.explain("u001", "i001"),
        lambda: recommender.user_ids(),
    ]
    for call in calls:
        with pytest.raises(DataError) as caught:
            call()
        assert str(caught.value) == "users: expected a model with users, got one trained without"
        assert (
            caught.value.hint
            == "give histories instead, --histories, or train without --without-users"
        )


@pytest.mark.parametrize("position", [-1, 2])
def test_a_stored_history_that_points_to_no_item_is_refused(position: int) -> None:
    # Opening a model does not read the histories; a product by scipy would crash on such a one.
    damaged = model_of([[0, 1], [1, 0]], num_users=1)
    assert damaged.histories is not None
    damaged.histories.indices[0] = position
    recommender = Recommender(damaged)
    calls: list[Any] = [
        lambda: recommender.predict("u000"),
        lambda: recommender.predict_many(["u000"]),
        lambda: recommender.explain("u000", "i001"),
    ]
    for call in calls:
        with pytest.raises(CsrError) as caught:
            call()
        assert str(caught.value) == (
            "histories.npz: expected item positions that exist and ascend within a row, and finite "
            "weights above 0, got others"
        )


# --- files --------------------------------------------------------------------------------------


def test_a_saved_model_answers_as_the_trained_one(tmp_path: Path, model: Model) -> None:
    model.save(tmp_path / "model")
    loaded, trained = Recommender.load(tmp_path / "model"), Recommender(model)
    users = trained.user_ids()
    assert loaded.user_ids() == users and len(users) == 40
    expected = trained.predict_many(users, fill="popularity")
    assert same(loaded.predict_many(users, fill="popularity"), expected)
    assert same([loaded.predict(user, fill="popularity") for user in users], expected)


# --- ids of the wrong kind


class Frame(list[str]):
    """Iterates over the names of its columns, as data frames do."""

    columns = ("item_id",)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda r: r.predict(7), "user: expected a string, got 7"),
        (lambda r: r.explain(7, "i000"), "user: expected a string, got 7"),
        (lambda r: r.similar_items(7), "item: expected a string, got 7"),
        (lambda r: r.explain_history(["i000"], 7), "item: expected a string, got 7"),
        (lambda r: r.predict_many([b"u"]), "user_ids[0]: expected a string, got b'u'"),
        (lambda r: r.predict_history([7]), "history[0]: item_id: expected a string, got 7"),
        (
            lambda r: r.predict_history(["i000"], exclude=["i001", 17]),
            "exclude[1]: expected a string, got 17",
        ),
        (
            lambda r: r.predict_history(["i000"], include=[np.int64(17)]),
            "include[0]: expected a string, got np.int64(17)",
        ),
        *(
            (ask, f"{name}: expected ids, such as a list of strings, got Frame")
            for name, ask in [
                ("user_ids", lambda r: r.predict_many(Frame(["i000"]))),
                ("history", lambda r: r.predict_history(Frame(["i000"]))),
                ("include", lambda r: r.predict_history([], include=Frame(["i000"]))),
                ("exclude", lambda r: r.predict_history([], exclude=Frame(["i000"]))),
            ]
        ),
        *(
            (ask, f"{name}: expected ids, such as a list of strings, got {got!r}")
            for got in ("11", b"11", 11)
            for name, ask in [
                ("user_ids", lambda r, got=got: r.predict_many(got)),
                ("history", lambda r, got=got: r.predict_history(got)),
                ("include", lambda r, got=got: r.predict_history([], include=got)),
                ("exclude", lambda r, got=got: r.predict_history([], exclude=got)),
            ]
        ),
    ],
)
def test_ids_that_are_no_strings_are_refused_at_the_first_call_and_the_hundredth(
    model: Model, ask: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cost in (0, 10**9):  # found in a table, by binary search
        monkeypatch.setattr(ids_module, "SEARCH_COST", cost)
        with pytest.raises(DataError) as caught:
            ask(Recommender(train_again(model)))
        assert str(caught.value) == message and type(caught.value) is DataError


def train_again(model: Model) -> Model:
    """The same model with fresh maps of ids, that no search has made a table of."""
    users = None if model.users is None else IdMap.from_ids(model.users.ids)
    return dataclasses.replace(model, items=IdMap.from_ids(model.items.ids), users=users)


@pytest.mark.parametrize("given", ["model", Interactions.from_columns(["u"], ["a"])])
def test_what_is_no_model_is_refused_with_the_cure(given: Any) -> None:
    with pytest.raises(DataError, match="^model: expected a Model, got ") as caught:
        Recommender(given)
    assert caught.value.hint is not None and "Recommender.load" in caught.value.hint

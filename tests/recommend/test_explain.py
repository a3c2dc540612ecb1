"""Explanations: the shares of a list add up to its scores bit for bit, whatever way they are asked."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.__main__ import main
from mlcore import DataError, Interactions, Model, Recommender, TrainConfig, train_from_data
from mlcore.errors import CsrError, UnknownItemError
from mlcore.files.predictions import read_predictions
from mlcore.ids import IdMap
from mlcore.recommend import explain, ranker, scoring
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.recommend.request import ListOptions, UserRequest
from mlcore.similarity import Dot
from tests import oracles

Dense = npt.NDArray[np.float32]


def model_of(similarity: Dense, histories: Dense) -> Model:
    """A model of these numbers, whatever training would have made."""
    num_users, num_items = histories.shape
    return Model(
        config_json=TrainConfig().to_json(),
        items=IdMap.from_ids(oracles.ids("i", num_items)),
        similarity=oracles.sparse(similarity),
        popularity=(histories > 0).sum(axis=0).astype(np.int64),
        num_users=num_users,
        num_interactions=int((histories > 0).sum()),
        interactions_sha256="0" * 64,
        users=IdMap.from_ids(oracles.ids("u", num_users)),
        histories=oracles.sparse(histories),
    )


def random_arrays(
    seed: int, num_users: int = 20, num_items: int = 30, negative: bool = True
) -> tuple[Dense, Dense]:
    """Numbers of very different sizes, so that another order of addition gives other bits."""
    rng = np.random.default_rng(seed)
    shape = (num_items, num_items)
    similarity = rng.random(shape) * 2.0 ** rng.integers(-20, 20, shape)
    if negative:
        similarity *= rng.choice([-1, 1], shape)
    similarity[rng.random(shape) < 0.6] = 0
    np.fill_diagonal(similarity, 0)
    similarity[num_items // 2] = 0  # an item without targets
    histories = rng.random((num_users, num_items)) * 5
    histories[rng.random(histories.shape) < rng.random((num_users, 1))] = 0
    histories[0] = 0
    return similarity.astype(np.float32), histories.astype(np.float32)


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def added_up(shares: list[float]) -> float:
    total = 0.0
    for share in shares:  # not sum(), which newer Pythons compensate
        total += share
    return total


def expected_shares(similarity: Dense, history: Dense, item: int) -> list[tuple[str, float]]:
    """The definition, on dense arrays."""
    return [
        (f"i{source:03}", float(history[source]) * float(similarity[source, item]))
        for source in range(len(history))
        if history[source] and similarity[source, item]
    ]


@pytest.fixture(params=[1, 1000], ids=["products", "rows"])
def each_way_to_score(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MIN_PRODUCT_ROWS", request.param)


# --- by hand -------------------------------------------------------------------------------------


def by_hand() -> Recommender:
    # Items a b c d. the weight of a for c is 0.5, for d -1; of b for c 0.25; of c for a 2.
    similarity = np.zeros((4, 4), np.float32)
    similarity[0, 2], similarity[0, 3], similarity[1, 2], similarity[2, 0] = 0.5, -1, 0.25, 2
    # One user: a with weight 3, b with weight 2, so c gets 3 * 0.5 + 2 * 0.25 and d gets -3.
    return Recommender(model_of(similarity, np.array([[3, 2, 0, 0]], np.float32)))


def test_a_list_with_its_contributions_is_what_the_hand_computes() -> None:
    assert by_hand().predict("u000", explain=True) == [
        ("i002", 2.0, "similarity", (("i000", 1.5), ("i001", 0.5))),
        ("i003", -3.0, "similarity", (("i000", -3.0),)),
    ]
    assert by_hand().predict_many(["u000"], 1, explain=True) == [
        [("i002", 2.0, "similarity", (("i000", 1.5), ("i001", 0.5)))]
    ]


def test_the_contributions_of_any_history_are_what_the_hand_computes() -> None:
    recommender = by_hand()
    # The order of a history changes nothing; c has a weight for a; unknown items are skipped.
    history = {"i002": 0.5, "new": 7.0, "i001": 4.0, "i000": 1.0}
    assert recommender.explain_history(history, "i002") == [("i000", 0.5), ("i001", 1.0)]
    assert recommender.explain_history(history, "i000") == [("i002", 1.0)]
    assert recommender.explain_history(["i000", "i001"], "i003") == [("i000", -1.0)]
    assert recommender.explain_history(history, "i001") == []
    assert recommender.explain_history({}, "i002") == []
    assert recommender.predict_history(history, include_seen=True, explain=True) == [
        ("i002", 1.5, "similarity", (("i000", 0.5), ("i001", 1.0))),
        ("i000", 1.0, "similarity", (("i002", 1.0),)),
        ("i003", -1.0, "similarity", (("i000", -1.0),)),
    ]


def test_an_item_that_was_filled_in_has_no_contributions() -> None:
    found = by_hand().predict_history({"i001": 1.0}, fill="popularity", explain=True)
    assert found == [
        ("i002", 0.25, "similarity", (("i001", 0.25),)),
        ("i000", 0.0, "popularity", ()),
    ]  # nobody has i003


def test_shares_that_cancel_are_all_there() -> None:
    similarity = np.array([[0, 0, 0.5], [0, 0, -0.5], [0, 0, 0]], np.float32)
    recommender = Recommender(model_of(similarity, np.ones((1, 3), np.float32)))
    assert recommender.predict_history(["i000", "i001"], explain=True) == [
        ("i002", 0.0, "similarity", (("i000", 0.5), ("i001", -0.5)))
    ]


# --- the law -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("each_way_to_score")
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("n", [3, 1000])
@pytest.mark.parametrize("seed", range(4))
def test_shares_are_those_of_the_definition_and_add_up_to_the_score_bit_for_bit(
    seed: int, n: int, negative: bool
) -> None:
    similarity, histories = random_arrays(seed, negative=negative)
    recommender = Recommender(model_of(similarity, histories))
    options: dict[str, Any] = {"include_seen": seed % 2 == 0, "fill": "popularity"}
    users = recommender.user_ids()
    lists = recommender.predict_many(users, n, explain=True, **options)
    num_shares = orders_that_matter = 0
    for history, found in zip(histories, lists):
        for item in found:
            expected = expected_shares(similarity, history, int(item.item_id[1:]))
            assert list(item.because) == expected
            shares = [share for _, share in expected]
            assert bits(added_up(shares)) == bits(item.score)
            assert bool(shares) == (item.source == "similarity")
            orders_that_matter += added_up(shares[::-1]) != item.score
            num_shares += len(shares)
    assert num_shares > 150 and orders_that_matter > 8


@pytest.mark.usefixtures("each_way_to_score")
@pytest.mark.parametrize("seed", range(3))
def test_every_way_to_ask_gives_the_same_contributions(seed: int) -> None:
    similarity, histories = random_arrays(seed)
    recommender = Recommender(model_of(similarity, histories))
    users = recommender.user_ids()
    lists = recommender.predict_many(users, 12, explain=True, fill="popularity")
    plain = recommender.predict_many(users, 12, fill="popularity")
    assert [[item[:3] for item in found] for found in lists] == [
        [item[:3] for item in found] for found in plain
    ]
    assert not any(item.because for found in plain for item in found)
    for user, history, found in zip(users, histories, lists):
        assert recommender.predict(user, 12, explain=True, fill="popularity") == found
        weights = {f"i{item:03}": float(history[item]) for item in np.flatnonzero(history)}
        options: dict[str, Any] = {"explain": True, "fill": "popularity"}
        assert recommender.predict_history(weights, 12, **options) == found
        for item in found:
            assert tuple(recommender.explain(user, item.item_id)) == item.because
            assert tuple(recommender.explain_history(weights, item.item_id)) == item.because


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 9), st.integers(1, 12))
def test_models_of_all_shapes_obey_the_law(
    seed: int, num_users: int, num_items: int, n: int
) -> None:
    similarity, histories = random_arrays(seed, num_users, num_items)
    recommender = Recommender(model_of(similarity, histories))
    for found in recommender.predict_many(recommender.user_ids(), n, explain=True, threads=1):
        for item in found:
            assert bits(added_up([share for _, share in item.because])) == bits(item.score)
            assert item.because


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("pairs", "most"), [(1, 2**17), (7, 1), (50, 40), (2**17, 300)])
def test_threads_and_sizes_of_blocks_change_nothing(
    pairs: int, most: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    similarity, histories = random_arrays(9)
    recommender = Recommender(model_of(similarity, histories))
    users = [*recommender.user_ids(), *recommender.user_ids()[::-1]]
    whole = recommender.predict_many(users, 6, explain=True, threads=1)
    monkeypatch.setattr(explain, "MAX_CHUNK_PAIRS", pairs)
    monkeypatch.setattr(ranker, "MAX_BLOCK_REASONS", most)
    assert recommender.predict_many(users, 6, explain=True, threads=threads) == whole


def test_users_are_explained_in_blocks_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    similarity, histories = random_arrays(5)
    recommender = Recommender(model_of(similarity, histories))
    taken: list[str] = []

    def requests() -> Iterator[UserRequest]:
        for user in recommender.user_ids():
            taken.append(user)
            yield UserRequest(user, recommender.history_of(user), False)

    monkeypatch.setattr(ranker, "MAX_BLOCK_REASONS", 60)
    done = 0
    for ranked in recommender.rank_requests(requests(), ListOptions(4, explain=True), threads=1):
        done += len(ranked.user_ids)
        assert len(taken) == done  # none is read ahead
        assert ranked.contributions is not None
        longest = max(len(recommender.history_of(user)[0]) for user in ranked.user_ids)
        assert len(ranked.contributions.items) <= 60 + 4 * longest
    assert done == 20 and len(taken) == 20
    (whole,) = recommender.rank_requests(requests(), ListOptions(4), threads=1)
    assert len(whole.user_ids) == 20 and whole.contributions is None


# --- errors --------------------------------------------------------------------------------------


def test_what_cannot_be_explained_is_refused() -> None:
    recommender = by_hand()
    with pytest.raises(UnknownItemError) as unknown:
        recommender.explain_history({"i000": 1.0}, "nothing")
    assert str(unknown.value) == "item: expected an item of the model, got 'nothing'"
    with pytest.raises(DataError) as text:
        recommender.explain_history("i000", "i002")
    assert str(text.value) == "history: expected ids, such as a list of strings, got 'i000'"
    with pytest.raises(DataError, match="each item once, got 'i000' twice$"):
        recommender.explain_history(["i000", "i000"], "i002", weights="final")


@pytest.mark.parametrize("position", [-1, 4])
def test_a_stored_pair_that_points_to_no_item_is_refused(position: int) -> None:
    recommender = by_hand()
    recommender.model.similarity.indices[0] = position
    with pytest.raises(CsrError) as caught:
        recommender.explain("u000", "i002")
    assert str(caught.value).startswith("similarity.npz: expected item positions that exist")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_share_that_is_not_finite_is_refused(value: float) -> None:
    recommender = by_hand()
    recommender.model.similarity.data[0] = value
    with pytest.raises(CsrError) as caught:
        recommender.explain_history(["i000"], "i002")
    assert str(caught.value).endswith("and finite values, got others")


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture()
def model_dir(tmp_path: Path) -> Path:
    similarity, histories = random_arrays(2)
    model_of(similarity, histories).save(tmp_path / "model")
    return tmp_path / "model"


def test_lines_with_contributions_are_these_bytes(tmp_path: Path) -> None:
    by_hand().model.save(tmp_path / "model")
    history = '{"user_id": "s", "history": [{"item_id": "i001", "weight": 0.1}]}\n'
    (tmp_path / "histories.jsonl").write_text(history, "utf-8")
    out = tmp_path / "out.jsonl"
    for requests, line in [
        (
            Requests(all_users=True),
            '{"user_id": "u000", "items": ['
            '{"item_id": "i002", "score": 2, "because": ['
            '{"item_id": "i000", "share": 1.5}, {"item_id": "i001", "share": 0.5}]}, '
            '{"item_id": "i003", "score": -3, "because": [{"item_id": "i000", "share": -3}]}]}\n',
        ),
        (  # 0.1 as float32 is 0.100000001490116..., a quarter of which has this shortest name
            Requests(histories_path=tmp_path / "histories.jsonl"),
            '{"user_id": "s", "items": ['
            '{"item_id": "i002", "score": 0.02500000037252903, "because": ['
            '{"item_id": "i001", "share": 0.02500000037252903}]}, '
            '{"item_id": "i000", "score": 0, "source": "popularity", "because": []}]}\n',
        ),
    ]:
        predict_from_path(
            tmp_path / "model", requests, out, PredictOptions(fill="popularity", explain=True)
        )
        assert out.read_text("utf-8") == line


def test_printed_shares_add_up_to_the_printed_score(model_dir: Path, tmp_path: Path) -> None:
    out, plain = tmp_path / "out.jsonl", tmp_path / "plain.jsonl"
    (tmp_path / "users.csv").write_text("user_id\nu003\nnobody\nu001\nu000\nu011\n")
    command = ["predict", "--model-dir", str(model_dir), "--users", str(tmp_path / "users.csv")]
    command += ["--unknown-user", "fill", "--fill", "popularity", "--top-n", "25"]
    assert main([*command, "--explain", "--out", str(out)]) == 0
    assert main([*command, "--out", str(plain)]) == 0
    without, num_shares = [], 0
    for line in map(json.loads, out.read_text("utf-8").splitlines()):
        for item in line["items"]:
            because = item.pop("because")
            num_shares += len(because)
            sources = [reason["item_id"] for reason in because]
            assert sources == sorted(set(sources))
            assert bits(added_up([reason["share"] for reason in because])) == bits(item["score"])
            assert ("source" in item) == (because == [])
        without.append(line)
    assert without == [json.loads(line) for line in plain.read_text("utf-8").splitlines()]
    assert [line["user_id"] for line in without] == ["u003", "nobody", "u001", "u000", "u011"]
    assert num_shares > 100


@pytest.mark.parametrize("threads", [1, 2])
def test_sizes_of_blocks_change_no_byte(
    threads: int, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    everyone, options = Requests(all_users=True), PredictOptions(explain=True)
    predict_from_path(model_dir, everyone, one, options, threads=1)
    monkeypatch.setattr(explain, "MAX_CHUNK_PAIRS", 11)
    monkeypatch.setattr(ranker, "MAX_BLOCK_REASONS", 90)
    predict_from_path(model_dir, everyone, other, options, threads=threads)
    assert one.read_bytes() == other.read_bytes()


def test_evaluation_reads_lists_with_contributions_as_those_without(
    model_dir: Path, tmp_path: Path
) -> None:
    for name, flag in (("with", ["--explain"]), ("without", [])):
        out = str(tmp_path / f"{name}.jsonl")
        common = ["--model-dir", str(model_dir), "--all-users", "--out", out]
        assert main(["predict", *common, *flag]) == 0
    one, other = (read_predictions(tmp_path / f"{name}.jsonl") for name in ("with", "without"))
    assert (one.user_ids, one.item_ids) == (other.user_ids, other.item_ids)
    assert (
        one.items.tolist() == other.items.tolist() and one.indptr.tolist() == other.indptr.tolist()
    )
    (tmp_path / "truth.csv").write_text("user_id,item_id\nu001,i004\nu002,i007\nu003,i001\n")
    metrics = []
    for name in ("with", "without"):
        command = ["evaluate", "--predictions", str(tmp_path / f"{name}.jsonl"), "--cutoffs", "5"]
        command += ["--ground-truth", str(tmp_path / "truth.csv"), "--extra-users", "ignore"]
        assert main([*command, "--out", str(tmp_path / "metrics.json")]) == 0
        metrics.append(json.loads((tmp_path / "metrics.json").read_text("utf-8"))["metrics"])
    assert metrics[0] == metrics[1]


def test_a_trained_model_explains_its_lists() -> None:
    rows = [("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("bob", "sugar"), ("eve", "milk")]
    rows += [("eve", "sugar"), ("joe", "tea"), ("joe", "milk"), ("joe", "jam")]
    pairs = Interactions.from_columns(*zip(*rows))
    recommender = Recommender(train_from_data(pairs, oracles.plain(Dot())))
    # jam has one user, joe, who has milk and tea as well; sugar has one user with each of them.
    assert recommender.predict("ann", explain=True) == [
        ("jam", 2.0, "similarity", (("milk", 1.0), ("tea", 1.0))),
        ("sugar", 2.0, "similarity", (("milk", 1.0), ("tea", 1.0))),
    ]

"""mlcore.evaluate.catalogue: metrics over the catalogue, slices, diversity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from mlcore import ConfigError
from mlcore.errors import NoUsersError
from mlcore.evaluate import diversity, hits
from mlcore.evaluate.config import EvaluateConfig
from mlcore.evaluate.evaluate import (
    Catalogue,
    evaluate_from_data,
    evaluate_from_path,
    measure_lists,
)
from mlcore.evaluate.result import Evaluation
from mlcore.types import CsrMatrix
from tests import oracles
from tests.oracles import predictions_of, truth_of

CUTOFFS = [2, 10]
EVERYTHING = EvaluateConfig(0.9, 50, 3, ("history-length", "popularity"), diversity=True)
Lists = Mapping[str, Sequence[str]]


def random_data(seed: int) -> tuple[dict[str, list[str]], dict[str, list[str]], Catalogue]:
    """Lists, truth, and a catalogue: some users and items of the truth are not in the training."""
    rng = np.random.default_rng(seed)
    items = oracles.ids("i", 30)
    taken, lists = {}, {}
    for user in oracles.ids("u", 60):
        count = int(rng.integers(1, 12))
        taken[user] = rng.choice([*items, *oracles.ids("n", 4)], count, replace=False).tolist()
        length = int(rng.choice([0, 1, 5, 10]))
        if rng.random() < 0.9:
            lists[user] = rng.permutation(items)[:length].tolist()
    lists["u003"] = rng.permutation(items)[:10].tolist()
    lists["stranger"] = rng.permutation(items)[:10].tolist()
    similarity = sp.random(30, 30, density=0.3, format="csr", rng=rng, dtype=np.float32)
    catalogue = Catalogue(
        items,
        np.floor(1000 / (np.arange(30) + 1) ** 2).astype(np.int64),  # 1000 ... 1
        4000,
        CsrMatrix.from_scipy(similarity),
        user_ids=[*oracles.ids("a", 20), *oracles.ids("u", 55)],
        history_lengths=np.concatenate([np.full(20, 999), rng.integers(1, 20, 55)]),
    )
    return lists, taken, catalogue


def evaluate(
    lists: Lists, taken: Lists, catalogue: Catalogue | None, config: EvaluateConfig
) -> Evaluation:
    return evaluate_from_data(
        predictions_of(lists),
        truth_of(taken),
        CUTOFFS,
        catalogue=catalogue,
        extra_users="ignore",
        config=config,
    )


# --- slices -------------------------------------------------------------------------------------


def test_slices_are_what_the_hand_computes() -> None:
    # Popularity 10, 6, 3, 1 of 20: a is the head (nothing before it), b (10 before it, below 16)
    # the middle, c (just 16) and d the tail; z is not in the training.
    catalogue = Catalogue(
        ["a", "b", "c", "d"],
        np.array([10, 6, 3, 1]),
        20,
        user_ids=["u", "v"],
        history_lengths=np.array([3, 1]),
    )
    lists = {"u": ["c", "a"], "v": ["a", "b"]}  # w has no list
    taken = {"u": ["a", "b", "z"], "v": ["b"], "w": ["a", "c"]}
    config = EvaluateConfig(slices=("popularity", "history-length"))
    found = evaluate_from_data(
        predictions_of(lists), truth_of(taken), [1, 2], catalogue=catalogue, config=config
    ).to_json()["slices"]
    assert list(found) == ["history-length", "popularity"]
    by_length, by_popularity = found["history-length"], found["popularity"]
    assert {name: (part["users"], part["ground_truth_items"]) for name, part in by_length.items()} == {
        "0": (1, 2), "1": (1, 1), "2-3": (1, 3),
    }  # fmt: skip
    assert [part["metrics"]["recall@2"] for part in by_length.values()] == [0, 1, 1 / 3]
    assert [part["metrics"]["mrr@2"] for part in by_length.values()] == [0, 1 / 2, 1 / 2]
    sizes = ("catalogue_items", "users", "ground_truth_items")
    assert {name: [part[size] for size in sizes] for name, part in by_popularity.items()} == {
        "head": [1, 2, 2],  # a, wanted by u and w
        "mid": [1, 2, 2],  # b, wanted by u and v
        "tail": [2, 1, 1],  # c, wanted by w
        "new": [0, 1, 1],  # z, wanted by u
    }
    assert list(by_popularity["head"]["metrics"]) == [
        f"{name}@{n}" for name in ("recall", "hit_rate", "ndcg") for n in (1, 2)
    ]
    # u finds a at rank 2, where it alone is worth 1 / log2(3); w finds nothing
    expected = {
        "recall@1": 0, "recall@2": 1 / 2, "hit_rate@1": 0, "hit_rate@2": 1 / 2,
        "ndcg@1": 0, "ndcg@2": 1 / math.log2(3) / 2,
    }  # fmt: skip
    assert by_popularity["head"]["metrics"] == pytest.approx(expected, abs=1e-15)
    assert by_popularity["mid"]["metrics"]["recall@2"] == 1 / 2  # v finds b, u does not
    assert by_popularity["new"]["metrics"]["recall@2"] == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_slice_of_users_is_the_evaluation_of_these_users_alone(seed: int) -> None:
    lists, taken, catalogue = random_data(seed)
    found = evaluate(lists, taken, catalogue, EVERYTHING)
    assert catalogue.user_ids is not None and catalogue.history_lengths is not None
    length_of = dict(zip(catalogue.user_ids, catalogue.history_lengths.tolist()))
    slices = found.slices["history-length"]
    assert list(slices) == ["0", "1", "2-3", "4-7", "8-15", "16-31"]
    for name, part in slices.items():
        low, _, high = name.partition("-")
        members = [user for user in taken if int(low) <= length_of.get(user, 0) <= int(high or low)]
        some = {user: taken[user] for user in members}
        alone = evaluate(lists, some, catalogue, EVERYTHING)
        assert part.means == alone.means
        assert (part.users, part.ground_truth_items) == (len(some), len(truth_of(some)))
    assert sum(part.users for part in slices.values()) == 60
    assert {name: part.catalogue_items for name, part in slices.items()} == dict.fromkeys(slices)


@pytest.mark.parametrize("seed", range(3))
def test_a_slice_of_items_is_the_evaluation_with_only_these_relevant(seed: int) -> None:
    lists, taken, catalogue = random_data(seed)
    config = EvaluateConfig(0.9, 30, 5, ["popularity"], popularity_shares=[0.7, 0.95])
    slices = evaluate(lists, taken, catalogue, config).slices["popularity"]
    assert list(slices) == ["head", "mid", "tail", "new"]
    # Popularity 1000, 250, 111, 62, 40, 27, 20, 15, 12 ... of 1600: below 1120 is the head, and
    # before the first of it, of the next and so on stand 0, 1000, 1250, 1361, 1423, 1463, 1490,
    # 1510, 1525; below 1520 is the middle.
    kinds = {"head": range(0, 2), "mid": range(2, 8), "tail": range(8, 30), "new": range(0)}
    for name, part in slices.items():
        wanted = {catalogue.item_ids[item] for item in kinds[name]} or set(oracles.ids("n", 4))
        some = {user: [item for item in items if item in wanted] for user, items in taken.items()}
        some = {user: items for user, items in some.items() if items}
        # New items alone would be refused as those of other data.
        alone = measure_lists(
            predictions_of(lists),
            truth_of(some),
            CUTOFFS,
            catalogue=catalogue,
            extra_users="ignore",
            config=EvaluateConfig(0.9, 30, 5),
        )
        names = [f"{metric}@{n}" for metric in ("recall", "hit_rate", "ndcg") for n in CUTOFFS]
        assert part.means.metrics == {metric: alone.metrics[metric] for metric in names}
        assert part.means.intervals == {metric: alone.means.intervals[metric] for metric in names}
        assert (part.users, part.ground_truth_items) == (len(some), sum(map(len, some.values())))
        assert part.catalogue_items == len(kinds[name])
    assert slices["new"].means.metrics["recall@10"] == 0 < slices["head"].means.metrics["recall@10"]


# --- diversity ----------------------------------------------------------------------------------


def test_diversity_is_averaged_over_users_with_two_items_and_others_have_none() -> None:
    lists, taken, catalogue = random_data(2)
    found = evaluate(lists, taken, catalogue, EvaluateConfig(diversity=True))
    assert catalogue.similarity is not None
    dense = catalogue.similarity.to_scipy().toarray()
    np.fill_diagonal(dense, 0)
    for n in CUTOFFS:
        values = {}
        for user in sorted(taken):
            items = [catalogue.item_ids.index(item) for item in lists.get(user, [])[:n]]
            if len(items) > 1:
                pairs = [dense[i, j] for i in items for j in items if i != j]
                similar = math.fsum(pairs) / len(pairs) / float(catalogue.similarity.data.max())
                values[user] = 1 - similar
        per_user = found.per_user[f"diversity@{n}"]
        expected = [values.get(user, math.nan) for user in found.user_ids]
        assert per_user == pytest.approx(expected, abs=1e-12, nan_ok=True)
        mean = math.fsum(values.values()) / len(values)
        assert found.metrics[f"diversity@{n}"] == pytest.approx(mean, abs=1e-12)
        assert found.to_json()["users_counted"][f"diversity@{n}"] == len(values) < 60
    assert list(found.metrics)[12:16] == ["diversity@2", "diversity@10", "coverage@2", "gini@2"]


def test_a_cutoff_of_one_has_no_diversity() -> None:
    lists, taken, catalogue = random_data(2)
    config = EvaluateConfig(0.9, 10, diversity=True, slices=["history-length"])
    found = evaluate_from_data(
        predictions_of(lists), truth_of(taken), [1], catalogue=catalogue, extra_users="ignore",
        config=config,
    )  # fmt: skip
    assert "diversity@1" not in {*found.metrics, *found.means.intervals}
    assert found.to_json()["users_counted"] == {"diversity@1": 0}
    assert np.isnan(found.per_user["diversity@1"]).all()


# --- laws ---------------------------------------------------------------------------------------


def test_no_block_size_and_no_order_of_lists_changes_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    lists, taken, catalogue = random_data(6)
    whole = evaluate(lists, taken, catalogue, EVERYTHING).to_json()
    assert len(whole["slices"]["popularity"]) == 4
    monkeypatch.setattr(hits, "BLOCK_CELLS", 90)
    for name in ("LIST_CELLS", "PAIR_CELLS", "ROW_CELLS"):
        monkeypatch.setattr(diversity, name, 70)
    backwards = dict(reversed(lists.items()))
    assert evaluate(backwards, taken, catalogue, EVERYTHING).to_json() == whole


def test_what_is_not_asked_for_changes_nothing() -> None:
    lists, taken, catalogue = random_data(0)
    plain = evaluate(lists, taken, catalogue, EvaluateConfig())
    full = evaluate(lists, taken, catalogue, EVERYTHING)
    assert list(plain.to_json()) == [
        "users", "users_without_predictions", "ignored_users", "metrics",
    ]  # fmt: skip
    assert plain.metrics == {
        name: value for name, value in full.metrics.items() if not name.startswith("diversity")
    }
    assert (plain.slices, plain.means.intervals) == ({}, {})


@pytest.mark.parametrize(
    ("config", "message", "hint"),
    [
        (
            EvaluateConfig(slices=["popularity"], diversity=True),
            "slices: expected a model to go by, got none",
            "--model-dir names it",
        ),
        (
            EvaluateConfig(diversity=True),
            "diversity: expected a model to go by, got none",
            "--model-dir names it",
        ),
    ],
)
def test_what_only_a_model_can_tell_is_refused_without_one(
    config: EvaluateConfig, message: str, hint: str, tmp_path: Path
) -> None:
    lists, taken, _ = random_data(0)
    with pytest.raises(ConfigError) as caught:
        evaluate(lists, taken, None, config)
    assert (str(caught.value), caught.value.hint) == (message, hint)
    with pytest.raises(ConfigError) as caught:  # before a file is read
        evaluate_from_path("none", "none", tmp_path / "out.json", [1], config=config)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_a_catalogue_without_what_is_asked_for_is_refused() -> None:
    lists, taken, catalogue = random_data(0)
    bare = Catalogue(catalogue.item_ids, catalogue.popularity, catalogue.num_users)
    with pytest.raises(ConfigError, match="^diversity: expected a catalogue with a similarity"):
        evaluate(lists, taken, bare, EvaluateConfig(diversity=True))
    with pytest.raises(NoUsersError, match="^slices: history-length: expected a model with users"):
        evaluate(lists, taken, bare, EvaluateConfig(slices=["history-length"]))
    assert evaluate(lists, taken, bare, EvaluateConfig(slices=["popularity"])).slices

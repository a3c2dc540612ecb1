"""mlcore.evaluate.hits: where the relevant items stand in each list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from mlcore.evaluate import hits
from mlcore.evaluate.hits import Hits, find_hits, find_positions
from tests import oracles
from tests.oracles import predictions_of, truth_of

Lists = Mapping[str, Sequence[str]]


def found(lists: Lists, taken: Lists, longest: int) -> Hits:
    truth = truth_of(taken)
    users = find_positions(list(lists), truth.user_ids)
    return find_hits(predictions_of(lists), truth, users, longest)


def triples(result: Hits, taken: Lists) -> list[tuple[str, int, str]]:
    users, items = sorted(taken), sorted({item for row in taken.values() for item in row})
    columns = zip(result.users.tolist(), result.ranks.tolist(), result.items.tolist())
    return [(users[user], rank, items[item]) for user, rank, item in columns]


def expected(lists: Lists, taken: Lists, longest: int) -> list[tuple[str, int, str]]:
    return [
        (user, rank, item)
        for user in sorted(taken)
        for rank, item in enumerate(lists.get(user, [])[:longest])
        if item in taken[user]
    ]


def random_data(seed: int) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Lists in any order, some short, empty, missing or of strangers; items only one side knows."""
    rng = np.random.default_rng(seed)
    common, listed, taken_only = (oracles.ids(letter, 30) for letter in "ilt")
    taken, lists = {}, {}
    for user in oracles.ids("u", 40):
        count = int(rng.choice([1, 3, 40]))
        taken[user] = rng.permutation([*common, *taken_only])[:count].tolist()
        if rng.random() < 0.8:
            length = int(rng.choice([0, 1, 5, 25]))
            lists[user] = rng.permutation([*common, *listed])[:length].tolist()
    lists["stranger"] = rng.permutation(common)[:20].tolist()
    return {user: lists[user] for user in rng.permutation(list(lists)).tolist()}, taken


def test_hits_are_what_the_hand_finds() -> None:
    lists = {"v": ["c", "a"], "zoe": ["a"], "u": ["d", "b", "a"]}
    taken = {"u": ["a", "b", "e"], "v": ["a"], "w": ["c"]}
    result = found(lists, taken, 3)
    assert triples(result, taken) == [("u", 1, "b"), ("u", 2, "a"), ("v", 1, "a")]
    assert result.relevant.tolist() == [3, 1, 1]
    assert result.order.tolist() == [1, 2, 1]
    assert result.count(2).tolist() == [1, 1, 0]
    assert result.add_up(np.array([0.5, 4.0, 8.0]), 3).tolist() == [4.5, 8.0, 0.0]
    assert result.add_up(np.array([0.5, 4.0, 8.0]), 2).tolist() == [0.5, 8.0, 0.0]
    assert triples(found(lists, taken, 2), taken) == [("u", 1, "b"), ("v", 1, "a")]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("longest", [1, 4, 25, 99])
def test_hits_are_those_of_a_plain_loop(longest: int, seed: int) -> None:
    lists, taken = random_data(seed)
    assert triples(found(lists, taken, longest), taken) == expected(lists, taken, longest)
    assert len(expected(lists, taken, 25)) > 20


@pytest.mark.parametrize("cells", [0, 60, 500])
def test_neither_block_size_nor_order_of_the_lists_changes_a_hit(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists, taken = random_data(5)
    whole = found(lists, taken, 25)
    monkeypatch.setattr(hits, "BLOCK_CELLS", cells)
    for order in (lists, dict(reversed(lists.items()))):
        parts = found(order, taken, 25)
        for name in ("users", "ranks", "items", "relevant"):
            assert np.array_equal(getattr(parts, name), getattr(whole, name)), name


@pytest.mark.parametrize(
    "lists",
    [{}, {"u": []}, {"u": ["z", "y"]}, {"zoe": ["a"]}],
    ids=["none", "empty", "miss", "zoe"],
)
def test_lists_without_a_hit_have_none(lists: Lists) -> None:
    result = found(lists, {"u": ["a", "b"], "v": ["a"]}, 2)
    assert len(result.users) == len(result.ranks) == len(result.items) == 0
    assert result.count(2).tolist() == [0, 0]
    assert result.relevant.tolist() == [2, 1]


def test_hits_among_some_items_are_those_of_a_ground_truth_of_these_items() -> None:
    lists, taken = random_data(1)
    wanted = {item for items in taken.values() for item in items if int(item[1:]) % 3 == 0}
    part = {user: [item for item in items if item in wanted] for user, items in taken.items()}
    part = {user: items for user, items in part.items() if items}
    assert 0 < len(part) < len(taken)
    truth = truth_of(taken)
    is_wanted = np.array([item in wanted for item in truth.item_ids])
    relevant = np.array([len(part.get(user, [])) for user in truth.user_ids])
    result = found(lists, taken, 25).among(is_wanted, relevant)
    alone = found(lists, part, 25)
    for name in ("users", "ranks", "relevant", "order"):
        assert np.array_equal(getattr(result, name), getattr(alone, name)), name
    assert result.order.max() > 1

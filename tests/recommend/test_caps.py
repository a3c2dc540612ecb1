"""mlcore.recommend.caps: lists with at most so many items of a value, as a plain walk gives them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from mlcore.recommend import ranking, scoring
from mlcore.recommend.caps import Caps
from tests.recommend.catalogues import capped_list, random_filter, random_options, random_world


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("deeper", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_capped_lists_are_those_of_a_walk_over_all_items(
    deeper: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "DEEPER", deeper)
    monkeypatch.setattr(ranking, "DEEPER", deeper)
    rng = random.Random(seed)
    world = random_world(rng)
    shorter = 0
    for _ in range(14):
        wanted, options = random_filter(rng, with_caps=True), random_options(rng, world)
        lists = world.recommender.predict_many(world.users, **options, filter=wanted)
        for user, found in zip(world.users, lists):
            expected = capped_list(world, user, wanted, options)
            assert [(it.item_id, it.score, it.source) for it in found] == expected
        user = world.users[5]
        one = world.recommender.predict(user, **options, filter=wanted, explain=True)
        assert [it[:3] for it in one] == capped_list(world, user, wanted, options)
        for it in one:
            total = 0.0
            for share in it.because:
                total += share.share
            assert total == it.score
        del wanted["at_most"]
        shorter += lists != world.recommender.predict_many(world.users, **options, filter=wanted)
    assert shorter


def test_a_walk_as_the_hand_does_it() -> None:
    # Brands x x y - x y; series 1 2 1 2 - 3. At most two of a brand, one of a series: the first two
    # come in, the third has series 1 again, the fourth series 2 again, the fifth brand x for the
    # third time, the sixth is the first y.
    brands, series = np.array([0, 0, 1, -1, 0, 1], np.int32), np.array(
        [4, 5, 4, 5, -1, 6], np.int32
    )
    caps, items = Caps([brands, series], [2, 1]), np.arange(6, dtype=np.int32)
    assert caps.walk(items, 9).tolist() == [0, 1, 5]
    assert caps.walk(items, 2).tolist() == [0, 1]
    assert caps.walk(items, 0).tolist() == []
    # What the list holds already counts: one y and series 1.
    assert caps.walk(items, 9, np.array([2], np.int32)).tolist() == [1, 4, 5]
    assert caps.walk(items[:0], 9).tolist() == []


def test_few_of_many_are_found_however_far_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "MAX_BLOCK_CELLS", 64)  # a list of all items fits once
    rng = random.Random(1)
    world = random_world(rng, 60)
    wanted = {"at_most": {"kind": 1}}
    options: dict[str, Any] = {
        "n": 3,
        "include": None,
        "exclude": [],
        "include_seen": False,
        "fill": None,
    }
    lists = world.recommender.predict_many(world.users, 3, filter=wanted)
    assert max(map(len, lists)) == 3
    for user, found in zip(world.users, lists):
        expected = capped_list(world, user, wanted, options)
        assert [(it.item_id, it.score, it.source) for it in found] == expected

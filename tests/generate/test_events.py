"""mlcore.generate.events: the draws, against a plain definition."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.errors import ConfigError
from mlcore.generate import events
from mlcore.generate.events import draw_events


def test_arrays_are_int64_and_within_their_ranges() -> None:
    drawn = draw_events(7, 50, 60, seed=3)
    assert {array.dtype for array in drawn} == {np.dtype(np.int64)}
    assert set(drawn.users.tolist()) == set(range(7))
    assert (drawn.items.min() >= 0, drawn.items.max() < 50) == (True, True)
    assert set(np.bincount(drawn.item_genres)) == {25}  # 2 genres, as 50 // 20
    assert set(drawn.weights.tolist()) <= {1, 2, 3, 4, 5}
    assert (np.diff(drawn.timestamps) >= 0).all()


def test_widths_are_rounded_down_from_the_formula_in_whole_numbers() -> None:
    # 10**9 / 20**(3/4) = 105737126.3 ...; 10**9 / 21**1 = 47619047.6 ...
    assert events._widths(1, skew=0).tolist() == [105_737_126]
    assert events._widths(2, skew=1).tolist() == [50_000_000, 47_619_047]


def test_fast_forms_equal_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, 50, 200)
    assert events._distinct(pairs).tolist() == np.unique(pairs).tolist()
    assert events._stable_order(pairs).tolist() == np.argsort(pairs, kind="stable").tolist()
    one, other = np.unique(rng.integers(0, 99, 60)), np.unique(rng.integers(0, 99, 60))
    assert events._without(one, other).tolist() == np.setdiff1d(one, other).tolist()


def test_a_user_who_lacks_few_items_gets_the_most_popular_of_them() -> None:
    # user 0 has item 1, user 1 has items 0 and 2; of 4 items, 3 is the most popular, then 1, 0, 2
    pairs, missing = np.array([1, 4, 6]), np.array([2, 1])
    found = events._complete_pairs(pairs, missing, np.array([3, 1, 0, 2]))
    assert found.tolist() == [0, 1, 3, 4, 6, 7]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 1, 0), "users: expected a number from 1, got 0"),
        ((1, 0, 1, 0), "items: expected a number from 1, got 0"),
        ((1, 1, 1, -1), "seed: expected a number from 0, got -1"),
        ((2, 3, 7, 0), "interactions: expected a number from 2 (one per user) to 6"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    arguments: tuple[int, int, int, int], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        draw_events(*arguments)
    assert str(caught.value).startswith(message)

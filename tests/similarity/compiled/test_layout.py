"""mlcore.similarity.compiled.layout: X from both sides, items by popularity, whatever the ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mlcore.native import call
from mlcore.similarity.compiled import layout
from mlcore.similarity.compiled.layout import lay_out
from mlcore.similarity.compiled.problem import Problem
from tests import oracles

pytestmark = pytest.mark.native

# Users of items 0, 1, 2: {0}, {0, 1, 2}, {1, 2}. By popularity 1, 2, 0.
X = np.array([[1, 1, 0], [0, 1, 1], [0, 1, 1]], np.float32)
FIELDS = (
    "order item_begins item_users item_weights user_begins user_items user_weights user_squares"
)


def laid_out(x: npt.NDArray[Any], is_binary: bool, threads: int = 1) -> Problem:
    problem = Problem()
    lay_out(problem, oracles.sparse(x.astype(np.float32)), is_binary, threads)
    return problem


def lists(problem: Problem, *names: str) -> list[list[float]]:
    return [problem.array(name).tolist() for name in names]


def test_both_sides_by_hand() -> None:
    found = laid_out(X, True)
    assert (found.num_users, found.num_items, found.is_wide) == (3, 3, 0)
    assert (found.has_squares, found.has_weights) == (0, 0)
    order, begins, users, items, places = lists(
        found, "order", "item_begins", "item_users", "user_items", "places"
    )
    assert order == [1, 2, 0]
    assert begins == [0, 3, 5, 6] and users == [0, 1, 2, 1, 2, 0]
    assert items == [0, 2, 0, 1, 0, 1]
    assert places == [0, 0, 0, 1, 1, 1]  # more popular items of that user


def test_pairs_with_more_and_less_popular_items_by_hand() -> None:
    found = laid_out(X, True)
    before, after = np.empty((2, 3), np.int64)
    call("measure", found, 0, 3, np.empty(0, np.uint32), before, after)
    assert (before.tolist(), after.tolist()) == ([0, 2, 1], [3, 0, 0])
    numbers = np.empty(3, np.uint32)
    call("count_below", found, 2, numbers)
    assert numbers.tolist() == [1, 2, 2]
    call("measure", found, 0, 2, numbers, before, after)  # of the first two items
    assert after.tolist() == [2, 0, 0]


def test_weights_are_on_both_sides_unless_a_square_of_each_user_is_enough() -> None:
    found = laid_out(X * np.array([[2, 3, 1], [1, 4, 5], [1, 6, 7]]), False)
    of_items, of_users, squares = lists(found, "item_weights", "user_weights", "user_squares")
    assert of_items == [3, 4, 6, 5, 7, 2] and of_users == [3, 2, 4, 5, 6, 7]
    assert squares == [] and (found.has_squares, found.has_weights) == (0, 1)
    found = laid_out(X * np.array([[2], [3], [4]]), False)
    assert lists(found, "item_weights", "user_squares") == [[], [4, 9, 16]]
    assert (found.has_squares, found.has_weights) == (1, 0)


@pytest.mark.parametrize("weighted", [False, True])
def test_ranges_and_threads_change_nothing(weighted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x = (rng.random((50, 20)) < 0.3) * (rng.lognormal(size=(50, 20)) if weighted else 1.0)
    results = set()
    for range_entries in (1, 40, 10**6):
        monkeypatch.setattr(layout, "RANGE_ENTRIES", range_entries)
        monkeypatch.setattr(layout, "ENTRIES_PER_ITEM", 1)
        for threads in (1, 3):
            found = laid_out(x, not weighted, threads)
            results.add(tuple(found.array(name).tobytes() for name in FIELDS.split()))
    assert len(results) == 1


@pytest.mark.parametrize(("items", "is_wide"), [(2**16, 0), (2**16 + 1, 1)])
def test_numbers_of_items_are_as_narrow_as_they_may_be(items: int, is_wide: int) -> None:
    found = laid_out(np.ones((1, items)), True)
    assert found.is_wide == is_wide
    for name in ("user_items", "places"):
        assert found.array(name).tolist() == list(range(items))

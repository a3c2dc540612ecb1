"""mlcore.similarity.compiled.layout: X from both sides, items by popularity, whatever the ranges."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.similarity.compiled import layout
from mlcore.similarity.compiled.layout import make_layout, measure_work
from tests import oracles

# Users of items 0, 1, 2: {0}, {0, 1, 2}, {1, 2}. By popularity 1, 2, 0.
X = np.array([[1, 1, 0], [0, 1, 1], [0, 1, 1]], np.float32)


def test_both_sides_by_hand() -> None:
    found = make_layout(oracles.sparse(X), True, 1)
    assert found.order.tolist() == [1, 2, 0]
    assert found.item_begins.tolist() == [0, 3, 5, 6]
    assert found.item_users.tolist() == [0, 1, 2, 1, 2, 0]
    assert found.user_items.tolist() == [0, 2, 0, 1, 0, 1]
    assert found.places.tolist() == [0, 0, 0, 1, 1, 1]  # more popular items of that user
    work, reach = np.empty((2, 3), np.int64)
    measure_work(found, work, reach)
    assert work.tolist() == [0, 2, 1] and reach.tolist() == [3, 2, 1]


def test_weights_are_on_both_sides_unless_a_square_of_each_user_is_enough() -> None:
    weighted = X * np.array([[2, 3, 1], [1, 4, 5], [1, 6, 7]], np.float32)
    found = make_layout(oracles.sparse(weighted), False, 1)
    assert found.item_weights.tolist() == [3, 4, 6, 5, 7, 2] and not len(found.user_squares)
    assert found.user_weights.tolist() == [3, 2, 4, 5, 6, 7]
    found = make_layout(oracles.sparse(X * np.array([[2], [3], [4]], np.float32)), False, 1)
    assert found.user_squares.tolist() == [4, 9, 16] and not len(found.item_weights)


@pytest.mark.parametrize("weighted", [False, True])
def test_ranges_and_threads_change_nothing(weighted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    x = ((rng.random((50, 20)) < 0.3) * (rng.lognormal(size=(50, 20)) if weighted else 1.0)).astype(
        np.float32
    )
    results = set()
    for range_entries in (1, 40, 10**6):
        monkeypatch.setattr(layout, "RANGE_ENTRIES", range_entries)
        monkeypatch.setattr(layout, "ENTRIES_PER_ITEM", 1)
        for threads in (1, 3):
            found = make_layout(oracles.sparse(x), not weighted, threads)
            results.add(tuple(array.tobytes() for array in found))
    assert len(results) == 1

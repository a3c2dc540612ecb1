"""mlcore.similarity.compiled.counting: lists that keep the best K, merged and finished."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from mlcore.similarity.compiled import counting
from mlcore.similarity.compiled.counting import Best


def lists_of(rows: list[list[tuple[float, int]]], k: int, capacity: int) -> Best:
    """Return lists that hold these pairs of a value and an item."""
    size = len(rows) * capacity
    best = Best(
        k,
        np.arange(len(rows) + 1) * capacity,
        np.array([len(row) for row in rows]),
        np.zeros(size),
        np.zeros(size, np.uint32),
        np.full(len(rows), -np.inf),
    )
    for row, pairs in enumerate(rows):
        for place, (value, item) in enumerate(pairs, row * capacity):
            best.values[place], best.items[place] = value, item
    return best


def content(best: Best, row: int) -> set[tuple[float, int]]:
    span = slice(best.begins[row], best.begins[row] + best.sizes[row])
    return set(zip(best.values[span].tolist(), best.items[span].tolist()))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 4, 10])
def test_the_best_k_come_to_the_front_the_worst_of_them_last(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, items = rng.integers(0, 5, 10) / 2, rng.permutation(10).astype(np.uint32)
    expected = sorted(zip(-values, items))[:k]
    counting._keep_best(values, items, k)
    assert sorted(zip(-values[:k], items[:k])) == expected
    assert (-values[k - 1], items[k - 1]) == expected[-1]


def test_merged_lists_keep_the_best_of_both_from_the_limit_on() -> None:
    into = lists_of([[(0.9, 1), (0.2, 2)], []], k=2, capacity=4)
    other = lists_of([[(0.9, 0), (0.1, 3)], [(0.5, 7)]], k=2, capacity=4)
    into.limits[0] = 0.2
    counting.merge(0, 2, other, into)
    assert content(into, 0) == {(0.9, 1), (0.9, 0)} and content(into, 1) == {(0.5, 7)}


def test_finished_lists_have_the_best_k_without_what_rounds_to_0() -> None:
    tiny = 2.0**-150  # half of the least float32: a tie, and rounds to 0
    best = lists_of([[(0.3, 1), (0.5, 2), (0.4, 3)], [(tiny, 1), (-1.0, 2)]], k=2, capacity=5)
    counting.finish(0, 2, best)
    assert content(best, 0) == {(0.5, 2), (0.4, 3)} and content(best, 1) == {(-1.0, 2)}


def test_lists_go_to_the_rows_of_their_items_before_relabelling() -> None:
    best = lists_of([[(0.5, 1)], [(0.7, 0), (0.6, 1)]], k=2, capacity=3)
    order, indptr = np.array([1, 0], np.uint32), np.array([0, 2, 3])
    columns: npt.NDArray[np.int32] = np.zeros(3, np.int32)
    values = np.zeros(3)
    counting.copy_lists(0, 2, best, order, indptr, columns, values)
    assert columns.tolist() == [0, 1, 1] and values.tolist() == [0.7, 0.6, 0.5]

"""mlcore.diff.neighbors: overlap@K and RBO by hand, and against lists compared one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mlcore.diff import neighbors
from mlcore.diff.neighbors import NeighborOverlap, compare_neighbors
from mlcore.types import CsrMatrix

Rows = Sequence[dict[int, float]]


def matrix(rows: Rows) -> CsrMatrix:
    """Rows of weights by column."""
    entries = [sorted(row.items()) for row in rows]
    return CsrMatrix(
        np.cumsum([0, *map(len, entries)]),
        np.array([column for row in entries for column, _ in row], np.int32),
        np.array([weight for row in entries for _, weight in row], np.float32),
        len(rows),
    )


def ranked(*items: int) -> dict[int, float]:
    """A row with these neighbors, best first."""
    return {item: 1 / rank for rank, item in enumerate(items, 1)}


def compare_first(a: dict[int, float], b: dict[int, float], *cutoffs: int) -> NeighborOverlap:
    """Compare the lists of item 0 of two models with the same 9 items."""
    others = [dict[int, float]()] * 8
    return compare_neighbors(matrix([a, *others]), matrix([b, *others]), np.arange(9), cutoffs)


# Weights of the ranks: 1, 0.9, 0.81. RBO is the sum of weight x X_d / d over that of the weights.
@pytest.mark.parametrize(
    ("a", "b", "overlaps", "rbo"),
    [
        ((1, 2, 3), (1, 2, 3), (1, 1, 1), 1),
        ((), (), (1, 1, 1), 1),
        ((1, 2, 3), (), (0, 0, 0), 0),
        ((1, 2, 3), (4, 5, 6), (0, 0, 0), 0),
        # X = 0, 2, 3
        ((1, 2, 3), (2, 1, 3), (0, 1, 1), (0.9 + 0.81) / 2.71),
        # X = 1, 1, 2
        ((1, 2, 3), (1, 4, 2), (1, 1 / 2, 2 / 3), (1 + 0.9 / 2 + 0.81 * 2 / 3) / 2.71),
        # A list that lost its end: X = 1, 1, 1
        ((1, 2, 3), (1,), (1, 1 / 2, 1 / 3), (1 + 0.9 / 2 + 0.81 / 3) / 2.71),
        # Both shorter than K = 3: X = 1, 1 of two
        ((1, 2), (1, 3), (1, 1 / 2, 1 / 2), (1 + 0.9 / 2) / 1.9),
    ],
)
def test_lists_by_hand(
    a: tuple[int, ...], b: tuple[int, ...], overlaps: tuple[float, ...], rbo: float
) -> None:
    for one, other in ((a, b), (b, a)):
        found = compare_first(ranked(*one), ranked(*other), 1, 2, 3)
        assert [found.overlap[k][0] for k in (1, 2, 3)] == pytest.approx(overlaps)
        assert found.rbo[0] == pytest.approx(rbo)
        assert bool(found.same[0]) == (one == other) == (found.rbo[0] == 1)


def test_ties_go_to_the_smaller_id_and_weights_below_0_come_last() -> None:
    found = compare_first({1: -0.5, 2: 0.5, 3: 0.5}, {1: 0.1, 2: 0.9, 3: 0.2}, 1)
    assert found.same[0]  # 2, 3, 1 in both
    assert (found.num_pairs, found.num_other_weights) == (3, 3)


def test_a_long_list_equal_to_itself_is_exactly_1() -> None:
    rows = [{column: 1 / column for column in range(1, 500)}, *([{}] * 499)]
    found = compare_neighbors(matrix(rows), matrix(rows), np.arange(500), [7])
    assert (found.rbo == 1).all() and (found.overlap[7] == 1).all() and found.same.all()
    assert (found.num_pairs, found.num_other_weights) == (499, 0)


def some_rows(rng: np.random.Generator, num_items: int) -> list[dict[int, float]]:
    """Rows of 0 to 12 neighbors with many ties."""
    return [
        {
            int(column): float(rng.choice([0.25, 0.5, 1, -1]))
            for column in rng.choice(num_items, rng.integers(13), replace=False)
            if column != item
        }
        for item in range(num_items)
    ]


def in_order(row: dict[int, float], names: Sequence[str]) -> list[str]:
    return [names[item] for item in sorted(row, key=lambda item: (-row[item], item))]


def expected(a: list[str], b: list[str], cutoffs: Sequence[int]) -> list[float]:
    """overlap@K of each cutoff, then RBO: sets of the first d, compared one by one."""
    longer = max(len(a), len(b))
    if not longer:
        return [1.0] * (len(cutoffs) + 1)
    shares = [len({*a[:d]} & {*b[:d]}) / d for d in range(1, longer + 1)]
    weights = [0.9 ** (d - 1) for d in range(1, longer + 1)]
    rbo = sum(map(float.__mul__, weights, shares)) / sum(weights)
    return [*(shares[min(k, longer) - 1] for k in cutoffs), rbo]


@pytest.mark.parametrize("block_entries", [1, 40, 2**16])
@pytest.mark.parametrize("seed", range(3))
def test_models_of_other_items_are_compared_by_id(
    seed: int, block_entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbors, "BLOCK_ENTRIES", block_entries)
    rng, cutoffs = np.random.default_rng(seed), [1, 5, 20]
    names_a = sorted(f"{item:02}" for item in rng.choice(40, 25, replace=False))
    names_b = sorted(f"{item:02}" for item in rng.choice(40, 30, replace=False))
    rows_a, rows_b = some_rows(rng, 25), some_rows(rng, 30)
    b_of_a = np.array([names_b.index(name) if name in names_b else -1 for name in names_a])
    calls: list[int] = []
    found = compare_neighbors(
        matrix(rows_a), matrix(rows_b), b_of_a, cutoffs, lambda _, done, total: calls.append(done)
    )
    both = [name for name in names_a if name in names_b]
    assert 10 < len(both) < 25
    pairs = weights = 0
    for item, name in enumerate(both):
        a = in_order(rows_a[names_a.index(name)], names_a)
        b = in_order(rows_b[names_b.index(name)], names_b)
        values = [*(found.overlap[k][item] for k in cutoffs), found.rbo[item]]
        assert values == pytest.approx(expected(a, b, cutoffs))
        assert found.same[item] == (a == b)
        of_a = {names_a[at]: weight for at, weight in rows_a[names_a.index(name)].items()}
        of_b = {names_b[at]: weight for at, weight in rows_b[names_b.index(name)].items()}
        pairs += len(of_a.keys() & of_b.keys())
        weights += sum(of_a[other] != of_b[other] for other in of_a.keys() & of_b.keys())
    assert (found.num_pairs, found.num_other_weights) == (pairs, weights)
    assert calls[0] == 0 and calls == sorted(set(calls))

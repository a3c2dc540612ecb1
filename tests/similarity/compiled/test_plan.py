"""mlcore.similarity.compiled.plan: each choice against the work of every other, counted pair by pair."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from mlcore.similarity import Dot, GramBlocks, NeighborSettings
from mlcore.similarity.compiled import kernel, list_capacity, plan
from mlcore.similarity.compiled.plan import BINARY, WEIGHTED, Costs, cut_rows
from tests import oracles

K = 10
Array = npt.NDArray[Any]


class Plan(NamedTuple):
    """How many items are listed, and how many of these in tiles."""

    listed: int
    tiled: int


def chosen(x: Array) -> Plan:
    gram = GramBlocks(oracles.sparse(x.astype(np.float32)))
    terms = ((np.ones(x.shape[1]),),) * 2
    made = kernel._Kernel(gram, Dot().quotient(len(x)), terms, NeighborSettings(K), 1)
    return Plan(made._problem.num_listed, made._problem.num_tiled)


class Work:
    """What plans for X cost in nanoseconds: each product, cell, block and push by itself."""

    def __init__(self, x: Array, costs: Costs) -> None:
        x = x[:, np.argsort(-(x > 0).sum(axis=0), kind="stable")] > 0  # most popular first
        self.costs, self.num_users = costs, len(x)
        self.common = x.T.astype(np.float32) @ x.astype(np.float32)  # (I, I) common users
        self.users = x.sum(axis=0)
        # (I + 1, I + 1) products of the first items with more popular ones, of these the first
        self.halves = np.pad(np.tril(self.common, -1).cumsum(0, float).cumsum(1), ((1, 0), (1, 0)))
        others = np.tril(self.common > 0, -1).sum(axis=0)  # (I,) less popular ones of each item
        # The nth of pairs in any order is among the best K so far with chance K / n.
        chances = np.minimum(1, K / np.arange(1, x.shape[1] + 1))
        self.pushes = np.array([chances[:count].sum() for count in others])

    def of(self, plan: Plan) -> float:
        costs, (listed, tiled) = self.costs, plan
        whole = self.common[listed:].sum() - self.users[listed:].sum()
        half = self.halves[listed, listed] - self.halves[listed, tiled]
        tiles = sum(
            self.num_users * costs.user
            + self.users[begin + 1 : listed].sum() * costs.cells
            + (listed - begin - 1) * costs.block
            for begin in range(0, tiled, costs.width)
        )
        return float((whole + half) * costs.product + tiles + self.of_pushes(listed))

    def of_pushes(self, listed: int) -> float:
        lists = listed * list_capacity(K) * 12  # bytes
        missed = max(1 - plan.CACHE_BYTES / lists, 0) if lists else 0
        each = self.costs.near + missed * (self.costs.far - self.costs.near)
        return float(self.pushes[:listed].sum() * each)

    def plans(self) -> list[Plan]:
        """Return all candidates, of lists every 32 items."""
        num_items, width = len(self.users), self.costs.width
        return [
            Plan(listed, tiled)
            for listed in range(0, num_items + 1, 32)
            for tiled in range(0, listed + 1, width)
        ]


def random_x(users: int, chances: Array, weighted: bool = False) -> Array:
    rng = np.random.default_rng(1)
    x = (rng.random((users, len(chances))) < rng.permutation(chances)) * 1.0
    return x * rng.integers(1, 4, x.shape) if weighted else x


PLACES = np.arange(1024)
CHANCES = {
    "dense": 0.5 - 0.2 * PLACES / 1024,
    "flat": np.full(1024, 0.004),
    "mixed": 1 / (PLACES + 2),
    "a dense head": np.where(PLACES < 300, 0.4, 0.002),
    "steep": 0.9 / (1 + (PLACES / 20) ** 2),
}


@pytest.mark.native
@pytest.mark.parametrize("weighted", [False, True], ids=["binary", "weighted"])
@pytest.mark.parametrize("cache_bytes", [2**24, 2**15])
@pytest.mark.parametrize("shape", CHANCES)
def test_no_other_plan_costs_notably_less(
    shape: str, cache_bytes: int, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CACHE_BYTES", cache_bytes)
    x = random_x(1500, CHANCES[shape], weighted)
    work, found = Work(x, WEIGHTED if weighted else BINARY), chosen(x)
    costs = {plan: work.of(plan) for plan in work.plans()}
    best = min(costs, key=costs.__getitem__)
    assert work.of(found) <= 1.05 * costs[best], (found, best)
    if shape == "flat":
        assert best == (0, 0) == found
    if shape == "dense" and not weighted:
        assert best == (1024, 1024) == found
    assert max(costs.values()) > 1.3 * costs[best], "a choice that matters"


@pytest.mark.native
def test_work_on_a_flat_catalogue_grows_with_the_interactions_not_with_their_square() -> None:
    sizes, works = [], []
    for factor in (1, 2, 4):  # users and items; each still has ten of the other
        x = random_x(600 * factor, np.full(600 * factor, 0.016 / factor))
        sizes.append(x.sum())
        works.append(Work(x, BINARY).of(chosen(x)) / sizes[-1])
    assert sizes[2] > 3.9 * sizes[0]
    assert max(works) < 1.1 * min(works)


def test_cut_rows_are_all_rows_and_about_as_much_work_each() -> None:
    work = np.random.default_rng(3).lognormal(0, 1, 1000)
    for first in (0, 64, 999):
        spans = cut_rows(work, first, 7)
        assert spans[0][0] == first and spans[-1][1] == 1000
        assert all(one[1] == other[0] for one, other in zip(spans, spans[1:]))
        share = work[first:].sum() / 7
        assert max(work[slice(*span)].sum() for span in spans) <= share + 2 * work.max()
    assert cut_rows(work, 1000, 7) == [] and cut_rows(np.ones(0), 0, 7) == []
    assert cut_rows(np.zeros(3), 0, 7)[-1][1] == 3

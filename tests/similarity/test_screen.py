"""mlcore.similarity.screen: few counts pass, and all that are among the best do."""

from __future__ import annotations

import itertools


from typing import Any

import numpy as np
import pytest

from mlcore.progress import no_progress
from mlcore.similarity import GramBlocks, Neighborhood, NeighborSettings
from mlcore.similarity import pairs as kernel
from mlcore.similarity import selection
from mlcore.similarity.formula import Quotient
from mlcore.similarity.screen import BestSums
from tests import oracles
from tests.similarity.cases import MEASURES, NEIGHBORHOODS, bits, find, measure, random_x

QUOTIENTS = [name for name in MEASURES if measure(name).quotient(10) is not None]


def clustered_x(seed: int) -> Any:
    """Users of two tastes, popular and rare items: pairs within a taste are far above the others."""
    rng = np.random.default_rng(seed)
    chances = 0.6 / np.sqrt(np.arange(1, 301))
    taste = rng.integers(0, 2, (200, 1)) == np.arange(300) % 2
    return (rng.random((200, 300)) < np.where(taste, chances, chances / 8)).astype(np.float64)


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("name", QUOTIENTS)
@pytest.mark.parametrize("shrinkage", [0.0, 3.0])
def test_the_best_are_those_of_all_counts(
    name: str, shrinkage: float, neighborhood: Neighborhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = clustered_x(1)
    passed: list[float] = []
    plain = BestSums.__call__

    def counting(self: Any, first: int, cells: Any) -> Any:
        wanted = plain(self, first, cells)
        passed.append(wanted.sum() / (cells > 0).sum())
        return wanted

    monkeypatch.setattr(BestSums, "__call__", counting)
    for k in (1, 5, 299):
        screened = find(x, name, k, neighborhood, shrinkage)
        with monkeypatch.context() as patch:
            patch.setattr(kernel, "_suits_screen", lambda *_: False)
            assert bits(find(x, name, k, neighborhood, shrinkage)) == bits(screened)
    assert passed[0] < 0.5 or name == "dot", "a screen that passes everything is none"
    assert passed[-1] == 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "quotient",
    [
        Quotient("product", 7.0),
        Quotient("sum", 0.0),
        Quotient("sum", 1.0),
        Quotient("tversky", 0.3, 0.2),
        Quotient("tversky", 0.0, 1.0),
        Quotient("tversky", 1.0, 2.0),
    ],
)
def test_the_least_sum_of_a_value_is_the_sum_it_comes_from(quotient: Quotient, seed: int) -> None:
    rng = np.random.default_rng(seed)
    s, t = rng.integers(1, 1000, (2, 500)).astype(np.float64)
    c = rng.integers(1, np.minimum(s, t) + 1).astype(np.float64)
    for shrinkage in (0.0, 0.5, 100.0):
        a, b = quotient.a, quotient.b
        w = {
            "product": lambda: a * c / (s * t + shrinkage),
            "sum": lambda: c / (s + t - a * c + shrinkage),
            "tversky": lambda: c / (c + (a * (t - c) + b * (s - c)) + shrinkage),
        }[quotient.kind]()
        least = quotient.least_sum(w, s, t, shrinkage)
        assert (least <= c * (1 + 1e-12)).all()
        np.testing.assert_allclose(least, c, rtol=1e-4 if a + b < 1.1 else 1e-7)


def test_a_tversky_index_of_nothing_but_common_users_excludes_no_count() -> None:
    same = Quotient("tversky", 0.0, 0.0).least_sum(np.ones(1), np.ones(1), np.ones(1), 0.0)
    assert same.tolist() == [0.0]


@pytest.mark.parametrize(
    ("name", "weighted"),
    # Weights that are all alike are an error of the one that takes means away.
    [(name, some) for name in MEASURES for some in (True, False) if some or name[:3] != "adj"],
)
def test_half_a_product_has_the_best_of_the_whole(
    name: str, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = random_x(60, 40, seed=5, weighted=weighted)
    for neighborhood, k in itertools.product(NEIGHBORHOODS, (1, 6, 40)):
        results = set()
        for suits, waiting, part in (
            (False, 1, 1),
            (True, 1, 1),
            (True, 70, 90),
            (True, 2**18, 2**14),
        ):
            monkeypatch.setattr(kernel, "_suits_half", lambda *_: suits)
            monkeypatch.setattr(selection, "WAITING", waiting)
            monkeypatch.setattr(selection, "PART_ENTRIES", part)
            results.add(bits(find(x, name, k, neighborhood, 0.5)))
        assert len(results) == 1


def test_a_screen_keeps_out_of_a_search_and_of_rare_pairs() -> None:
    gram = GramBlocks(oracles.sparse(clustered_x(2).astype(np.float32)))
    assert kernel._suits_screen(gram, NeighborSettings(5))
    assert not kernel._suits_screen(gram, NeighborSettings(5, min_cooccurrence=2))
    assert not kernel._suits_screen(gram, NeighborSettings(None))
    gram.kept.limit = 1
    assert not kernel._suits_screen(gram, NeighborSettings(5))

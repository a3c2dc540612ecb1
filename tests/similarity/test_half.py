"""Each product formed once: the best of both of its items are those of the whole product."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlcore.similarity import GramBlocks, NeighborSettings
from mlcore.similarity import pairs as kernel
from mlcore.similarity import selection
from mlcore.similarity.products import HalfProduct
from tests import oracles
from tests.similarity.cases import MEASURES, NEIGHBORHOODS, bits, find, random_x


@pytest.mark.parametrize(
    ("name", "weighted"),
    # Weights that are all alike are an error of the one that takes means away.
    [(name, some) for name in MEASURES for some in (True, False) if some or name[:3] != "adj"],
)
def test_half_a_product_has_the_best_of_the_whole(
    name: str, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = random_x(60, 40, seed=5, weighted=weighted)
    for neighborhood, k in itertools.product(NEIGHBORHOODS, (1, 6)):
        results = set()
        for suits, popular_first, waiting, part, threads in (
            (False, False, 1, 1, 1),
            (True, False, 1, 1, 1),
            (True, True, 1, 1, 3),
            (True, False, 70, 90, 3),
            (True, True, 70, 90, 1),
            (True, True, 2**18, 2**14, 3),
        ):
            monkeypatch.setattr(kernel, "_suits_half", lambda *_: suits)
            monkeypatch.setattr(kernel, "_prefers_popular", lambda *_: popular_first)
            monkeypatch.setattr(selection, "WAITING", waiting)
            monkeypatch.setattr(selection, "PART_ENTRIES", part)
            results.add(bits(find(x, name, k, neighborhood, 0.5, 1, threads, 100)))
        assert len(results) == 1


def test_half_a_product_keeps_out_of_a_search_and_of_rare_pairs() -> None:
    gram = GramBlocks(oracles.sparse(random_x(9, 5, seed=1, weighted=True).astype(np.float32)))
    assert kernel._suits_half(gram, NeighborSettings(5))
    assert not kernel._suits_half(gram, NeighborSettings(5, min_cooccurrence=2))
    assert not kernel._suits_half(gram, NeighborSettings(None))
    gram.kept.limit = 1
    assert not kernel._suits_half(gram, NeighborSettings(5))


def test_a_sample_shows_whether_the_best_are_popular() -> None:
    x = np.tri(100)[::-1].astype(np.float32)  # (U, I) item i has the first 100 - i users
    half = HalfProduct(oracles.sparse(x), 1000)
    for sign, is_popular in ((-1.0, True), (1.0, False)):
        by_rank = (np.arange(100) * sign + 100).astype(np.float64)  # (I,) float64
        found = kernel._prefers_popular(half, lambda rows, columns, _: by_rank.take(columns), 3)
        assert found == is_popular

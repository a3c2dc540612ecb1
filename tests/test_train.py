"""mlcore.train: several models of the same interactions, counted once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from mlcore import Interactions, Model, TrainConfig, train_from_data
from mlcore.similarity import P3Alpha, RP3Beta, Similarity, registry
from mlcore.similarity.counts import Counts, KeptBytes, Products
from mlcore.train import Trainer
from mlcore.weighting import BM25, NoWeighting, TfIdf
from tests import oracles

ENOUGH = 2**24


@pytest.fixture
def interactions() -> Interactions:
    rng = np.random.default_rng(0)
    x = (rng.random((50, 20)) < 0.3) * rng.lognormal(0, 1, (50, 20))
    return oracles.interactions_of(x[x.any(axis=1)])


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Yield a list to which each multiplication of a block adds its first row."""
    begins: list[int] = []

    class Watched:
        def __init__(self, matrix: Any) -> None:
            self._matrix = matrix

        def __getattr__(self, name: str) -> Any:
            return getattr(self._matrix, name)

        def __getitem__(self, rows: slice) -> Any:
            begins.append(rows.start)
            return self._matrix[rows]

    original = Products.__init__

    def watched(self: Products, left: Any, *others: Any) -> None:
        original(self, left, *others)
        self._left = Watched(self._left)

    monkeypatch.setattr(Products, "__init__", watched)
    monkeypatch.setattr("mlcore.similarity.counts.MAX_BLOCK_ENTRIES", 100)
    yield begins


def same(one: Model, other: Model) -> bool:
    arrays = [(m.similarity.indptr, m.similarity.indices, m.similarity.data) for m in (one, other)]
    return (
        all(a.tobytes() == b.tobytes() for a, b in zip(*arrays))
        and one.config_json == other.config_json
        and one.interactions_sha256 == other.interactions_sha256
    )


SIMILARITIES = [similarity() for similarity in registry.SIMILARITIES.values()]


@pytest.mark.parametrize("keep_bytes", [0, 3000, ENOUGH])
def test_models_are_those_of_trainings_of_their_own(
    interactions: Interactions, keep_bytes: int
) -> None:
    trainer = Trainer(interactions, keep_bytes=keep_bytes)
    for weighting in (NoWeighting(), TfIdf(), NoWeighting()):
        for similarity in SIMILARITIES:
            for k in (2, None):
                config = TrainConfig(similarity, weighting, k)
                assert same(trainer.train(config), train_from_data(interactions, config))


def test_measures_shrinkage_and_neighbors_share_one_count(
    interactions: Interactions, counted: list[int]
) -> None:
    trainer = Trainer(interactions, keep_bytes=ENOUGH)
    trainer.train(TrainConfig(shrinkage=1))
    first = len(counted)
    assert first > 1
    for name in ("cosine", "dot", "asymmetric_cosine", "pearson"):
        for k in (1, 5, None):
            trainer.train(
                TrainConfig(registry.SIMILARITIES[name](), num_neighbors=k, shrinkage=k or 0)
            )
    assert len(counted) == first
    binary: list[Similarity] = [s for s in SIMILARITIES if s.binary]
    for similarity in binary:
        trainer.train(TrainConfig(similarity, min_cooccurrence=2))
    assert len(counted) == 2 * first


def test_walks_of_one_alpha_share_one_count(interactions: Interactions, counted: list[int]) -> None:
    trainer = Trainer(interactions, keep_bytes=ENOUGH)
    trainer.train(TrainConfig(P3Alpha(0.5)))
    first = len(counted)
    for beta in (0.1, 0.9):
        trainer.train(TrainConfig(RP3Beta(0.5, True, beta=beta)))
    assert len(counted) == first
    trainer.train(TrainConfig(P3Alpha(0.6)))
    assert len(counted) == 2 * first


def test_nothing_is_kept_unless_asked(interactions: Interactions, counted: list[int]) -> None:
    trainer = Trainer(interactions)
    trainer.train(TrainConfig())
    first = len(counted)
    trainer.train(TrainConfig(shrinkage=1))
    assert len(counted) == 2 * first


def test_counts_of_older_weightings_make_room(interactions: Interactions) -> None:
    trainer = Trainer(interactions, keep_bytes=50_000)
    for k1 in np.linspace(0.5, 2, 30):
        trainer.train(TrainConfig(weighting=BM25(k1=float(k1))))
        assert trainer._used_bytes() <= 50_000
    assert 1 <= len(trainer._counts) < 30


def test_blocks_are_kept_until_the_bytes_are_used(interactions: Interactions) -> None:
    matrix = TfIdf(smooth=True).apply(interactions)
    kept = KeptBytes(4000)
    products = Counts(matrix, kept, max_block_entries=60).products
    again = [products.rows(*block) is products.rows(*block) for block in products.blocks]
    assert again[0] and not again[-1]
    assert 0 < kept.used <= 4000

"""mlcore.similarity.memory: the shape of X, and what decides which estimate is the larger."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.similarity import GramBlocks, NeighborSettings, Slim
from mlcore.similarity.memory import shape_of
from tests import oracles


def test_the_shape_says_what_dense_counts_say() -> None:
    rng = np.random.default_rng(5)
    x = (rng.random((40, 9)) < 0.3).astype(np.float32)
    shape = shape_of(GramBlocks(oracles.sparse(x)))
    reach = [sum(x[user].sum() - 1 for user in range(40) if x[user, item]) for item in range(9)]
    assert shape.reach.tolist() == reach and shape.is_binary
    assert shape.num_pairs(3) == sum(min(3, 8, n) for n in reach)
    assert shape.num_pairs(None) == sum(min(8, n) for n in reach)
    assert (shape.row_entries >= (x.T @ x > 0).sum(axis=1)).all()


def test_slim_estimates_the_entries_of_a_catalogue_from_a_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    matrix = oracles.sparse((rng.random((100, 600)) < 0.03).astype(np.float64))
    entries = int((oracles.products(matrix.to_scipy().toarray()) > 0).sum())

    def planned() -> int:
        allocations = Slim().allocations(GramBlocks(matrix), NeighborSettings(10), 1)
        return next(size for name, size, _ in allocations if name == "products of all pairs")

    monkeypatch.setattr("mlcore.similarity.slim.SAMPLED_ROWS", 600)
    assert planned() == 16 * entries
    monkeypatch.setattr("mlcore.similarity.slim.SAMPLED_ROWS", 60)
    assert 0.8 < planned() / (16 * entries) < 1.25

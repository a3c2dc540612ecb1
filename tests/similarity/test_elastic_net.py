"""mlcore.similarity.elastic_net: each problem of a batch is solved as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize

import mlcore.similarity.elastic_net
from mlcore.similarity.elastic_net import Problems, descend
from mlcore.types import Float64Array


def problem(seed: int, size: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return G, (M, M), the correlations with a target, and weights to start from, (M,) each."""
    rng = np.random.default_rng(seed)
    x = (rng.random((40, size + 1)) < 0.4) * rng.lognormal(0, 0.5, (40, size + 1))
    gram = x.T @ x
    return gram[1:, 1:], gram[1:, 0], rng.random(size) * (rng.random(size) < 0.5)


def batch_of(
    problems: list[tuple[Float64Array, Float64Array, Float64Array]], limits: list[int]
) -> Problems:
    size = max(len(correlations) for _, correlations, _ in problems)
    grams = np.zeros((size, size, len(problems)))
    rows, starts = np.zeros((size, len(problems))), np.zeros((size, len(problems)))
    for place, (gram, correlations, start) in enumerate(problems):
        grams[: len(gram), : len(gram), place] = gram
        rows[: len(gram), place] = correlations
        starts[: len(gram), place] = start
    tolerances = 1e-10 * rows.max(axis=0)
    return Problems(grams, rows, starts, tolerances, np.array(limits))


# Two of them are not given the sweeps they need, and one has a single source.
PROBLEMS = [problem(seed, size) for seed, size in enumerate((9, 3, 17, 1, 17, 12, 30))]
LIMITS = [100, 100, 100, 100, 2, 100, 1]


@pytest.mark.parametrize("sources_per_sweep", [0, 2, 16])
def test_who_shares_a_batch_changes_no_bit(
    sources_per_sweep: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlcore.similarity.elastic_net, "SOURCES_PER_SWEEP", sources_per_sweep)
    together = descend(batch_of(PROBLEMS, LIMITS), 0.7, 0.4)
    assert together.converged.tolist() == [True, True, True, True, False, True, False]
    assert len(set(together.sweeps.tolist())) > 4
    for place, (one, limit) in enumerate(zip(PROBLEMS, LIMITS)):
        alone = descend(batch_of([one], [limit]), 0.7, 0.4)
        size = len(one[0])
        assert alone.weights[:, 0].tobytes() == together.weights[:size, place].tobytes()
        assert not together.weights[size:, place].any()
        assert alone.sweeps[0] == together.sweeps[place]
        assert alone.converged[0] == together.converged[place]


@pytest.mark.parametrize("sources_per_sweep", [0, 16])
def test_each_is_solved_wherever_it_starts(
    sources_per_sweep: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlcore.similarity.elastic_net, "SOURCES_PER_SWEEP", sources_per_sweep)
    found = descend(batch_of(PROBLEMS, [10_000] * len(PROBLEMS)), 0.7, 0.4)
    assert found.converged.all()
    for place, (gram, correlations, _) in enumerate(PROBLEMS):
        root = scipy.linalg.cholesky(gram + 0.4 * np.eye(len(gram)))
        right = scipy.linalg.solve_triangular(root, correlations - 0.7, trans=1)
        expected, _ = scipy.optimize.nnls(root, right)
        assert np.allclose(found.weights[: len(gram), place], expected, rtol=1e-6, atol=1e-8)


def test_leaps_save_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    for sources_per_sweep in (0, 16):
        monkeypatch.setattr(mlcore.similarity.elastic_net, "SOURCES_PER_SWEEP", sources_per_sweep)
        taken.append(descend(batch_of(PROBLEMS, [10_000] * len(PROBLEMS)), 0.7, 0.4).sweeps.max())
    assert taken[1] < 15 < taken[0]

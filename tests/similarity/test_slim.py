"""mlcore.similarity.slim: the weights are the minimum, by any solver, threads, batches and blocks."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
import scipy.optimize

import mlcore.similarity.elastic_net
import mlcore.similarity.slim
from mlcore import ConfigError, Interactions, TrainConfig, train_from_data
from mlcore.errors import DataWarning
from mlcore.progress import no_progress
from mlcore.similarity import GramBlocks, Neighborhood, NeighborSettings, Slim
from mlcore.similarity.elastic_net import Problems, Solutions, descend
from tests import oracles

NEIGHBORHOODS: list[Neighborhood] = ["target", "source"]
PENALTIES = [(0.0, 3.0), (0.5, 2.0), (1.0, 0.0), (2.5, 40.0)]


def random_x(seed: int, weighted: bool, num_users: int = 60, num_items: int = 20) -> oracles.Dense:
    """Popular and rare items and one without users; fewer items than users, so G has an inverse."""
    rng = np.random.default_rng(seed)
    x = (rng.random((num_users, num_items)) < np.linspace(0.7, 0.1, num_items)).astype(np.float64)
    if weighted:
        x *= rng.lognormal(0, 1, x.shape)
    x[:, -1] = 0
    return x[x.any(axis=1)].astype(np.float32).astype(np.float64)


def find(x: oracles.Dense, similarity: Slim, **settings: Any) -> npt.NDArray[Any]:
    settings.setdefault("num_neighbors", None)
    config = oracles.plain(similarity, **settings)
    found = train_from_data(oracles.interactions_of(x), config).similarity
    assert (found.data > 0).all()
    return oracles.dense(found)


def least_squares(x: oracles.Dense, l1: float, l2: float) -> oracles.Dense:
    """Return the minimum by the algorithm of Lawson and Hanson.

    With R'R = X'X + l2 I, 1/2 |Rw - b|^2 for b = R'^-1 (X'x_j - l1) has the same minimum.
    """
    num_items = x.shape[1]
    w = np.zeros((num_items, num_items))
    for target in range(num_items):
        others = np.flatnonzero((np.arange(num_items) != target) & x.any(axis=0))
        if not len(others):
            continue
        gram = x[:, others].T @ x[:, others] + l2 * np.eye(len(others))
        root = scipy.linalg.cholesky(gram)
        right = scipy.linalg.solve_triangular(root, x[:, others].T @ x[:, target] - l1, trans=1)
        w[others, target] = scipy.optimize.nnls(root, right)[0]
    return w


def violation(x: oracles.Dense, w: oracles.Dense, l1: float, l2: float) -> float:
    """Return how far from a minimum, relative to the largest G_ij of each target.

    In a minimum the derivative, (Gw - G_j + l2 w + l1)_i, is 0 where w_i > 0, and else not negative.
    """
    gram = oracles.products(x)
    slope = gram @ w - gram + l2 * w + l1  # (I, I)
    away = np.where(w > 0, np.abs(slope), np.maximum(-slope, 0))
    np.fill_diagonal(away, 0)
    np.fill_diagonal(gram, 0)
    scale = gram.max(axis=0)
    return float((away / np.where(scale > 0, scale, 1)).max())


def test_three_items_are_what_the_hand_computes() -> None:
    # u0 {a, c}, u1 {a, b, c}, u2 {b}, u3 {b}; l1 = 0.5, l2 = 1. G_aa = 2, G_bb = 3, G_cc = 2,
    # G_ab = 1, G_ac = 2, G_bc = 1.
    # Target c, of a and b: [[3, 1], [1, 4]] w = (2 - 0.5, 1 - 0.5) = (5.5, 0) / 11: a 0.5, b 0.
    # Target a is the same with c for a. Target b, of a and c: [[3, 2], [2, 3]] w = (0.5, 0.5):
    # both 0.1.
    x = np.array([[1.0, 0, 1], [1, 1, 1], [0, 1, 0], [0, 1, 0]])
    expected = np.array([[0, 0.1, 0.5], [0, 0, 0], [0.5, 0.1, 0]])
    assert np.allclose(find(x, Slim(l1=0.5, l2=1.0)), expected, rtol=1e-6, atol=0)
    # With l2 = 0 the second row for c would be w_b = (2 * 0.5 - 1 * 1.5) / 5 = -0.1; so b is 0, and
    # w_a = 1.5 / 2.
    assert np.allclose(find(x, Slim(l1=0.5, l2=0.0))[:, 2], [0.75, 0, 0], rtol=1e-6, atol=0)


def test_two_weighted_items_are_what_the_hand_computes() -> None:
    # a = (2, 1, 0), b = (1, 0, 1): G = [[5, 2], [2, 2]], l1 = 0.5, l2 = 1:
    # w(a, b) = (2 - 0.5) / (5 + 1) and w(b, a) = (2 - 0.5) / (2 + 1).
    x = np.array([[2.0, 1], [1, 0], [0, 1]])
    expected = np.array([[0, 0.25], [0.5, 0]])
    assert np.allclose(find(x, Slim(l1=0.5, l2=1.0)), expected, rtol=1e-7, atol=0)


@pytest.mark.parametrize("first_sources", [2, 32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("l1", "l2"), PENALTIES)
def test_weights_equal_those_of_lawson_and_hanson(
    l1: float, l2: float, weighted: bool, first_sources: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlcore.similarity.slim, "FIRST_SOURCES", first_sources)
    x = random_x(1, weighted)
    w = least_squares(x, l1, l2)
    w[w < 1e-12] = 0
    assert violation(x, w, l1, l2) < 1e-9
    assert 0.2 < (w > 0).mean() < 0.9 and (w > 0).sum(axis=0).max() > 4
    found = find(x, Slim(l1, l2))
    assert ((found > 0) == (w > 0)).all()
    assert np.allclose(found, w, rtol=1e-6, atol=1e-9)


@pytest.mark.sklearn
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("l1", "l2"), [(0.5, 2.0), (2.5, 40.0), (1.0, 0.0)])
def test_weights_equal_the_elastic_net_of_scikit_learn(
    l1: float, l2: float, weighted: bool
) -> None:
    from sklearn.linear_model import ElasticNet

    x = random_x(2, weighted)
    net = ElasticNet(
        alpha=(l1 + l2) / len(x),
        l1_ratio=l1 / (l1 + l2),
        positive=True,
        fit_intercept=False,
        tol=1e-14,
        max_iter=100_000,
    )
    w = np.zeros((x.shape[1], x.shape[1]))
    for target in range(x.shape[1] - 1):  # the last item has no users
        others = np.delete(np.arange(x.shape[1]), target)
        w[others, target] = net.fit(x[:, others], x[:, target]).coef_
    assert np.allclose(find(x, Slim(l1, l2)), w, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("k", [1, 3, 50])
def test_the_largest_weights_are_kept(k: int, neighborhood: Neighborhood) -> None:
    x = random_x(3, weighted=True)
    w = least_squares(x, 0.5, 2.0)
    w[w < 1e-12] = 0
    expected = oracles.neighbors(w, np.ones_like(w), k, neighborhood)
    found = find(x, Slim(0.5, 2.0), num_neighbors=k, neighborhood=neighborhood)
    assert ((found > 0) == (expected > 0)).all()
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("l1", "l2"), [(1.0, 10.0), (0.1, 0.5)])
def test_no_source_of_a_larger_catalogue_is_left_out_that_the_minimum_has(
    l1: float, l2: float
) -> None:
    # 150 candidates for each target, of which 32 begin.
    rng = np.random.default_rng(4)
    tastes = rng.random((400, 6)) < 0.3  # users who like the same also take the same
    kinds = rng.random((6, 150)) < 0.3
    x = (rng.random((400, 150)) < np.clip(tastes @ kinds * 0.15 + 0.03, 0, 1)).astype(np.float64)
    x[:, 0] = 1
    w = find(x, Slim(l1, l2)).astype(np.float64)
    assert (w > 0).sum(axis=0).max() > 40
    # float32 rounds w by 6e-8; sum_k G_ik w_k is about as large as the largest G_ij
    assert violation(x, w, l1, l2) < 5e-7


@pytest.mark.parametrize("weighted", [False, True])
def test_threads_batches_and_blocks_change_no_bit(
    weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_items = oracles.sparse(random_x(5, weighted, 60, 36).astype(np.float32))
    monkeypatch.setattr(mlcore.similarity.slim, "FIRST_SOURCES", 4)
    for neighborhood in NEIGHBORHOODS:
        settings = NeighborSettings(9, neighborhood)
        results = set()
        for targets, entries, block in ((1, 1, 1), (7, 300, 90), (512, 2**20, 2**20)):
            monkeypatch.setattr(mlcore.similarity.slim, "TARGETS", targets)
            monkeypatch.setattr(mlcore.similarity.slim, "BATCH_ENTRIES", entries)
            for threads in (1, 3):
                counts = GramBlocks(user_items, max_block_entries=block)
                found = Slim(0.3, 1.0).neighbors(counts, settings, threads, no_progress)
                results.add((found.indptr.tobytes(), found.indices.tobytes(), found.data.tobytes()))
        assert len(results) == 1


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize(
    "x",
    [
        pytest.param(np.ones((1, 1)), id="one user, one item"),
        pytest.param(np.ones((5, 1)), id="one item"),
        pytest.param(np.ones((1, 5)), id="one user"),
        pytest.param(np.eye(5), id="no pair at all"),
        pytest.param(np.kron(np.eye(3), np.array([[1, 2], [3, 1.0]])), id="disconnected"),
        pytest.param(np.vstack([np.ones(5), np.eye(5)]), id="a user with all items"),
        pytest.param(np.array([[0, 1, 0, 1, 0], [0, 1, 0, 0, 0.0]]), id="items without users"),
        pytest.param(np.array([[0, 1, 1, 1, 1], [0, 1, 1, 0, 0.0]]), id="identical columns"),
    ],
)
def test_degenerate_data_give_the_minimum(x: oracles.Dense, neighborhood: Neighborhood) -> None:
    w = least_squares(x, 0.25, 2.0)
    found = find(x, Slim(0.25, 2.0), neighborhood=neighborhood)
    assert np.allclose(found, w, rtol=1e-6, atol=1e-9)
    assert not found[oracles.products(x) == 0].any(), "exactly 0, not almost"


def test_identical_columns_without_l2_give_one_of_their_minima() -> None:
    # Of the items a, a', a'' that the same 4 users have, one alone explains each other fully:
    # (4 - l1) / 4. Any shares with that sum are a minimum.
    x = np.ones((4, 3))
    w = find(x, Slim(l1=1.0, l2=0.0)).astype(np.float64)
    assert np.allclose(w.sum(axis=0), 0.75, rtol=1e-6)
    assert violation(x, w, 1.0, 0.0) < 1e-6


def alike_columns(num_items: int) -> oracles.Dense:
    rng = np.random.default_rng(6)
    common = rng.lognormal(0, 1, (80, 1))
    return common * (1 + 0.02 * rng.random((80, num_items)))


def test_sources_that_are_much_alike_take_few_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    x = alike_columns(12).astype(np.float32).astype(np.float64)
    similarity = Slim(l1=1e-3, l2=1e-3, max_iterations=100)
    w = least_squares(x, 1e-3, 1e-3)
    found = find(x, similarity)
    assert np.allclose(found, w, rtol=1e-3, atol=1e-6)
    assert violation(x, found.astype(np.float64), 1e-3, 1e-3) < 1e-6
    # Coordinate descent alone, without leaps, does not get there.
    monkeypatch.setattr(mlcore.similarity.elastic_net, "SOURCES_PER_SWEEP", 0)
    with pytest.warns(DataWarning):
        find(x, similarity)


def test_items_that_do_not_converge_are_counted_in_a_warning() -> None:
    x = random_x(7, weighted=True)
    with pytest.warns(DataWarning) as caught:
        early = find(x, Slim(0.5, 2.0, max_iterations=1))
    (warning,) = caught
    assert str(warning.message) == (
        "similarity slim: 19 of 20 items did not converge in max_iterations = 1 sweeps: "
        "raise it, or l2, or tolerance"
    )
    assert (early >= 0).all() and not np.allclose(early, find(x, Slim(0.5, 2.0)), atol=1e-3)


def test_max_iterations_bounds_the_sweeps_of_all_rounds_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds: list[tuple[int, int]] = []

    def watched(problems: Problems, l1: float, l2: float) -> Solutions:
        solutions = descend(problems, l1, l2)
        rounds.append((int(problems.limits[0]), int(solutions.sweeps[0])))
        return solutions

    monkeypatch.setattr(mlcore.similarity.slim, "descend", watched)
    monkeypatch.setattr(mlcore.similarity.slim, "TARGETS", 1)
    monkeypatch.setattr(mlcore.similarity.slim, "FIRST_SOURCES", 2)
    counts = GramBlocks(oracles.sparse(random_x(7, True)[:, :6].astype(np.float32)))
    Slim(0.5, 2.0, max_iterations=400).neighbors(counts, NeighborSettings(), 1, no_progress)
    assert len(rounds) > 6
    for (limit, sweeps), (next_limit, _) in zip(rounds, rounds[1:]):
        assert next_limit in (limit - sweeps, 400)
    assert sum(limit == 400 for limit, _ in rounds) == 6


def test_a_coarse_tolerance_stops_earlier() -> None:
    x = random_x(8, weighted=True)
    exact = find(x, Slim(0.5, 2.0))
    coarse = find(x, Slim(0.5, 2.0, tolerance=0.05))
    assert 1e-5 < np.abs(coarse - exact).max() < 0.2
    assert np.allclose(find(x, Slim(0.5, 2.0, tolerance=1e-12)), exact, rtol=1e-6, atol=1e-9)


def test_l1_makes_weights_fewer_and_a_large_one_leaves_none() -> None:
    x = random_x(9, weighted=False)
    counts = [np.count_nonzero(find(x, Slim(l1, 2.0))) for l1 in (0.0, 1.0, 5.0, 20.0, 1e9)]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) == 5
    assert counts[-1] == 0


def test_no_similarity_warns_of_arithmetic() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for scale in (1e-15, 1.0, 1e15):
            find(np.ones((3, 4)) * scale, Slim(0.0, 0.0))
            find(random_x(10, True) * scale, Slim(0.0, 0.0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"l1": -1}, "l1: expected a finite number >= 0, got -1"),
        ({"l2": -1}, "l2: expected a finite number >= 0, got -1"),
        ({"tolerance": 0}, "tolerance: expected a finite number above 0, got 0"),
        ({"max_iterations": 0}, "max_iterations: expected an integer >= 1, got 0"),
    ],
)
def test_parameters_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Slim(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shrinkage": 1.0}, "shrinkage: expected 0, as slim does not use it, got 1"),
        ({"min_cooccurrence": 2}, "min_cooccurrence: expected 1, as slim does not use it, got 2"),
    ],
)
def test_settings_that_would_change_nothing_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainConfig(Slim(), **settings)


def test_pairs_whose_position_in_the_square_is_beyond_int32_are_found() -> None:
    # 49,998 x 50,000 + 49,999 is above 2^31, so row numbers must be int64 on every platform.
    last = [f"{item:05}" for item in (49_998, 49_999)]
    catalogue = (f"{item:05}" for item in range(50_000))
    pairs = Interactions.from_columns("uuvv", last * 2).with_catalogue(catalogue)
    assert pairs.user_items.row_of_entry().dtype == np.int64
    model = train_from_data(pairs, TrainConfig(Slim()))
    assert model.similarity.indices.tolist() == [49_999, 49_998]

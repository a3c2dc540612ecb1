"""mlcore.similarity.ease: the inverse is right, its best entries are cut, and bad input is an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import mlcore.similarity.ease
from mlcore import ConfigError, DataError, TrainConfig, train_from_data
from mlcore.progress import no_progress
from mlcore.similarity import Ease, GramBlocks, Neighborhood, NeighborSettings
from tests import oracles

NEIGHBORHOODS = ["target", "source"]


def random_x(seed: int, weighted: bool, num_users: int = 30, num_items: int = 14) -> oracles.Dense:
    """Popular and rare items and one without users."""
    rng = np.random.default_rng(seed)
    x = (rng.random((num_users, num_items)) < np.linspace(0.7, 0.1, num_items)).astype(np.float64)
    if weighted:
        x *= rng.lognormal(0, 1, x.shape)
    x[:, -1] = 0
    return x[x.any(axis=1)].astype(np.float32).astype(np.float64)


def find(x: oracles.Dense, l2: float, **settings: Any) -> npt.NDArray[Any]:
    settings.setdefault("num_neighbors", None)
    config = TrainConfig(Ease(l2), **settings)
    return oracles.dense(train_from_data(oracles.interactions_of(x), config).similarity)


def closed_form(x: oracles.Dense, l2: float) -> oracles.Dense:
    inverse = np.linalg.inv(x.T @ x + l2 * np.eye(x.shape[1]))
    w: oracles.Dense = -inverse / np.diag(inverse)
    np.fill_diagonal(w, 0)
    return w


def ridge(x: oracles.Dense, l2: float) -> oracles.Dense:
    """Return what the closed form must be: of each item a ridge regression on all others."""
    num_items = x.shape[1]
    w = np.zeros((num_items, num_items))
    for target in range(num_items):
        others = np.delete(np.arange(num_items), target)
        gram = x[:, others].T @ x[:, others] + l2 * np.eye(num_items - 1)
        w[others, target] = np.linalg.solve(gram, x[:, others].T @ x[:, target])
    return w


def test_two_weighted_items_are_what_the_hand_computes() -> None:
    # a = (2, 1, 0), b = (1, 0, 1): G = [[5, 2], [2, 2]]; with l2 = 1 A = [[6, 2], [2, 3]].
    # det A = 14 and P = [[3, -2], [-2, 6]] / 14, so w(a, b) = -P_ab / P_bb = 2/6 and
    # w(b, a) = 2/3. Who adds the number of users, 2 and 2, to the diagonal gets neither.
    x = np.array([[2.0, 1], [1, 0], [0, 1]])
    expected = np.array([[0, 2 / 6], [2 / 3, 0]])
    assert np.allclose(find(x, l2=1.0), expected, rtol=1e-7, atol=0)


def test_three_items_are_what_the_hand_computes_one_weight_negative() -> None:
    # u0 {a, c}, u1 {a, c}, u2 {b, c}, u3 {b}, and l2 = 1: for each target the regression on the
    # two others. Target a: [[2 + 1, 1], [1, 3 + 1]] w = (G_ba, G_ca) = (0, 2): w = (-2, 6) / 11.
    # Target b, of a and c: [[3, 2], [2, 4]] w = (0, 1): w = (-2, 3) / 8.
    # Target c, of a and b: [[3, 0], [0, 3]] w = (2, 1): w = (2, 1) / 3.
    x = np.array([[1.0, 0, 1], [1, 0, 1], [0, 1, 1], [0, 1, 0]])
    expected = np.array([[0, -2 / 8, 2 / 3], [-2 / 11, 0, 1 / 3], [6 / 11, 3 / 8, 0]])
    assert np.allclose(find(x, l2=1.0), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l2", [0.5, 20, 500])
def test_weights_equal_the_closed_form_and_the_regressions(
    l2: float, weighted: bool, neighborhood: str
) -> None:
    x = random_x(1, weighted)
    w = closed_form(x, l2)
    assert np.allclose(w, ridge(x, l2), rtol=1e-9, atol=1e-13)
    assert (w < -1e-3).any() or l2 == 500
    found = find(x, l2, neighborhood=neighborhood)
    assert np.allclose(found, w, rtol=1e-6, atol=1e-8)
    # w is not symmetric, so sources are not taken for targets
    assert not np.allclose(found, w.T, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("k", [1, 3, 9, 50])
def test_the_largest_weights_are_kept_negative_ones_last(k: int, neighborhood: str) -> None:
    x = random_x(2, weighted=True)
    w = closed_form(x, 5.0)
    expected = oracles.neighbors(w, np.ones_like(w), k, neighborhood)
    found = find(x, 5.0, num_neighbors=k, neighborhood=neighborhood)
    assert ((found != 0) == (expected != 0)).all()
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-8)
    assert (found < 0).any() == (k >= 9)


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize(
    "x",
    [
        pytest.param(np.ones((1, 1)), id="one user, one item"),
        pytest.param(np.ones((5, 1)), id="one item"),
        pytest.param(np.ones((1, 5)), id="one user"),
        pytest.param(np.ones((4, 5)), id="identical columns"),
        pytest.param(np.eye(5), id="no pair at all"),
        pytest.param(np.kron(np.eye(3), np.array([[1, 2], [3, 1.0]])), id="disconnected"),
        pytest.param(np.vstack([np.ones(5), np.eye(5)]), id="a user with all items"),
        pytest.param(np.array([[0, 1, 0, 1, 0], [0, 1, 0, 0, 0.0]]), id="items without users"),
    ],
)
def test_degenerate_data_give_what_the_formula_gives(x: oracles.Dense, neighborhood: str) -> None:
    w = closed_form(x, 2.0)
    for k in (1, None):
        found = find(x, 2.0, num_neighbors=k, neighborhood=neighborhood)
        expected = w if k is None else oracles.neighbors(w, w != 0, k, neighborhood)
        connected = oracles.products(x) > 0
        assert not found[~connected].any(), "exactly 0, not almost"
        # Which of equal weights is kept depends on how they round.
        axis = 0 if neighborhood == "target" else 1
        assert np.allclose(np.sort(found, axis), np.sort(expected, axis), rtol=1e-6, atol=0)


def test_threads_and_the_size_of_blocks_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    user_items = oracles.sparse(random_x(3, True, 60, 40).astype(np.float32))
    neighborhoods: list[Neighborhood] = ["target", "source"]
    for neighborhood in neighborhoods:
        settings = NeighborSettings(7, neighborhood)
        results = set()
        for size in (1, 90, 10**6):
            monkeypatch.setattr(mlcore.similarity.ease, "BLOCK_ENTRIES", size)
            for threads in (1, 3):
                counts = GramBlocks(user_items, max_block_entries=size)
                found = Ease(3.0).neighbors(counts, settings, threads, no_progress)
                results.add((found.indptr.tobytes(), found.indices.tobytes(), found.data.tobytes()))
        assert len(results) == 1


def test_an_l2_that_leaves_too_few_right_digits_is_refused() -> None:
    x = np.ones((4, 3))  # X'X has the eigenvalues 12, 0, 0
    assert np.allclose(find(x, l2=1e-9), closed_form(x, 1e-9), rtol=1e-5)
    for l2 in (1e-12, 1e-15, 1e-300):
        with pytest.raises(DataError) as caught:
            find(x, l2=l2)
        assert str(caught.value) == (
            f"similarity ease: l2: expected one that lets X'X + l2 I be inverted, got {l2}"
        )
        assert caught.value.hint == (
            "raise it, --set similarity.l2=X, or divide the weights by a common factor"
        )


def test_weights_far_above_l2_are_refused_and_work_when_divided() -> None:
    x = np.array([[2e12, 1e12, 0], [1e12, 0, 0], [0, 1e12, 1e12], [1e12, 1e12, 1e12]])
    assert find(x, l2=1.0).any()  # large, but the columns do not depend on each other
    x = x[:, [0, 0, 1]]
    with pytest.raises(DataError, match="l2: expected one that lets"):
        find(x, l2=1.0)
    assert np.allclose(find(x / 1e12, l2=1.0), closed_form(x / 1e12, 1.0), rtol=1e-6)


@pytest.mark.parametrize("l2", [0, -1, float("inf"), float("nan")])
def test_l2_is_above_0(l2: float) -> None:
    with pytest.raises(ConfigError, match="l2: expected a finite number above 0"):
        Ease(l2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shrinkage": 1.0}, "shrinkage: expected 0, as ease does not use it, got 1"),
        ({"min_cooccurrence": 2}, "min_cooccurrence: expected 1, as ease does not use it, got 2"),
    ],
)
def test_settings_that_would_change_nothing_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainConfig(Ease(), **settings)

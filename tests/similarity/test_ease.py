"""mlcore.similarity.ease: the inverse is right, its best entries are cut, and bad input is an error."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.linalg import lapack

import mlcore.similarity.ease
from mlcore import ConfigError, DataError, TrainConfig, train_from_data
from mlcore.heavy_users import DownWeight
from mlcore.progress import no_progress
from mlcore.similarity import Ease, GramBlocks, Neighborhood, NeighborSettings
from tests import oracles

NEIGHBORHOODS: list[Neighborhood] = ["target", "source"]


def random_x(seed: int, weighted: bool, num_users: int = 30, num_items: int = 14) -> oracles.Dense:
    """Popular and rare items and one without users."""
    rng = np.random.default_rng(seed)
    x = (rng.random((num_users, num_items)) < np.linspace(0.7, 0.1, num_items)).astype(np.float64)
    if weighted:
        x *= rng.lognormal(0, 1, x.shape)
    x[:, -1] = 0
    return x[x.any(axis=1)].astype(np.float32).astype(np.float64)


def find(
    x: oracles.Dense,
    l2: float,
    num_neighbors: int | None = None,
    neighborhood: Neighborhood = "target",
    **parameters: float,
) -> npt.NDArray[Any]:
    settings = {"num_neighbors": num_neighbors, "neighborhood": neighborhood}
    config = oracles.plain(Ease(l2, **parameters), **settings)
    return oracles.dense(train_from_data(oracles.interactions_of(x), config).similarity)


def closed_form(x: oracles.Dense, l2: float) -> oracles.Dense:
    inverse = np.linalg.inv(x.T @ x + l2 * np.eye(x.shape[1]))
    w: oracles.Dense = -inverse / np.diag(inverse)
    np.fill_diagonal(w, 0)
    return w


def ridge(x: oracles.Dense, l2: float, y: oracles.Dense | None = None) -> oracles.Dense:
    """Return what the closed form must be: of each item, in y, a ridge regression on all others."""
    y = x if y is None else y
    num_items = x.shape[1]
    w = np.zeros((num_items, num_items))
    for target in range(num_items):
        others = np.delete(np.arange(num_items), target)
        gram = x[:, others].T @ x[:, others] + l2 * np.eye(num_items - 1)
        w[others, target] = np.linalg.solve(gram, x[:, others].T @ y[:, target])
    return w


def ridge_on_what_is_left(x: oracles.Dense, l2: float, dropout: float) -> oracles.Dense:
    """Return the ridge regressions on all ways to drop entries of a user, each by its chance."""
    ways = np.array(list(itertools.product([0, 1], repeat=x.shape[1])))
    chances = np.where(ways, 1 - dropout, dropout).prod(axis=1)
    inputs = [np.sqrt(chance) * x * way / (1 - dropout) for way, chance in zip(ways, chances)]
    return ridge(np.concatenate(inputs), l2, np.concatenate([np.sqrt(c) * x for c in chances]))


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
    l2: float, weighted: bool, neighborhood: Neighborhood
) -> None:
    x = random_x(1, weighted)
    w = closed_form(x, l2)
    assert np.allclose(w, ridge(x, l2), rtol=1e-9, atol=1e-13)
    assert (w < -1e-3).any() or l2 == 500
    found = find(x, l2, neighborhood=neighborhood)
    assert np.allclose(found, w, rtol=1e-6, atol=1e-8)
    # w is not symmetric, so sources are not taken for targets
    assert not np.allclose(found, w.T, rtol=1e-3, atol=1e-8)


def test_without_parameters_of_its_own_a_weight_is_the_plain_quotient_bit_for_bit() -> None:
    x = np.sign(random_x(4, weighted=False))
    lower, _ = lapack.dpotri(lapack.dpotrf(x.T @ x + 20 * np.eye(14), lower=1)[0], lower=1)
    inverse = np.tril(lower) + np.tril(lower, -1).T
    expected = (-inverse / np.diag(inverse)).astype(np.float32)
    np.fill_diagonal(expected, 0)
    assert np.array_equal(find(x, 20), expected)


def test_a_popularity_exponent_of_1_is_what_the_hand_computes() -> None:
    # The three items of above, with n = (2, 2, 3): to c from a and b 2/3 as much, from c 3/2.
    x = np.array([[1.0, 0, 1], [1, 0, 1], [0, 1, 1], [0, 1, 0]])
    expected = np.array([[0, -2 / 8, 4 / 9], [-2 / 11, 0, 2 / 9], [9 / 11, 9 / 16, 0]])
    assert np.allclose(find(x, 1, popularity_exponent=1), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [None, 3])
def test_the_popularity_of_both_items_scales_a_weight_before_the_best_are_kept(
    k: int | None, weighted: bool, neighborhood: Neighborhood
) -> None:
    x = random_x(5, weighted)
    n = np.maximum(np.count_nonzero(x, axis=0), 1)  # the last item has no users
    w = closed_form(x, 20) * np.outer(n**0.4, n**-0.4)
    expected = w if k is None else oracles.neighbors(w, w != 0, k, neighborhood)
    found = find(x, 20, k, neighborhood, popularity_exponent=0.4)
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-8)
    plain = find(x, 20, k, neighborhood)
    assert not np.allclose(found, plain, rtol=1e-2)
    if k:
        assert ((found != 0) != (plain != 0)).any()


def test_a_dropout_of_a_half_is_what_the_hand_computes() -> None:
    # a = (2, 1, 0), b = (1, 0, 1): G = [[5, 2], [2, 2]]. With l2 = 1 and p / (1 - p) = 1
    # A = [[5 + 1 + 5, 2], [2, 2 + 1 + 2]], so w(a, b) = 2/11 and w(b, a) = 2/5.
    x = np.array([[2.0, 1], [1, 0], [0, 1]])
    expected = np.array([[0, 2 / 11], [2 / 5, 0]])
    assert np.allclose(find(x, 1, dropout=0.5), expected, rtol=1e-7, atol=0)


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dropout", [0.1, 0.8])
def test_dropout_is_the_regression_on_what_is_left_by_chance(
    dropout: float, weighted: bool, neighborhood: Neighborhood
) -> None:
    x = random_x(6, weighted, 12, 6)
    gram = x.T @ x
    inverse = np.linalg.inv(gram + np.diag(2 + dropout / (1 - dropout) * np.diag(gram)))
    w = -inverse / np.diag(inverse) * (1 - np.eye(6))
    assert np.allclose(w, ridge_on_what_is_left(x, 2, dropout), rtol=1e-9, atol=1e-13)
    found = find(x, 2, neighborhood=neighborhood, dropout=dropout)
    assert np.allclose(found, w, rtol=1e-6, atol=1e-8)
    assert not np.allclose(found, find(x, 2, neighborhood=neighborhood), rtol=1e-2)


@pytest.mark.parametrize("exponent", [0, 0.3, 1])
def test_dropout_and_popularity_are_those_of_a_matrix_divided_by_popularity(
    exponent: float,
) -> None:
    # Park et al.: P = (n^(e - 1) X'X n^-e + l2 I)^-1, of which l2 / (1 + l2) is the dropout.
    x = np.sign(random_x(7, weighted=False))[:, :-1]
    n, l2 = x.sum(axis=0), 0.25
    inverse = np.linalg.inv(
        np.outer(n ** (exponent - 1), n**-exponent) * (x.T @ x) + l2 * np.eye(13)
    )
    w = -inverse / np.diag(inverse) * (1 - np.eye(13))
    found = find(x, 1e-9, popularity_exponent=exponent, dropout=l2 / (1 + l2))
    assert np.allclose(found, w, rtol=1e-6, atol=1e-8)


def test_a_user_norm_exponent_of_1_is_what_the_hand_computes() -> None:
    # u0 {a, b}, u1 {a}: u0 counts half. G = [[3/2, 1/2], [1/2, 1/2]]; with l2 = 1 the diagonal is
    # 5/2 and 3/2, so w(a, b) = (1/2) / (5/2) = 1/5 and w(b, a) = (1/2) / (3/2) = 1/3.
    x = np.array([[1.0, 1], [1, 0]])
    expected = np.array([[0, 1 / 5], [1 / 3, 0]])
    assert np.allclose(find(x, 1, user_norm_exponent=1), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("weighted", [False, True])
def test_users_of_many_items_count_less_under_all_parameters_together(
    weighted: bool, neighborhood: Neighborhood
) -> None:
    x = random_x(8, weighted)
    n_u, n = np.count_nonzero(x, axis=1), np.maximum(np.count_nonzero(x, axis=0), 1)
    gram = (x.T * n_u**-0.7) @ x
    inverse = np.linalg.inv(gram + np.diag(2 + 0.2 / 0.8 * np.diag(gram)))
    w = -inverse / np.diag(inverse) * np.outer(n**0.3, n**-0.3) * (1 - np.eye(14))
    others = {"popularity_exponent": 0.3, "dropout": 0.2}
    found = find(x, 2, None, neighborhood, user_norm_exponent=0.7, **others)
    assert np.allclose(found, w, rtol=1e-5, atol=1e-7)
    assert not np.allclose(found, find(x, 2, None, neighborhood, **others), rtol=1e-2)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_user_norm_exponent_is_twice_the_power_of_heavy_users_bit_for_bit(weighted: bool) -> None:
    x = random_x(9, weighted)
    config = oracles.plain(Ease(2.0), num_neighbors=None, heavy_users=DownWeight(0.35))
    expected = train_from_data(oracles.interactions_of(x), config).similarity
    assert np.array_equal(find(x, 2, user_norm_exponent=0.7), oracles.dense(expected))


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("k", [1, 3, 9, 50])
def test_the_largest_weights_are_kept_negative_ones_last(
    k: int, neighborhood: Neighborhood
) -> None:
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
def test_degenerate_data_give_what_the_formula_gives(
    x: oracles.Dense, neighborhood: Neighborhood
) -> None:
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
    similarity = Ease(3.0, popularity_exponent=0.4, dropout=0.2, user_norm_exponent=0.5)
    for neighborhood in NEIGHBORHOODS:
        settings = NeighborSettings(7, neighborhood)
        results = set()
        for size in (1, 90, 10**6):
            monkeypatch.setattr(mlcore.similarity.ease, "BLOCK_ENTRIES", size)
            for threads in (1, 3):
                counts = GramBlocks(user_items, max_block_entries=size)
                found = similarity.neighbors(counts, settings, threads, no_progress)
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


@pytest.mark.parametrize("exponent", [-0.1, 1.1, float("nan")])
def test_the_popularity_exponent_is_from_0_to_1(exponent: float) -> None:
    rule = "popularity_exponent: expected a finite number >= 0 and <= 1"
    with pytest.raises(ConfigError, match=rule):
        Ease(popularity_exponent=exponent)


@pytest.mark.parametrize("exponent", [-0.1, float("inf")])
def test_the_user_norm_exponent_is_not_negative(exponent: float) -> None:
    with pytest.raises(ConfigError, match="user_norm_exponent: expected a finite number >= 0"):
        Ease(user_norm_exponent=exponent)


@pytest.mark.parametrize("dropout", [-0.1, 1, float("nan")])
def test_dropout_is_from_0_to_below_1(dropout: float) -> None:
    with pytest.raises(ConfigError, match="dropout: expected a finite number >= 0 and below 1"):
        Ease(dropout=dropout)


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

"""mlcore.similarity.graph: random walks by their published definition, cuts included."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mlcore import ConfigError, TrainConfig, train_from_data
from mlcore.similarity import P3Alpha, RP3Beta, Similarity
from mlcore.types import CsrMatrix
from tests import oracles


def walk(
    x: oracles.Dense,
    k: int | None,
    neighborhood: str,
    alpha: float,
    normalize: bool,
    beta: float = 0.0,
) -> oracles.Dense:
    """Return the kept w(i, j), (I, I), step by step as ``definitions`` of the tables has it."""
    x = x.astype(np.float32).astype(np.float64)
    to_item = np.where(x > 0, x / x.sum(axis=1, keepdims=True), 0)  # P_ui
    from_item = np.where(x > 0, x / np.maximum(x.sum(axis=0), 1e-300), 0).T  # P_iu
    powers = [np.where(p > 0, p**alpha, 0) for p in (from_item, to_item)]
    powers = [p.astype(np.float32).astype(np.float64) for p in powers]
    w: npt.NDArray[Any] = powers[0] @ powers[1] * np.maximum((x > 0).sum(axis=0), 1.0) ** -beta
    np.fill_diagonal(w, 0)
    w = cut(w, k)
    if normalize:
        sums = w.sum(axis=1, keepdims=True)
        w = np.divide(w, sums, out=np.zeros_like(w), where=sums > 0)
    kept: oracles.Dense = cut(w.T, k).T if neighborhood == "target" else w
    return kept


def cut(w: npt.NDArray[Any], k: int | None) -> npt.NDArray[Any]:
    """Keep the k largest of each row."""
    order = np.argsort(-w, axis=1, kind="stable")
    result = np.zeros_like(w)
    for row, best in enumerate(order[:, :k]):
        result[row, best] = w[row, best]
    return result


def random_x(seed: int, weighted: bool) -> oracles.Dense:
    rng = np.random.default_rng(seed)
    chances = np.linspace(0.7, 0.1, 12)
    x: npt.NDArray[Any] = (rng.random((25, 12)) < chances) * (
        rng.lognormal(0, 1, (25, 12)) if weighted else 1.0
    )
    x[:, -1] = 0  # has no users
    return x[x.any(axis=1)]


def find(x: oracles.Dense, similarity: Similarity, **settings: Any) -> npt.NDArray[Any]:
    config = oracles.plain(similarity, **settings)
    return oracles.dense(train_from_data(oracles.interactions_of(x), config).similarity)


@pytest.mark.parametrize("neighborhood", ["target", "source"])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("k", [1, 3, 8, None])
@pytest.mark.parametrize("alpha", [0.0, 0.5112, 1.0, 2.0])
def test_p3alpha_equals_its_definition(
    alpha: float, k: int | None, normalize: bool, neighborhood: str
) -> None:
    x = random_x(1, weighted=True)
    found = find(x, P3Alpha(alpha, normalize), num_neighbors=k, neighborhood=neighborhood)
    expected = walk(x, k, neighborhood, alpha, normalize)
    assert ((found != 0) == (expected != 0)).all()
    np.testing.assert_allclose(found, expected, rtol=2e-7)


@pytest.mark.parametrize("neighborhood", ["target", "source"])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.6, 1.0])
def test_rp3beta_equals_its_definition(beta: float, normalize: bool, neighborhood: str) -> None:
    x = random_x(2, weighted=True)
    similarity = RP3Beta(alpha=0.7, normalize=normalize, beta=beta)
    found = find(x, similarity, num_neighbors=3, neighborhood=neighborhood)
    expected = walk(x, 3, neighborhood, 0.7, normalize, beta)
    assert ((found != 0) == (expected != 0)).all()
    np.testing.assert_allclose(found, expected, rtol=2e-7)


def test_three_steps_worked_by_hand() -> None:
    # u has a, b; v has a, b, c. From a: to u or v by 1/2 each, from u to b by 1/2, from v to b or c
    # by 1/3. So a -> b: 1/4 + 1/6 = 5/12, a -> c: 1/6. From c: v only, then 1/3 each.
    x = np.array([[1.0, 1, 0], [1, 1, 1]])
    a_b, a_c, c_a = 5 / 12, 1 / 6, 1 / 3
    expected = np.array([[0, a_b, a_c], [a_b, 0, a_c], [c_a, c_a, 0]])
    np.testing.assert_allclose(find(x, P3Alpha()), expected, rtol=1e-7)
    # n = 2, 2, 1; beta 1 halves what leads to a and b
    np.testing.assert_allclose(find(x, RP3Beta(beta=1.0)), expected / [2, 2, 1], rtol=1e-7)
    # the best target of each source: b, a, a (the smaller); then scaled to 1; of target a the best
    # source is b (the smaller of b and c)
    kept = find(x, P3Alpha(normalize=True), num_neighbors=1)
    assert kept.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_both_cuts_matter_and_come_in_this_order() -> None:
    x = random_x(3, weighted=True)
    by_source = find(x, P3Alpha(), num_neighbors=2, neighborhood="source")
    by_target = find(x, P3Alpha(), num_neighbors=2)
    assert ((by_target != 0) <= (by_source != 0)).all()
    assert 0 < (by_target != 0).sum() < (by_source != 0).sum()


@pytest.mark.parametrize(
    "x",
    [
        np.ones((1, 1)),
        np.ones((4, 1)),
        np.ones((1, 4)),
        np.eye(4),
        np.ones((3, 4)),
        np.array([[0, 1, 0, 1], [0, 1, 0, 0.0]]),
    ],
)
@pytest.mark.parametrize("k", [1, None])
def test_degenerate_data_give_what_the_definition_gives(x: oracles.Dense, k: int | None) -> None:
    found = find(x, RP3Beta(alpha=0.5, normalize=True, beta=0.5), num_neighbors=k)
    np.testing.assert_allclose(found, walk(x, k, "target", 0.5, True, 0.5), rtol=2e-7)


@pytest.mark.parametrize("similarity", [P3Alpha(), RP3Beta()])
def test_shrinkage_that_a_walk_has_no_place_for_is_refused(similarity: Similarity) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(similarity, shrinkage=2.5)
    assert str(caught.value) == (
        f"shrinkage: expected 0, as {similarity.name} does not use it, got 2.5"
    )


def test_pairs_of_too_few_common_users_are_left_out() -> None:
    x = random_x(5, weighted=True)
    common = (x > 0).T.astype(float) @ (x > 0)
    every = find(x, RP3Beta(), num_neighbors=None)
    found = find(x, RP3Beta(), num_neighbors=None, min_cooccurrence=4)
    assert 0 < (found != 0).sum() < (every != 0).sum()
    assert (found == np.where(common >= 4, every, 0)).all()


@pytest.mark.parametrize("unit", [2.0**-60, 2.0**60, 1e30])
def test_weights_of_any_unit_give_the_same_walks(unit: float) -> None:
    x = random_x(6, weighted=True)
    config = oracles.plain(RP3Beta(alpha=3.0))
    found, expected = (
        oracles.dense(train_from_data(oracles.interactions_of(some), config).similarity)
        for some in (x * unit, x)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_sparse_and_canonical() -> None:
    found = train_from_data(
        oracles.interactions_of(random_x(4, weighted=False)),
        TrainConfig(P3Alpha(), num_neighbors=3),
    ).similarity
    assert isinstance(found, CsrMatrix)
    assert [found.indptr.dtype, found.indices.dtype, found.data.dtype] == [
        "int64",
        "int32",
        "float32",
    ]
    for row in range(found.num_rows):
        assert (np.diff(found.row(row)[0]) > 0).all() and row not in found.row(row)[0]

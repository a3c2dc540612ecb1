"""mlcore.weighting: the published formulas, rounded to float32 once, or a refusal that helps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlcore import DataError, Interactions
from mlcore.weighting import WEIGHTINGS, BM25, Binary, NoWeighting, TfIdf, Weighting
from tests import oracles

HINT = (
    'a user has all items or all but one: set "smooth": true, or cap such users with '
    "cli.preprocess --max-user-interactions"
)


def random_x(seed: int) -> oracles.Dense:
    rng = np.random.default_rng(seed)
    x: oracles.Dense = rng.lognormal(0, 2, (30, 12))
    x[rng.random((30, 12)) > rng.random((30, 1)) * 0.8] = 0
    x[:, 0] = 0  # nobody took it, and it counts all the same
    x[np.arange(30), rng.integers(1, 12, 30)] = 1.5
    few: oracles.Dense = x[(x > 0).sum(axis=1) < 11]
    return few


def entries(x: oracles.Dense) -> oracles.Dense:
    values: oracles.Dense = x[np.nonzero(x)]
    return values


def test_no_weighting_goes_without_a_case_in_this_file() -> None:
    assert sorted(WEIGHTINGS) == ["binary", "bm25", "none", "tf_idf"]


def test_tf_idf_gives_what_the_hand_computes() -> None:
    # 8 items. User 0 has 1 of them: ln(8 / 2) = 2 ln 2. User 1 has 3: ln(8 / 4) = ln 2.
    x = np.zeros((2, 8))
    x[0, 5] = 3.0
    x[1, [0, 1, 7]] = [1.0, 2.0, 0.5]
    ln2 = 0.6931471805599453
    found = TfIdf().weigh(oracles.interactions_of(x))
    assert found.tolist() == pytest.approx([6 * ln2, ln2, 2 * ln2, ln2 / 2], rel=1e-15)


def test_bm25_gives_what_the_hand_computes() -> None:
    # 4 items, each user has 1: ln(4 / 2) = ln 2. Sums of the items: 3, 1, 0, 0; their mean is 1.
    # k1 = 2, b = 1/2. Item 0: 2 (1/2 + 3/2) = 4; user 0: 1 * 3 / (1 + 4) = 3/5; user 1: 2 * 3 /
    # (2 + 4) = 1. Item 1: 2 (1/2 + 1/2) = 2; user 2: 1 * 3 / (1 + 2) = 1.
    x = np.array([[1, 0, 0, 0], [2, 0, 0, 0], [0, 1, 0, 0.0]])
    found = BM25(k1=2, b=0.5).weigh(oracles.interactions_of(x))
    assert found.tolist() == pytest.approx([0.6 * math.log(2), math.log(2), math.log(2)], rel=1e-15)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_weights_equal_the_dense_formula_in_float64_and_float32(
    name: str, smooth: bool, seed: int
) -> None:
    x = random_x(seed)
    weighting: Weighting
    if name == "tf_idf":
        weighting, expected = TfIdf(smooth), oracles.tf_idf(x, smooth)
    elif name == "bm25":
        weighting, expected = BM25(smooth), oracles.bm25(x, smooth=smooth)
    else:
        weighting, expected = WEIGHTINGS[name](), oracles.WEIGHTINGS[name](x)
    interactions = oracles.interactions_of(x)
    assert weighting.weigh(interactions) == pytest.approx(entries(expected), rel=1e-15, abs=0)
    applied = weighting.apply(interactions)
    assert applied.data.dtype == np.float32
    assert (oracles.dense(applied) == expected.astype(np.float32)).all()


@pytest.mark.parametrize("b", [0.0, 0.75, 1.0])
@pytest.mark.parametrize("k1", [0.0, 1.2, 100.0])
def test_bm25_equals_that_of_implicit(k1: float, b: float) -> None:
    x = random_x(4)
    expected = (
        oracles.implicit_bm25(x.T, k1, b).T if k1 else oracles.tf_idf((x > 0).astype(np.float64))
    )
    found = BM25(k1=k1, b=b).weigh(oracles.interactions_of(x))
    assert found == pytest.approx(entries(expected), rel=1e-13, abs=0)


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_row_order_changes_no_bit(name: str) -> None:
    rng = np.random.default_rng(8)
    users = [f"u{user}" for user in rng.integers(0, 40, 400)]
    items = [f"i{item}" for item in rng.integers(0, 20, 400)]
    weights = rng.lognormal(0, 3, 400)
    results = set()
    for order in (range(400), range(399, -1, -1), rng.permutation(400)):
        shuffled = Interactions.from_columns(
            [users[row] for row in order], [items[row] for row in order], weights[list(order)]
        )
        results.add(WEIGHTINGS[name]().apply(shuffled).data.tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("num_taken", [4, 5])
@pytest.mark.parametrize("name", ["tf_idf", "bm25"])
def test_a_user_with_all_items_or_all_but_one_is_refused_with_the_cure(
    name: str, num_taken: int
) -> None:
    x = np.zeros((2, 5))
    x[0, 0] = x[1, -num_taken:] = 1
    interactions = oracles.interactions_of(x)
    got = repr(float(WEIGHTINGS[name]().weigh(interactions)[1]))
    assert (got == "0.0") == (num_taken == 4) and got.startswith(("0.0", "-0."))
    with pytest.raises(DataError) as caught:
        WEIGHTINGS[name]().apply(interactions)
    assert str(caught.value) == (
        f"weighting {name}: user 'u001', item 'i{5 - num_taken:03}': "
        f"expected a weight above 0 that float32 holds, got {got}"
    )
    assert caught.value.hint == HINT


@pytest.mark.parametrize("weighting", [TfIdf(smooth=True), BM25(smooth=True)])
def test_smooth_accepts_a_user_with_all_items(weighting: Weighting) -> None:
    # ln(1 + 3 / 3) = ln 2; for bm25 all sums are 1, and 1 (k1 + 1) / (1 + k1) = 1.
    found = weighting.apply(oracles.interactions_of(np.ones((1, 3)))).data
    assert found.tolist() == [np.float32(math.log(2))] * 3


@pytest.mark.parametrize(
    ("weighting", "weight", "got"),
    [
        (NoWeighting(), 1e39, "1e+39"),
        (NoWeighting(), 1e-46, "1e-46"),
        (TfIdf(smooth=True), 1e39, repr(1e39 * math.log1p(2 / 2))),
        (TfIdf(smooth=True), 1e-46, repr(1e-46 * math.log1p(2 / 2))),
        # x (k1 + 1) is beyond float64, and nobody should read a warning of numpy's about it
        (BM25(smooth=True), 1.5e308, "inf"),
        (BM25(smooth=True, k1=1.7e308), 1e300, "nan"),
    ],
)
def test_a_weight_that_float32_does_not_hold_is_refused_by_name(
    weighting: Weighting, weight: float, got: str
) -> None:
    interactions = Interactions.from_columns(["u", "v", "v"], ["a", "a", "b"], [1, 1, weight])
    with pytest.raises(DataError) as caught:
        weighting.apply(interactions)
    assert str(caught.value) == (
        f"weighting {weighting.name}: user 'v', item 'b': "
        f"expected a weight above 0 that float32 holds, got {got}"
    )
    assert caught.value.hint is None, "the size of the weight is at fault, not the number of items"


def test_binary_takes_any_weight_for_1() -> None:
    interactions = Interactions.from_columns(["u", "u"], ["a", "b"], [1e300, 1e-300])
    assert Binary().apply(interactions).data.tolist() == [1, 1]


@pytest.mark.parametrize("weight", [2.0**-149, 1e-40, float(np.finfo(np.float32).max)])
def test_the_whole_range_of_float32_is_accepted(weight: float) -> None:
    interactions = Interactions.from_columns(["u"], ["a"], [weight])
    assert NoWeighting().apply(interactions).data.tolist() == [np.float32(weight)]

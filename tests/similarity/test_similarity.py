"""mlcore.similarity: every measure is its published formula, and nothing but the data changes it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import chi2_contingency

from mlcore import DataError, Interactions, TrainConfig, train_from_data
from mlcore.progress import no_progress
from mlcore.similarity import SIMILARITIES, GramBlocks, Neighborhood, NeighborSettings
from mlcore.similarity.formula import Pairs
from mlcore.similarity.pairs import PairSimilarity, best_pairs
from mlcore.types import CsrMatrix, Float64Array
from mlcore.weighting import WEIGHTINGS
from tests import oracles

NAMES = sorted(SIMILARITIES)
MEASURES = [name for name in NAMES if issubclass(SIMILARITIES[name], PairSimilarity)]
SYMMETRIC = sorted(set(MEASURES) - {"asymmetric_cosine", "conditional_probability", "tversky"})
# Formulas of + - * / and sqrt alone, which the oracles compute with the same rounding.
EXACT = ["conditional_probability", "cosine", "dice", "dot", "jaccard", "lift", "tversky"]
NEIGHBORHOODS: list[Neighborhood] = ["target", "source"]
OF_DIFFERING_WEIGHTS = {"adjusted_cosine"}


def measure(name: str, **parameters: Any) -> PairSimilarity:
    made = SIMILARITIES[name](**parameters)
    assert isinstance(made, PairSimilarity)
    return made


def settings_for(
    name: str,
    num_neighbors: int | None,
    neighborhood: Neighborhood,
    shrinkage: float = 0.0,
    min_cooccurrence: int = 1,
) -> NeighborSettings:
    """Return the settings, without those that the similarity refuses."""
    similarity = SIMILARITIES[name]
    return NeighborSettings(
        num_neighbors,
        neighborhood,
        shrinkage if similarity.uses_shrinkage else 0.0,
        min_cooccurrence if similarity.uses_min_cooccurrence else 1,
    )


def random_x(num_users: int, num_items: int, seed: int, weighted: bool) -> oracles.Dense:
    """Popular and rare items and one of nobody; no user has so many that tf_idf refuses them."""
    rng = np.random.default_rng(seed)
    taken = num_items - 1
    chances = 1 / np.arange(1, taken + 1)
    x = np.zeros((num_users, num_items))
    for row in x:
        count = int(rng.integers(1, taken))
        items = rng.choice(taken, count, replace=False, p=chances / chances.sum())
        row[items] = rng.lognormal(0, 2, count) if weighted else 1
    return x


def find(
    x: npt.NDArray[Any],
    name: str = "cosine",
    num_neighbors: int | None = None,
    neighborhood: Neighborhood = "target",
    shrinkage: float = 0.0,
    min_cooccurrence: int = 1,
    threads: int = 1,
    max_block_entries: int | None = None,
    **parameters: Any,
) -> CsrMatrix:
    settings = settings_for(name, num_neighbors, neighborhood, shrinkage, min_cooccurrence)
    counts = GramBlocks(oracles.sparse(x.astype(np.float32)), None, max_block_entries)
    return SIMILARITIES[name](**parameters).neighbors(counts, settings, threads, no_progress)


def assert_same_bits(found: CsrMatrix, expected: npt.NDArray[np.float32]) -> None:
    """Compare a result with a dense one, and check that it is a canonical sparse matrix."""
    arrays = (found.indptr, found.indices, found.data, expected)
    assert [array.dtype for array in arrays] == ["int64", "int32", "float32", "float32"]
    assert found.indptr[0] == 0 and found.indptr[-1] == len(found.indices) == len(found.data)
    for row in range(found.num_rows):
        columns, values = found.row(row)
        assert (np.diff(columns) > 0).all()
        assert row not in columns
        assert (values != 0).all()
    assert oracles.dense(found).view(np.int32).tolist() == expected.view(np.int32).tolist()


def assert_close(found: CsrMatrix, expected: npt.NDArray[np.float32]) -> None:
    """Compare with a dense one: the same pairs, values that differ in the last bits at most."""
    values = oracles.dense(found)
    assert ((values != 0) == (expected != 0)).all()
    # Centred weights are rounded to float32, and sums of them cancel.
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-7)


def bits(matrix: CsrMatrix) -> tuple[bytes, bytes, bytes]:
    return matrix.indptr.tobytes(), matrix.indices.tobytes(), matrix.data.tobytes()


LN2, LN3 = math.log(2), math.log(3)


@pytest.mark.parametrize(
    ("name", "parameters", "ab", "ba", "ac"),
    [
        # Users 0 to 5. a is had by 0123, b by 01, c by 034. So n = (4, 2, 3), N = 6;
        # c_ab = 2, c_ac = 2, c_bc = 1. Shrinkage is 1. ab: source a, target b.
        ("dot", {}, 2 / 2, 2 / 2, 2 / 2),  # c / (1 + 1)
        ("cosine", {}, 2 / (8**0.5 + 1), 2 / (8**0.5 + 1), 2 / (12**0.5 + 1)),
        # the target's n to the power 0.75, the source's 0.25
        (
            "asymmetric_cosine",
            {"alpha": 0.75},
            2 / (2**0.75 * 4**0.25 + 1),
            2 / (4**0.75 * 2**0.25 + 1),
            2 / (3**0.75 * 4**0.25 + 1),
        ),
        ("jaccard", {}, 2 / (4 + 1), 2 / (4 + 1), 2 / (5 + 1)),
        ("dice", {}, 2 / (6 + 1), 2 / (6 + 1), 2 / (7 + 1)),
        # ab: none has b alone, 2 have a alone: 2 + 3 * 0 + 0.5 * 2 + 1
        (
            "tversky",
            {"alpha": 3, "beta": 0.5},
            2 / (2 + 0.5 * 2 + 1),
            2 / (2 + 3 * 2 + 1),
            2 / (2 + 3 * 1 + 0.5 * 2 + 1),
        ),
        ("conditional_probability", {}, 2 / (4 + 1), 2 / (2 + 1), 2 / (4 + 1)),
        (
            "conditional_probability",
            {"popularity_exponent": 2},
            2 / (4 * 2**2 + 1),
            2 / (2 * 4**2 + 1),
            2 / (4 * 3**2 + 1),
        ),
        ("lift", {}, 6 * 2 / (8 + 1), 6 * 2 / (8 + 1), 6 * 2 / (12 + 1)),
        # lift 6 * 2 / 8 = 1.5 and 6 * 2 / 12 = 1: independent, absent. Damped by 2 / (2 + 1).
        ("pmi", {}, (LN3 - LN2) * 2 / 3, (LN3 - LN2) * 2 / 3, 0),
        # -ln(2 / 6) = ln 3
        ("npmi", {}, (1 - LN2 / LN3) * 2 / 3, (1 - LN2 / LN3) * 2 / 3, 0),
        # a, b: both 2, a alone 2, b alone 0, neither 2; margins 4 2 and 2 4:
        # 2 (2 ln(12/8) + 2 ln(12/16) + 2 ln(12/8)) = 4 ln(27/16)
        (
            "log_likelihood_ratio",
            {},
            4 * math.log(27 / 16) * 2 / 3,
            4 * math.log(27 / 16) * 2 / 3,
            0,
        ),
        # (2 - 4 * 2 / 6) / (sqrt(4 - 16/6) sqrt(2 - 4/6) + 1) = (2/3) / (4/3 + 1); a, c: 2 - 2 = 0
        ("pearson", {}, (2 / 3) / (7 / 3), (2 / 3) / (7 / 3), 0),
    ],
)
def test_each_measure_gives_what_the_hand_computes(
    name: str, parameters: dict[str, Any], ab: float, ba: float, ac: float
) -> None:
    x = np.zeros((6, 3))
    x[:4, 0] = x[:2, 1] = x[[0, 3, 4], 2] = 1
    kept = oracles.dense(find(x, name, shrinkage=1.0, **parameters))
    np.testing.assert_allclose([kept[0, 1], kept[1, 0], kept[0, 2]], [ab, ba, ac], rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        # Of user 0 (mean 4) remain 1, -1, 0; of user 1 (mean 2) -1, 1; of user 2 (mean 3) -2, 2.
        # a: 1, -1, -2; b: -1, 1; c: 0, ., 2. ab: -2 / (sqrt 6 sqrt 2), ac: -4 / (sqrt 6 * 2); user
        # 0, whom b and c share, has 0 for c.
        ("adjusted_cosine", {}, [-2 / 12**0.5, -4 / (2 * 6**0.5), 0]),
        # Means over raters a 7/3, b 3, c 4.5: a is 8/3, -4/3, -4/3; b 0, 0; c -0.5, ., 0.5.
        # ac: (-4/3 - 2/3) / (sqrt(96/9) sqrt(0.5)); b has no spread.
        ("pearson", {"missing": "unknown"}, [0, -2 / (96 / 9 * 0.5) ** 0.5, 0]),
    ],
)
def test_centred_measures_give_what_the_hand_computes(
    name: str, parameters: dict[str, Any], expected: list[float]
) -> None:
    x = np.array([[5.0, 3, 4], [1, 3, 0], [1, 0, 5]])
    kept = oracles.dense(find(x, name, **parameters))
    np.testing.assert_allclose([kept[0, 1], kept[0, 2], kept[1, 2]], expected, rtol=1e-6)
    assert (kept == kept.T).all()


def test_log_likelihood_ratio_equals_that_of_scipy() -> None:
    x = random_x(30, 8, seed=3, weighted=False)
    kept = oracles.dense(find(x, "log_likelihood_ratio"))
    for i, j in itertools.permutations(range(7), 2):
        table = [[((x[:, i] == a) & (x[:, j] == b)).sum() for b in (1, 0)] for a in (1, 0)]
        if table[0][0] and min(map(sum, [*table, *zip(*table)])):
            expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
            np.testing.assert_allclose(kept[i, j], expected, rtol=1e-6, atol=1e-12)


def test_pearson_equals_that_of_numpy() -> None:
    x = random_x(30, 8, seed=3, weighted=True)[:, :7]
    kept = oracles.dense(find(x, "pearson"))
    expected = np.atleast_2d(np.corrcoef(x.astype(np.float32).astype(np.float64).T))
    pairs = kept != 0
    assert (kept < 0).any() and pairs.sum() > 20
    np.testing.assert_allclose(kept[pairs], expected[pairs], rtol=1e-5)


def test_items_that_avoid_each_other_have_a_negative_sign_where_asked() -> None:
    # 2 of 9 users have both, where chance has 5 * 6 / 9 = 3.3.
    x = np.zeros((9, 2))
    x[:5, 0] = x[3:, 1] = 1
    unsigned = oracles.dense(find(x, "log_likelihood_ratio"))
    signed = oracles.dense(find(x, "log_likelihood_ratio", signed=True))
    assert unsigned[0, 1] > 1 and (signed == -unsigned).all()


def test_no_measure_goes_without_an_oracle() -> None:
    assert set(MEASURES) == oracles.FORMULAS.keys() | {"adjusted_cosine", "pearson"}


PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "asymmetric_cosine": [{"alpha": 0.0}, {"alpha": 0.3}, {"alpha": 1.0}],
    "tversky": [{"alpha": 0.0, "beta": 0.0}, {"alpha": 1.4, "beta": 0.3}],
    "conditional_probability": [{"popularity_exponent": 0.5}],
    "log_likelihood_ratio": [{}, {"signed": True}],
    "pearson": [{}, {"missing": "unknown"}],
}


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("weighting", ["none", "tf_idf"])
@pytest.mark.parametrize(
    ("name", "parameters"), [(name, p) for name in MEASURES for p in PARAMETERS.get(name, [{}])]
)
def test_neighbors_equal_the_dense_formula_and_a_full_sort(
    name: str, parameters: dict[str, Any], weighting: str, neighborhood: Neighborhood
) -> None:
    x = random_x(24, 10, seed=1, weighted=True)
    weighted = oracles.WEIGHTINGS[weighting](x).astype(np.float32)
    common = oracles.products(x > 0)
    compare = assert_same_bits if name in EXACT else assert_close
    results = set()
    for shrinkage, rare, k in itertools.product([0.0, 2.5, 60.0], [1, 5, 10], [1, 3, 50, None]):
        config = TrainConfig(
            SIMILARITIES[name](**parameters),
            WEIGHTINGS[weighting](),
            k,
            neighborhood,
            shrinkage,
            rare,
        )
        w = oracles.similarity(name, weighted, shrinkage, **parameters)
        expected = oracles.neighbors(w, common, k, neighborhood, rare)
        found = train_from_data(oracles.interactions_of(x), config, threads=1).similarity
        compare(found, expected)
        results.add(expected.tobytes())
    # Of the 36 settings, those with K = 50 and None must be one for 10 items.
    assert len(results) == 27, "two settings have one result: the data are too poor to test them"


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("name", "shrinkage"),
    [("dot", 0), ("dot", 3), ("jaccard", 0), ("jaccard", 3), ("dice", 0), ("dice", 3)],
)
def test_ties_of_binary_data_go_to_the_smaller_item_in_exact_arithmetic(
    name: str, shrinkage: int, seed: int, neighborhood: Neighborhood
) -> None:
    x = random_x(12, 11, seed, weighted=False)
    exact = oracles.exact_similarity(name, x, shrinkage)
    w = oracles.similarity(name, x, shrinkage)
    assert len(set(exact.ravel())) < exact.size / 3, "too few ties to test anything"
    for k in (1, 2, 4, None):
        expected = oracles.neighbors(w, oracles.products(x), k, neighborhood, rank_by=exact)
        assert_same_bits(find(x, name, k, neighborhood, shrinkage), expected)


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("seed", range(6))
def test_cosine_keeps_the_largest_cosines_of_exact_arithmetic(
    seed: int, neighborhood: Neighborhood
) -> None:
    x = random_x(12, 11, seed, weighted=False)
    squares = oracles.exact_similarity("cosine", x, 0)
    np.fill_diagonal(squares, 0)
    for k in (1, 2, 4):
        kept = oracles.dense(find(x, "cosine", k, neighborhood))
        if neighborhood == "target":
            kept, of_item = kept.T, squares.T
        else:
            of_item = squares
        for row in range(len(kept)):
            best = sorted(filter(None, of_item[row]), reverse=True)[:k]
            assert sorted(of_item[row][kept[row] != 0], reverse=True) == best


def test_cosines_equal_only_in_exact_arithmetic_are_ranked_by_their_rounded_formula() -> None:
    # The target, item 2, has 3 users. Item 0 has 9, all of them included: 3 / (sqrt(9) sqrt(3)).
    # Item 1 has 1 user, one of them: 1 / (sqrt(1) sqrt(3)). Both are 1 / sqrt(3), but the first
    # rounds to the float64 below the second. The definition is the float64 formula, so item 1 wins,
    # though both become the same float32 and item 0 is the smaller.
    x = np.zeros((9, 3))
    x[:9, 0] = x[:1, 1] = x[:3, 2] = 1
    exact = oracles.exact_similarity("cosine", x, 0)
    w = oracles.similarity("cosine", x, 0)
    assert exact[0, 2] == exact[1, 2] and w[0, 2] < w[1, 2]
    assert np.float32(w[0, 2]) == np.float32(w[1, 2])
    assert oracles.dense(find(x, num_neighbors=1))[:, 2].tolist() == [0, np.float32(w[1, 2]), 0]


def test_items_equal_in_float32_are_ranked_by_their_float64_values() -> None:
    # 2^24 and 2^24 + 1 common users' worth of weight: one float32, two float64.
    x = np.array([[4096.0, 4096.0, 4096.0], [0, 1, 1]])
    assert np.float32(2.0**24) == np.float32(2.0**24 + 1)
    assert oracles.dense(find(x, "dot", num_neighbors=1))[:, 2].tolist() == [0, 2**24, 0]


@pytest.mark.parametrize("name", NAMES)
def test_target_bounds_the_columns_and_source_the_rows(name: str) -> None:
    x = random_x(16, 10, seed=2, weighted=True)
    by_target = oracles.dense(find(x, name, 2, "target")) != 0
    by_source = oracles.dense(find(x, name, 2, "source")) != 0
    assert by_target.sum(axis=0).max() == 2
    assert by_source.sum(axis=1).max() == 2
    if name in SYMMETRIC:
        assert by_target.sum(axis=1).max() > 2
        assert (by_source == by_target.T).all()


@dataclass(frozen=True)
class ShareOfTheSource(PairSimilarity):
    """c_ij / n_i: of the users of the source, how many have the target. Not symmetric."""

    name = "share of the source"

    def values(self, pairs: Pairs) -> Float64Array:
        return pairs.products / pairs.sources[0]


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
def test_a_measure_that_is_not_symmetric_is_told_source_from_target(
    neighborhood: Neighborhood,
) -> None:
    x = random_x(24, 10, seed=4, weighted=True).astype(np.float32)
    c = oracles.products(x)
    w = np.divide(c, np.diag(c)[:, None], out=np.zeros_like(c), where=c > 0)
    for k in (1, 3, None):
        settings = NeighborSettings(k, neighborhood)
        found = best_pairs(
            ShareOfTheSource(), GramBlocks(oracles.sparse(x)), settings, 1, no_progress
        )
        assert_same_bits(found, oracles.neighbors(w, c, k, neighborhood))


@pytest.mark.parametrize("name", MEASURES)
def test_fewer_common_users_than_asked_drop_a_pair_whatever_its_weight(name: str) -> None:
    x = np.array([[9, 8, 0], [1, 0, 2], [1, 0, 4.0], [0, 2, 0]])
    assert oracles.dense(find(x, name))[0, 1:].all()
    kept = oracles.dense(find(x, name, min_cooccurrence=2)) != 0
    assert np.argwhere(kept).tolist() == [[0, 2], [2, 0]]


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("weighting", ["none", "tf_idf", "bm25"])
@pytest.mark.parametrize("name", NAMES)
def test_row_order_changes_no_bit(name: str, weighting: str, neighborhood: Neighborhood) -> None:
    rng = np.random.default_rng(5)
    users = [f"u{user}" for user in rng.integers(0, 30, 300)]
    items = [f"i{item}" for item in rng.integers(0, 20, 300)]
    # repeated pairs, whose sums depend on the order of addition
    weights = rng.lognormal(0, 2, 300)
    settings = settings_for(name, 4, neighborhood, 1.5, 2)
    config = TrainConfig(
        SIMILARITIES[name](),
        WEIGHTINGS[weighting](),
        4,
        neighborhood,
        settings.shrinkage,
        settings.min_cooccurrence,
    )
    results = set()
    for order in (np.arange(300), np.arange(300)[::-1], rng.permutation(300)):
        shuffled = Interactions.from_columns(
            [users[row] for row in order], [items[row] for row in order], weights[order]
        )
        model = train_from_data(shuffled, config, threads=1)
        assert model.histories is not None
        results.add((bits(model.similarity), bits(model.histories), model.interactions_sha256))
    assert len(results) == 1


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("name", NAMES)
def test_block_size_and_threads_change_no_bit(name: str, neighborhood: Neighborhood) -> None:
    x = random_x(60, 40, seed=7, weighted=True)
    results = {
        bits(find(x, name, 5, neighborhood, 0.5, 2, threads, size))
        for threads in (1, 2, 5)
        for size in (1, 7, 300, 10**6)
    }
    assert len(results) == 1


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_a_block_and_a_user_who_has_all_items_change_no_bit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = random_x(60, 40, seed=8, weighted=True)
    results = set()
    for size, dense in itertools.product((1, 50, 10**6), (0, np.inf)):
        monkeypatch.setattr("mlcore.similarity.selection.PART_ENTRIES", size)
        monkeypatch.setattr("mlcore.similarity.gram.DENSE", dense)
        results |= {bits(find(x, name, 5, side, 0.5)) for side in NEIGHBORHOODS}
    assert len(results) == len({bits(find(x, name, 5, side, 0.5)) for side in NEIGHBORHOODS})


@pytest.mark.parametrize("dense", [0, np.inf])
@pytest.mark.parametrize("is_binary", [True, False])
def test_products_are_sums_over_common_users_and_none_is_0(
    is_binary: bool, dense: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of items 0 and 3 the sum is 2 * 3 - 3 * 2 = 0, of items 0 and 4 there is no user.
    x = np.array([[2, 1, 0, 3, 0], [3, 1, 1, -2, 0], [0, 0, 0, 0, 5.0]])
    x = (x > 0).astype(np.float64) if is_binary else x
    monkeypatch.setattr("mlcore.similarity.gram.DENSE", dense)
    products = GramBlocks(oracles.sparse(x.astype(np.float32)), None, 10).products
    found = [products.rows(*block) for block in products.blocks]
    assert {str(block.dtype) for block in found} == {"float32" if is_binary else "float64"}
    assert np.vstack([block.toarray() for block in found]).tolist() == (x.T @ x).tolist()
    assert all((block.data != 0).all() for block in found)


def test_counts_that_float32_may_not_hold_are_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.similarity.gram.MAX_EXACT_COUNT", 3)
    for num_users, kind in ((3, np.float32), (4, np.float64)):
        products = GramBlocks(oracles.sparse(np.ones((num_users, 2), np.float32))).products
        assert products.rows(0, 2).dtype == kind


@pytest.mark.parametrize(("max_block_entries", "num_blocks"), [(1, 6), (12, 3), (13, 3), (36, 1)])
def test_blocks_hold_as_many_rows_as_their_bound_allows(
    max_block_entries: int, num_blocks: int
) -> None:
    # Each of the 6 rows of the product may have all 6 entries.
    user_items = oracles.sparse(np.ones((2, 6), np.float32))
    told: list[tuple[str, int, int]] = []

    def progress(step: str, done: int, total: int) -> None:
        told.append((step, done, total))

    counts = GramBlocks(user_items, None, max_block_entries)
    best_pairs(measure("dot"), counts, NeighborSettings(None), 1, progress)
    ends = [6 * (block + 1) // num_blocks for block in range(num_blocks)]
    assert told == [("compare items", end, 6) for end in ends]


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    "x",
    [
        pytest.param(np.ones((1, 1)), id="one user, one item"),
        pytest.param(np.ones((5, 1)), id="one item"),
        pytest.param(np.ones((1, 5)), id="one user"),
        pytest.param(np.ones((4, 5)), id="identical columns"),
        pytest.param(np.eye(5), id="no pair at all"),
        pytest.param(np.kron(np.eye(3), np.ones((2, 2))), id="disconnected"),
        pytest.param(np.vstack([np.ones(5), np.eye(5)]), id="a user with all items"),
        pytest.param(np.array([[0, 1, 0, 1, 0], [0, 1, 0, 0, 0.0]]), id="items nobody took"),
    ],
)
def test_degenerate_data_give_what_the_formula_gives(
    x: oracles.Dense, name: str, neighborhood: Neighborhood
) -> None:
    interactions = oracles.interactions_of(x)
    assert len(interactions.item_ids) == x.shape[1]
    if name in OF_DIFFERING_WEIGHTS:
        with pytest.raises(DataError, match="expected weights that differ"):
            train_from_data(interactions, TrainConfig(SIMILARITIES[name]()))
        return
    compare = assert_same_bits if name in EXACT else assert_close
    for k, shrinkage, rare in itertools.product((1, 2, None), (0.0, 4.0), (1, 2)):
        config = TrainConfig(
            SIMILARITIES[name](),
            num_neighbors=k,
            neighborhood=neighborhood,
            shrinkage=shrinkage,
            min_cooccurrence=rare,
        )
        w = oracles.similarity(name, x, shrinkage)
        expected = oracles.neighbors(w, oracles.products(x > 0), k, neighborhood, rare)
        compare(train_from_data(interactions, config).similarity, expected)


def test_items_nobody_took_are_in_the_model_and_count_in_the_idf() -> None:
    x = np.array([[0, 2, 3, 0, 0, 0], [0, 1, 0, 1, 0, 0.0]])
    config = TrainConfig(weighting=WEIGHTINGS["tf_idf"]())
    model = train_from_data(oracles.interactions_of(x), config)
    assert list(model.items.ids) == oracles.ids("i", 6)
    assert model.popularity.tolist() == [0, 2, 1, 1, 0, 0]
    assert model.histories is not None
    # ln(6 / (1 + 2)): both users have 2 of 6 items
    assert (oracles.dense(model.histories) == (x * np.log(2)).astype(np.float32)).all()


@pytest.mark.parametrize("name", sorted(oracles.BINARY))
def test_measures_on_the_binary_x_do_not_see_the_weights(name: str) -> None:
    x = random_x(16, 10, seed=3, weighted=True)
    assert bits(find(x, name, 3)) == bits(find(x > 0, name, 3))
    assert bits(find(x, "cosine", 3)) != bits(find(x > 0, "cosine", 3))


def test_weights_act_in_the_history_where_the_measure_does_not_see_them() -> None:
    interactions = oracles.interactions_of(np.array([[2.0, 3.0]]))
    histories = train_from_data(interactions, TrainConfig(SIMILARITIES["jaccard"]())).histories
    assert histories is not None and histories.data.tolist() == [2, 3]


def test_a_similarity_above_float32_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        find(np.array([[1e30, 1e30]]), "dot")
    assert str(caught.value) == (
        "similarity: expected values that float32 holds, got one above 3.4e38"
    )
    assert caught.value.hint == "divide the weights by a common factor"


@pytest.mark.parametrize(
    ("x", "min_cooccurrence"),
    [
        pytest.param(np.array([[1e30, 1e-30]]), 1, id="on the diagonal"),
        pytest.param(np.array([[1e30, 1e30, 0], [0, 0.6, 1], [0, 0.4, 1]]), 2, id="of a rare pair"),
    ],
)
def test_what_is_not_kept_may_be_above_float32(x: oracles.Dense, min_cooccurrence: int) -> None:
    found = find(x, "dot", min_cooccurrence=min_cooccurrence)
    assert found.data.tolist() == [1, 1]  # as 1e30 * 1e-30, and as 1 * 1


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
def test_values_that_round_to_0_in_float32_are_dropped_and_subnormal_ones_kept(
    neighborhood: Neighborhood,
) -> None:
    # Half of the least float32, 2^-149, is a tie and rounds to even, 0; a bit more rounds up.
    x = np.array([[2.0**-75, 2.0**-75, 2.0**-75 * 1.5]])
    found = find(x, "dot", neighborhood=neighborhood)
    expected = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]], np.float32) * np.float32(2.0**-149)
    assert_same_bits(found, expected)


def test_values_that_round_to_0_do_not_take_the_places_of_negative_ones() -> None:
    # With item 0: 2^-149, the least float32; 2^-151 and 2^-152, which round to 0; below 0.
    x = np.array([[2.0**-75, 2.0**-74, 2.0**-76, 2.0**-77, -1, -2]])
    kept = oracles.dense(find(x, "dot", 2, "source"))
    assert kept[0].tolist() == [0, 2.0**-149, 0, 0, -(2.0**-75), 0]


def test_a_row_with_more_entries_than_are_kept_is_refused_above_float32() -> None:
    with pytest.raises(DataError, match="above 3.4e38"):
        find(np.array([[1.0, 1, 1, 1e30, 1e30, 1]]), "dot", 1)


def test_shrinkage_that_leaves_nothing_leaves_an_empty_model_that_can_be_saved(
    tmp_path: Any,
) -> None:
    model = train_from_data(oracles.interactions_of(np.ones((3, 3))), TrainConfig(shrinkage=1e300))
    assert model.similarity.indptr.tolist() == [0, 0, 0, 0]
    model.save(tmp_path / "model")
    assert type(model).load(tmp_path / "model").similarity.num_entries == 0


def test_products_are_summed_in_float64_one_by_one_over_ascending_users() -> None:
    # Item 0 and the target, item 2: 2^53. Item 1 and the target: 2^53, 1 and 1, of three users.
    # 2^53 + 1 is 2^53 in float64: a tie, and item 0 wins. 1 + 1 + 2^53 is more, and item 1 wins.
    # Neither float32 nor a sum in pairs tells the two apart.
    big_first = np.array([[2.0**27, 2.0**27, 2.0**26], [0, 1, 1], [0, 1, 1]])
    for x, winner in ((big_first, 0), (big_first[::-1], 1)):
        kept = oracles.dense(find(x, "dot", num_neighbors=1))
        assert np.flatnonzero(kept[:, 2]).tolist() == [winner]

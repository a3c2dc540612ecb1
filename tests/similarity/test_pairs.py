"""mlcore.similarity.pairs: the dense formula and a full sort, and nothing but the data changes a bit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from mlcore import DataError, Interactions, TrainConfig, train_from_data
from mlcore.progress import no_progress
from mlcore.similarity import SIMILARITIES, GramBlocks, Neighborhood, NeighborSettings
from mlcore.similarity.formula import Pairs
from mlcore.similarity.association import LogLikelihoodRatio
from mlcore.similarity.pairs import PairRows, PairSimilarity, best_pairs
from mlcore.types import Float64Array
from mlcore.weighting import WEIGHTINGS
from tests import oracles
from tests.similarity.cases import (
    MEASURES,
    NAMES,
    NEIGHBORHOODS,
    assert_close,
    assert_same_bits,
    bits,
    find,
    measure,
    random_x,
    settings_for,
)

SYMMETRIC = sorted(set(MEASURES) - {"asymmetric_cosine", "conditional_probability", "tversky"})
# Formulas of + - * / and sqrt alone, which the oracles compute with the same rounding.
EXACT = ["conditional_probability", "cosine", "dice", "dot", "jaccard", "lift", "tversky"]
OF_DIFFERING_WEIGHTS = {"adjusted_cosine"}


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
def test_a_measure_that_is_not_symmetric_keeps_source_and_target_apart(
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
    times = rng.integers(0, 40, 300)
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
            [users[row] for row in order],
            [items[row] for row in order],
            weights[order],
            times[order],
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
        monkeypatch.setattr("mlcore.similarity.products.DENSE", dense)
        results |= {bits(find(x, name, 5, side, 0.5)) for side in NEIGHBORHOODS}
    assert len(results) == len({bits(find(x, name, 5, side, 0.5)) for side in NEIGHBORHOODS})


@pytest.mark.parametrize(("max_block_entries", "num_blocks"), [(1, 6), (12, 3), (13, 3), (36, 1)])
def test_blocks_hold_as_many_rows_as_their_bound_allows(
    max_block_entries: int, num_blocks: int
) -> None:
    # Each of the 6 rows of the product may have all 6 entries.
    user_items = oracles.sparse(np.ones((2, 6), np.float32))
    reported: list[tuple[str, int, int]] = []

    def progress(step: str, done: int, total: int) -> None:
        reported.append((step, done, total))

    counts = GramBlocks(user_items, None, max_block_entries)
    best_pairs(measure("dot"), counts, NeighborSettings(None), 1, progress)
    ends = [6 * (block + 1) // num_blocks for block in range(num_blocks)]
    assert reported == [("compare items", end, 6) for end in ends]


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
        pytest.param(np.array([[0, 1, 0, 1, 0], [0, 1, 0, 0, 0.0]]), id="items without users"),
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
        config = oracles.plain(
            SIMILARITIES[name](),
            num_neighbors=k,
            neighborhood=neighborhood,
            shrinkage=shrinkage,
            min_cooccurrence=rare,
        )
        w = oracles.similarity(name, x, shrinkage)
        expected = oracles.neighbors(w, oracles.products(x > 0), k, neighborhood, rare)
        compare(train_from_data(interactions, config).similarity, expected)


def test_items_without_users_are_in_the_model_and_count_in_the_idf() -> None:
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
    histories = train_from_data(interactions, oracles.plain(SIMILARITIES["jaccard"]())).histories
    assert histories is not None and histories.data.tolist() == [2, 3]


def test_shrinkage_that_leaves_nothing_leaves_an_empty_model_that_can_be_saved(
    tmp_path: Any,
) -> None:
    config = TrainConfig(SIMILARITIES["cosine"](), shrinkage=1e300)
    model = train_from_data(oracles.interactions_of(np.ones((3, 3))), config)
    assert model.similarity.indptr.tolist() == [0, 0, 0, 0]
    model.save(tmp_path / "model")
    assert type(model).load(tmp_path / "model").similarity.num_entries == 0


def test_products_are_summed_in_float64_one_by_one_over_ascending_users() -> None:
    # Item 0 and the target, item 2: 2^53. Item 1 and the target: 2^53, 1 and 1, of three users.
    # 2^53 + 1 is 2^53 in float64: a tie, and item 0 wins. 1 + 1 + 2^53 is more, and item 1 wins.
    # Neither float32 nor a sum in pairs distinguishes the two.
    big_first = np.array([[2.0**27, 2.0**27, 2.0**26], [0, 1, 1], [0, 1, 1]])
    for x, winner in ((big_first, 0), (big_first[::-1], 1)):
        kept = oracles.dense(find(x, "dot", num_neighbors=1))
        assert np.flatnonzero(kept[:, 2]).tolist() == [winner]


@pytest.mark.parametrize("neighborhood", ["source", "target"])
def test_a_range_of_rows_is_that_of_the_formula(neighborhood: str) -> None:
    rng = np.random.default_rng(3)
    x = (rng.random((60, 25)) < 0.2).astype(np.float64)
    measure, gram = LogLikelihoodRatio(signed=True), GramBlocks(oracles.sparse(x))
    terms = measure.source_terms(gram), measure.target_terms(gram)
    settings = NeighborSettings(4, neighborhood)  # type: ignore[arg-type]
    rows = PairRows(measure, gram, terms, settings)
    assert rows.most_kept() == 4 and len(rows.work()) == 25
    dense = oracles.similarity("log_likelihood_ratio", x, 0.0, signed=True)
    if neighborhood == "target":
        dense = dense.T
    np.fill_diagonal(dense, -np.inf)
    dense[(x.T @ x) == 0] = -np.inf
    for begin, end in ((0, 25), (3, 4), (10, 25)):
        found = rows.find(begin, end)
        bounds = np.concatenate([[0], np.cumsum(found.sizes)])
        for place, row in enumerate(range(begin, end)):
            span = slice(bounds[place], bounds[place + 1])
            best = np.argsort(-dense[row], kind="stable")[: (dense[row] > -np.inf).sum()][:4]
            assert sorted(found.columns[span].tolist()) == sorted(best.tolist())
            expected = dense[row][found.columns[span]]
            assert found.values[span] == pytest.approx(expected, rel=1e-6)

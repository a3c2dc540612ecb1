"""mlcore.heavy_users: what is counted of them, and that nothing else of the model changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import ConfigError, DataError, Interactions, TrainConfig, train_from_data
from mlcore.heavy_users import HEAVY_USERS, DownWeight, HeavyUsers, Keep, Latest, Sample
from mlcore.recommend.recommender import Recommender
from mlcore.similarity import SIMILARITIES, Cosine, Lift
from mlcore.types import CsrMatrix
from mlcore.weighting import BM25, NoWeighting, TfIdf
from tests import oracles


def random_interactions(seed: int) -> Interactions:
    rng = np.random.default_rng(seed)
    x = rng.lognormal(0, 1, (25, 14))
    x[rng.random((25, 14)) > rng.random((25, 1))] = 0
    x[np.arange(25), rng.integers(0, 14, 25)] = 1.5
    x[3] = rng.lognormal(0, 1, 14)
    return oracles.interactions_of(x, rng.integers(0, 4, x.shape))  # few moments: many ties


def reduced(way: HeavyUsers, interactions: Interactions) -> CsrMatrix:
    return way.reduce(NoWeighting().apply(interactions), interactions)


def test_no_way_goes_without_a_case_in_this_file() -> None:
    assert sorted(HEAVY_USERS) == ["down_weight", "keep", "latest", "sample"]


def test_the_latest_stay_and_ties_go_by_a_hash() -> None:
    # u has four, of times 5 9 5 5: 9 first, then of the three 5s item c, as md5sum of u,c,ties is 1865...,
    # of u,d,ties 2986..., of u,a,ties 6972... v has two: both stay.
    pairs = Interactions.from_columns("uuuuvv", "abcdbd", range(1, 7), [5, 9, 5, 5, 0, 1])
    matrix = reduced(Latest(max_interactions=2), pairs)
    assert matrix.indptr.tolist() == [0, 2, 4]
    assert matrix.indices.tolist() == [1, 2, 1, 3]
    assert matrix.data.tolist() == [2, 3, 5, 6]


def test_a_sample_is_what_has_the_lowest_md5_of_user_item_seed() -> None:
    # md5sum of u,a,7 is 98b7..., of u,b,7 1c9a..., of u,c,7 44a6..., of u,d,7 743b...
    pairs = Interactions.from_columns("uuuuvv", "abcdbd", range(1, 7))
    matrix = reduced(Sample(max_interactions=2, seed=7), pairs)
    assert matrix.indptr.tolist() == [0, 2, 4]
    assert matrix.indices.tolist() == [1, 2, 1, 3]
    assert matrix.data.tolist() == [2, 3, 5, 6]


def test_down_weighting_divides_a_row_by_a_power_of_its_length() -> None:
    # u has 4 items: 4^-1/2 = 1/2, 4^-2 = 1/16; v has 1.
    pairs = Interactions.from_columns("uuuuv", "abcda", [1, 2, 3, 4, 5])
    assert reduced(DownWeight(), pairs).data.tolist() == [0.5, 1, 1.5, 2, 5]
    assert reduced(DownWeight(power=2), pairs).data.tolist() == [1 / 16, 1 / 8, 3 / 16, 1 / 4, 5]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("most", [1, 3, 13, 500])
def test_what_stays_equals_the_dense_selection(most: int, seed: int) -> None:
    interactions = random_interactions(seed)
    weighted = NoWeighting().apply(interactions)
    x = oracles.dense(weighted)
    times, ties = np.zeros(x.shape), oracles.md5_rank("ties")
    assert interactions.timestamps is not None
    times[weighted.row_of_entry(), weighted.indices] = interactions.timestamps
    for way, expected in [
        (Sample(most, seed), oracles.best_of_users(x, most, oracles.md5_rank(seed))),
        (Latest(most), oracles.best_of_users(x, most, lambda u, i: (-times[u, i], ties(u, i)))),
    ]:
        found = way.reduce(weighted, interactions)
        assert (oracles.dense(found) == expected).all(), way
        assert found.indices.dtype == np.int32 and found.indptr.dtype == np.int64
        assert (found.num_rows, found.num_columns) == x.shape
    assert (oracles.dense(weighted) == x).all()  # left as it was


@pytest.mark.parametrize("power", [0.5, 0.3, 1.7])
def test_down_weights_equal_the_dense_formula(power: float) -> None:
    interactions = random_interactions(7)
    x = oracles.dense(NoWeighting().apply(interactions)).astype(np.float64)
    expected = x / (x > 0).sum(axis=1, keepdims=True) ** power
    found = oracles.dense(reduced(DownWeight(power), interactions))
    assert found == pytest.approx(expected, rel=1e-7, abs=0)


def test_a_draw_does_not_depend_on_other_users_items_or_rows() -> None:
    rng = np.random.default_rng(3)
    items = [f"i{item}" for item in range(40)]
    others = rng.permutation(np.repeat(items, 3))

    def kept(rows: Any, extra: int) -> set[str]:
        users = ["u"] * 40 + [f"v{n}" for n in range(extra)]
        taken = [items[row] for row in rows] + others[:extra].tolist()
        interactions = Interactions.from_columns(users, taken)
        columns, _ = reduced(Sample(5, seed=2), interactions).row(0)
        return {interactions.item_ids[column] for column in columns}

    assert kept(range(40), 0) == kept(rng.permutation(40), 90)


def test_another_seed_is_another_draw_of_all_items_alike() -> None:
    interactions = Interactions.from_columns(["u"] * 20, [f"i{n:02}" for n in range(20)])
    counts = np.zeros(20)
    draws = set()
    for seed in range(200):
        columns = reduced(Sample(5, seed), interactions).indices
        counts[columns] += 1
        draws.add(columns.tobytes())
    assert len(draws) > 190
    assert 20 < counts.min() and counts.max() < 85  # 50 expected, standard deviation 6


# What no way may change: the histories, what is recommended from them, counts of users, digest.


@pytest.mark.parametrize("way", [Sample(2), Latest(2), DownWeight(1.0)])
def test_only_the_similarity_sees_the_reduced_matrix(way: HeavyUsers) -> None:
    interactions = random_interactions(1)
    config = TrainConfig(Cosine(), BM25(smooth=True), None)
    full = train_from_data(interactions, config)
    model = train_from_data(
        interactions, TrainConfig(Cosine(), config.weighting, None, heavy_users=way)
    )
    assert model.histories is not None and full.histories is not None
    assert (model.histories.data == full.histories.data).all()
    assert (model.histories.indices == full.histories.indices).all()
    assert (model.popularity == full.popularity).all()
    assert (model.num_users, model.num_interactions) == (25, len(interactions))
    assert model.interactions_sha256 == full.interactions_sha256
    # Weighted on all interactions, then reduced: idf and lengths are those of the full data.
    weighted = config.weighting.apply(interactions)
    expected = oracles.similarity("cosine", oracles.dense(way.reduce(weighted, interactions)), 0.0)
    np.fill_diagonal(expected, 0)
    assert oracles.dense(model.similarity) == pytest.approx(expected, rel=1e-6)
    assert not np.allclose(expected, oracles.dense(full.similarity))


def test_lift_counts_all_users_also_those_left_out_of_an_item() -> None:
    # Of 4 users w keeps b and c of a, b and c (md5sum of w,a,7 is the greatest). So n_a = 3 with x,
    # n_b = 3, 2 users have both: 4 * 2 / (3 * 3). Of all interactions it would be 4 * 3 / (4 * 3).
    pairs = Interactions.from_columns("uuvvwwwx", "abababca")
    model = train_from_data(pairs, TrainConfig(Lift(), heavy_users=Sample(2, seed=7)))
    columns, values = model.similarity.row(0)
    assert (columns.tolist(), values.tolist()) == ([1], [np.float32(8 / 9)])


def test_an_item_without_users_left_stays_in_the_catalogue_without_neighbors() -> None:
    # Only u has a, and keeps the latest two, b and c.
    pairs = Interactions.from_columns("uuuvv", "abccd", [2, 5, 3, 1, 4], [1, 2, 3, 1, 2])
    for similarity in SIMILARITIES.values():
        model = train_from_data(pairs, TrainConfig(similarity(), heavy_users=Latest(2)))
        assert list(model.items.ids) == ["a", "b", "c", "d"]
        assert model.popularity.tolist() == [1, 1, 2, 1]
        assert model.similarity.row(0)[0].tolist() == [], similarity.name
        assert 0 not in model.similarity.indices, similarity.name


def test_a_heavy_user_is_recommended_to_from_the_full_history(tmp_path: Path) -> None:
    # u counts with b and c only. Yet a is in u's history, and leads to d: only w counts with them,
    # so their cosine is 1.
    pairs = Interactions.from_columns("uuuww", "abcad", timestamps=[1, 2, 3, 1, 2])
    config = oracles.plain(Cosine(), heavy_users=Latest(2))
    train_from_data(pairs, config).save(tmp_path / "model")
    (only,) = Recommender.load(tmp_path / "model").predict("u")
    assert (only.item_id, only.score) == ("d", 1.0)


def test_keep_changes_nothing_and_is_the_default() -> None:
    weighted = TfIdf(smooth=True).apply(random_interactions(2))
    assert Keep().reduce(weighted, random_interactions(2)) is weighted
    assert TrainConfig().heavy_users == Keep()


def test_latest_without_timestamps_is_refused_with_the_cure() -> None:
    with pytest.raises(DataError) as caught:
        reduced(Latest(), Interactions.from_columns("u", "a"))
    assert str(caught.value) == (
        "timestamp: expected a column to find the latest interactions by, got none"
    )
    assert caught.value.hint == (
        "--timestamp-column names one; without timestamps take --set heavy_users.name=sample"
    )


def test_a_weight_that_a_power_takes_below_float32_is_refused_by_name() -> None:
    pairs = Interactions.from_columns("uvv", "abc", [1, 1, 2.0**-120])
    with pytest.raises(DataError) as caught:
        reduced(DownWeight(power=31), pairs)
    assert str(caught.value) == (
        "heavy_users down_weight: user 'v', item 'c': expected a weight above 0 that float32 "
        f"holds, got {2.0**-151!r}"
    )
    assert caught.value.hint == "take a smaller power, --set heavy_users.power=X"


@pytest.mark.parametrize("power", [0.5, 2])
def test_the_least_weight_that_decay_leaves_stays(power: float) -> None:
    pairs = Interactions.from_columns("vv", "bc", [1, 2.0**-149])
    assert reduced(DownWeight(power), pairs).data[1] == 2.0**-149


@pytest.mark.parametrize("name", sorted(SIMILARITIES))
def test_down_weights_are_refused_where_users_are_counted(name: str) -> None:
    similarity = SIMILARITIES[name]()
    if not similarity.binary:
        assert TrainConfig(similarity, heavy_users=DownWeight()).heavy_users == DownWeight()
        return
    for way in (Keep(), Sample(), Latest()):
        assert TrainConfig(similarity, heavy_users=way).heavy_users == way
    with pytest.raises(ConfigError, match=re.escape(f"as {name} counts whatever")) as caught:
        TrainConfig(similarity, heavy_users=DownWeight())
    assert caught.value.hint is not None and "--set heavy_users.name=sample" in caught.value.hint

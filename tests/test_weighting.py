"""mlcore.weighting: the published formulas, rounded to float32 once, or a refusal that helps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlcore import DataError, Interactions, TrainConfig, train_from_data
from mlcore.errors import DataWarning
from mlcore.times import format_rfc_3339
from mlcore.weighting import BM25, WEIGHTINGS, Binary, Log, NoWeighting, TfIdf, Weighting
from tests import oracles

HINT = (
    "a user has all items or all but one: --set weighting.smooth=true, or cap such users with "
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
    assert sorted(WEIGHTINGS) == ["binary", "bm25", "log", "none", "tf_idf"]


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


def test_log_gives_what_the_hand_computes_far_below_1_too() -> None:
    # ln(1 + 1) = ln 2, ln(1 + 3) = 2 ln 2; ln(1 + x) = x - x^2 / 2 + ..., and 1 + 1e-30 is 1.
    interactions = Interactions.from_columns("uuu", "abc", [1.0, 3.0, 1e-30])
    ln2 = 0.6931471805599453
    assert Log().weigh(interactions).tolist() == [ln2, 2 * ln2, 1e-30]


def test_a_weight_halves_with_each_half_life() -> None:
    # Half-life 2 days, reference 6 days: a is 0 half-lives old, b 1, c 3.
    interactions = Interactions.from_columns(
        "uvv", "abc", [5.0, 3.0, 8.0], timestamps=[day * 86_400 for day in (6, 4, 0)]
    )
    decayed = [5.0, 1.5, 1.0]
    assert NoWeighting(half_life_days=2).weigh(interactions).tolist() == decayed
    assert Binary(half_life_days=2).weigh(interactions).tolist() == [1.0, 0.5, 0.125]
    logs = [math.log(6), math.log(2.5), math.log(2)]
    assert Log(half_life_days=2).weigh(interactions).tolist() == pytest.approx(logs, rel=1e-15)
    # Two half-lives later, all are a quarter of it; halfway to the next one, 2^-1/2 of that.
    later = NoWeighting(half_life_days=2, reference_time="1970-01-11T00:00:00Z")
    assert later.weigh(interactions).tolist() == [x / 4 for x in decayed]
    later = NoWeighting(half_life_days=2, reference_time="1970-01-12T01:00:00+01:00")
    assert later.weigh(interactions).tolist() == pytest.approx([x / 32**0.5 for x in decayed])


def test_equal_rows_add_up_and_age_from_the_latest() -> None:
    # Aged one by one they would be 4 / 2 + 1 = 3.
    interactions = Interactions.from_columns(
        ["u", "u"], ["a", "a"], [4.0, 1.0], timestamps=[0, 86_400]
    )
    assert NoWeighting(half_life_days=1).weigh(interactions).tolist() == [5.0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_decayed_weights_equal_the_dense_formula_of_decayed_weights(name: str, seed: int) -> None:
    x, rng = random_x(seed), np.random.default_rng(seed)
    seconds = rng.integers(1_600_000_000, 1_600_000_000 + 90 * 86_400, x.shape)
    latest = int(seconds[x > 0].max())
    # What a formula sees decays, but for binary, where the 1 does.
    base = (x > 0).astype(np.float64) if name == "binary" else x
    decayed = oracles.decayed(base, seconds, 12.5, latest)
    expected = decayed if name == "binary" else oracles.WEIGHTINGS[name](decayed)
    interactions = oracles.interactions_of(x, seconds)
    weighting = WEIGHTINGS[name](half_life_days=12.5)
    assert weighting.weigh(interactions) == pytest.approx(entries(expected), rel=2e-14, abs=0)
    assert oracles.dense(weighting.apply(interactions)) == pytest.approx(expected, rel=6e-8)


def test_only_the_distance_to_the_reference_time_counts() -> None:
    x, rng = random_x(5), np.random.default_rng(5)
    seconds = rng.integers(0, 900 * 86_400, x.shape)
    results = set()
    for shift in (0, 1_234_567_890, -1_234_567_890):
        interactions = oracles.interactions_of(x, seconds + shift)
        results.add(TfIdf(half_life_days=33).apply(interactions).data.tobytes())
    assert len(results) == 1


def test_a_reference_time_spelled_out_changes_no_bit() -> None:
    x, rng = random_x(6), np.random.default_rng(6)
    interactions = oracles.interactions_of(x, rng.integers(0, 10**6, x.shape))
    assert interactions.timestamps is not None
    open_, latest = BM25(half_life_days=3), int(interactions.timestamps.max())
    resolved = open_.resolved(interactions)
    assert resolved.reference_time == format_rfc_3339(latest) and open_.reference_time is None
    assert resolved.resolved(interactions) == resolved
    assert (resolved.apply(interactions).data == open_.apply(interactions).data).all()
    assert BM25().resolved(interactions) == BM25()


def test_two_spellings_of_one_moment_are_one_weighting() -> None:
    summer = Log(half_life_days=1, reference_time="2024-07-01t02:00:00.5000009+02:00")
    assert summer == Log(half_life_days=1.0, reference_time="2024-07-01 00:00:00.5Z")
    assert summer.reference_time == "2024-07-01T00:00:00.500000Z"


@pytest.mark.parametrize("half_life_days", [5e-324, 1e-300, 1e300])
def test_a_half_life_at_the_edge_of_float64_gives_no_warning(half_life_days: float) -> None:
    weighting = NoWeighting(half_life_days=half_life_days)
    now = Interactions.from_columns("uu", "ab", timestamps=[7, 7])
    assert weighting.apply(now).data.tolist() == [1, 1]
    apart = Interactions.from_columns("uu", "ab", timestamps=[7, 6])
    if half_life_days > 1:
        assert weighting.apply(apart).data.tolist() == [1, 1]
        return
    with pytest.warns(DataWarning, match="1 of 2 interactions are so many half-lives old"):
        assert weighting.apply(apart).data.tolist() == [1, 2.0**-149]


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
@pytest.mark.parametrize("days", [160, 1_050, 100_000])
def test_what_is_older_than_149_half_lives_keeps_the_least_weight(name: str, days: int) -> None:
    # More than half of 2^-149 rounds up to it; 200 items, so that idf is above 1. Of (u, b) the item is
    # new to v: BM25 does not make up for its age by the length of the item.
    def of_age(days: float, items: str = "abcb") -> Interactions:
        old = int(days * 86_400)
        users = "uuvv" if len(items) == 4 else "uv"
        times = [0, 0, old, old] if len(items) == 4 else [0, old]
        pairs = Interactions.from_columns(users, items, timestamps=times)
        return pairs.with_catalogue(oracles.ids("i", 200))

    weighting = WEIGHTINGS[name](half_life_days=1)
    assert weighting.apply(of_age(148, "ab")).data.min() >= 2.0**-149
    with pytest.warns(
        DataWarning, match="of 4 interactions are so many half-lives old that they keep"
    ):
        weights = oracles.dense(weighting.apply(of_age(days)))
    assert weights[0, 1] == 2.0**-149  # (u, b)
    assert (weights[weights > 0].size, weights.min()) == (4, 0)


def test_age_hides_no_weight_that_is_refused() -> None:
    # u has all items, so the plain idf is ln(2 / 3), below 0; one small weight among old ones.
    times = [0, 0, 900 * 86_400]
    interactions = Interactions.from_columns("uuv", "aba", timestamps=times)
    with pytest.raises(DataError, match="user 'u', item 'a': expected a weight above 0") as caught:
        TfIdf(half_life_days=1).apply(interactions)
    assert caught.value.hint is not None and "--set weighting.smooth=true" in caught.value.hint


@pytest.mark.filterwarnings("ignore::mlcore.errors.DataWarning")
@pytest.mark.parametrize("similarity", ["cosine", "dot", "pearson", "p3alpha", "ease", "slim"])
def test_a_model_of_old_events_still_knows_who_saw_what(similarity: str) -> None:
    times = [0, 1, 0, 2, 900 * 86_400, 900 * 86_400]
    interactions = Interactions.from_columns("uuvvww", "abacab", timestamps=times)
    weighting = {"name": "none", "half_life_days": 1}
    for heavy_users in ("keep", "down_weight"):
        config = TrainConfig.from_json(
            {
                "similarity": {"name": similarity},
                "weighting": weighting,
                "heavy_users": {"name": heavy_users},
            },
            "",
        )
        model = train_from_data(interactions, config)
        assert model.histories is not None and (model.histories.data > 0).all()
        assert model.histories.num_entries == 6 and model.popularity.tolist() == [3, 2, 1]


def test_a_small_weight_is_not_blamed_on_its_age() -> None:
    interactions = Interactions.from_columns("uv", "ab", [1e-46, 1], timestamps=[0, 86_400])
    with pytest.raises(DataError, match="user 'u', item 'a'") as caught:
        NoWeighting(half_life_days=1).apply(interactions)
    assert caught.value.hint is None


def test_decay_without_timestamps_is_refused() -> None:
    interactions = Interactions.from_columns("u", "a")
    for weighting in (
        NoWeighting(half_life_days=1),
        Binary(half_life_days=1, reference_time="2024-01-01T00:00:00Z"),
    ):
        for function in (weighting.apply, weighting.resolved):
            with pytest.raises(DataError, match="^timestamp: expected a column to tell the age"):
                function(interactions)


def test_an_interaction_after_the_reference_time_is_refused_by_name() -> None:
    interactions = Interactions.from_columns("uvv", "aab", timestamps=[5, 10, 11])
    at = Log(half_life_days=1, reference_time="1970-01-01T00:00:11Z")
    assert len(at.apply(interactions).data) == 3
    before = Log(half_life_days=1, reference_time="1970-01-01T00:00:10.999999Z")
    with pytest.raises(DataError) as caught:
        before.apply(interactions)
    assert str(caught.value) == (
        "weighting log: user 'v', item 'b': expected a timestamp up to the reference time "
        "1970-01-01T00:00:10.999999Z, got 1970-01-01T00:00:11.000000Z"
    )


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
    weights, times = rng.lognormal(0, 3, 400), rng.integers(0, 10**6, 400)
    results = set()
    for order in (range(400), range(399, -1, -1), rng.permutation(400)):
        shuffled = Interactions.from_columns(
            [users[row] for row in order],
            [items[row] for row in order],
            weights[list(order)],
            times[list(order)],
        )
        results.add(WEIGHTINGS[name](half_life_days=2.7).apply(shuffled).data.tobytes())
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

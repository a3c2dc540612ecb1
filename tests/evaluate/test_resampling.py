"""mlcore.evaluate.resampling: against scipy, enumeration, and formulas of textbooks."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.stats

from mlcore import ConfigError, DataError, MlcoreError
from mlcore.evaluate.config import PAIRED_TESTS, PairedTest
from mlcore.evaluate.resampling import adjust_holm, bootstrap_interval, paired_test, users_needed
from mlcore.types import Float64Array

both_tests = pytest.mark.parametrize("method", PAIRED_TESTS)


def skewed(num_users: int, num_columns: int, seed: int = 0) -> Float64Array:
    """Values as metrics have them: many zeros, the rest uneven and not symmetric."""
    rng = np.random.default_rng(seed)
    values = rng.exponential(0.3, (num_users, num_columns))
    return np.where(rng.random(values.shape) < 0.5, 0.0, values)


def exact_p(numerators: list[int]) -> float:
    """The share of all sign patterns whose sum is at least as far from 0, in whole numbers."""
    observed = abs(sum(numerators))
    patterns = list(itertools.product((1, -1), repeat=len(numerators)))
    extreme = sum(abs(sum(s * d for s, d in zip(p, numerators))) >= observed for p in patterns)
    return float(Fraction(extreme, len(patterns)))


# --- intervals ---


def test_the_interval_of_two_users_is_what_the_hand_computes() -> None:
    # Drawing twice from {0, 1} gives the means 0, 1/2, 1 with chances 1/4, 1/2, 1/4. The quantiles
    # 0.3 and 0.7 fall on 1/2, the quantiles 0.2 and 0.8 on 0 and 1.
    values = np.array([[0.0], [1.0]])
    assert bootstrap_interval(values, 0.4, 10_000, seed=1).tolist() == [[0.5], [0.5]]
    assert bootstrap_interval(values, 0.6, 10_000, seed=1).tolist() == [[0.0], [1.0]]


@pytest.mark.parametrize(("num_users", "confidence", "seed"), [(7, 0.9, 0), (60, 0.95, 5)])
def test_the_interval_is_the_percentile_bootstrap_of_scipy(
    num_users: int, confidence: float, seed: int
) -> None:
    values = skewed(num_users, 3, seed)
    theirs = scipy.stats.bootstrap(
        (values,),
        np.mean,
        axis=0,
        n_resamples=500,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    ours = bootstrap_interval(values, confidence, 500, seed)
    assert ours.shape == (2, 3)
    np.testing.assert_allclose(ours, [theirs.low, theirs.high], rtol=1e-12)


def test_columns_share_the_resamples_and_do_not_change_each_other() -> None:
    values = skewed(40, 2)
    low, high = bootstrap_interval(np.column_stack([values, 5 - 3 * values[:, 0]]), 0.9, 200, 3)
    alone = bootstrap_interval(values[:, 1:], 0.9, 200, 3)
    np.testing.assert_allclose([low[1], high[1]], alone[:, 0], rtol=1e-12)
    np.testing.assert_allclose([low[2], high[2]], [5 - 3 * high[0], 5 - 3 * low[0]], rtol=1e-12)


def test_the_interval_follows_from_the_seed() -> None:
    values = skewed(40, 1)
    first, again, other = (bootstrap_interval(values, 0.9, 50, seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def test_the_interval_of_zeros_is_0() -> None:
    assert bootstrap_interval(np.zeros((3, 2)), 0.9, 10, seed=0).tolist() == [[0, 0], [0, 0]]


def test_intervals_hold_the_true_mean_about_as_often_as_they_say() -> None:
    # Each column is one experiment; the true mean is 0.5 * 0.3.
    low, high = bootstrap_interval(skewed(100, 1000), 0.9, 300, seed=0)
    assert 0.86 <= ((low <= 0.15) & (high >= 0.15)).mean() <= 0.92


CALLS: dict[str, Callable[[Float64Array, int], Any]] = {
    "interval": lambda values, rounds: bootstrap_interval(values, 0.9, rounds, 0),
    "randomization": lambda values, rounds: paired_test(values, "randomization", rounds, 0),
    "bootstrap": lambda values, rounds: paired_test(values, "bootstrap", rounds, 0),
}


@pytest.mark.parametrize("name", CALLS)
def test_memory_is_that_of_one_round(name: str) -> None:
    values = skewed(20_000, 2)  # 320 kB; all resamples at once would be 48 MB
    tracemalloc.start()
    try:
        CALLS[name](values, 300)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


# --- paired tests ---


def test_randomization_of_three_users_is_what_the_hand_computes() -> None:
    # Of the signs of 1, 2, -4 the sums are +-1 (1 + 2 - 4), +-3, +-5 and +-7: all 8 are at least 1
    # away from 0. Of those of 1, 2, 4 only +-7 are at least 7 away: 2 of 8.
    differences = np.array([[1.0, 1.0], [2.0, 2.0], [-4.0, 4.0]])
    assert paired_test(differences, "randomization", 8, seed=0).tolist() == [1.0, 0.25]


# In tenths: 0.1 + 0.2 is not 0.3 in float64, so that equal sums are equal by tolerance only.
TENTHS = [
    [1, 2, -3, 3, 6, -1, 2, 4],
    [3, 3, 3, -1, -2, 1, 2, 3],
    [0, 7, 0, -1, 2, 0, 3, 3],
    [-9, 1, 2, 3, -7, 1, 2, 6],
    [1, 2, -3, 7, -7, 1, 2, -3],
    [9, 8, 7, 6, 5, 4, 3, 1],
]


def test_randomization_of_8_users_is_the_exact_enumeration() -> None:
    differences = np.array(TENTHS).T / 10  # (8, M)
    found = paired_test(differences, "randomization", 256, seed=0)
    expected = [exact_p(column) for column in TENTHS]
    assert found.tolist() == expected
    assert len(set(expected)) == len(TENTHS) - 1 and 1.0 in expected


def test_exact_randomization_is_that_of_scipy() -> None:
    differences = np.random.default_rng(8).normal(0.4, 1, (8, 4))
    found = paired_test(differences, "randomization", 1000, seed=0)
    theirs: Any = scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=1000, axis=0
    )
    np.testing.assert_array_equal(found, theirs.pvalue)
    assert found.min() < 0.2 < found.max()


def test_randomization_is_exact_as_soon_as_the_rounds_suffice() -> None:
    differences = np.arange(1.0, 11.0)[:, None] - 2.5  # 10 users, 1024 patterns
    exact = exact_p((2 * differences[:, 0]).astype(int).tolist())
    for seed in range(3):
        assert paired_test(differences, "randomization", 1024, seed).tolist() == [exact]
    sampled = {paired_test(differences, "randomization", 1023, seed)[0] for seed in range(5)}
    assert len(sampled) > 1


def test_users_without_a_difference_do_not_count_as_signs_to_enumerate() -> None:
    differences = np.array(TENTHS).T / 10
    padded = np.concatenate([np.zeros((500, 6)), differences, np.zeros((500, 6))])
    np.testing.assert_array_equal(
        paired_test(padded, "randomization", 256, seed=4),
        paired_test(differences, "randomization", 256, seed=4),
    )


@both_tests
def test_p_of_a_metric_does_not_depend_on_the_metrics_beside_it(method: PairedTest) -> None:
    differences = skewed(60, 3) - skewed(60, 3, seed=1) * (skewed(60, 3, seed=2) > 0)
    assert 30 < (differences[:, 1] != 0).sum() < differences.any(axis=1).sum()
    found = paired_test(differences, method, 300, seed=2)
    alone = paired_test(differences[:, 1:2], method, 300, seed=2)
    assert found[1:2].tolist() == alone.tolist() and found[1] != found[0]


def test_a_drawn_randomization_comes_close_to_the_exact_one() -> None:
    differences = np.array([[*column, *column[::-1]] for column in TENTHS]).T / 10  # (16, M)
    exact = paired_test(differences, "randomization", 2**16, seed=0)
    drawn = paired_test(differences, "randomization", 20_000, seed=0)
    deviation = np.sqrt(exact * (1 - exact) / 20_000)
    assert (np.abs(drawn - exact) <= 4 * deviation + 1e-4).all()
    assert (drawn != exact)[exact < 1].all()


def test_the_bootstrap_test_is_the_plain_formula_on_the_same_draws() -> None:
    differences = skewed(50, 4, seed=3) - 0.12
    drawn = np.random.default_rng(9).integers(0, 50, (400, 50))
    means = (differences - differences.mean(axis=0))[drawn].mean(axis=1)  # (rounds, M)
    extreme = (np.abs(means) >= np.abs(differences.mean(axis=0))).sum(axis=0)
    found = paired_test(differences, "bootstrap", 400, seed=9)
    assert found.tolist() == ((1 + extreme) / 401).tolist()
    assert len(set(found.tolist())) >= 3


@both_tests
def test_many_normal_differences_give_the_p_of_the_t_test(method: PairedTest) -> None:
    shifts = np.array([0.0, 0.04, 0.08, -0.1, 0.15])
    differences = np.random.default_rng(2).normal(shifts, 1, (500, 5))
    found = paired_test(differences, method, 10_000, seed=0)
    expected = np.asarray(scipy.stats.ttest_1samp(differences, 0).pvalue)
    assert np.abs(found - expected).max() < 0.02
    assert expected.min() < 0.02 and expected.max() > 0.3


@both_tests
def test_under_the_null_p_is_uniform(method: PairedTest) -> None:
    # Each column is one experiment on two systems that are alike.
    differences = skewed(80, 2000, seed=5) - skewed(80, 2000, seed=6)
    p_values = paired_test(differences, method, 999, seed=0)
    for level in (0.05, 0.2, 0.5, 0.8):
        assert abs((p_values <= level).mean() - level) < 0.03
    shifted = paired_test(differences + 0.15, method, 999, seed=0)
    assert (shifted <= 0.05).mean() > 0.8


@both_tests
def test_the_test_is_two_sided(method: PairedTest) -> None:
    differences = skewed(60, 3, seed=1) - 0.1
    found = paired_test(differences, method, 500, seed=2)
    np.testing.assert_array_equal(found, paired_test(-differences, method, 500, seed=2))


@both_tests
def test_p_is_never_0_and_follows_from_the_seed(method: PairedTest) -> None:
    clear = np.random.default_rng(0).uniform(1, 2, (60, 1))
    assert paired_test(clear, method, 199, seed=0).tolist() == [1 / 200]
    unclear = skewed(60, 3) - 0.15
    first, again, other = (paired_test(unclear, method, 300, seed).tolist() for seed in (1, 1, 2))
    assert first == again != other


@both_tests
@pytest.mark.parametrize("num_users", [1, 3, 100])
def test_p_of_no_difference_is_1(method: PairedTest, num_users: int) -> None:
    differences = np.zeros((num_users, 2))
    differences[:, 1] = 0.1 * np.resize([1, -1], num_users) if num_users % 2 == 0 else 0
    assert paired_test(differences, method, 99, seed=0).tolist() == [1.0, 1.0]


def test_one_user_proves_nothing() -> None:
    assert paired_test(np.array([[0.7]]), "randomization", 1000, seed=0).tolist() == [1.0]


# --- many tests ---


def test_holm_gives_what_the_hand_computes() -> None:
    # Ascending: 5 * 0.01 = 0.05, 4 * 0.02 = 0.08, 3 * 0.03 = 0.09, then 2 * 0.04 = 0.08 and
    # 1 * 0.05 are raised to 0.09.
    found = adjust_holm(np.array([0.04, 0.01, 0.05, 0.03, 0.02]))
    np.testing.assert_allclose(found, [0.09, 0.05, 0.09, 0.09, 0.08], rtol=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_closed_testing_with_bonferroni(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(5) ** 3, 2)  # with ties, and some that end at 1
    sets = [s for size in range(1, 6) for s in itertools.combinations(range(5), size)]
    expected = [max(min(1, len(s) * p[list(s)].min()) for s in sets if m in s) for m in range(5)]
    np.testing.assert_allclose(adjust_holm(p), expected, rtol=1e-15)


# --- how many users ---


def test_with_the_users_needed_four_of_five_experiments_succeed() -> None:
    rng = np.random.default_rng(4)
    pilot = rng.normal(0.2, 1, (50, 1))
    (needed,) = users_needed(pilot, 0.05)
    runs = rng.normal(pilot.mean(), pilot.std(ddof=1), (int(needed), 4000))
    p_values = np.asarray(scipy.stats.ttest_1samp(runs, 0).pvalue)
    assert abs((p_values <= 0.05).mean() - 0.8) < 0.03


def test_no_fewer_users_are_needed_than_a_randomization_can_use() -> None:
    alike = np.full((6, 1), 0.25)
    assert users_needed(alike[:2], 0.05).tolist() == [6] == users_needed(alike[:1], 0.05).tolist()
    assert paired_test(alike, "randomization", 100, 0)[0] <= 0.05
    assert paired_test(alike[:5], "randomization", 100, 0)[0] > 0.05


def test_no_number_of_users_tells_no_difference() -> None:
    assert users_needed(np.array([[1.0, 0.0], [-1.0, 0.0]]), 0.05).tolist() == [np.inf, np.inf]


# --- bad settings ---

GOOD = np.array([[0.1], [0.2]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: bootstrap_interval(GOOD, 1.0, 10, 0),
            ConfigError,
            "confidence: expected a number above 0 and below 1, got 1.0",
        ),
        (
            lambda: bootstrap_interval(GOOD, float("nan"), 10, 0),
            ConfigError,
            "confidence: expected a number above 0 and below 1, got nan",
        ),
        (
            lambda: bootstrap_interval(GOOD, 0.9, 0, 0),
            ConfigError,
            "rounds: expected an integer >= 1, got 0",
        ),
        (
            lambda: paired_test(GOOD, "bootstrap", 10, -1),
            ConfigError,
            "seed: expected an integer >= 0, got -1",
        ),
        (
            lambda: paired_test(GOOD, "t", 10, 0),  # type: ignore[arg-type]
            ConfigError,
            "test: expected 'randomization' or 'bootstrap', got 't'",
        ),
        (
            lambda: paired_test(GOOD[:0], "bootstrap", 10, 0),
            DataError,
            "users: expected at least one, got none",
        ),
        (
            lambda: paired_test(np.array([[0.1], [np.nan]]), "randomization", 10, 0),
            DataError,
            "values: expected finite numbers, got nan",
        ),
        (
            lambda: bootstrap_interval(np.array([[0.1, np.inf]]), 0.9, 10, 0),
            DataError,
            "values: expected finite numbers, got inf",
        ),
    ],
)
def test_a_bad_setting_is_named(
    call: Callable[[], object], error: type[MlcoreError], message: str
) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message

"""Resampling statistics over users: intervals of means, paired tests, multiple testing.

All columns (metrics) of one call share the resamples, and each round draws its own random numbers,
so memory does not grow with the rounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from mlcore.errors import ConfigError, DataError
from mlcore.evaluate.config import PAIRED_TESTS, PairedTest
from mlcore.types import Float64Array, Int64Array

__all__ = [
    "FEW_USERS",
    "adjust_holm",
    "bootstrap_interval",
    "paired_test",
    "users_needed",
]

# Percentile intervals of fewer users are noticeably too narrow.
FEW_USERS = 30

# Sums of the same numbers in another order differ by less than this share of their absolute sum.
TIE_TOLERANCE = 1e-12


def bootstrap_interval(
    values: Float64Array, confidence: float, rounds: int, seed: int
) -> Float64Array:
    """Return the percentile bootstrap interval of each column's mean over users.

    Each round draws U users with replacement and takes the means; the bounds are the
    (1 - confidence) / 2 and (1 + confidence) / 2 quantiles of these, interpolated linearly. Equals
    ``scipy.stats.bootstrap((values,), np.mean, axis=0, method="percentile")`` with the generator
    ``np.random.default_rng(seed)``. Efron and Tibshirani, An Introduction to the Bootstrap (1993),
    13.3. Too narrow for fewer than ``FEW_USERS`` users.

    Args:
        values: (U, M) finite float64, U >= 1.
        confidence: above 0 and below 1.
        rounds: number of resamples, >= 1.
        seed: >= 0.

    Returns:
        (2, M) float64: low and high.

    Raises:
        ConfigError: a setting is out of range.
        DataError: there are no users, or a value is not finite.

    >>> bootstrap_interval(np.array([[0.0, 2.0], [1.0, 2.0]]), 0.9, 100, seed=0).tolist()
    [[0.0, 2.0], [1.0, 2.0]]
    """
    if not 0 < confidence < 1:
        raise ConfigError(f"confidence: expected a number above 0 and below 1, got {confidence}")
    _check(values, rounds, seed)
    sums = np.array(list(_resampled_sums(values, rounds, seed)))  # (rounds, M) float64
    tail = (1 - confidence) / 2
    bounds: Float64Array = np.quantile(sums / len(values), [tail, 1 - tail], axis=0)
    return bounds


def paired_test(
    differences: Float64Array, method: PairedTest, rounds: int, seed: int
) -> Float64Array:
    """Return the two-sided p-value of each column for "the mean difference is 0".

    ``randomization`` (Fisher): if both systems were alike, each user's difference could have either
    sign. Flips signs at random; p = (1 + count) / (1 + rounds), where count is the number of rounds
    with |mean*| >= |mean|. If at most ``rounds`` sign patterns exist for the users with a
    difference, tries each once, and p is exact: count / patterns.

    ``bootstrap``: draws users with replacement from the differences minus their mean; p as above.
    Treats the users as the whole population, so p is too small for few users; prefer
    ``randomization`` then.

    Means that differ by rounding only are equal. Where exact, equals
    ``scipy.stats.permutation_test((d,), np.mean, permutation_type="samples")``. Smucker, Allan and
    Carterette, A Comparison of Statistical Significance Tests for Information Retrieval Evaluation
    (CIKM 2007); Efron and Tibshirani (1993), 16.4; the 1 +: Phipson and Smyth, Permutation P-values
    Should Never Be Zero (2010).

    Args:
        differences: (U, M) finite float64, candidate minus baseline of each user, U >= 1.
        rounds: number of resamples, >= 1.
        seed: >= 0.

    Returns:
        (M,) float64, above 0 and at most 1; 1 where all differences are 0.

    Raises:
        ConfigError: a setting is out of range.
        DataError: there are no users, or a difference is not finite.

    >>> differences = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    >>> paired_test(differences, "randomization", 100, seed=0).tolist()
    [0.25, 1.0]
    """
    _check(differences, rounds, seed)
    if method not in PAIRED_TESTS:
        raise ConfigError(f"test: expected 'randomization' or 'bootstrap', got {method!r}")
    least = np.abs(differences.sum(axis=0)) - TIE_TOLERANCE * np.abs(differences).sum(axis=0)
    if method == "bootstrap":
        total = differences.sum(axis=0)  # (M,)
        sums = (one - total for one in _resampled_sums(differences, rounds, seed))
        count = _count_extreme(sums, least)
        return (1 + count) / (1 + rounds)
    changing = differences[differences.any(axis=1)]  # (A, M): the sign of a 0 changes nothing
    if len(changing) < rounds.bit_length():  # that is, 2 ** len(changing) <= rounds
        patterns = float(2 ** len(changing))
        return _count_extreme(_all_flipped_sums(changing), least) / patterns
    count = _count_extreme(_flipped_sums(differences, rounds, seed), least)
    return (1 + count) / (1 + rounds)


def adjust_holm(p_values: Float64Array) -> Float64Array:
    """Return M p-values adjusted for multiple testing, under any dependence, in the given order.

    The i-th smallest, i from 1, becomes the largest of (M - j + 1) p_j over j <= i, at most 1.
    Rejecting where the result is at most alpha bounds the chance of any false rejection by alpha.
    Equals ``p.adjust(p, "holm")`` of R. Holm, A Simple Sequentially Rejective Multiple Test
    Procedure (Scandinavian Journal of Statistics, 1979).

    >>> adjust_holm(np.array([0.25, 0.125, 0.5])).tolist()
    [0.5, 0.375, 0.5]
    """
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)  # (M,) float64
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted


def users_needed(differences: Float64Array, level: float) -> Float64Array:
    """Return the number of users a paired test needs to detect each mean difference.

    With the same mean and standard deviation, a test of these users is significant at ``level``
    with a power of 80 %: ((z(1 - level / 2) + z(0.8)) standard deviation / mean)^2, z the quantile
    of the normal distribution, the deviation with U - 1; at least 1 + log2(1 / level), as fewer
    users have too few sign patterns. Cohen, Statistical Power Analysis for the Behavioral Sciences
    (1988), 2.4.

    Args:
        differences: (U, M) finite float64, U >= 1.
        level: of significance, above 0 and below 1.

    Returns:
        (M,) float64 whole numbers; infinite where the mean is 0.

    >>> users_needed(np.array([[0.0], [0.0], [0.0], [1.0]]), 0.05).tolist()
    [32.0]
    """
    distance = NormalDist().inv_cdf(1 - level / 2) + NormalDist().inv_cdf(0.8)
    deviations = differences.std(axis=0, ddof=1 if len(differences) > 1 else 0)  # (M,)
    means = np.abs(differences.mean(axis=0))  # (M,)
    ratios = np.full(len(means), np.inf)
    np.divide(deviations, means, out=ratios, where=means > 0)
    needed: Float64Array = np.ceil((distance * ratios) ** 2)
    return np.maximum(needed, math.ceil(1 - math.log2(level)))


def _check(values: Float64Array, rounds: int, seed: int) -> None:
    if rounds < 1:
        raise ConfigError(f"rounds: expected an integer >= 1, got {rounds}")
    if seed < 0:
        raise ConfigError(f"seed: expected an integer >= 0, got {seed}")
    if not len(values):
        raise DataError("users: expected at least one, got none")
    if not np.isfinite(values).all():
        raise DataError(
            f"values: expected finite numbers, got {values[~np.isfinite(values)][0].item()}"
        )


def _resampled_sums(values: Float64Array, rounds: int, seed: int) -> Iterator[Float64Array]:
    """Yield the sum of U users drawn with replacement in each round, (M,)."""
    rng = np.random.default_rng(seed)
    num_users = len(values)
    adding, columns = _adding_columns(values)
    for _ in range(rounds):
        times = np.bincount(rng.integers(0, num_users, num_users), minlength=num_users)  # (U,)
        yield _products(columns, times[adding])


def _flipped_sums(differences: Float64Array, rounds: int, seed: int) -> Iterator[Float64Array]:
    """Yield the sum with the signs of random users flipped in each round, (M,)."""
    rng = np.random.default_rng(seed)
    num_users = len(differences)
    adding, columns = _adding_columns(differences)
    total = columns.sum(axis=1)
    for _ in range(rounds):
        random_bytes = np.frombuffer(rng.bytes(-(-num_users // 8)), np.uint8)
        flips = np.unpackbits(random_bytes, count=num_users)  # (U,) 0 or 1
        yield total - 2 * _products(columns, flips[adding])


def _adding_columns(values: Float64Array) -> tuple[Int64Array, Float64Array]:
    """Return the users with a value other than 0, (A,), and their values, (M, A)."""
    adding = np.flatnonzero(values.any(axis=1))
    return adding, np.ascontiguousarray(values[adding].T)  # contiguous for one pass


def _products(columns: Float64Array, times: npt.NDArray[np.integer]) -> Float64Array:
    # Not @: its threads cost more than they save here, and they change the order of addition.
    sums: Float64Array = np.einsum("mu,u->m", columns, times.astype(np.float64))
    return sums


def _all_flipped_sums(differences: Float64Array) -> Iterator[Float64Array]:
    """Yield the sum for each of the 2^U sign patterns, (M,)."""
    users = np.arange(len(differences))
    total = differences.sum(axis=0)
    for pattern in range(2 ** len(users)):
        yield total - 2 * ((pattern >> users & 1).astype(np.float64) @ differences)


def _count_extreme(sums: Iterator[Float64Array], least: Float64Array) -> Float64Array:
    """Return the number of sums at least ``least`` from 0, (M,) float64."""
    count = np.zeros(len(least))
    for one in sums:
        count += np.abs(one) >= least
    return count

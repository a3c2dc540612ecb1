"""Coordinate descent for the non-negative elastic net, many targets at once.

With G = X' X, the weights of target j minimise

    1/2 |x_j - sum_i w_i x_i|^2 + l2/2 sum_i w_i^2 + l1 sum_i w_i,    w_i >= 0,

over a few sources i each. In a sweep one coordinate after the other is set to its optimum,

    w_i = max(0, G_ij - sum_{k != i} G_ik w_k - l1) / (G_ii + l2),

sources ascending, until a sweep changes nothing that matters. Friedman et al., Regularization Paths for
Generalized Linear Models via Coordinate Descent (Journal of Statistical Software 2010), with the
covariance updates of its section 2.2. Strongly correlated sources would need hundreds of sweeps, so
an active-set step follows now and then: to the joint optimum of the sources that have a weight, with
0 for weights that would be negative, if that lowers the objective; else towards that optimum until
the first weight becomes 0, and again without that source (Lawson and Hanson, Solving Least Squares
Problems, 1974, chapter 23). The last sweep proves the optimum.

The targets of a batch never mix: all is done element by element, each operation rounded by itself,
and each target stops by its own rule. So neither the batch of a target nor the processor changes a
bit; a product of matrices (BLAS) or a pairwise sum would.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlcore.types import BoolArray, Float64Array, Int64Array

__all__ = ["Problems", "Solutions", "descend"]


# An active-set step costs as much as one sweep for every 3 sources in use, and saves many: it is due
# after one sweep for every 16. Changes the last bits.
SOURCES_PER_SWEEP = 16


class Problems(NamedTuple):
    """B problems of at most M sources each; those with fewer are padded with zeros at the end.

    Attributes:
        grams: (M, M, B) float64, G of the sources of each target.
        correlations: (M, B) float64, G_ij of each source and the target.
        weights: (M, B) float64 >= 0, the start.
        tolerances: (B,) float64; a sweep that changes no (G_ii + l2) w_i by more is the last.
        limits: (B,) int64 >= 1, the most sweeps of each target.
    """

    grams: Float64Array
    correlations: Float64Array
    weights: Float64Array
    tolerances: Float64Array
    limits: Int64Array

    def only(self, kept: BoolArray | Int64Array) -> Problems:
        """Return some of the problems."""
        grams, correlations, weights, tolerances, limits = self
        return Problems(
            grams[..., kept],
            correlations[:, kept],
            weights[:, kept],
            tolerances[kept],
            limits[kept],
        )


class Solutions(NamedTuple):
    """The weights (M, B), the sweeps that each target took (B,), and whether it converged (B,)."""

    weights: Float64Array
    sweeps: Int64Array
    converged: BoolArray


def descend(problems: Problems, l1: float, l2: float) -> Solutions:
    """Return the weights that minimise the above for each target.

    Equals ``sklearn.linear_model.ElasticNet(alpha=(l1 + l2) / U, l1_ratio=l1 / (l1 + l2),
    positive=True, fit_intercept=False).fit(X[:, sources], X[:, j]).coef_``.

    Args:
        problems: whose weights are overwritten.

    >>> start, correlation = np.zeros((1, 1)), np.full((1, 1), 2.0)
    >>> problems = Problems(np.full((1, 1, 1), 3.0), correlation, start, np.zeros(1), np.full(1, 9))
    >>> descend(problems, l1=0.5, l2=1.0).weights  # (2 - 0.5) / (3 + 1)
    array([[0.375]])
    """
    size = len(problems.limits)
    solutions = Solutions(
        np.zeros_like(problems.weights), np.zeros(size, np.int64), np.zeros(size, np.bool_)
    )
    residuals = _residuals(problems, problems.weights)  # (M, B)
    places = np.arange(size)  # (B,) int64, positions of the problems in progress in the solutions
    working = np.ones(size, np.bool_)
    last_steps = np.zeros(size, np.int64)
    sweep = 0
    while len(places):
        sweep += 1
        converged = _sweep(problems, residuals, l1, l2) <= problems.tolerances  # (B,) bool
        ended = working & (converged | (sweep >= problems.limits))
        solutions.weights[:, places[ended]] = problems.weights[:, ended]
        solutions.sweeps[places[ended]] = sweep
        solutions.converged[places[ended]] = converged[ended]
        working &= ~ended
        if 2 * np.count_nonzero(working) <= len(working):  # not each time: it copies the grams
            problems, residuals = problems.only(working), residuals[:, working]
            places, last_steps = places[working], last_steps[working]
            working = working[working]
        used = np.count_nonzero(problems.weights, axis=0)  # (B,)
        due = working & (SOURCES_PER_SWEEP * (sweep - last_steps) >= used)
        if due.any():
            last_steps[due] = sweep
            _active_set_step(problems, residuals, due, l1, l2)
    return solutions


def _sweep(problems: Problems, residuals: Float64Array, l1: float, l2: float) -> Float64Array:
    """Set each coordinate to its optimum, in place; return the largest change of each target."""
    grams, _, weights, _, _ = problems
    diagonals = np.einsum("mmb->mb", grams)  # (M, B)
    divisors = np.where(diagonals > 0, diagonals + l2, 1.0)  # (M, B); 1 where there is no source
    steps, scratch = np.empty_like(weights), np.empty_like(weights)  # (M, B)
    for source, step in enumerate(steps):
        optimum = residuals[source] + diagonals[source] * weights[source] - l1
        np.maximum(optimum, 0.0, out=optimum)
        optimum /= divisors[source]
        np.subtract(optimum, weights[source], out=step)
        if step.any():
            weights[source] = optimum
            np.multiply(grams[source], step, out=scratch)
            residuals -= scratch
    largest: Float64Array = (np.abs(steps) * divisors).max(axis=0)
    return largest


def _active_set_step(
    problems: Problems, residuals: Float64Array, due: BoolArray, l1: float, l2: float
) -> None:
    """Move, in place, to the joint optimum or towards it, where that lowers the objective."""
    places = np.flatnonzero(due)
    while len(places):
        some = problems.only(places)
        with np.errstate(all="ignore"):  # sources that depend on each other have no such optimum
            optima = _joint_optima(some, l1, l2)  # (M, B)
            least = _objectives(some, some.weights, l1, l2)  # (B,)
            clipped, stepped = np.maximum(optima, 0.0), _towards(some.weights, optima)  # (M, B)
            arrives = _objectives(some, clipped, l1, l2) < least  # not if not a number
            steps = ~arrives & (optima < 0).any(axis=0)
            steps &= _objectives(some, stepped, l1, l2) <= least
        goals = np.where(arrives, clipped, np.where(steps, stepped, some.weights))
        problems.weights[:, places] = goals
        residuals[:, places] = _residuals(some, goals)
        places = places[steps]  # again, with at least one source less


def _towards(weights: Float64Array, optima: Float64Array) -> Float64Array:
    """Return the points on the way to the optima where the first weight becomes 0, (M, B)."""
    shares = np.where(optima < 0, weights / (weights - optima), 1.0)  # (M, B), of the way
    share = shares.min(axis=0)  # (B,)
    points = weights + share * (optima - weights)
    return np.where((optima < 0) & (shares == share), 0.0, np.maximum(points, 0.0))


def _joint_optima(problems: Problems, l1: float, l2: float) -> Float64Array:
    """Return what solves (G + l2 I) w = G_j - l1 for the sources with a weight, 0 else, (M, B)."""
    grams, correlations, weights, _, _ = problems
    used = weights > 0  # (M, B)
    size = used.sum(axis=0).max(initial=0)
    places = np.argsort(~used, axis=0, kind="stable")[:size]  # (S, B), those in use first
    real = np.take_along_axis(used, places, axis=0)  # (S, B), False for padding
    systems = grams[places[:, None], places, np.arange(used.shape[1])]  # (S, S, B)
    systems *= real[:, None] & real
    np.einsum("ssb->sb", systems)[:] += np.where(real, l2, 1.0)
    rights = np.where(real, np.take_along_axis(correlations, places, axis=0) - l1, 0.0)  # (S, B)
    _eliminate(systems, rights)
    optima = np.zeros_like(weights)  # (M, B)
    np.put_along_axis(optima, places, rights, axis=0)
    return optima


def _eliminate(systems: Float64Array, rights: Float64Array) -> None:
    """Overwrite the right sides with the solutions of symmetric positive definite systems."""
    scratch = np.empty_like(systems)
    for row in range(len(systems)):
        factors = systems[row + 1 :, row] / systems[row, row]  # (S - row - 1, B)
        below = scratch[row + 1 :, row + 1 :]  # (S - row - 1, S - row - 1, B)
        np.multiply(factors[:, None], systems[row, row + 1 :], out=below)
        systems[row + 1 :, row + 1 :] -= below
        rights[row + 1 :] -= factors * rights[row]
    for row in reversed(range(len(systems))):
        rights[row] /= systems[row, row]
        rights[:row] -= systems[:row, row] * rights[row]


def _residuals(problems: Problems, weights: Float64Array) -> Float64Array:
    """Return G_ij - sum_k G_ik w_k of each source, (M, B)."""
    residuals = problems.correlations.copy()  # (M, B)
    for gram, weight in zip(problems.grams, weights):
        if weight.any():
            residuals -= gram * weight
    return residuals


def _objectives(problems: Problems, weights: Float64Array, l1: float, l2: float) -> Float64Array:
    """Return the objective of each target, less the constant |x_j|^2 / 2, (B,)."""
    unexplained = (problems.correlations + _residuals(problems, weights)) / 2  # (M, B)
    objectives: Float64Array = np.zeros(weights.shape[1])
    for term in weights * (l2 / 2 * weights + l1 - unexplained):
        objectives += term  # one by one: np.sum adds in pairs that depend on the shape
    return objectives

"""Similarities that compare the co-occurrences of two items with what chance would give.

All count on the binary X: c_ij users who have both items, n_i users who have item i, N users of
the training. N is the number of users, not of items. Pairs that never occur together are absent,
not minus infinity, as are those that occur together exactly as often as by chance.

Logarithms come from ``portable``: the same bits on every platform.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.numeric.portable import log
from mlcore.parameters import boolean, parameter
from mlcore.similarity.formula import Pairs, Quotient
from mlcore.similarity.pairs import PairSimilarity
from mlcore.types import Float64Array

__all__ = [
    "Lift",
    "LogLikelihoodRatio",
    "NormalizedPointwiseMutualInformation",
    "PointwiseMutualInformation",
]


@dataclass(frozen=True)
class Lift(PairSimilarity):
    """N c_ij / (n_i n_j + shrinkage): how many times more often than by chance.

    Without shrinkage P(i, j) / (P(i) P(j)); 1 means independent. Brin et al., Dynamic Itemset
    Counting and Implication Rules for Market Basket Data (SIGMOD 1997), there called interest.
    The ``lift`` of SAR is this divided by N.
    """

    name = "lift"
    binary = True

    def quotient(self, num_users: int) -> Quotient:
        """Return the formula for the compiled kernel."""
        return Quotient("product", float(num_users))

    def values(self, pairs: Pairs) -> Float64Array:
        """Return N c_ij / (n_i n_j + shrinkage)."""
        (source,), (target,) = pairs.sources, pairs.targets
        return pairs.num_users * pairs.products / (source * target + pairs.shrinkage)


@dataclass(frozen=True)
class PointwiseMutualInformation(PairSimilarity):
    """ln(N c_ij / (n_i n_j)) * c_ij / (c_ij + shrinkage), in nats.

    Negative for pairs that occur together less often than by chance. Church and Hanks, Word
    Association Norms, Mutual Information, and Lexicography (Computational Linguistics 1990). The
    logarithm has no denominator to shrink, and rare pairs have the largest values, so shrinkage
    damps by support, as in Bell and Koren, Improved Neighborhood-based Collaborative Filtering
    (KDD Cup 2007).
    """

    name = "pmi"
    binary = True

    def values(self, pairs: Pairs) -> Float64Array:
        """Return ln(N c_ij / (n_i n_j)) * c_ij / (c_ij + shrinkage)."""
        return log(_lift(pairs)) * _support(pairs)


@dataclass(frozen=True)
class NormalizedPointwiseMutualInformation(PairSimilarity):
    """ln(N c_ij / (n_i n_j)) / -ln(c_ij / N) * c_ij / (c_ij + shrinkage).

    From -1 to 1; 1 for items that have the same users. Bouma, Normalized (Pointwise) Mutual
    Information in Collocation Extraction (GSCL 2009). Where all users have both items the quotient
    is 0 / 0; its limit for items with the same users, 1, is taken.
    """

    name = "npmi"
    binary = True

    def values(self, pairs: Pairs) -> Float64Array:
        """Return ln(N c_ij / (n_i n_j)) / -ln(c_ij / N) * c_ij / (c_ij + shrinkage)."""
        # ln(N / c), not -ln(c / N), which rounds before the logarithm of a number close to 1.
        information = log(pairs.num_users / pairs.products)  # (P,) >= 0
        everybody = pairs.products == pairs.num_users
        information[everybody] = 1.0
        mutual = np.where(everybody, 1.0, log(_lift(pairs)))
        return mutual / information * _support(pairs)


@dataclass(frozen=True)
class LogLikelihoodRatio(PairSimilarity):
    """G2 * c_ij / (c_ij + shrinkage): the evidence that two items do not occur independently.

    G2 = 2 sum of k ln(k N / (row sum * column sum)) over the four cells k of the table of users
    with both items, the source only, the target only, and neither:
    c_ij, n_i - c_ij, n_j - c_ij, N - n_i - n_j + c_ij; a cell of 0 adds 0. Dunning, Accurate
    Methods for the Statistics of Surprise and Coincidence (Computational Linguistics 1993). Equals
    ``LogLikelihood.logLikelihoodRatio`` of Mahout, by which its co-occurrence analysis ranks, and
    ``scipy.stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")``.

    As there, G2 is also large for items that avoid each other; ``signed`` gives those pairs -G2.
    """

    name = "log_likelihood_ratio"
    binary = True
    signed: bool = parameter(False, boolean())  # Changes the model.

    def values(self, pairs: Pairs) -> Float64Array:
        """Return G2 of each pair, damped by support."""
        (source,), (target,) = pairs.sources, pairs.targets
        both, users = pairs.products, float(pairs.num_users)
        sources, targets = (source, users - source), (target, users - target)
        cells = (
            (both, 0, 0),
            (source - both, 0, 1),
            (target - both, 1, 0),
            (users - source - target + both, 1, 1),
        )
        ratio = np.zeros(len(both))
        for cell, row, column in cells:
            ratio += _surprise(cell, sources[row] * targets[column], users)
        # The terms of almost independent items cancel; G2 itself is never negative.
        ratio = 2 * np.maximum(ratio, 0.0)
        if self.signed:
            ratio *= np.sign(users * both - source * target)
        return ratio * _support(pairs)


def _lift(pairs: Pairs) -> Float64Array:
    (source,), (target,) = pairs.sources, pairs.targets
    return pairs.num_users * pairs.products / (source * target)


def _support(pairs: Pairs) -> Float64Array:
    return pairs.products / (pairs.products + pairs.shrinkage)


def _surprise(cell: Float64Array, margins: Float64Array, users: float) -> Float64Array:
    """Return k ln(k N / (row sum * column sum)), 0 for k = 0."""
    filled = cell > 0
    ratio = np.divide(cell * users, margins, out=np.ones_like(cell), where=filled)
    return cell * log(ratio)

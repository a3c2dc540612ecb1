"""Similarities that divide the overlap of two columns of X by a measure of their size.

c_ij is the dot product of the columns of items i and j, n_i the squared norm of column i; on the
binary X these are counts: c_ij users who have both items, n_i users who have item i. i is the
source, an item of the history, and j the target. ``definitions`` in Ferrari Dacrema et al. (ACM
TOIS 2021, additional material) has the same forms; none hides a constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.numeric.portable import power
from mlcore.parameters import number, parameter
from mlcore.similarity.formula import Pairs, Quotient, Terms
from mlcore.similarity.gram import GramBlocks
from mlcore.similarity.pairs import PairSimilarity
from mlcore.types import Float64Array

__all__ = [
    "AsymmetricCosine",
    "ConditionalProbability",
    "Cosine",
    "Dice",
    "Dot",
    "Jaccard",
    "Tversky",
]


@dataclass(frozen=True)
class Dot(PairSimilarity):
    """c_ij / (1 + shrinkage): the dot product; on the binary X the number of common users.

    Without a denominator to shrink, shrinkage is a constant factor and changes no ranking.
    Equals ``X.T @ X`` off the diagonal when shrinkage is 0.
    """

    name = "dot"

    def source_terms(self, gram: GramBlocks) -> Terms:
        """Return 1, for the denominator of the compiled kernel."""
        return (np.ones(gram.num_items),)

    def quotient(self, num_users: int) -> Quotient:
        """Return c_ij / (1 * 1 + shrinkage)."""
        return Quotient("product", 1.0)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (1 + shrinkage)."""
        return pairs.products / (1.0 + pairs.shrinkage)


@dataclass(frozen=True)
class Cosine(PairSimilarity):
    """c_ij / (sqrt(n_i) sqrt(n_j) + shrinkage).

    Equals ``sklearn.metrics.pairwise.cosine_similarity(X.T)`` off the diagonal when shrinkage is
    0. Sarwar et al., Item-Based Collaborative Filtering Recommendation Algorithms (WWW 2001).
    """

    name = "cosine"

    def source_terms(self, gram: GramBlocks) -> Terms:
        """Return sqrt(n_i)."""
        return (np.sqrt(gram.norms),)

    def quotient(self, num_users: int) -> Quotient:
        """Return the formula for the compiled kernel."""
        return Quotient("product", 1.0)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (sqrt(n_i) sqrt(n_j) + shrinkage)."""
        (source,), (target,) = pairs.sources, pairs.targets
        return pairs.products / (source * target + pairs.shrinkage)


@dataclass(frozen=True)
class AsymmetricCosine(PairSimilarity):
    """c_ij / (n_j^alpha n_i^(1 - alpha) + shrinkage), j the target.

    On the binary X, without shrinkage: P(i|j)^alpha P(j|i)^(1 - alpha). So alpha = 0 is the
    conditional probability of the target, 0.5 the cosine, and 1 the conditional probability of the
    source, which favours rare targets. Aiolli, Efficient Top-N Recommendation for Very Large Scale
    Binary Rated Datasets (RecSys 2013).
    """

    name = "asymmetric_cosine"
    alpha: float = parameter(0.4, number(minimum=0, maximum=1))  # Changes the model.

    def source_terms(self, gram: GramBlocks) -> Terms:
        """Return n_i^(1 - alpha)."""
        return (power(gram.norms, 1 - self.alpha),)

    def target_terms(self, gram: GramBlocks) -> Terms:
        """Return n_j^alpha."""
        return (power(gram.norms, self.alpha),)

    def quotient(self, num_users: int) -> Quotient:
        """Return the formula for the compiled kernel."""
        return Quotient("product", 1.0)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (n_j^alpha n_i^(1 - alpha) + shrinkage)."""
        (source,), (target,) = pairs.sources, pairs.targets
        return pairs.products / (target * source + pairs.shrinkage)


@dataclass(frozen=True)
class Jaccard(PairSimilarity):
    """c_ij / (n_i + n_j - c_ij + shrinkage) on the binary X: common users / users of either.

    Jaccard, Étude comparative de la distribution florale (1901); also called Tanimoto.
    """

    name = "jaccard"
    binary = True

    def quotient(self, num_users: int) -> Quotient:
        """Return the formula for the compiled kernel."""
        return Quotient("sum", 1.0)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (n_i + n_j - c_ij + shrinkage)."""
        (source,), (target,) = pairs.sources, pairs.targets
        return pairs.products / (source + target - pairs.products + pairs.shrinkage)


@dataclass(frozen=True)
class Dice(PairSimilarity):
    """c_ij / (n_i + n_j + shrinkage) on the binary X.

    Half of the coefficient of Dice (1945) and Sørensen (1948), 2 c_ij / (n_i + n_j), as in the
    published tables: the factor 2 changes no ranking.
    """

    name = "dice"
    binary = True

    def quotient(self, num_users: int) -> Quotient:
        """Return the formula for the compiled kernel."""
        return Quotient("sum", 0.0)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (n_i + n_j + shrinkage)."""
        (source,), (target,) = pairs.sources, pairs.targets
        return pairs.products / (source + target + pairs.shrinkage)


@dataclass(frozen=True)
class Tversky(PairSimilarity):
    """c_ij / (c_ij + alpha (n_j - c_ij) + beta (n_i - c_ij) + shrinkage) on the binary X.

    alpha weighs the users of the target alone, beta those of the source alone. alpha = beta = 1 is
    Jaccard, 0.5 twice the ``dice`` here; alpha = 0, beta = 1 is c_ij / n_i, the conditional
    probability of the target. Tversky, Features of Similarity (Psychological Review 84, 1977).
    """

    name = "tversky"
    binary = True
    alpha: float = parameter(1.0, number(minimum=0))  # Changes the model.
    beta: float = parameter(1.0, number(minimum=0))  # Changes the model.

    def quotient(self, num_users: int) -> Quotient:
        """Return the formula for the compiled kernel."""
        return Quotient("tversky", self.alpha, self.beta)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (c_ij + alpha (n_j - c_ij) + beta (n_i - c_ij) + shrinkage)."""
        (source,), (target,) = pairs.sources, pairs.targets
        common = pairs.products
        others = self.alpha * (target - common) + self.beta * (source - common)
        return common / (common + others + pairs.shrinkage)


@dataclass(frozen=True)
class ConditionalProbability(PairSimilarity):
    """c_ij / (n_i n_j^popularity_exponent + shrinkage) on the binary X.

    With exponent 0 this is P(j|i), the share of the users of the source who have the target; a
    larger one penalises popular targets, and 1 orders the targets of a source as lift does.
    Deshpande and Karypis, Item-Based Top-N Recommendation Algorithms (ACM TOIS 2004), where the
    exponent is called alpha.
    """

    name = "conditional_probability"
    binary = True
    popularity_exponent: float = parameter(0.0, number(minimum=0))  # Changes the model.

    def target_terms(self, gram: GramBlocks) -> Terms:
        """Return n_j^popularity_exponent."""
        return (power(gram.norms, self.popularity_exponent),)

    def quotient(self, num_users: int) -> Quotient:
        """Return the formula for the compiled kernel."""
        return Quotient("product", 1.0)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (n_i n_j^popularity_exponent + shrinkage)."""
        (source,), (target,) = pairs.sources, pairs.targets
        return pairs.products / (source * target + pairs.shrinkage)

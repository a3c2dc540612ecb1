"""Similarities that need only c_ij and the two n: the dot product of two columns of X, and their
squared norms.

On the binary X these are counts: c_ij users who have both items, n_i users who have item i.
``definitions`` in Ferrari Dacrema et al. (ACM TOIS 2021, additional material) has the same forms;
no constant is hidden in any of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.similarity.base import Similarity
from mlcore.similarity.pairs import Pairs, PairSimilarity
from mlcore.types import Float64Array

__all__ = ["SIMILARITIES", "Cosine", "Dice", "Dot", "Jaccard"]


@dataclass(frozen=True)
class Dot(PairSimilarity):
    """c_ij / (1 + shrinkage): the plain product; on the binary X the number of common users.

    Without a denominator to shrink, shrinkage is a constant factor and changes no ranking.
    Equals ``X.T @ X`` off the diagonal when shrinkage is 0.
    """

    name = "dot"

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

    def item_terms(self, norms: Float64Array) -> Float64Array:
        """Return sqrt(n_i)."""
        return np.sqrt(norms)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (sqrt(n_i) sqrt(n_j) + shrinkage)."""
        return pairs.products / (pairs.sources * pairs.targets + pairs.shrinkage)


@dataclass(frozen=True)
class Jaccard(PairSimilarity):
    """c_ij / (n_i + n_j - c_ij + shrinkage) on the binary X: common users / users of either.

    Jaccard, Étude comparative de la distribution florale (1901); also called Tanimoto.
    """

    name = "jaccard"
    binary = True

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (n_i + n_j - c_ij + shrinkage)."""
        union = pairs.sources + pairs.targets - pairs.products
        return pairs.products / (union + pairs.shrinkage)


@dataclass(frozen=True)
class Dice(PairSimilarity):
    """c_ij / (n_i + n_j + shrinkage) on the binary X.

    Half of the coefficient of Dice (1945) and Sørensen (1948), 2 c_ij / (n_i + n_j), as in the
    published tables: the factor 2 changes no ranking.
    """

    name = "dice"
    binary = True

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (n_i + n_j + shrinkage)."""
        return pairs.products / (pairs.sources + pairs.targets + pairs.shrinkage)


SIMILARITIES: dict[str, type[Similarity]] = {
    similarity.name: similarity for similarity in (Dot, Cosine, Jaccard, Dice)
}

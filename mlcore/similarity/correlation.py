"""Similarities of centred weights: for ratings, amounts and counts.

They are from -1 to 1 when shrinkage is 0; a negative one lowers the score of the target. Items whose
weights do not differ have no correlation with any other and no neighbors.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from mlcore.errors import DataError
from mlcore.numeric.csr import cut_matrix
from mlcore.numeric.ranges import all_are
from mlcore.numeric.sums import sum_by_group
from mlcore.parameters import choice, parameter
from mlcore.similarity.formula import Pairs, Terms
from mlcore.similarity.gram import GramBlocks
from mlcore.similarity.pairs import PairSimilarity
from mlcore.types import CsrMatrix, Float64Array

__all__ = ["AdjustedCosine", "Pearson"]


@dataclass(frozen=True)
class _Centered(PairSimilarity):
    """The cosine of columns whose entries are centred and rounded to float32."""

    def counted(self, gram: GramBlocks) -> GramBlocks:
        """Return the Gram blocks of the centred matrix; entries that become 0 have no weight."""
        return gram.shared(type(self).__name__, lambda: self._center(gram))

    def _center(self, gram: GramBlocks) -> GramBlocks:
        centered = gram.transformed(
            lambda part: part.data.astype(np.float64) - self._means(gram, part)
        )
        values = centered.user_items.data
        if len(values) and all_are(values, lambda some: some == 0):
            raise DataError(
                f"similarity {self.name}: expected weights that differ, "
                "got nothing but 0 after taking the means away",
                "without weights that differ, use cosine, or pearson with " '"missing": "zero"',
            )
        return centered

    @abstractmethod
    def _means(self, gram: GramBlocks, part: CsrMatrix) -> Float64Array:
        """Return what to subtract from each entry of some users' rows, (P,) float64."""

    def source_terms(self, gram: GramBlocks) -> Terms:
        """Return sqrt(n_i) of the centred columns."""
        return (np.sqrt(gram.norms),)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (sqrt(n_i) sqrt(n_j) + shrinkage)."""
        (source,), (target,) = pairs.sources, pairs.targets
        return _divide(pairs.products, source * target + pairs.shrinkage)


@dataclass(frozen=True)
class AdjustedCosine(_Centered):
    """The cosine after each user's mean weight is subtracted from the user's entries.

    sum (x_ui - m_u)(x_uj - m_u) / (sqrt(sum (x_ui - m_u)^2) sqrt(sum (x_uj - m_u)^2) + shrinkage);
    the sum in the numerator runs over users who have both items, each in the denominator over those
    who have the one. So users who weigh everything high count no more than others. Sarwar et al.,
    Item-Based Collaborative Filtering Recommendation Algorithms (WWW 2001), sum over common users in
    the denominator too; over all users of each item as in Ferrari Dacrema et al. (ACM TOIS 2021),
    where a pair that few users share cannot reach 1.
    """

    name = "adjusted_cosine"

    def _means(self, gram: GramBlocks, part: CsrMatrix) -> Float64Array:
        lengths = np.diff(part.indptr)  # (R,) int64
        sums = sum_by_group(part.row_of_entry(), part.data, part.num_rows)  # (R,) float64
        return np.repeat(sums / np.maximum(lengths, 1), lengths)


@dataclass(frozen=True)
class _PearsonOfRaters(_Centered):
    """The cosine after each item's mean weight is subtracted from the item's entries."""

    name = "pearson"

    def _means(self, gram: GramBlocks, part: CsrMatrix) -> Float64Array:
        means = gram.shared("means", lambda: gram.sums / np.maximum(gram.users, 1))  # (I,) float64
        return means.take(part.indices)


@dataclass(frozen=True)
class Pearson(PairSimilarity):
    """The correlation of two columns: (c_ij - S_i S_j / U) / (d_i d_j + shrinkage).

    S_i is the sum of column i over the U users and d_i = sqrt(sum (x_ui - S_i / U)^2).
    ``missing`` says what an absent entry is. ``zero``: a 0 like any other, so the sums run over
    all users; equals ``np.corrcoef(X.T)`` where two items have a common user (others are absent),
    on the binary X the phi coefficient. ``unknown``: nothing, as with ratings; each item's mean is
    that of its entries and is subtracted from them, and the sums run over entries, as in Ferrari
    Dacrema et al. (ACM TOIS 2021). Pearson, Notes on Regression and Inheritance in the Case of Two
    Parents (1895); for items Sarwar et al. (WWW 2001).
    """

    name = "pearson"
    missing: str = parameter("zero", choice("zero", "unknown"))  # Changes the model.

    def counted(self, gram: GramBlocks) -> GramBlocks:
        """Return the Gram blocks of X, centred if missing entries are unknown."""
        return gram if self.missing == "zero" else _PearsonOfRaters().counted(gram)

    def source_terms(self, gram: GramBlocks) -> Terms:
        """Return S_i, which is 0 when centred, and d_i."""
        if self.missing == "unknown":
            return (np.zeros(gram.num_items), np.sqrt(gram.norms))
        means, present = gram.sums / gram.num_users, np.zeros(gram.num_items)  # (I,) float64
        for part, *_ in cut_matrix(gram.user_items):
            away = (part.data.astype(np.float64) - means[part.indices]) ** 2  # (P,) float64
            sum_by_group(part.indices, away, gram.num_items, sums=present)
        absent = (gram.num_users - gram.users) * means**2  # (I,) float64
        return (gram.sums, np.sqrt(present + absent))

    def values(self, pairs: Pairs) -> Float64Array:
        """Return (c_ij - S_i S_j / U) / (d_i d_j + shrinkage)."""
        (source_sums, source_spreads), (target_sums, target_spreads) = pairs.sources, pairs.targets
        covariances = pairs.products - source_sums * target_sums / pairs.num_users
        # Where weights hardly differ, rounding alone carries a correlation beyond 1.
        return np.clip(
            _divide(covariances, source_spreads * target_spreads + pairs.shrinkage), -1.0, 1.0
        )


def _divide(above: Float64Array, below: Float64Array) -> Float64Array:
    """Return quotients, 0 where an item has no spread."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)

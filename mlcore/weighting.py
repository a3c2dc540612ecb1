"""Weightings: what an interaction counts, in the similarity and in a user's history.

Adding one is adding one class here: its name, its fields (each with a rule) and ``weigh``.

Logarithms are computed with 40 decimal digits and rounded once, so they are the same bits on every
platform; the vectorised ``np.log`` of different processors differs in the last bit.
"""

from __future__ import annotations

import decimal
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlcore.errors import DataError
from mlcore.interactions import Interactions
from mlcore.parameters import boolean, check_parameters, number, parameter
from mlcore.sums import sum_by_group
from mlcore.types import CsrMatrix, Float64Array

__all__ = ["WEIGHTINGS", "BM25", "Binary", "NoWeighting", "TfIdf", "Weighting"]


@dataclass(frozen=True)
class Weighting(ABC):
    """Turns the weights x_ui of the interactions into those the model uses."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        check_parameters(self)

    @abstractmethod
    def weigh(self, interactions: Interactions) -> Float64Array:
        """Return the new weight of each interaction, (E,) float64."""

    def apply(self, interactions: Interactions) -> CsrMatrix:
        """Return the weighted users x items matrix, rounded to float32.

        Rounded here, before anything is counted, because the product of two float32 is exact in
        float64: fused multiply-add then changes nothing, on no processor.

        Args:
            interactions: U users, I items.

        Raises:
            DataError: a weight is not above 0, or rounds to 0 or infinity in float32.

        >>> Binary().apply(Interactions.from_columns(["u"], ["a"], [3])).data.tolist()
        [1.0]
        """
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            exact = self.weigh(interactions)  # (E,) float64
            weights = exact.astype(np.float32)  # (E,) float32
        wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
        if len(wrong):
            raise self._refuse(interactions, int(wrong[0]), float(exact[wrong[0]]))
        matrix = interactions.user_items
        return CsrMatrix(matrix.indptr, matrix.indices, weights, matrix.num_columns)

    def _refuse(self, interactions: Interactions, entry: int, value: float) -> DataError:
        matrix = interactions.user_items
        user = int(np.searchsorted(matrix.indptr, entry, side="right")) - 1
        return DataError(
            f"weighting {self.name}: user {interactions.user_ids[user]!r}, "
            f"item {interactions.item_ids[matrix.indices[entry]]!r}: "
            f"expected a weight above 0 that float32 holds, got {value!r}",
            self._hint() if value <= 0 else None,
        )

    def _hint(self) -> str | None:
        """Return the cure for a weight of 0 or less."""
        return None


@dataclass(frozen=True)
class NoWeighting(Weighting):
    """x_ui as it is."""

    name = "none"

    def weigh(self, interactions: Interactions) -> Float64Array:
        """Return x_ui."""
        weights: Float64Array = interactions.user_items.data
        return weights


@dataclass(frozen=True)
class Binary(Weighting):
    """1 for every interaction."""

    name = "binary"

    def weigh(self, interactions: Interactions) -> Float64Array:
        """Return ones."""
        return np.ones(len(interactions))


@dataclass(frozen=True)
class _InverseUserFrequency(Weighting):
    """The factor of a user with n_u of I items: ln(I / (1 + n_u)), or smooth: ln(1 + I / n_u).

    The plain one is what published tables use; it falls to 0 for a user with I - 1 items and
    below for one with all, so such users are refused. The smooth one is above 0 for every user.
    """

    smooth: bool = parameter(False, boolean())  # Changes the model.

    def _user_factors(self, interactions: Interactions) -> Float64Array:
        """Return the factor of the user of each interaction, (E,) float64."""
        num_items = len(interactions.item_ids)
        counts = np.diff(interactions.user_items.indptr)  # (U,) int64
        distinct, which = np.unique(counts, return_inverse=True)
        logs = [self._log_ratio(num_items, int(count)) for count in distinct]
        return np.repeat(np.array(logs)[which], counts)

    def _log_ratio(self, num_items: int, count: int) -> float:
        if self.smooth:
            return _log(num_items + count, count)
        return _log(num_items, 1 + count)

    def _hint(self) -> str | None:
        return (
            'a user has all items or all but one: set "smooth": true, or cap such users with '
            "cli.preprocess --max-user-interactions"
        )


def _log(numerator: int, denominator: int) -> float:
    with decimal.localcontext(decimal.Context(prec=40)):
        return float((decimal.Decimal(numerator) / decimal.Decimal(denominator)).ln())


@dataclass(frozen=True)
class TfIdf(_InverseUserFrequency):
    """x_ui * ln(I / (1 + n_u)): a user who takes everything says little about each item.

    n_u is the number of items of user u. As in Ferrari Dacrema et al., A Troubling Analysis of
    Reproducibility and Progress in Recommender Systems Research (ACM TOIS 2021), whose tables come
    out with it; with ``smooth`` ln(1 + I / n_u) instead.
    """

    name = "tf_idf"

    def weigh(self, interactions: Interactions) -> Float64Array:
        """Return x_ui times the factor of its user."""
        return interactions.user_items.data * self._user_factors(interactions)


@dataclass(frozen=True)
class BM25(_InverseUserFrequency):
    """x_ui (k1 + 1) / (x_ui + k1 (1 - b + b L_i / L)) * ln(I / (1 + n_u)).

    L_i is the sum of the weights of item i, L their mean over items: an item is the document, its
    users are the terms. Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and
    Beyond (2009), with the idf of ``TfIdf``; equals ``bm25_weight`` of implicit.
    """

    name = "bm25"
    k1: float = parameter(1.2, number(minimum=0))  # Changes the model.
    b: float = parameter(0.75, number(minimum=0, maximum=1))  # Changes the model.

    def weigh(self, interactions: Interactions) -> Float64Array:
        """Return the saturated, length-normalised weight times the factor of its user."""
        matrix = interactions.user_items
        item_sums = sum_by_group(matrix.indices, matrix.data, matrix.num_columns)  # (I,) float64
        mean = np.cumsum(item_sums)[-1] / len(item_sums)  # not np.mean, which adds in pairs
        norms = self.k1 * ((1 - self.b) + self.b * item_sums / mean)  # (I,) float64
        saturated = matrix.data * (self.k1 + 1) / (matrix.data + norms[matrix.indices])
        weights: Float64Array = saturated * self._user_factors(interactions)
        return weights


WEIGHTINGS: dict[str, type[Weighting]] = {
    weighting.name: weighting for weighting in (NoWeighting, Binary, TfIdf, BM25)
}

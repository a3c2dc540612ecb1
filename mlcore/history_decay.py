"""History decays: the last items of a history count more, by their place in its order, not by their age.

To add one, add one class: its name, its fields (each with a rule) and ``factors``.

A history has its L items in order of the latest time of each, equal times by ascending id; p = 1 ... L is
the place of an item. Where a model recommends, its weight w becomes float32(float64(w) * f), or the least
weight of float32, 2^-149, where that is 0: seen stays seen. The similarity never sees the decay, and
neither do weights that are final. In contrast to ``half_life_days``, which is by time and acts in the
training as well, a pause between two sessions changes nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlcore.errors import CsrError
from mlcore.memory.arrays import new_array
from mlcore.numeric.portable import exp2
from mlcore.numeric.ranges import row_blocks
from mlcore.parameters import check_parameters, number, parameter
from mlcore.types import Float32Array, Float64Array, Int32Array, Int64Array

__all__ = [
    "HISTORY_DECAYS",
    "ExponentialHistoryDecay",
    "HistoryDecay",
    "NoHistoryDecay",
    "QuadraticHistoryDecay",
    "order_of_rows",
]

_LEAST = np.float32(2.0**-149)
_BLOCK = 2**13  # entries sorted together, which stay in the cache; changes speed only


@dataclass(frozen=True)
class HistoryDecay(ABC):
    """Multiplies the weights of a history by factors of at most 1, the last item by 1.

    Attributes:
        uses_order: whether the model has to keep the order of each user's items for it.
    """

    name: ClassVar[str]
    uses_order: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_parameters(self)

    @abstractmethod
    def factors(self, places: Int32Array, lengths: Int64Array) -> Float64Array:
        """Return the factor f of each item of some histories, (E,) float64.

        Args:
            places: p, (E,) from 1 to L.
            lengths: L of the history of each item, (E,).
        """

    def apply(
        self,
        indptr: Int64Array,
        weights: Float32Array,
        order: Int32Array,
        file: str = "order.npz",
    ) -> Float32Array:
        """Return the weights of histories as they count where a model recommends, (E,) float32.

        Args:
            indptr: (R + 1,) offsets of the histories.
            weights: (E,); one that is not above 0, of a faulty model, is no weight afterwards either.
            order: place of each item in its history, (E,).
            file: that the order is from, for messages.

        Raises:
            CsrError: a place is not from 1 to L.

        >>> weights, order = np.array([8, 8], np.float32), np.array([2, 1], np.int32)
        >>> QuadraticHistoryDecay().apply(np.array([0, 2]), weights, order).tolist()
        [8.0, 2.0]
        """
        lengths = np.diff(indptr)
        lengths = np.repeat(lengths, lengths)  # (E,)
        if ((order < 1) | (order > lengths)).any():
            raise CsrError(
                f"{file}: expected positions from 1 to the items of the history, got others"
            )
        with np.errstate(under="ignore", invalid="ignore"):  # who ranks refuses what is not finite
            decayed = (weights * self.factors(order, lengths)).astype(np.float32)  # (E,) float32
        decayed[(decayed == 0) & (weights > 0)] = _LEAST
        return decayed


@dataclass(frozen=True)
class NoHistoryDecay(HistoryDecay):
    """f = 1: all items of a history count in full, whatever their order."""

    name = "none"
    uses_order = False

    def factors(self, places: Int32Array, lengths: Int64Array) -> Float64Array:
        """Return ones."""
        return np.ones(len(places))

    def apply(
        self,
        indptr: Int64Array,
        weights: Float32Array,
        order: Int32Array,
        file: str = "order.npz",
    ) -> Float32Array:
        """Return the weights as they are, without a look at the order."""
        return weights


@dataclass(frozen=True)
class QuadraticHistoryDecay(HistoryDecay):
    """f = (p / L)^2: the weight grows with the square of the place.

    As ``weighting_score="quadratic"`` of the session recommenders compared in Ludewig and Jannach,
    Evaluation of Session-based Recommendation Algorithms (UMUAI 2018).
    """

    name = "quadratic"

    def factors(self, places: Int32Array, lengths: Int64Array) -> Float64Array:
        """Return (p / L)^2."""
        shares = places / lengths
        squares: Float64Array = shares * shares
        return squares


@dataclass(frozen=True)
class ExponentialHistoryDecay(HistoryDecay):
    """f = 2^(-(L - p) / half_life_items): each further item halves the weight after as many.

    Attributes:
        half_life_items: how many items later the weight is half. The default was the best of nine for the
            next click of sessions of ``rsc15`` (HR@20). Changes the model.
    """

    name = "exponential"
    half_life_items: float = parameter(2.0, number(above=0))

    def factors(self, places: Int32Array, lengths: Int64Array) -> Float64Array:
        """Return 2^(-(L - p) / half_life_items)."""
        with np.errstate(over="ignore"):  # infinitely many half-lives, after which the factor is 0
            half_lives = (lengths - places) / self.half_life_items
        return exp2(-half_lives)


HISTORY_DECAYS: dict[str, type[HistoryDecay]] = {
    decay.name: decay for decay in (NoHistoryDecay, QuadraticHistoryDecay, ExponentialHistoryDecay)
}


def order_of_rows(indptr: Int64Array, *keys: Int64Array) -> Int32Array:
    """Return the place of each entry in the order of its row, 1 for the first, (E,) int32.

    Entries of equal keys stay in the order in which they are stored.

    Args:
        indptr: (R + 1,) row offsets.
        keys: (E,) each; a further one decides where those before are equal.

    >>> order_of_rows(np.array([0, 3, 4]), np.array([5, 3, 5, 1])).tolist()
    [2, 1, 3, 1]
    """
    order = new_array(indptr[-1], np.int32)
    for begin, end in row_blocks(indptr, _BLOCK, _BLOCK):
        span = slice(indptr[begin], indptr[end])
        starts, lengths = indptr[begin:end] - span.start, np.diff(indptr[begin : end + 1])
        rows = np.repeat(np.arange(end - begin), lengths)
        entries = np.lexsort((*(key[span] for key in reversed(keys)), rows))
        order[span][entries] = np.arange(1, len(entries) + 1) - np.repeat(starts, lengths)
    return order

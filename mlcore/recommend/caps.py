"""Caps: at most so many items of a list with the same value in a column, taken in the order of the list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.files.catalogue import NO_VALUE
from mlcore.types import Int32Array, Int64Array

__all__ = ["Caps"]


@dataclass(frozen=True)
class Caps:
    """Limits of some columns.

    Attributes:
        codes: of each column, (I,) int32, the value of each item, or ``NO_VALUE``.
        limits: of each column, >= 1.
    """

    codes: Sequence[Int32Array]
    limits: Sequence[int]

    def walk(self, items: Int32Array, room: int, listed: Int32Array | None = None) -> Int64Array:
        """Return the places in ``items`` of those that come into a list, at most ``room``.

        An item is left out if, for some column, the list already holds as many items with its value
        as the limit says. Items without a value do not count.

        Args:
            items: (P,) positions, best first.
            listed: those that the list holds already.

        >>> caps = Caps([np.array([7, 7, 8], np.int32)], [1])
        >>> caps.walk(np.array([0, 1, 2], np.int32), 2).tolist()
        [0, 2]
        """
        taken: list[int] = []
        held = [
            Counter[int]([] if listed is None else codes[listed].tolist()) for codes in self.codes
        ]
        columns = [codes[items].tolist() for codes in self.codes]
        for place, values in enumerate(zip(*columns)):
            if len(taken) == room:
                break
            if any(
                count[value] >= limit and value != NO_VALUE
                for value, count, limit in zip(values, held, self.limits)
            ):
                continue
            taken.append(place)
            for value, count in zip(values, held):
                count[value] += 1
        return np.array(taken, np.int64)

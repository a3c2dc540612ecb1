"""The events of each user in order: what a matrix of users and items forgets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlcore.numeric.pairs import are_stored
from mlcore.numeric.ranges import offsets
from mlcore.types import CsrMatrix, Int32Array, Int64Array

__all__ = ["Sequences"]


@dataclass(frozen=True)
class Sequences:
    """Events of each user by time, those of equal times by item; an item may come several times.

    Attributes:
        indptr: (U + 1,) int64, where the events of each user begin.
        items: (N,) int32.
        times: (N,) int64 microseconds since 1970 UTC.
    """

    indptr: Int64Array
    items: Int32Array
    times: Int64Array

    @classmethod
    def of(
        cls, users: Int32Array | Int64Array, items: Int32Array, times: Int64Array, num_users: int
    ) -> Sequences:
        """Return events, (N,) of each column in any order, in order.

        >>> columns = np.array([0, 0, 0]), np.array([2, 1, 2]), np.array([5, 5, 3])
        >>> Sequences.of(*columns, num_users=1).items.tolist()
        [2, 1, 2]
        """
        order = np.lexsort((items, times, users))
        return cls(offsets(np.bincount(users, minlength=num_users)), items[order], times[order])

    def __len__(self) -> int:
        return len(self.items)

    def within(self, user_items: CsrMatrix) -> Sequences:
        """Return the events of stored pairs only; those around the others become neighbors.

        Args:
            user_items: (U, I).
        """
        users = np.repeat(np.arange(user_items.num_rows), np.diff(self.indptr))  # (N,) int64
        keep = are_stored(users, self.items, user_items)  # (N,)
        return Sequences(offsets(keep)[self.indptr], self.items[keep], self.times[keep])

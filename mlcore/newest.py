"""The newest interactions of each user, with ties broken by chance."""

from __future__ import annotations

import numpy as np

from mlcore.errors import DataError
from mlcore.interactions import Interactions
from mlcore.numeric.hashing import draw_digest
from mlcore.types import BoolArray

__all__ = ["mark_newest"]

# In place of a seed, so that the draw is not that of a random split of the same data.
_TIES = "ties"


def mark_newest(interactions: Interactions, n: int) -> BoolArray:
    """Return which interactions are among the ``n`` newest of their user, (E,) bool.

    Of equal timestamps the one with the lower MD5 of ``user_id,item_id,ties`` counts as newer: an order
    by id would mean something, as ids are often given in order of time. SQL can do the same:
    ``ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY timestamp DESC,
    TO_HEX(MD5(CONCAT(user_id, ',', item_id, ',ties')))) <= n``.

    Raises:
        DataError: there are no timestamps.

    >>> mark_newest(Interactions.from_columns("uuu", "abc", timestamps=[5, 3, 3]), 2).tolist()
    [True, False, True]
    """
    times, indptr = interactions.timestamps, interactions.user_items.indptr
    if times is None:
        raise DataError("timestamp: expected a column to find the newest rows by, got none")
    users = interactions.user_items.row_of_entry()  # (E,) int64
    has_more = np.diff(indptr) > n  # (U,) bool
    newest_first = np.lexsort((-times, users))  # (E,)
    limits = np.zeros(len(has_more), np.int64)  # (U,) the time of the nth newest
    limits[has_more] = times[newest_first][indptr[:-1][has_more] + n - 1]
    newest: BoolArray = ~has_more[users] | (times > limits[users])
    tied = np.flatnonzero(~newest & (times == limits[users]))
    room = n - np.bincount(users[newest], minlength=len(has_more))  # (U,) for those at the limit
    # Hashes take the time, so only where not all at the limit have room.
    crowded = np.bincount(users[tied], minlength=len(has_more)) > room
    newest[tied[~crowded[users[tied]]]] = True
    tied = tied[crowded[users[tied]]]  # (T,), in order of users
    order = np.lexsort((_draws(interactions, tied), users[tied]))
    place = np.arange(len(tied)) - np.searchsorted(users[tied], users[tied])
    newest[tied[order[place < room[users[tied]]]]] = True
    return newest


def _draws(interactions: Interactions, entries: np.ndarray) -> np.ndarray:
    """Return a digest of each entry, (T,) 32 bytes."""
    matrix = interactions.user_items
    users, items = matrix.row_of_entry()[entries], matrix.indices[entries]
    keys = (
        f"{interactions.user_ids[user]},{interactions.item_ids[item]}"
        for user, item in zip(users.tolist(), items.tolist())
    )
    return np.array([draw_digest(key, _TIES) for key in keys], "S32")

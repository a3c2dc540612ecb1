"""The newest interactions of each user, with ties broken by chance."""

from __future__ import annotations

import numpy as np

from mlcore.interactions import Interactions, no_timestamps
from mlcore.numeric.hashing import draw_digest
from mlcore.types import BoolArray

__all__ = ["mark_newest"]

# In place of a seed, so that the draw is not that of a random split of the same data.
_TIES = "ties"


def mark_newest(interactions: Interactions, n: int, otherwise: str = "give some") -> BoolArray:
    """Return which interactions are among the ``n`` newest of their user, (E,) bool.

    Of equal timestamps the one with the lower MD5 of ``user_id,item_id,ties`` counts as newer: an order
    by id would mean something, as ids are often given in order of time. SQL can do the same:
    ``ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY timestamp DESC,
    TO_HEX(MD5(CONCAT(user_id, ',', item_id, ',ties')))) <= n``.

    Args:
        otherwise: what to do without timestamps, for the hint.

    Raises:
        DataError: there are no timestamps.

    >>> mark_newest(Interactions.from_columns("uuu", "abc", timestamps=[5, 3, 3]), 2).tolist()
    [True, False, True]
    """
    if interactions.timestamps is None:
        raise no_timestamps("find the newest rows by", otherwise)
    counts = np.diff(interactions.user_items.indptr)  # (U,)
    newest: BoolArray = np.repeat(counts <= n, counts)  # (E,)
    heavy = np.flatnonzero(~newest)  # (P,) entries of the users who have more
    users = interactions.user_items.row_of_entry()[heavy]
    times = interactions.timestamps[heavy]
    firsts = np.flatnonzero(np.diff(users, prepend=-1))  # of each user
    # Of each user the time of the nth newest, for each entry.
    limits = np.repeat(times[np.lexsort((-times, users))][firsts + n - 1], counts[counts > n])
    is_newer, is_tied = times > limits, times == limits
    room = n - np.add.reduceat(is_newer, firsts, dtype=np.int64) if len(firsts) else firsts
    newest[heavy[is_newer]] = True
    tied = np.flatnonzero(is_tied)
    which = np.searchsorted(firsts, tied, side="right") - 1  # the user of each, among those
    # Hashes take the time, so only where not all at the limit have room.
    crowded = (np.bincount(which, minlength=len(firsts)) > room)[which]
    newest[heavy[tied[~crowded]]] = True
    tied, which = tied[crowded], which[crowded]  # (T,)
    order = np.lexsort((_draws(interactions, heavy[tied]), which))
    place = np.arange(len(tied)) - np.searchsorted(which, which)
    newest[heavy[tied[order[place < room[which]]]]] = True
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

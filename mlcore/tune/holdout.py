"""Which interactions a search holds out: of each user the last item where there are times, else some by chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlcore.interactions import Interactions
from mlcore.newest import mark_newest
from mlcore.numeric.hashing import draw_digest
from mlcore.numeric.ranges import ragged_arange
from mlcore.types import BoolArray, Int64Array

__all__ = ["HoldOut", "hold_out"]

FRACTION = 0.2  # of the items of a user


class HoldOut(NamedTuple):
    """Interactions to train on, and some of the same users to measure by.

    Attributes:
        order: the users of the training, drawn; those measured come first, (U,) int64.
        by_time: whether the last item is held out.
    """

    training: Interactions
    validation: Interactions
    order: Int64Array
    by_time: bool


def hold_out(interactions: Interactions, max_users: int, seed: int) -> HoldOut | None:
    """Hold out interactions of at most ``max_users`` users; None if nobody has two items.

    Users are drawn by the MD5 of ``user_id,auto-seed``. Where there are times, the last item of each is held out; else
    a fifth of the items, at least one, by the MD5 of ``user_id,item_id,auto-seed``: other draws than those of
    ``cli.split``, whose training this may be.

    >>> pairs = Interactions.from_columns("uuv", "aba", timestamps=[1, 2, 3])
    >>> held = hold_out(pairs, 10, seed=0)
    >>> held.training.item_ids, held.validation.item_ids
    (['a'], ['b'])
    """
    lengths = np.diff(interactions.user_items.indptr)  # (U,)
    drawn = _drawn(interactions.user_ids, seed)  # (U,)
    is_measured = lengths[drawn] >= 2
    is_measured &= np.cumsum(is_measured) <= max_users
    measured = drawn[is_measured]
    if not len(measured):
        return None
    by_time = interactions.timestamps is not None
    if by_time:
        chosen = np.zeros(len(lengths), np.bool_)
        chosen[measured] = True
        held = mark_newest(interactions, 1) & np.repeat(chosen, lengths)  # (E,)
    else:
        held = _mark_some(interactions, measured, seed)
    order = np.concatenate([measured, drawn[~is_measured]])
    return HoldOut(interactions.select(~held), interactions.select(held), order, by_time)


def _drawn(ids: Sequence[str], seed: int) -> Int64Array:
    digests = np.array([draw_digest(user_id, f"auto-{seed}") for user_id in ids], "S32")
    return np.argsort(digests, kind="stable")


def _mark_some(interactions: Interactions, users: Int64Array, seed: int) -> BoolArray:
    """Mark a fifth of the items of each of some users, at least one, (E,) bool."""
    matrix = interactions.user_items
    lengths = np.diff(matrix.indptr)[users]
    entries = ragged_arange(matrix.indptr[users], lengths)  # (P,)
    rows = np.repeat(np.arange(len(users)), lengths)  # (P,)
    items = matrix.indices[entries]
    keys = (
        f"{interactions.user_ids[user]},{interactions.item_ids[item]}"
        for user, item in zip(users[rows].tolist(), items.tolist())
    )
    digests = np.array([draw_digest(key, f"auto-{seed}") for key in keys], "S32")
    order = np.lexsort((digests, rows))
    places = ragged_arange(np.zeros(len(users), np.int64), lengths)
    held = np.zeros(len(interactions), np.bool_)
    held[entries[order[places < np.maximum(1, FRACTION * lengths)[rows]]]] = True
    return held

"""Slices of an evaluation: users by the length of their history, items by their popularity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlcore.evaluate.config import POPULARITY_SHARES
from mlcore.types import Int64Array

__all__ = ["POPULARITY_SLICES", "slice_by_history", "slice_by_popularity"]

POPULARITY_SLICES = ("head", "mid", "tail", "new")


def slice_by_history(
    lengths: Int64Array, edges: Sequence[int] | None = None
) -> tuple[list[str], Int64Array]:
    """Return the names of slices by history length, and the slice of each user.

    The slices begin at 0 and at each edge. The default edges 1, 2, 4, 8 ... double the width of each
    slice: history lengths spread over orders of magnitude, so slices of equal width would hold
    nearly all users or none. Quantiles would fit too, but they move with the data, so that the
    slices of two evaluations would not compare.

    Args:
        lengths: (U,) int64 items in the training, 0 for a user outside it.
        edges: ascending, each >= 1, with an open last slice; None for powers of two.

    Returns:
        Names such as ``2-3``, ``4``, ``8+``, and (U,) int64 positions into them.

    >>> slice_by_history(np.array([0, 3, 5]))
    (['0', '1', '2-3', '4-7'], array([0, 2, 3]))
    >>> slice_by_history(np.array([0, 3, 5]), edges=[2, 5])
    (['0-1', '2-4', '5+'], array([0, 1, 2]))
    """
    longest = int(lengths.max(initial=0))
    doubling = [2**power for power in range(longest.bit_length() + 1)]
    begins = [0, *(doubling if edges is None else edges)]
    names = [str(a) if b - a == 1 else f"{a}-{b - 1}" for a, b in zip(begins, begins[1:])]
    names += [] if edges is None else [f"{begins[-1]}+"]
    return names, np.searchsorted(begins, lengths, side="right") - 1


def slice_by_popularity(
    popularity: Int64Array, shares: tuple[float, float] = POPULARITY_SHARES
) -> Int64Array:
    """Return the slice of each item: 0 head, 1 mid, 2 tail, 3 new.

    An item is in the head if the more popular ones hold less than the first share of all
    interactions, else in the middle if they hold less than the second, else in the tail; items of
    equal popularity stay together. An item without users is new. With 0.2 and 0.8 the head holds
    about 20 %, the middle 60 %, the tail 20 %: Abdollahpouri, Mansoury, Burke, Mobasher
    and Malthouse, User-centered Evaluation of Popularity Bias in Recommender Systems (UMAP 2021).

    Args:
        popularity: (I,) int64 users of each item in the training, >= 0.
        shares: ends of the head and the middle, ascending, above 0 and below 1.

    Returns:
        (I,) int64 positions into ``POPULARITY_SLICES``.

    >>> slice_by_popularity(np.array([1, 4, 2, 0, 3])).tolist()
    [2, 0, 1, 3, 1]
    """
    counts, level = np.unique(popularity, return_inverse=True)  # ascending
    held = np.cumsum((counts * np.bincount(level))[::-1])[::-1]  # by items of this count or more
    more_popular = np.append(held[1:], 0)
    slices = np.searchsorted(np.array(shares) * held[0], more_popular, side="right")
    slices[counts == 0] = POPULARITY_SLICES.index("new")
    chosen: Int64Array = slices[level]
    return chosen

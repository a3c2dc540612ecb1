"""Slices of an evaluation: users by the length of their history, items by their popularity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlcore.types import Int64Array

__all__ = [
    "POPULARITY_SHARES",
    "POPULARITY_SLICES",
    "slice_by_history",
    "slice_by_popularity",
]

POPULARITY_SLICES = ("head", "mid", "tail", "new")
POPULARITY_SHARES = (0.2, 0.8)


def slice_by_history(
    lengths: Int64Array, edges: Sequence[int] | None = None
) -> tuple[list[str], Int64Array]:
    """Return names of slices, and the slice of each user, by how many items the user has.

    The slices begin at 0 and at each edge: 1, 2, 4, 8 ... unless others are given, so that each is
    twice as wide as the one before. Lengths of histories spread over orders of magnitude, and
    slices of equal width would hold nearly everybody or nobody. Quantiles would fit as well, but
    they move with the data, and slices of two evaluations could not be compared.

    Args:
        lengths: (U,) int64 items in the training, 0 for a user who is not in it.
        edges: ascending, each >= 1, the last slice then being open; or None for powers of two.

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

    Ordered by popularity, an item is in the head if the more popular ones hold less than the first
    share of all interactions, else in the middle if they hold less than the second, else in the
    tail; items of equal popularity stay together. New is what nobody took. With 0.2 and 0.8 the
    head holds about 20 %, the middle 60 %, the tail 20 %: Abdollahpouri, Mansoury, Burke, Mobasher
    and Malthouse, User-centered Evaluation of Popularity Bias in Recommender Systems (UMAP 2021).

    Args:
        popularity: (I,) int64 users of each item in the training, >= 0.
        shares: where the head and the middle end, ascending, above 0 and below 1.

    Returns:
        (I,) int64 positions into ``POPULARITY_SLICES``.

    >>> slice_by_popularity(np.array([1, 4, 2, 0, 3])).tolist()
    [2, 0, 1, 3, 1]
    """
    counts, level = np.unique(popularity, return_inverse=True)  # ascending
    held = np.cumsum((counts * np.bincount(level))[::-1])[::-1]  # by items of at least this count
    more_popular = np.append(held[1:], 0)
    slices = np.searchsorted(np.array(shares) * held[0], more_popular, side="right")
    slices[counts == 0] = POPULARITY_SLICES.index("new")
    chosen: Int64Array = slices[level]
    return chosen

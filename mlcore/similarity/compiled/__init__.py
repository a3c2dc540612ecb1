"""The kernel of ``pairs`` in C++ (``mlcore/native/neighbors.cpp``); the same bits.

Items are relabelled by popularity, so that the counters in use lie together in the nearest cache, and
the work is planned for the shape of the data by what it costs (``plan``):

- The most popular items are listed: a pair of two of them is counted once and pushed to both lists.
- Of these, the first are in tiles, dense rows for each user, added up in vectors.
- All other items are compared with everybody, a row at a time, so that a pair of two of them is counted
  twice: cheaper, where items have few users each, than a push to a list that is in no cache.

The sizes below decide how much memory it takes, so the memory plan reads them. They change speed and
memory only.
"""

from __future__ import annotations

__all__ = [
    "BLOCK",
    "ENTRIES_PER_ITEM",
    "LIST_BYTES",
    "RANGE_ENTRIES",
    "TILE_USERS",
    "list_capacity",
    "num_candidates",
]

BLOCK = 64  # items looked at together, as in neighbors.cpp
TILE_USERS = 4096  # whose rows of a tile of weights are there at once, as in neighbors.cpp
LIST_BYTES = 12  # of a pair in a list
# Entries of a range of users: few enough to stay in the cache; at least so many for each item, for
# which each range has a number of its own.
RANGE_ENTRIES, ENTRIES_PER_ITEM = 2**18, 16


def list_capacity(k: int) -> int:
    """Return how long a list grows before the best ``k`` of it are selected.

    >>> list_capacity(10), list_capacity(100)
    (26, 150)
    """
    return max(k + 16, k + k // 2)


def num_candidates(k: int) -> int:
    """Return the same of a row that one thread has for itself, as in neighbors.cpp."""
    return 2 * k + BLOCK

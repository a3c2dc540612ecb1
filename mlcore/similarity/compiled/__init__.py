"""The kernel of ``pairs`` compiled by numba; the same bits. Its modules need the extra ``[local]``.

Items are relabelled by popularity, so that the counters in use lie together in the nearest cache,
and only one half of the symmetric X' X is formed: an item is compared with the more popular ones
alone, and each pair is pushed to both lists. Two ways of counting, chosen by what they cost:

- head: the users of the most popular items as sets of bits; a pair is the number of common bits;
- tail: the items of each user of the row, as far as they are more popular, are counted one by one.
  The lists of the next users are fetched ahead: waiting for memory took more than half of the time.

Each thread has lists of the best of every item so far. A block of counters is looked at closer only
if one of its values could enter a list; a row begins with a limit, the Kth largest of its block
maxima, so that few do. Values are computed by the formulas of ``overlap``, operation by operation,
and products are summed in float64 over ascending users: neither the kernel nor the number of
threads changes a bit.

The sizes below decide how much memory it takes as well, so the memory plan reads them here, where
no import needs numba. They change speed and memory only.
"""

from __future__ import annotations

__all__ = [
    "COUNT_COST",
    "ENTRIES_PER_ITEM",
    "RANGE_ENTRIES",
    "TILE",
    "WORD_COST",
    "list_capacity",
]

TILE = 64  # rows of the head counted together; a multiple of 4, the columns counted together
WORD_COST, COUNT_COST = 0.14, 0.84  # ns, measured: 64 users as bits, one count of the tail
# Entries of a range of users: few enough to stay in the cache; at least so many for each item, for
# which each range has a number of its own.
RANGE_ENTRIES, ENTRIES_PER_ITEM = 2**18, 4


def list_capacity(k: int) -> int:
    """Return how long a list grows before the best ``k`` of it are selected.

    >>> list_capacity(10), list_capacity(100)
    (26, 150)
    """
    return max(k + 16, k + k // 2)

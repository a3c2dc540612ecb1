"""The head as sets of bits: a pair of items has as many common users as their sets have common bits.

64 users are one word. A tile of rows is counted at once with each 4 columns, so that a word is
loaded for many pairs, and step by step, so that the words in use stay in the cache.
"""

from __future__ import annotations

import numpy as np

from mlcore.numeric.numba_tools import compiled, num_bits

__all__ = ["count_tile", "set_bits"]

STEP = 1024  # words of a row that stay in the cache meanwhile; changes speed only


@compiled
def set_bits(layout, bits):  # type: ignore[no-untyped-def]
    """Set bit u of row i for each user u of item i.

    Args:
        bits: (H, U / 64) uint64, all 0, of the H most popular items.
    """
    for item in range(len(bits)):
        for entry in range(layout.item_begins[item], layout.item_begins[item + 1]):
            user = layout.item_users[entry]
            bits[item, user >> np.uint32(6)] |= np.uint64(1) << np.uint64(user & np.uint32(63))


@compiled
def count_tile(first, last, bits, tile):  # type: ignore[no-untyped-def]
    """Count the pairs of a tile of rows with all items up to the last of them.

    Args:
        first: the first row, a multiple of ``TILE``.
        last: the row after the last, likewise.
        tile: (TILE, H), set to the counts.
    """
    tile[:, :last] = 0
    for begin in range(0, bits.shape[1], STEP):
        end = min(begin + STEP, bits.shape[1])
        for column in range(0, last, 4):  # TILE is a multiple of 4
            one, two = bits[column, begin:end], bits[column + 1, begin:end]
            three, four = bits[column + 2, begin:end], bits[column + 3, begin:end]
            for row in range(max(first, column), last):
                mine = bits[row, begin:end]
                a = b = c = d = np.uint64(0)
                for word in range(len(mine)):
                    users = mine[word]
                    a += num_bits(users & one[word])
                    b += num_bits(users & two[word])
                    c += num_bits(users & three[word])
                    d += num_bits(users & four[word])
                tile[row - first, column] += a
                tile[row - first, column + 1] += b
                tile[row - first, column + 2] += c
                tile[row - first, column + 3] += d

"""What is counted in which way: where each costs least, from the data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlcore.numeric.ranges import offsets
from mlcore.similarity.compiled import LIST_BYTES, list_capacity
from mlcore.types import Float64Array, Int64Array

__all__ = ["Costs", "choose_listed", "choose_tiled", "cut_rows", "expected_pushes"]


class Costs(NamedTuple):
    """Nanoseconds, measured; they change speed only.

    Attributes:
        width: items of a tile, as in neighbors.cpp.
        user_bytes: of a row of a tile.
        product: to add a product to the counter of a pair.
        cells: to add the row of one user in a tile.
        block: to look at the counts of an item and a tile.
        user: to set the row of a user in a tile.
        near: to push a pair to a list that is in the cache.
        far: to one that is not.
    """

    width: int
    user_bytes: int
    product: float
    cells: float
    block: float
    user: float
    near: float
    far: float


CACHE_BYTES = 2**24  # of lists that stay in the cache; changes speed only
BINARY = Costs(256, 32, product=0.9, cells=2, block=150, user=2, near=25, far=80)
WEIGHTED = Costs(16, 64, product=1.4, cells=4, block=20, user=4, near=12, far=80)


def expected_pushes(num_pairs: Int64Array, k: int) -> Float64Array:
    """Return how often a pair enters the best k of a list if pairs come in any order.

    The nth pair is among the best of the first n with chance min(1, k / n).

    >>> expected_pushes(np.array([50, 100, 272]), k=100).round().tolist()
    [50.0, 100.0, 200.0]
    """
    pairs = num_pairs.astype(np.float64)
    return np.where(pairs <= k, pairs, k * (1 + np.log(np.maximum(pairs, k) / k)))


def choose_listed(
    after: Int64Array, in_tiles: Int64Array, users: Int64Array, num_tiled: int, k: int, costs: Costs
) -> int:
    """Return how many of the most popular items have lists, at least those in tiles.

    A listed item is spared the pairs with less popular ones, which they count, and those in tiles; but
    they push to its list.

    Args:
        after: (I,) pairs of a user and a less popular item that each item has.
        in_tiles: (I,) pairs of a user and an item in a tile.
        users: (I,) of each item.
        num_tiled: items in tiles.
        k: how many neighbors an item keeps.

    >>> many = np.array([10**6, 10**5, 10])
    >>> choose_listed(many, 0 * many, 0 * many, 0, k=10, costs=BINARY)
    2
    """
    tiles = num_tiled // costs.width
    spared = (after + in_tiles) * costs.product - tiles * (users * costs.cells + costs.block)
    num_bytes = np.arange(len(after) + 1.0) * list_capacity(k) * LIST_BYTES
    missed = np.maximum(1 - CACHE_BYTES / np.maximum(num_bytes, 1), 0)  # (I + 1,) of the pushes
    pushes = np.concatenate([[0.0], np.cumsum(expected_pushes(after, k))])
    gains = np.concatenate([[0.0], np.cumsum(spared)])
    gains -= pushes * (costs.near + missed * (costs.far - costs.near))
    return num_tiled + int(np.argmax(gains[num_tiled:]))


def choose_tiled(
    after: Int64Array, users: Int64Array, num_users: int, num_listed: int, costs: Costs
) -> int:
    """Return how many of the listed items are in tiles, a multiple of the width.

    Args:
        after: (I,) pairs of a user and a less popular listed item that each item has.
        users: (I,) of each item.

    >>> many, few = np.full(256, 10**9), np.full(256, 10)
    >>> choose_tiled(np.concatenate([many, few]), np.full(512, 500), 1000, 512, BINARY)
    256
    """
    starts = np.arange(0, num_listed // costs.width * costs.width, costs.width)  # (T,)
    counted = offsets(after)[starts + costs.width] - offsets(after)[starts]  # (T,) int64
    so_far = offsets(users)
    rows = num_listed - starts
    entries = so_far[num_listed] - so_far[starts]
    of_tiles = num_users * costs.user + entries * costs.cells + rows * costs.block
    gains = counted * costs.product - of_tiles  # (T,) float64
    return costs.width * int(np.argmax(np.concatenate([[0.0], np.cumsum(gains)])))


def cut_rows(work: Float64Array, first: int, number: int) -> list[tuple[int, int]]:
    """Return ranges of rows from ``first`` on, of about the same work.

    Args:
        work: (I,) of each row.
        number: how many ranges; fewer if there are fewer rows.

    >>> cut_rows(np.ones(4), 1, 2)
    [(1, 3), (3, 4)]
    """
    so_far = np.cumsum(work[first:])
    if not len(so_far):
        return []
    cuts = np.searchsorted(so_far, np.linspace(0, so_far[-1], number + 1)[1:-1]) + 1 + first
    bounds = np.unique(np.concatenate([[first], cuts, [len(work)]])).tolist()
    return list(zip(bounds, bounds[1:]))

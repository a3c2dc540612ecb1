"""X with items relabelled by popularity, from both sides; compiled.

Made on all threads, a range of users each: no two ranges write to the same positions, and what a
range writes at random stays in the cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mlcore.numeric.numba_tools import compiled
from mlcore.numeric.ranges import offsets
from mlcore.numeric.threads import map_in_order
from mlcore.similarity.compiled import ENTRIES_PER_ITEM, RANGE_ENTRIES
from mlcore.types import CsrMatrix, Float64Array, Int64Array

__all__ = ["Layout", "make_layout", "measure_work"]


class Layout(NamedTuple):
    """X, its items in order of popularity.

    Attributes:
        order: (I,) uint32 the index of each item, most popular first, ties to the smaller index.
        item_begins: (I + 1,) int64.
        item_users: (E,) uint32 users of each item, ascending.
        item_weights: (E,) float32, or (0,) if X is binary or each user's weights are all alike.
        user_begins: (U + 1,) int64.
        user_items: (E,) uint16 or uint32 items of each user, most popular first.
        user_weights: (E,) float32, or (0,).
        user_squares: (U,) float64 the square of a user's only weight, or (0,).
        places: (E,) uint16 or uint32, by item: how many items of that user are more popular.
    """

    order: Any
    item_begins: Int64Array
    item_users: Any
    item_weights: Any
    user_begins: Int64Array
    user_items: Any
    user_weights: Any
    user_squares: Float64Array
    places: Any


def make_layout(matrix: CsrMatrix, is_binary: bool, threads: int) -> Layout:
    """Return the layout of a (U, I) float32 matrix; ``is_binary`` if all of its values are 1."""
    num_items, num_entries = matrix.num_columns, matrix.num_entries
    ranges = _ranges_of_users(matrix)
    counts = np.zeros((len(ranges), num_items), np.int64)  # (R, I) users of each item

    def count(number: int) -> None:
        begin, end = matrix.indptr[ranges[number]]
        _count_items(matrix.indices[begin:end], counts[number])

    _for_each(count, len(ranges), threads)
    users_of_item = counts.sum(axis=0)  # (I,) int64
    order = np.lexsort((np.arange(num_items), -users_of_item)).astype(np.uint32)
    ranks = np.empty(num_items, np.uint32)
    ranks[order] = np.arange(num_items, dtype=np.uint32)
    squares = np.empty(0 if is_binary else matrix.num_rows)
    # As tf_idf makes them of binary interactions: then there is less to read while counting.
    has_squares = bool(_square_users(matrix.indptr, matrix.data, squares)) and not is_binary
    num_weights = 0 if is_binary or has_squares else num_entries
    layout = Layout(
        order,
        offsets(users_of_item[order]),
        np.empty(num_entries, np.uint32),
        np.empty(num_weights, np.float32),
        matrix.indptr,
        np.empty(num_entries, _smallest_type(num_items)),
        np.empty(num_weights, np.float32),
        squares if has_squares else np.empty(0),
        np.empty(num_entries, _smallest_type(int(np.diff(matrix.indptr).max(initial=0)))),
    )
    # (R, I) the first position of each range among the users of each item
    counts = counts[:, order]
    firsts = layout.item_begins[:-1] + np.cumsum(counts, axis=0) - counts
    weights = matrix.data if num_weights else np.empty(0, np.float32)

    def fill(number: int) -> None:
        begin, end = ranges[number]
        _fill_range(begin, end, matrix.indices, weights, ranks, firsts[number], layout)

    _for_each(fill, len(ranges), threads)
    return layout


def _ranges_of_users(matrix: CsrMatrix) -> Int64Array:
    """Return the first user of each range and the one after its last, (R, 2), about as long."""
    num_entries, num_items = matrix.num_entries, max(matrix.num_columns, 1)
    wanted = max(num_entries // max(RANGE_ENTRIES, ENTRIES_PER_ITEM * num_items), 1)
    cuts = np.searchsorted(matrix.indptr, np.linspace(0, num_entries, wanted + 1)[1:-1])
    bounds = np.unique(np.concatenate([[0], cuts, [matrix.num_rows]]))
    return np.stack([bounds[:-1], bounds[1:]], axis=1).astype(np.int64)


def _smallest_type(limit: int) -> Any:
    """Return the unsigned type of indices below a limit; signed ones cost a branch each."""
    return np.uint16 if limit <= 2**16 else np.uint32


def _for_each(work: Any, number: int, threads: int) -> None:
    for _ in map_in_order(work, range(number), threads):
        pass


@compiled
def _count_items(items, counts):  # type: ignore[no-untyped-def]
    for item in items:
        counts[item] += 1


@compiled
def _square_users(indptr, weights, squares):  # type: ignore[no-untyped-def]
    """Square the first weight of each user; return whether the user's others are the same."""
    for user in range(len(squares)):
        first, stop = indptr[user], indptr[user + 1]
        for entry in range(first, stop):
            if weights[entry] != weights[first]:
                return False
        if first < stop:
            squares[user] = np.float64(weights[first]) * np.float64(weights[first])
    return True


@compiled
def _fill_range(  # type: ignore[no-untyped-def]
    first_user, stop_user, items, weights, ranks, firsts, layout
):
    """Write a range of users to both sides."""
    indptr, places = layout.user_begins, firsts.copy()
    for user in range(first_user, stop_user):
        for entry in range(indptr[user], indptr[user + 1]):
            item = ranks[items[entry]]
            layout.item_users[places[item]] = user
            if len(weights):
                layout.item_weights[places[item]] = weights[entry]
            places[item] += 1
    used = np.zeros(stop_user - first_user, np.uint32)
    for item in range(len(firsts)):
        for entry in range(firsts[item], places[item]):
            writer = np.int64(layout.item_users[entry])
            place = used[writer - first_user]
            layout.places[entry] = place
            layout.user_items[indptr[writer] + place] = item
            if len(weights):
                layout.user_weights[indptr[writer] + place] = layout.item_weights[entry]
            used[writer - first_user] += 1


@compiled
def measure_work(layout, work, reach):  # type: ignore[no-untyped-def]
    """Find how much there is to count.

    Args:
        work: (I,) int64, set to how many pairs of a user with a more popular item each item has.
        reach: (I,) int64, set to how many pairs with any other item.
    """
    for item in range(len(work)):
        more_popular = others = 0
        for entry in range(layout.item_begins[item], layout.item_begins[item + 1]):
            user = layout.item_users[entry]
            more_popular += layout.places[entry]
            others += layout.user_begins[user + 1] - layout.user_begins[user] - 1
        work[item], reach[item] = more_popular, others

"""X with items relabelled by popularity, from both sides; and the way back, for what was found.

Made on all threads, a range of users each: no two ranges write to the same positions, and what a
range writes at random stays in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlcore.memory.arrays import new_array
from mlcore.native import call
from mlcore.numeric.ranges import offsets
from mlcore.numeric.threads import map_in_order
from mlcore.similarity.compiled import ENTRIES_PER_ITEM, RANGE_ENTRIES
from mlcore.similarity.base import Neighborhood
from mlcore.similarity.compiled.plan import cut_rows
from mlcore.similarity.compiled.problem import Problem
from mlcore.similarity.selection import round_values
from mlcore.types import CsrMatrix, Int64Array, UInt32Array

__all__ = ["for_each", "lay_out", "order_lists"]


def lay_out(
    problem: Problem, matrix: CsrMatrix, is_binary: bool, threads: int, with_places: bool = True
) -> None:
    """Set the fields of X, (U, I) float32; ``is_binary`` if all of its values are 1.

    ``order`` has the index of each item, most popular first, ties to the smaller index. Whole rows need
    no ``places``.
    """
    num_items, num_entries = matrix.num_columns, matrix.num_entries
    # What C++ reads; no copies of a matrix as ``types`` has it.
    bounds = np.ascontiguousarray(matrix.indptr, np.int64)
    items = np.ascontiguousarray(matrix.indices, np.int32)
    weights = np.ascontiguousarray(matrix.data, np.float32)
    ranges = _ranges_of_users(matrix)
    counts = np.zeros((len(ranges), num_items), np.int64)  # (R, I) users of each item

    def count(number: int) -> None:
        begin, end = matrix.indptr[ranges[number]].tolist()
        call("count_items", items[begin:end], end - begin, counts[number])

    for_each(count, range(len(ranges)), threads)
    users_of_item = counts.sum(axis=0)  # (I,) int64
    order = np.argsort(-users_of_item, kind="stable").astype(np.uint32)
    ranks = np.empty(num_items, np.uint32)
    ranks[order] = np.arange(num_items, dtype=np.uint32)
    squares = np.empty(0 if is_binary else matrix.num_rows)
    # As tf_idf makes them of binary interactions: then there is less to read while counting.
    has_squares = not is_binary and bool(
        call("square_users", matrix.num_rows, bounds, weights, squares)
    )
    num_weights = 0 if is_binary or has_squares else num_entries
    # Users and places of an item, and items, are below the number of items; unsigned saves a branch.
    narrow = np.uint16 if num_items <= 2**16 else np.uint32
    begins = offsets(users_of_item[order])
    problem.set(
        num_users=matrix.num_rows,
        num_items=num_items,
        is_wide=narrow is np.uint32,
        has_squares=has_squares,
        has_weights=num_weights > 0,
        order=order,
        item_begins=begins,
        item_users=new_array(num_entries, np.uint32),
        item_weights=new_array(num_weights, np.float32),
        user_begins=bounds,
        user_items=new_array(num_entries, narrow),
        user_weights=new_array(num_weights, np.float32),
        user_squares=squares if has_squares else np.empty(0),
        places=new_array(num_entries if with_places else 0, narrow),
    )
    # (R, I) the first position of each range among the users of each item
    counts = counts.take(order, axis=1)
    firsts = begins[:-1] + np.cumsum(counts, axis=0) - counts

    def fill(number: int) -> None:
        begin, end = ranges[number].tolist()
        places, used = np.empty(num_items, np.int64), np.empty(end - begin, np.uint32)
        columns = items, weights, ranks, firsts[number]
        call("fill_range", problem, begin, end, *columns, places, used)

    for_each(fill, range(len(ranges)), threads)


def for_each(work: Any, items: Any, threads: int) -> None:
    """Call a function with each item, on several threads."""
    for _ in map_in_order(work, items, threads):
        pass


def _ranges_of_users(matrix: CsrMatrix) -> Int64Array:
    """Return the first user of each range and the one after its last, (R, 2), about as long."""
    num_entries, num_items = matrix.num_entries, max(matrix.num_columns, 1)
    wanted = max(num_entries // max(RANGE_ENTRIES, ENTRIES_PER_ITEM * num_items), 1)
    cuts = np.searchsorted(matrix.indptr, np.linspace(0, num_entries, wanted + 1)[1:-1])
    bounds = np.unique(np.concatenate([[0], cuts, [matrix.num_rows]]))
    return np.stack([bounds[:-1], bounds[1:]], axis=1).astype(np.int64)


def order_lists(problem: Problem, k: int, neighborhood: Neighborhood, threads: int) -> CsrMatrix:
    """Return the best pairs, source items as rows, by the indices from before relabelling.

    Args:
        problem: with ``order``, and the fields of the result that begin with ``out_``.
        k: the most pairs of a list.

    Raises:
        DataError: a similarity overflows float32.
    """
    order = problem.array("order")
    ranks = np.empty(len(order), np.uint32)
    ranks[order] = np.arange(len(order), dtype=np.uint32)
    if neighborhood == "target":
        matrix = _transposed(problem, ranks, threads)
    else:
        matrix = _sorted(problem, ranks, k, threads)
    for begin in range(0, matrix.num_entries, 2**20):
        round_values(matrix.data[begin : begin + 2**20])
    return matrix


def _transposed(problem: Problem, ranks: UInt32Array, threads: int) -> CsrMatrix:
    """Return the lists as columns."""
    num_items = len(ranks)
    parts = cut_rows(np.ones(num_items), 0, threads)
    counts = np.zeros((len(parts), num_items), np.int64)  # (R, I)

    def count(number: int) -> None:
        call("count_sources", problem, ranks, *parts[number], counts[number])

    for_each(count, range(len(parts)), threads)
    indptr = offsets(counts.sum(axis=0))
    columns, values = (new_array(indptr[-1], dtype) for dtype in (np.int32, np.float32))
    positions = indptr[:-1] + np.cumsum(counts, axis=0) - counts  # (R, I)

    def spread(number: int) -> None:
        place = positions[number], columns, values
        call("spread_lists", problem, ranks, *parts[number], *place)

    for_each(spread, range(len(parts)), threads)
    return CsrMatrix(indptr, columns, values, num_items)


def _sorted(problem: Problem, ranks: UInt32Array, k: int, threads: int) -> CsrMatrix:
    """Return the lists as rows, their items ascending."""
    indptr = offsets(problem.array("out_sizes")[ranks])
    columns, values = (new_array(indptr[-1], dtype) for dtype in (np.int32, np.float32))

    def copy(rows: tuple[int, int]) -> None:
        place = indptr, columns, values, np.empty(k, np.uint64)
        call("copy_lists", problem, ranks, *rows, *place)

    for_each(copy, cut_rows(np.ones(len(ranks)), 0, threads), threads)
    return CsrMatrix(indptr, columns, values, len(ranks))

"""The compiled code of the kernel: counting the tail, values, the best of each item.

All indices are those of ``Layout``: items by popularity. Rows are compared with more popular items
only, the columns before them, and a pair is pushed to both lists. All of it is in one module: numba
does not notice when a function changes that code of another module calls.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mlcore.numeric.numba_tools import compiled, fetch, inlined, trailing_zeros
from mlcore.types import Int64Array

__all__ = [
    "Best",
    "Formula",
    "copy_lists",
    "finish",
    "merge",
    "push_tail",
    "push_tile",
]

# All of these change speed only.
BLOCK = 64  # counters scanned together, at most the bits of a word
PARTS = 4  # of a row, for each neighbor kept
AHEAD, LINES = 4, 16  # users whose lists are fetched ahead, and how many cache lines of each
SPARSE = 4  # a row with fewer counts than one for this many columns is not scanned


class Best(NamedTuple):
    """The best of every item so far, unordered, and some that came after them.

    An item's list has a capacity above K; when it is full, it is cut to the best K.

    Attributes:
        num_kept: K.
        begins: (I + 1,) int64, of the lists.
        sizes: (I,) int64.
        values: (L,) float64.
        items: (L,) uint32 indices from before relabelling: ties go to the smaller.
        limits: (I,) float64, below which no value is among the K best. All threads read and write
            the same array; one that misses another's higher limit only pushes more values.
    """

    num_kept: int
    begins: Int64Array
    sizes: Int64Array
    values: Any
    items: Any
    limits: Any


class Formula(NamedTuple):
    """A ``Quotient`` with its terms; ``row_terms`` are those of the item whose list a value is for.

    Attributes:
        kind: 0 for ``product``, 1 for ``sum``, 2 for ``tversky``.
        a: the quotient's first number.
        b: the second.
        shrinkage: >= 0.
        row_terms: (I,) float64.
        column_terms: (I,) float64.
        minimum: the fewest common users of a pair.
        is_symmetric: whether both items of a pair have the same value.
    """

    kind: int
    a: float
    b: float
    shrinkage: float
    row_terms: Any
    column_terms: Any
    minimum: float
    is_symmetric: bool


# --- counting -------------------------------------------------------------------------------------


@inlined
def _fetch_list(entry, layout, array):  # type: ignore[no-untyped-def]
    begin = layout.user_begins[layout.item_users[entry]]
    line = 64 // array.itemsize
    for place in range(0, min(np.int64(layout.places[entry]), LINES * line), line):
        fetch(array, np.uint64(begin + place))


@inlined
def _count_row(row, layout, counters, cooccurrences):  # type: ignore[no-untyped-def]
    """Add the products of a row with all more popular items, over ascending users.

    ``cooccurrences`` counts common users besides, unless it is empty.
    """
    stop = layout.item_begins[row + 1]
    for entry in range(layout.item_begins[row], stop):
        if entry + AHEAD < stop:
            _fetch_list(entry + AHEAD, layout, layout.user_items)
        user = layout.item_users[entry]
        begin = layout.user_begins[user]
        others = layout.user_items[begin : begin + layout.places[entry]]
        if len(layout.user_squares):
            product = layout.user_squares[user]
            for place in range(len(others)):
                counters[others[place]] += product
        elif len(layout.item_weights):
            if entry + AHEAD < stop:
                _fetch_list(entry + AHEAD, layout, layout.user_weights)
            weights = layout.user_weights[begin : begin + layout.places[entry]]
            weight = np.float64(layout.item_weights[entry])
            for place in range(len(others)):
                counters[others[place]] += weight * np.float64(weights[place])
        else:
            for place in range(len(others)):
                counters[others[place]] += 1
        if len(cooccurrences):
            for place in range(len(others)):
                cooccurrences[others[place]] += 1


# --- the best of each item ------------------------------------------------------------------------


@compiled
def _keep_best(values, items, k):  # type: ignore[no-untyped-def]
    """Bring the best k to the front, the worst of them last (quickselect, Hoare 1961)."""
    first, last = 0, len(values) - 1
    while first < last:
        middle = (first + last) >> 1
        pivot_value, pivot_item = values[middle], items[middle]
        values[middle], items[middle] = values[last], items[last]
        place = first
        for entry in range(first, last):
            # Always exchanged: no processor predicts such a branch.
            value, item = values[entry], items[entry]
            values[entry], items[entry] = values[place], items[place]
            values[place], items[place] = value, item
            place += (value > pivot_value) | ((value == pivot_value) & (item < pivot_item))
        values[last], items[last] = values[place], items[place]
        values[place], items[place] = pivot_value, pivot_item
        if place == k - 1:
            break
        if place < k:
            first = place + 1
        else:
            last = place - 1


@compiled
def _new_block_maxima(best):  # type: ignore[no-untyped-def]
    return np.empty((PARTS * best.num_kept // BLOCK + 1) * BLOCK)


@compiled
def _kth_largest(values, k):  # type: ignore[no-untyped-def]
    some = values.copy()
    _keep_best(some, np.zeros(len(values), np.uint32), k)
    return some[k - 1]


@compiled
def _truncate(row, best):  # type: ignore[no-untyped-def]
    begin, end = best.begins[row], best.begins[row + 1]
    _keep_best(best.values[begin:end], best.items[begin:end], best.num_kept)
    best.limits[row] = max(best.limits[row], best.values[begin + best.num_kept - 1])


@inlined
def _push(row, value, item, best):  # type: ignore[no-untyped-def]
    """Append a pair to an item's list."""
    place = best.begins[row] + best.sizes[row]
    best.values[place], best.items[place] = value, item
    best.sizes[row] += 1
    # A list of capacity K or less holds all pairs that its item has.
    if place + 1 == best.begins[row + 1] and best.sizes[row] > best.num_kept:
        _truncate(row, best)
        best.sizes[row] = best.num_kept


@inlined
def _value(formula, count, source, target):  # type: ignore[no-untyped-def]
    """Return a value by the formulas of ``overlap``, bit for bit."""
    if formula.kind == 0:
        return formula.a * count / (source * target + formula.shrinkage)
    if formula.kind == 1:
        return count / (source + target - formula.a * count + formula.shrinkage)
    others = formula.a * (target - count) + formula.b * (source - count)
    return count / (count + others + formula.shrinkage)


@inlined
def _drop_rare(row, counters, cooccurrences, minimum):  # type: ignore[no-untyped-def]
    """Set counters of pairs with too few common users to 0; of weights, ``cooccurrences`` counts."""
    for column in range(row):
        if len(cooccurrences):
            counters[column] = counters[column] if cooccurrences[column] >= minimum else 0
            cooccurrences[column] = 0
        else:
            counters[column] = counters[column] if counters[column] >= minimum else 0


@inlined
def _value_row(row, counters, formula, values, block_maxima):  # type: ignore[no-untyped-def]
    """Compute the values of a row for its own list, and their block maxima.

    The columns of a maximum are those that are equal modulo the number of maxima.
    """
    column_terms, row_term = formula.column_terms, formula.row_terms[row]
    block_maxima[:] = 0
    for begin in range(0, row, BLOCK):
        block, of_block = counters[begin : min(begin + BLOCK, row)], values[begin:]
        is_touched = False
        for place in range(len(block)):
            is_touched |= block[place] != 0
        if not is_touched:
            continue
        terms = column_terms[begin : begin + len(block)]
        first = begin % len(block_maxima)
        maxima = block_maxima[first : first + len(block)]
        for place in range(len(block)):
            value = _value(formula, np.float64(block[place]), terms[place], row_term)
            of_block[place] = value
            maxima[place] = value if value > maxima[place] else maxima[place]


@inlined
def _push_row(row, counters, formula, order, best, values, block_maxima):  # type: ignore[no-untyped-def]
    """Push each pair of a row and a more popular item to both lists; set the counters to 0."""
    _value_row(row, counters, formula, values, block_maxima)
    if row > len(block_maxima):  # K values reach the Kth largest maximum, so the Kth does
        best.limits[row] = max(best.limits[row], _kth_largest(block_maxima, best.num_kept))
    to_column, column_term = np.empty(BLOCK), formula.column_terms[row]
    for begin in range(0, row, BLOCK):
        block = counters[begin : min(begin + BLOCK, row)]
        is_touched = False
        for place in range(len(block)):
            is_touched |= block[place] != 0
        if not is_touched:
            continue
        limits, to_row = best.limits[begin : begin + len(block)], values[begin : begin + len(block)]
        if formula.is_symmetric:
            to_column = to_row
        else:
            row_terms = formula.row_terms[begin : begin + len(block)]
            for place in range(len(block)):
                count = np.float64(block[place])
                to_column[place] = _value(formula, count, column_term, row_terms[place])
        limit, wanted = best.limits[row], np.uint64(0)  # bits
        for place in range(len(block)):
            is_wanted = (to_row[place] >= limit) | (to_column[place] >= limits[place])
            wanted |= np.uint64(is_wanted) << np.uint64(place)
        while wanted:
            found = np.int64(trailing_zeros(wanted))
            wanted &= wanted - np.uint64(1)
            if block[found] != 0:
                column = begin + found
                if to_row[found] >= best.limits[row]:
                    _push(row, to_row[found], order[column], best)
                if to_column[found] >= best.limits[column]:
                    _push(column, to_column[found], order[row], best)
        block[:] = 0


@inlined
def _push_touched(row, layout, counters, cooccurrences, formula, best):  # type: ignore[no-untyped-def]
    """As ``_push_row``, by a second pass over the users that were counted."""
    row_term, column_term = formula.row_terms[row], formula.column_terms[row]
    for entry in range(layout.item_begins[row], layout.item_begins[row + 1]):
        begin = layout.user_begins[layout.item_users[entry]]
        for place in range(begin, begin + layout.places[entry]):
            column = layout.user_items[place]
            common = count = np.float64(counters[column])
            counters[column] = 0
            if len(cooccurrences):
                common = np.float64(cooccurrences[column])
                cooccurrences[column] = 0
            if count != 0 and common >= formula.minimum:
                to_row = _value(formula, count, formula.column_terms[column], row_term)
                to_column = _value(formula, count, column_term, formula.row_terms[column])
                if to_row >= best.limits[row]:
                    _push(row, to_row, layout.order[column], best)
                if to_column >= best.limits[column]:
                    _push(column, to_column, layout.order[row], best)


@compiled
def push_tile(first, last, tile, formula, order, best):  # type: ignore[no-untyped-def]
    """Push the pairs of counted rows with all more popular items to both lists.

    Args:
        first: the first row.
        last: the row after the last.
        tile: as ``count_tile`` leaves it; set to 0 up to the diagonal.
        order: that of the layout.
        best: the thread's.
    """
    values, block_maxima = np.empty(last), _new_block_maxima(best)
    for row in range(first, last):
        counters = tile[row - first]
        if formula.minimum > 1:
            _drop_rare(row, counters, counters[:0], formula.minimum)
        _push_row(row, counters, formula, order, best, values, block_maxima)


@compiled
def push_tail(  # type: ignore[no-untyped-def]
    first, last, layout, work, counters, cooccurrences, formula, best
):
    """Count the pairs of some rows with all more popular items, and push them to both lists.

    Args:
        first: the first row.
        last: the row after the last.
        work: (I,) as ``measure_work`` leaves it.
        counters: (I,) all 0, before and after.
        cooccurrences: (I,) likewise, or (0,) if X is binary or one common user is enough.
        best: the thread's.
    """
    values, block_maxima = np.empty(last), _new_block_maxima(best)
    for row in range(first, last):
        _count_row(row, layout, counters, cooccurrences)
        if work[row] * SPARSE < row:
            _push_touched(row, layout, counters, cooccurrences, formula, best)
        else:
            if formula.minimum > 1:
                _drop_rare(row, counters, cooccurrences, formula.minimum)
            _push_row(row, counters, formula, layout.order, best, values, block_maxima)


# --- the result -----------------------------------------------------------------------------------


@inlined
def _gather(row, best, limit, values, items, size):  # type: ignore[no-untyped-def]
    """Append the entries of a list from a limit on; return the new size."""
    for place in range(best.begins[row], best.begins[row] + best.sizes[row]):
        values[size], items[size] = best.values[place], best.items[place]
        size += best.values[place] >= limit
    return size


@compiled
def merge(first, last, best, into):  # type: ignore[no-untyped-def]
    """Add lists, of the items from ``first`` to before ``last``, to those of ``into``; keep the best K."""
    longest = 0
    for row in range(first, last):
        longest = max(longest, into.sizes[row] + best.sizes[row])
    values, items = np.empty(longest + 1), np.empty(longest + 1, np.uint32)
    for row in range(first, last):
        limit = into.limits[row]
        size = _gather(row, into, limit, values, items, 0)
        size = _gather(row, best, limit, values, items, size)
        if size > into.num_kept:
            _keep_best(values[:size], items[:size], into.num_kept)
            size = into.num_kept
        begin = into.begins[row]
        into.values[begin : begin + size] = values[:size]
        into.items[begin : begin + size] = items[:size]
        into.sizes[row] = size


@compiled
def finish(first, last, best):  # type: ignore[no-untyped-def]
    """Leave the best K of the items from ``first`` to before ``last``, none that float32 rounds to 0."""
    for row in range(first, last):
        begin, size = best.begins[row], best.sizes[row]
        values, items = best.values[begin : begin + size], best.items[begin : begin + size]
        if size > best.num_kept:
            _keep_best(values, items, best.num_kept)
        kept = 0
        for place in range(min(size, best.num_kept)):
            values[kept], items[kept] = values[place], items[place]
            kept += np.float32(values[place]) != 0
        best.sizes[row] = kept


@compiled
def copy_lists(first, last, best, order, indptr, columns, values):  # type: ignore[no-untyped-def]
    """Copy finished lists to the rows of their items as they were before relabelling.

    Args:
        first: the first item.
        last: the item after the last.
        order: that of the layout.
        indptr: (I + 1,) int64 row offsets, by former index.
        columns: (P,) int32, set to the other item of each pair, by former index.
        values: (P,) float64, set.
    """
    for row in range(first, last):
        begin, place = best.begins[row], indptr[order[row]]
        for entry in range(best.sizes[row]):
            columns[place + entry] = best.items[begin + entry]
            values[place + entry] = best.values[begin + entry]

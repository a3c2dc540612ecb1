"""The kernel of ``pairs`` compiled by numba, for the measures that are one quotient; same bits.

Items are relabelled by popularity, so that the counters in use lie together in the nearest cache,
and only one half of the symmetric X' X is formed: an item is compared with the more popular ones
alone, and each pair is offered to both. Two ways of counting, chosen by what they cost:

- head: the users of the most popular items as sets of bits; a pair is the number of common bits;
- tail: the items of each user of the row, as far as they are more popular, are counted one by one.
  The lists of the next users are fetched ahead: waiting for memory took more than half of the time.

Each thread has a heap of the K best of every item. A block of counters is looked at closer only if
one of its values could enter a heap. Values are computed by the formulas of ``overlap``, operation
by operation, and products are summed in float64 over ascending users, so neither the kernel nor the
number of threads changes a bit. Needs the extra ``local``.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings
from mlcore.similarity.counts import Counts
from mlcore.similarity.pairs import BestOfRows, Quotient, by_source
from mlcore.threads import map_in_order
from mlcore.types import CsrMatrix, Float64Array, Int64Array

__all__ = ["best_quotients"]

# All of these change speed only.
BLOCK = 64  # counters looked at together
TILE = 64  # rows of the head counted together, 4 columns at a time
STEP = 1024  # words of bits of a row that stay in the cache meanwhile
WORD_COST, COUNT_COST = 0.14, 0.84  # ns, measured: 64 users as bits, one count of the tail
CHUNKS = 256  # of the tail
AHEAD, LINES = 4, 16  # users whose lists are fetched ahead, and how much of each

_compile = njit(nogil=True, cache=True, error_model="numpy")
_inline = njit(inline="always", error_model="numpy")


class _Layout(NamedTuple):
    """X with items relabelled by popularity, from both sides.

    Attributes:
        order: (I,) the index of each item, most popular first, ties to the smaller index.
        item_begins: (I + 1,) int64.
        item_users: (E,) users of each item, ascending.
        item_weights: (E,) float32, or (0,) if X is binary.
        user_begins: (U + 1,) int64.
        user_items: (E,) items of each user, most popular first.
        user_weights: (E,) float32, or (0,).
        places: (E,) by item: how many items of that user are more popular.
    """

    order: Any
    item_begins: Int64Array
    item_users: Any
    item_weights: Any
    user_begins: Int64Array
    user_items: Any
    user_weights: Any
    places: Any


class _Heaps(NamedTuple):
    """The best of every item so far: the worst of them first, then as a binary heap.

    Attributes:
        values: (I, K) float64.
        items: (I, K) uint32 indices as they were before relabelling: ties go to the smaller.
        sizes: (I,) int64.
        limits: (I,) float64, below which no value is among the K best: the worst of a full heap of
            any thread. All threads read and write the same array; one that misses the other's
            higher limit only looks at more values.
    """

    values: Any
    items: Any
    sizes: Any
    limits: Any


class _Formula(NamedTuple):
    """A quotient with its terms, by popularity; ``row`` that of the item a heap belongs to."""

    kind: int
    a: float
    b: float
    shrinkage: float
    row_terms: Any
    column_terms: Any
    minimum: float
    is_symmetric: bool


def best_quotients(
    quotient: Quotient,
    terms: tuple[Float64Array, ...],
    counts: Counts,
    settings: NeighborSettings,
    threads: int,
    progress: Progress,
) -> CsrMatrix:
    """Return the best pairs of each item, as ``best_pairs`` does.

    Args:
        quotient: the formula.
        terms: that of the sources and that of the targets, (I,) float64 each.
        counts: of X as the formula has it, all weights above 0; binary if ``min_cooccurrence`` is
            above 1.
        settings: with a number of neighbors.
        threads: how many. Changes speed only.
        progress: told how much of the work is done.

    Raises:
        DataError: a similarity overflows float32.
    """
    matrix, k = counts.user_items, settings.num_neighbors or counts.num_items
    is_binary = bool((matrix.data == 1).all())
    layout = _make_layout(matrix, is_binary)
    rows_are_targets = settings.neighborhood == "target"
    sources, targets = (term[layout.order] for term in terms)
    formula = _Formula(
        _KINDS[quotient.kind],
        *_factors(quotient, rows_are_targets),
        settings.shrinkage,
        targets if rows_are_targets else sources,
        sources if rows_are_targets else targets,
        float(settings.min_cooccurrence) if is_binary else 0.0,
        quotient.kind != "tversky" and np.array_equal(sources, targets),
    )
    work = np.empty(counts.num_items, np.int64)
    _work_of_rows(layout, work)
    head = _choose_head(work, counts.num_users) if is_binary else 0
    bits = np.zeros((head, -(-counts.num_users // 64)), np.uint64)
    _set_bits(layout, bits)
    limits = np.full(counts.num_items, -np.inf)
    local = threading.local()
    all_heaps: list[_Heaps] = []

    def count(job: tuple[int, int]) -> int:
        if not hasattr(local, "heaps"):
            local.heaps = _new_heaps(k, limits)
            local.counters = np.zeros(counts.num_items, _counter_type(layout, is_binary))
            local.tile = np.zeros((TILE if head else 0, head), local.counters.dtype)
            all_heaps.append(local.heaps)
        if job[1] <= head:
            _count_head(*job, bits, local.tile, formula, layout, local.heaps)
        elif is_binary:
            _count_tail(*job, layout, local.counters, formula, local.heaps)
        else:
            _add_tail(*job, layout, local.counters, formula, local.heaps)
        return job[1]

    for done in map_in_order(count, _jobs(head, work), threads):
        progress("compare items", done, counts.num_items)
    for heaps in all_heaps[1:]:
        _merge(heaps, all_heaps[0])
    best = _by_index(all_heaps[0], layout.order)
    return by_source(best, counts.num_items, rows_are_targets)


def _factors(quotient: Quotient, rows_are_targets: bool) -> tuple[float, float]:
    """Return a and b for values that are asked for with the item of the column as the source."""
    if quotient.kind == "tversky" and not rows_are_targets:
        return quotient.b, quotient.a
    return quotient.a, quotient.b


def _make_layout(matrix: CsrMatrix, is_binary: bool) -> _Layout:
    num_items, num_entries = matrix.num_columns, matrix.num_entries
    users_of_item = np.bincount(matrix.indices, minlength=num_items)
    order = np.lexsort((np.arange(num_items), -users_of_item)).astype(np.uint32)
    ranks = np.empty(num_items, np.uint32)
    ranks[order] = np.arange(num_items, dtype=np.uint32)
    num_weights = 0 if is_binary else num_entries
    layout = _Layout(
        order,
        np.concatenate([[0], np.cumsum(users_of_item[order])]),
        np.empty(num_entries, np.uint32),
        np.empty(num_weights, np.float32),
        matrix.indptr,
        np.empty(num_entries, np.uint16 if num_items <= 2**16 else np.uint32),
        np.empty(num_weights, np.float32),
        np.empty(num_entries, np.uint32),
    )
    weights = np.empty(0, np.float32) if is_binary else matrix.data.astype(np.float32)
    _fill_layout(matrix.indptr, matrix.indices, weights, ranks, layout)
    return layout


@_compile
def _fill_layout(indptr, indices, weights, ranks, layout):  # type: ignore[no-untyped-def]
    place = layout.item_begins[:-1].copy()
    for user in range(len(indptr) - 1):
        for entry in range(indptr[user], indptr[user + 1]):
            item = ranks[indices[entry]]
            layout.item_users[place[item]] = user
            if len(weights):
                layout.item_weights[place[item]] = weights[entry]
            place[item] += 1
    used = np.zeros(len(indptr) - 1, np.uint32)
    for item in range(len(layout.item_begins) - 1):
        for entry in range(layout.item_begins[item], layout.item_begins[item + 1]):
            user = layout.item_users[entry]
            layout.places[entry] = used[user]
            layout.user_items[indptr[user] + used[user]] = item
            if len(weights):
                layout.user_weights[indptr[user] + used[user]] = layout.item_weights[entry]
            used[user] += 1


@_compile
def _work_of_rows(layout, work):  # type: ignore[no-untyped-def]
    for item in range(len(work)):
        total = 0
        for entry in range(layout.item_begins[item], layout.item_begins[item + 1]):
            total += layout.places[entry]
        work[item] = total


def _choose_head(work: Int64Array, num_users: int) -> int:
    """Return how many of the most popular items to count as bits: where both together cost least."""
    heads = np.arange(0, len(work) + 1, TILE)
    as_bits = heads.astype(np.float64) ** 2 / 2 * (num_users / 64) * WORD_COST
    one_by_one = (work.sum() - np.concatenate([[0], np.cumsum(work)])[heads]) * COUNT_COST
    return int(heads[np.argmin(as_bits + one_by_one)])


def _jobs(head: int, work: Int64Array) -> list[tuple[int, int]]:
    """Return ranges of rows: tiles of the head, then parts of the tail of about the same work."""
    tiles = [(begin, begin + TILE) for begin in range(0, head, TILE)]
    so_far = np.cumsum(work[head:] + np.arange(head, len(work)))  # a row is also looked through
    if not len(so_far):
        return tiles
    cuts = np.searchsorted(so_far, np.linspace(0, so_far[-1], CHUNKS + 1)[1:-1]) + head
    bounds = np.unique(np.concatenate([[head], cuts, [len(work)]])).tolist()
    return tiles + list(zip(bounds, bounds[1:]))


def _counter_type(layout: _Layout, is_binary: bool) -> Any:
    if not is_binary:
        return np.float64
    return np.uint16 if np.diff(layout.item_begins).max() < 2**16 else np.uint32


def _new_heaps(k: int, limits: Float64Array) -> _Heaps:
    num_items = len(limits)
    return _Heaps(
        np.empty((num_items, k)),
        np.empty((num_items, k), np.uint32),
        np.zeros(num_items, np.int64),
        limits,
    )


# --- counting -----------------------------------------------------------------------------------


@intrinsic
def _num_bits(typing_context, word):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def _fetch(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Ask for the cache line of an entry, which need not exist."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        builder.call(function, [place, *(ir.Constant(number, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@_compile
def _set_bits(layout, bits):  # type: ignore[no-untyped-def]
    for item in range(len(bits)):
        for entry in range(layout.item_begins[item], layout.item_begins[item + 1]):
            user = layout.item_users[entry]
            bits[item, user >> np.uint32(6)] |= np.uint64(1) << np.uint64(user & np.uint32(63))


@_compile
def _count_head(first, last, bits, tile, formula, layout, heaps):  # type: ignore[no-untyped-def]
    """Count the pairs of a tile of rows with all more popular items, and offer them."""
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
                    a += _num_bits(users & one[word])
                    b += _num_bits(users & two[word])
                    c += _num_bits(users & three[word])
                    d += _num_bits(users & four[word])
                tile[row - first, column] += a
                tile[row - first, column + 1] += b
                tile[row - first, column + 2] += c
                tile[row - first, column + 3] += d
    for row in range(first, last):
        _offer_row(row, tile[row - first], formula, layout.order, heaps)


@_inline
def _fetch_list(entry, layout, array):  # type: ignore[no-untyped-def]
    begin = layout.user_begins[layout.item_users[entry]]
    line = 64 // array.itemsize
    for place in range(0, min(layout.places[entry], LINES * line), line):
        _fetch(array, begin + place)


@_compile
def _count_tail(first, last, layout, counters, formula, heaps):  # type: ignore[no-untyped-def]
    """Count the pairs of some rows with all more popular items, and offer them."""
    for row in range(first, last):
        stop = layout.item_begins[row + 1]
        for entry in range(layout.item_begins[row], stop):
            if entry + AHEAD < stop:
                _fetch_list(entry + AHEAD, layout, layout.user_items)
            begin = layout.user_begins[layout.item_users[entry]]
            others = layout.user_items[begin : begin + layout.places[entry]]
            for place in range(len(others)):
                counters[others[place]] += 1
        _offer_row(row, counters, formula, layout.order, heaps)


@_compile
def _add_tail(first, last, layout, counters, formula, heaps):  # type: ignore[no-untyped-def]
    """As ``_count_tail``, with weights."""
    for row in range(first, last):
        stop = layout.item_begins[row + 1]
        for entry in range(layout.item_begins[row], stop):
            if entry + AHEAD < stop:
                _fetch_list(entry + AHEAD, layout, layout.user_items)
                _fetch_list(entry + AHEAD, layout, layout.user_weights)
            begin = layout.user_begins[layout.item_users[entry]]
            others = layout.user_items[begin : begin + layout.places[entry]]
            weights = layout.user_weights[begin : begin + layout.places[entry]]
            weight = np.float64(layout.item_weights[entry])
            for place in range(len(others)):
                counters[others[place]] += weight * np.float64(weights[place])
        _offer_row(row, counters, formula, layout.order, heaps)


# --- values and heaps -----------------------------------------------------------------------------


_KINDS = {"product": 0, "sum": 1, "tversky": 2}


@_inline
def _value(formula, count, source, target):  # type: ignore[no-untyped-def]
    """Return a value by the formulas of ``overlap``, which these must equal bit for bit."""
    if formula.kind == 0:
        return formula.a * count / (source * target + formula.shrinkage)
    if formula.kind == 1:
        return count / (source + target - formula.a * count + formula.shrinkage)
    others = formula.a * (target - count) + formula.b * (source - count)
    return count / (count + others + formula.shrinkage)


@_compile
def _offer_row(row, counters, formula, order, heaps):  # type: ignore[no-untyped-def]
    """Offer each pair of a row and a more popular item to both, and set the counters to 0."""
    to_row, to_column = np.empty(BLOCK), np.empty(BLOCK)
    row_term, column_term = formula.row_terms[row], formula.column_terms[row]
    for begin in range(0, row, BLOCK):
        block = counters[begin : min(begin + BLOCK, row)]
        row_terms, column_terms = formula.row_terms[begin:], formula.column_terms[begin:]
        is_touched = False
        for place in range(len(block)):
            is_touched |= block[place] != 0
        if not is_touched:
            continue
        is_wanted = False
        limits, limit = heaps.limits[begin : begin + len(block)], heaps.limits[row]
        for place in range(len(block)):
            count = np.float64(block[place])
            to_row[place] = _value(formula, count, column_terms[place], row_term)
            is_wanted |= to_row[place] >= limit
        if formula.is_symmetric:
            to_column = to_row
        else:
            for place in range(len(block)):
                count = np.float64(block[place])
                to_column[place] = _value(formula, count, column_term, row_terms[place])
        for place in range(len(block)):
            is_wanted |= to_column[place] >= limits[place]
        if is_wanted:
            for place in range(len(block)):
                if block[place] != 0 and block[place] >= formula.minimum:
                    column = begin + place
                    if to_row[place] >= heaps.limits[row]:
                        _offer(heaps, row, to_row[place], order[column])
                    if to_column[place] >= heaps.limits[column]:
                        _offer(heaps, column, to_column[place], order[row])
        block[:] = 0


@_inline
def _is_worse(value, item, other_value, other_item):  # type: ignore[no-untyped-def]
    return value < other_value or (value == other_value and item > other_item)


@_compile
def _offer(heaps, row, value, item):  # type: ignore[no-untyped-def]
    """Put an entry into a heap, unless it is full of better ones."""
    values, items, size = heaps.values[row], heaps.items[row], heaps.sizes[row]
    if size < len(values):
        place = size
        while place > 0:
            parent = (place - 1) >> 1
            if not _is_worse(value, item, values[parent], items[parent]):
                break
            values[place], items[place] = values[parent], items[parent]
            place = parent
        heaps.sizes[row] = size + 1
    elif _is_worse(values[0], items[0], value, item):
        place = 0
        while 2 * place + 1 < size:
            child = 2 * place + 1
            if child + 1 < size and _is_worse(
                values[child + 1], items[child + 1], values[child], items[child]
            ):
                child += 1
            if not _is_worse(values[child], items[child], value, item):
                break
            values[place], items[place] = values[child], items[child]
            place = child
    else:
        return
    values[place], items[place] = value, item
    if heaps.sizes[row] == len(values):
        heaps.limits[row] = max(heaps.limits[row], values[0])


@_compile
def _merge(heaps, into):  # type: ignore[no-untyped-def]
    for row in range(len(heaps.sizes)):
        for place in range(heaps.sizes[row]):
            if heaps.values[row, place] >= into.limits[row]:
                _offer(into, row, heaps.values[row, place], heaps.items[row, place])


def _by_index(heaps: _Heaps, order: Any) -> BestOfRows:
    """Return the kept pairs of the items as they were before relabelling, in any order."""
    num_items = len(order)
    sizes = np.empty(num_items, np.int64)
    sizes[order] = heaps.sizes
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    columns, values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
    _copy_rows(heaps, order, indptr, columns, values)
    return BestOfRows(indptr, columns, values).without_zeros()


@_compile
def _copy_rows(heaps, order, indptr, columns, values):  # type: ignore[no-untyped-def]
    for row in range(len(order)):
        begin = indptr[order[row]]
        for place in range(heaps.sizes[row]):
            columns[begin + place] = heaps.items[row, place]
            values[begin + place] = heaps.values[row, place]

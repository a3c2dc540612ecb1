"""Which entries of a product are kept: the best K of each row, found in blocks of rows.

Passes over the entries of a product cost as much as the product itself. So each runs over a part, one
long row or some short ones, and drops all but the few entries that can be among the best before
anything is sorted. A part is short enough for a cache, and long enough that threads seldom wait for
the interpreter's lock, which they take between any two calls of numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mlcore.errors import DataError
from mlcore.lazy import LazyModule
from mlcore.numeric.ranges import offsets, ragged_arange, row_blocks
from mlcore.numeric.threads import map_in_order
from mlcore.numeric.topk import keep_best, kth_best
from mlcore.progress import Progress
from mlcore.types import BoolArray, CsrMatrix, Float32Array, Float64Array, Int32Array, Int64Array

__all__ = [
    "BestOfRows",
    "ValuesOf",
    "best_of_columns",
    "best_of_half",
    "best_of_rows",
    "by_source",
    "round_values",
    "stack_rows",
]

sp: Any = LazyModule("scipy.sparse")

PART_ENTRIES = 2**17  # changes speed and memory only
WAITING = 2**18  # candidates that are not among the best yet; changes speed and memory only
LEAST_FLOAT32 = float(np.finfo(np.float32).smallest_subnormal)  # smaller ones may round to 0

# The value of each entry, from its row, column and product. Rows are (P,), or (1,) for all entries.
# Rows and columns are int64: numpy takes by int32 only after a conversion six times as slow.
ValuesOf: TypeAlias = Callable[[Int64Array, Int64Array, Float64Array], Float64Array]


class BestOfRows(NamedTuple):
    """The kept entries of some rows, in any order: offsets (R + 1,), columns and values (P,)."""

    indptr: Int64Array
    columns: Int32Array
    values: Float64Array


def best_of_rows(
    blocks: Sequence[tuple[int, int]],
    products_of: Callable[[int, int], Any],
    values_of: ValuesOf,
    num_neighbors: int | None,
    threads: int,
    progress: Progress,
) -> list[BestOfRows]:
    """Return the best entries of each row of a product, block by block.

    Args:
        blocks: ranges of rows, in order.
        products_of: returns the rows from the first to before the second argument, a CSR.
        num_neighbors: how many each row keeps; None keeps all.

    Raises:
        DataError: a value that can be among the best overflows float32.
    """

    def best_of_block(block: tuple[int, int]) -> BestOfRows:
        product = products_of(*block)
        k = num_neighbors or product.shape[1]
        spans = row_blocks(product.indptr, product.shape[0], PART_ENTRIES)
        found = stack_rows([_candidates(product, block[0], span, values_of, k) for span in spans])
        rows = np.repeat(np.arange(*block), np.diff(found.indptr))  # (P,) int64
        others = found.columns != rows
        keep = others & (round_values(found.values, others) != 0)
        indptr = offsets(keep)[found.indptr]
        return BestOfRows(*keep_best(indptr, found.columns[keep], found.values[keep], k))

    parts: list[BestOfRows] = []
    for (_, end), part in zip(blocks, map_in_order(best_of_block, blocks, threads)):
        parts.append(part)
        progress("compare items", end, blocks[-1][1])
    return parts


def best_of_half(
    blocks: Sequence[tuple[int, int]],
    products_of: Callable[[int, int], Any],
    order: Int32Array,
    values_of: ValuesOf,
    is_symmetric: bool,
    k: int,
    threads: int,
    progress: Progress,
) -> BestOfRows:
    """Return the best ``k`` entries of each row of a symmetric product, from those below its diagonal.

    Each is an entry of its row and, in the other half, of its column.

    Args:
        blocks: ranges of rows, in ascending or descending order. If most of the best of a row stand
            before it, ascending lets fewer pass that are not kept.
        products_of: returns the rows from the first to before the second argument, a CSR.
        order: (I,) item of each row and column; ``values_of`` does not see it.
        is_symmetric: whether a pair has the same value either way.
    """
    num_items = len(order)
    limits = np.full(num_items, -np.inf)  # of rows; an old one lets more pass, whatever the thread
    best = BestOfRows(np.zeros(num_items + 1, np.int64), np.zeros(0, np.int32), np.zeros(0))

    def candidates_of_block(block: tuple[int, int]) -> tuple[BestOfRows, BestOfRows]:
        product = products_of(*block)
        spans = row_blocks(product.indptr, product.shape[0], PART_ENTRIES)
        found = [
            _candidates_of_half(product, block[0], span, values_of, is_symmetric, limits, k)
            for span in spans
        ]
        of_rows, of_columns = (stack_rows(parts) for parts in zip(*found))
        return of_rows, of_columns

    waiting, num_waiting, done = dict[tuple[int, int], tuple[BestOfRows, BestOfRows]](), 0, 0
    for block, found in zip(blocks, map_in_order(candidates_of_block, blocks, threads)):
        waiting[block] = found
        done += block[1] - block[0]
        num_waiting += sum(len(part.columns) for part in found)
        if done == num_items or num_waiting > max(WAITING, len(best.columns) // 2):
            parts = _both_halves(waiting, order)
            waiting, num_waiting = {}, 0  # before the rows are joined: as long as the parts
            best = _join_rows([best, *parts], k, threads)
            del parts
            _raise_limits(limits, best, k)
        progress("compare items", done, num_items)
    matrix: Any = sp.csr_matrix((best.values, best.columns, best.indptr), 2 * (num_items,))
    matrix = matrix[np.argsort(order)]
    return BestOfRows(matrix.indptr, matrix.indices, matrix.data)


def _candidates_of_half(
    product: Any,
    first: int,
    span: tuple[int, int],
    values_of: ValuesOf,
    is_symmetric: bool,
    limits: Float64Array,
    k: int,
) -> tuple[BestOfRows, BestOfRows]:
    """Return the entries of some rows that can be among the best of their row, or of their column."""
    indptr = product.indptr[span[0] : span[1] + 1].astype(np.int64)  # (R + 1,)
    entries, places = slice(indptr[0], indptr[-1]), slice(first + span[0], first + span[1])
    indptr -= indptr[0]
    columns, rows = product.indices[entries], _spread(np.arange(places.start, places.stop), indptr)
    wide = columns.astype(np.int64)
    sums = product.data[entries].astype(np.float64, copy=False)  # (P,)
    values = values_of(rows, wide, sums)
    of_rows, known = BestOfRows(indptr, columns, values), limits[places]  # (R,)
    if (known > -np.inf).any():
        of_rows = _choose(*of_rows, _spread(known, indptr))  # few, from which to find a new limit
    found = kth_best(of_rows.indptr, of_rows.values, k)
    found[found < LEAST_FLOAT32] = -np.inf  # as in _candidates
    limits[places] = np.maximum(known, found)
    of_rows = _choose(*of_rows, _spread(limits[places], of_rows.indptr))
    if not is_symmetric:
        values = values_of(wide, rows, sums)
    return of_rows, _choose(indptr, columns, values, limits.take(wide))


def _choose(
    indptr: Int64Array, columns: Int32Array, values: Float64Array, limits: Float64Array
) -> BestOfRows:
    """Return the entries that reach their limit, unless they round to 0."""
    chosen = np.flatnonzero(~(values < limits))  # not >=: NaN passes too, and is an error
    chosen = chosen[round_values(values[chosen]) != 0]
    return BestOfRows(np.searchsorted(chosen, indptr), columns[chosen], values[chosen])


def _both_halves(
    parts: dict[tuple[int, int], tuple[BestOfRows, BestOfRows]], order: Int32Array
) -> tuple[BestOfRows, BestOfRows]:
    """Return the items of adjacent ranges of rows, as of their rows and of their columns, (I,)."""
    of_rows, of_columns = (stack_rows(side) for side in zip(*(parts[key] for key in sorted(parts))))
    begin, end = min(parts)[0], max(parts)[1]
    lengths = np.zeros(len(order), np.int64)
    lengths[begin:end] = np.diff(of_rows.indptr)
    shape = (end - begin, len(order))
    other: Any = sp.csr_matrix((of_columns.values, of_columns.columns, of_columns.indptr), shape)
    other = other.tocsc()
    return (
        BestOfRows(offsets(lengths), order[of_rows.columns], of_rows.values),
        BestOfRows(other.indptr.astype(np.int64), order[begin:end][other.indices], other.data),
    )


def _join_rows(parts: Sequence[BestOfRows], k: int, threads: int) -> BestOfRows:
    """Return the best ``k`` of the entries that each row has in all parts."""
    indptr: Int64Array = np.sum([part.indptr for part in parts], axis=0)
    bounds = offsets(np.minimum(np.diff(indptr), k))
    columns, values = np.empty(bounds[-1], np.int32), np.empty(bounds[-1])

    def join(rows: tuple[int, int]) -> None:
        some = _lay_together([_take_rows(part, *rows) for part in parts])
        place = slice(bounds[rows[0]], bounds[rows[1]])
        _, columns[place], values[place] = keep_best(some.indptr, some.columns, some.values, k)

    ranges = row_blocks(indptr, max(len(indptr) - 1, 1), WAITING // threads)
    for _ in map_in_order(join, ranges, threads):
        pass
    return BestOfRows(bounds, columns, values)


def _take_rows(part: BestOfRows, begin: int, end: int) -> BestOfRows:
    indptr = part.indptr[begin : end + 1]
    entries = slice(indptr[0], indptr[-1])
    return BestOfRows(indptr - indptr[0], part.columns[entries], part.values[entries])


def _lay_together(parts: Sequence[BestOfRows]) -> BestOfRows:
    """Return rows with the entries that each has in all parts."""
    lengths = [np.diff(part.indptr) for part in parts]
    indptr = offsets(np.sum(lengths, axis=0))
    columns, values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
    starts = indptr[:-1]
    for part, counts in zip(parts, lengths):
        places = ragged_arange(starts, counts)
        columns[places], values[places] = part.columns, part.values
        starts = starts + counts
    return BestOfRows(indptr, columns, values)


def _raise_limits(limits: Float64Array, best: BestOfRows, k: int) -> None:
    """Raise the limit of each row that has ``k`` entries to the least of them."""
    lengths = np.diff(best.indptr)
    rows = np.flatnonzero(lengths)
    if not len(rows):
        return
    least = np.minimum.reduceat(best.values, best.indptr[rows])
    full = (lengths[rows] == k) & (least >= LEAST_FLOAT32)
    limits[rows[full]] = np.maximum(limits[rows[full]], least[full])


def _candidates(
    product: Any, first: int, span: tuple[int, int], values_of: ValuesOf, k: int
) -> BestOfRows:
    """Return the entries of some rows that can be among the best k, and the diagonal if it is."""
    indptr = product.indptr[span[0] : span[1] + 1].astype(np.int64)  # (R + 1,)
    entries = slice(indptr[0], indptr[-1])
    indptr -= indptr[0]
    columns = product.indices[entries]  # (P,) int32
    rows = _spread(np.arange(first + span[0], first + span[1]), indptr)
    sums = product.data[entries].astype(np.float64, copy=False)
    values = values_of(rows, columns.astype(np.int64), sums)
    limits = kth_best(indptr, values, k + 1)  # (R,): one more, as the diagonal may be better
    # A row whose best reach down to 0 passes whole: values that round to 0 must not displace others.
    limits[limits < LEAST_FLOAT32] = -np.inf
    # Not >=: NaN passes too, and is an error later.
    chosen = np.flatnonzero(~(values < _spread(limits, indptr)))
    return BestOfRows(np.searchsorted(chosen, indptr), columns[chosen], values[chosen])


def _spread(of_rows: Any, indptr: Int64Array) -> Any:
    """Repeat a number of each row for its entries; that of a single row broadcasts as it is."""
    return of_rows if len(of_rows) == 1 else np.repeat(of_rows, np.diff(indptr))


def round_values(values: Float64Array, keep: BoolArray | None = None) -> Float32Array:
    """Return similarities as float32.

    Args:
        keep: (P,) bool, which values must fit; None for all.

    Raises:
        DataError: a value that must fit overflows.

    >>> round_values(np.array([0.1])).tolist()
    [0.10000000149011612]
    """
    with np.errstate(over="ignore", under="ignore"):
        rounded = values.astype(np.float32, copy=False)
    finite = np.isfinite(rounded)
    if not (finite if keep is None else finite | ~keep).all():
        raise DataError(
            "similarity: expected values that float32 holds, got one above 3.4e38",
            "divide the weights by a common factor",
        )
    return rounded


def stack_rows(parts: Sequence[BestOfRows]) -> BestOfRows:
    """Return the rows of all blocks, in order, as one."""
    return BestOfRows(
        offsets(np.concatenate([np.diff(part.indptr) for part in parts])),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def best_of_columns(best: BestOfRows, num_items: int, k: int | None) -> BestOfRows:
    """Return the best entries of each column, as rows.

    Args:
        best: I rows without repeated columns.
        k: how many each column keeps; None keeps all.
    """
    matrix: Any = sp.csr_matrix(
        (best.values, best.columns, best.indptr), shape=(num_items, num_items)
    ).tocsc()
    return BestOfRows(*keep_best(matrix.indptr, matrix.indices, matrix.data, k or num_items))


def by_source(best: BestOfRows, num_items: int, rows_are_targets: bool) -> CsrMatrix:
    """Return kept pairs as a matrix with source items as rows, columns ascending.

    Args:
        rows_are_targets: whether the rows of ``best`` are target items, else sources.

    Raises:
        DataError: a value overflows float32.
    """
    values = round_values(best.values)
    matrix = sp.csr_matrix((values, best.columns, best.indptr), shape=(num_items, num_items))
    # Transposing by counting leaves the indices of each row ascending: once for targets, whose rows
    # must become columns anyway, twice for sources.
    transposed = matrix.tocsc()
    if rows_are_targets:
        return CsrMatrix(
            transposed.indptr.astype(np.int64),
            transposed.indices.astype(np.int32),
            transposed.data,
            num_items,
        )
    return CsrMatrix.from_scipy(transposed.tocsr())

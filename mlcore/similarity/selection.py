"""Which entries of a product are kept: the best K of each row, found in blocks of rows.

Passes over the entries of a product cost as much as the product itself. So each runs over a part that
stays in the cache, one long row or some short ones, and drops all but the few entries that can be
among the best before anything is sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mlcore.errors import DataError
from mlcore.lazy import LazyModule
from mlcore.numeric.ranges import offsets, row_blocks
from mlcore.numeric.threads import map_in_order
from mlcore.numeric.topk import keep_best, kth_best
from mlcore.progress import Progress
from mlcore.types import BoolArray, CsrMatrix, Float32Array, Float64Array, Int32Array, Int64Array

__all__ = [
    "BestOfRows",
    "ValuesOf",
    "best_of_columns",
    "best_of_rows",
    "by_source",
    "round_values",
    "stack_rows",
]

sp: Any = LazyModule("scipy.sparse")

PART_ENTRIES = 2**14  # changes speed only
LEAST_FLOAT32 = float(np.finfo(np.float32).smallest_subnormal)  # smaller ones may round to 0

# The value of each entry, from its row, column and product. Rows are (P,), or (1,) for all entries.
ValuesOf: TypeAlias = Callable[[Int64Array, Int32Array, Float64Array], Float64Array]


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


def _candidates(
    product: Any, first: int, span: tuple[int, int], values_of: ValuesOf, k: int
) -> BestOfRows:
    """Return the entries of some rows that can be among the best k, and the diagonal if it is."""
    indptr = product.indptr[span[0] : span[1] + 1].astype(np.int64)  # (R + 1,)
    entries = slice(indptr[0], indptr[-1])
    indptr -= indptr[0]
    columns = product.indices[entries]  # (P,) int32
    rows = _spread(np.arange(first + span[0], first + span[1]), indptr)
    values = values_of(rows, columns, product.data[entries].astype(np.float64, copy=False))
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

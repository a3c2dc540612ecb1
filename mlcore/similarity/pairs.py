"""The kernel: the best K entries of each row of X' X under a measure, in blocks of rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import scipy.sparse as sp

from mlcore.errors import DataError
from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings, Similarity
from mlcore.similarity.counts import Counts
from mlcore.threads import map_in_order
from mlcore.topk import top_k_per_row
from mlcore.types import BoolArray, CsrMatrix, Float32Array, Float64Array, Int32Array, Int64Array

__all__ = [
    "BestOfRows",
    "Pairs",
    "Quotient",
    "PairSimilarity",
    "Terms",
    "best_of_columns",
    "best_of_rows",
    "best_pairs",
    "by_source",
    "round_values",
    "stack_rows",
]

# Multiply-adds that scipy needs about half a second for, as numba needs to be loaded.
MIN_COMPILED_WORK = 1e8
BYTES_OF_NEIGHBOR = 12  # in a heap
MAX_HEAP_BYTES = 2**31  # changes speed and memory only

Terms: TypeAlias = tuple[Float64Array, ...]  # numbers of each item, each (I,) or, of pairs, (P,)


class Quotient(NamedTuple):
    """A measure as one of the quotients that the compiled kernel knows, of terms s and t.

    ``product``: a c / (s t + shrinkage); ``sum``: c / (s + t - a c + shrinkage);
    ``tversky``: c / (c + (a (t - c) + b (s - c)) + shrinkage).
    """

    kind: Literal["product", "sum", "tversky"]
    a: float = 0.0
    b: float = 0.0


class Pairs(NamedTuple):
    """What a measure is computed from, for P pairs of a source i and a target j.

    Attributes:
        products: (P,) float64 c_ij.
        sources: the terms of item i, (P,) float64 each, as ``source_terms`` returns them.
        targets: the terms of item j, likewise.
        num_users: U.
        shrinkage: >= 0.
    """

    products: Float64Array
    sources: Terms
    targets: Terms
    num_users: int
    shrinkage: float


@dataclass(frozen=True)
class PairSimilarity(Similarity):
    """A similarity computed pair by pair, from c_ij and some numbers of each item."""

    def counted(self, counts: Counts) -> Counts:
        """Return the counts of the matrix that the formula calls X: the binary one if so declared.

        Args:
            counts: of the weights.
        """
        return counts.binary if self.binary else counts

    def source_terms(self, counts: Counts) -> Terms:
        """Return what ``values`` needs of each source item, computed once: here n_i alone.

        Args:
            counts: of X as the formula has it. A term of an item nobody has is never used.
        """
        return (counts.norms,)

    def target_terms(self, counts: Counts) -> Terms:
        """Return what ``values`` needs of each target item: here the same.

        Args:
            counts: of X as the formula has it.
        """
        return self.source_terms(counts)

    def quotient(self, num_users: int) -> Quotient | None:
        """Return the same formula for the compiled kernel, or None if it is no such quotient.

        Args:
            num_users: U.
        """
        return None

    @abstractmethod
    def values(self, pairs: Pairs) -> Float64Array:
        """Return w(i, j) of each pair, (P,) float64.

        Args:
            pairs: all with at least one common user.
        """

    def neighbors(
        self, counts: Counts, settings: NeighborSettings, threads: int, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows."""
        return best_pairs(self, counts, settings, threads, progress)


class BestOfRows(NamedTuple):
    """The kept entries of some rows, best first: offsets (R + 1,), columns and values (P,)."""

    indptr: Int64Array
    columns: Int32Array
    values: Float64Array

    def without_zeros(self) -> BestOfRows:
        """Return the same without the values that round to 0 in float32."""
        keep = round_values(self.values) != 0
        indptr = np.concatenate([[0], np.cumsum(keep)])[self.indptr]
        return BestOfRows(indptr, self.columns[keep], self.values[keep])


def best_pairs(
    measure: PairSimilarity,
    counts: Counts,
    settings: NeighborSettings,
    threads: int,
    progress: Progress,
) -> CsrMatrix:
    """Return the best pairs of each item under ``measure``, with source items as rows.

    Equals, on small data, the dense formula followed by a full sort of each row (``target``: each
    column) by value descending, then index ascending. Pairs without a common user are absent, and
    a value that rounds to 0 in float32 is not kept.

    Args:
        measure: turns c_ij and the numbers of each item into a similarity.
        counts: of the weights.
        settings: K, neighborhood, shrinkage, fewest common users.
        threads: how many blocks are in work at once.
        progress: told how many items are done.

    Returns:
        (I, I) float32.

    Raises:
        DataError: a similarity overflows float32.
    """
    counted = measure.counted(counts)
    rows_are_targets = settings.neighborhood == "target"
    source_terms = measure.source_terms(counted)
    target_terms = measure.target_terms(counted)
    quotient = measure.quotient(counted.num_users)
    if quotient is not None and _pays_to_compile(counted, settings, threads):
        from mlcore.similarity.compiled import best_quotients

        terms = (*source_terms, *target_terms)
        return best_quotients(quotient, terms, counted, settings, threads, progress)

    def values_of(rows: Int64Array, columns: Int32Array, products: Float64Array) -> Float64Array:
        sources, targets = (columns, rows) if rows_are_targets else (rows, columns)
        return measure.values(
            Pairs(
                products,
                tuple(term[sources] for term in source_terms),
                tuple(term[targets] for term in target_terms),
                counted.num_users,
                settings.shrinkage,
            )
        )

    products_of = _products_function(counts, counted, settings.min_cooccurrence)
    parts = best_of_rows(
        counted.products.blocks, products_of, values_of, settings.num_neighbors, threads, progress
    )
    return by_source(stack_rows(parts), counts.num_items, rows_are_targets)


def _pays_to_compile(counts: Counts, settings: NeighborSettings, threads: int) -> bool:
    """Return whether the compiled kernel is there, knows the case, and is worth loading."""
    k, data = settings.num_neighbors, counts.user_items.data
    lengths = np.diff(counts.user_items.indptr).astype(np.float64)
    return (
        k is not None
        and counts.kept.limit == 0  # else the next similarity is to find the counts
        and (lengths**2).sum() >= MIN_COMPILED_WORK
        and threads * counts.num_items * k * BYTES_OF_NEIGHBOR <= MAX_HEAP_BYTES
        and bool((data > 0).all())
        and (settings.min_cooccurrence == 1 or bool((data == 1).all()))
        and find_spec("numba") is not None
    )


def _products_function(
    counts: Counts, counted: Counts, min_cooccurrence: int
) -> Callable[[int, int], Any]:
    """Return what gives some rows of X' X, without the pairs that too few users stand behind."""

    def products_of(begin: int, end: int) -> Any:
        product = counted.products.rows(begin, end)
        if min_cooccurrence == 1:
            return product
        common = counts.binary.products.rows(begin, end)
        enough = common.copy()
        enough.data = (common.data >= min_cooccurrence).astype(np.float64)
        enough.eliminate_zeros()
        return sp.csr_matrix(product.multiply(enough))

    return products_of


def best_of_rows(
    blocks: Sequence[tuple[int, int]],
    products_of: Callable[[int, int], Any],
    values_of: Callable[[Int64Array, Int32Array, Float64Array], Float64Array],
    num_neighbors: int | None,
    threads: int,
    progress: Progress,
) -> list[BestOfRows]:
    """Return the best entries of each row of a product, block by block.

    Args:
        blocks: ranges of rows, in order.
        products_of: gives the rows from the first to before the second argument, a CSR.
        values_of: gives the value of each entry from its row, column and product.
        num_neighbors: how many to keep of each row; None keeps all.
        threads: how many blocks are in work at once.
        progress: told how many rows are done.

    Raises:
        DataError: a value overflows float32.
    """

    def best_of_block(block: tuple[int, int]) -> BestOfRows:
        product = products_of(*block)
        rows = np.repeat(np.arange(*block), np.diff(product.indptr))  # (P,) int64
        values = values_of(rows, product.indices, product.data)  # (P,) float64
        keep = (product.indices != rows) & (round_values(values, product.indices != rows) != 0)
        indptr = np.concatenate([[0], np.cumsum(keep)])[product.indptr]
        k = num_neighbors or product.shape[1]
        return BestOfRows(*top_k_per_row(indptr, product.indices[keep], values[keep], k))

    parts: list[BestOfRows] = []
    for (_, end), part in zip(blocks, map_in_order(best_of_block, blocks, threads)):
        parts.append(part)
        progress("compare items", end, blocks[-1][1])
    return parts


def round_values(values: Float64Array, keep: BoolArray | None = None) -> Float32Array:
    """Return similarities as float32.

    Args:
        values: (P,) float64.
        keep: (P,) bool, which of them count; None for all.

    Raises:
        DataError: one that counts overflows.

    >>> round_values(np.array([0.1])).tolist()
    [0.10000000149011612]
    """
    with np.errstate(over="ignore", under="ignore"):
        rounded = values.astype(np.float32)
    finite = np.isfinite(rounded)
    if not (finite if keep is None else finite | ~keep).all():
        raise DataError(
            "similarity: expected values that float32 holds, got one above 3.4e38",
            "divide the weights by a common factor",
        )
    return rounded


def stack_rows(parts: Sequence[BestOfRows]) -> BestOfRows:
    """Return the rows of all blocks as one.

    Args:
        parts: in order of rows.
    """
    counts = np.concatenate([np.diff(part.indptr) for part in parts])  # (I,) int64
    return BestOfRows(
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def best_of_columns(best: BestOfRows, num_items: int, k: int | None) -> BestOfRows:
    """Return the best entries of each column, as rows.

    Args:
        best: entries of I rows, without repetition.
        num_items: I.
        k: how many to keep; None keeps all.
    """
    matrix: Any = sp.csr_matrix(
        (best.values, best.columns, best.indptr), shape=(num_items, num_items)
    ).tocsc()
    return BestOfRows(*top_k_per_row(matrix.indptr, matrix.indices, matrix.data, k or num_items))


def by_source(best: BestOfRows, num_items: int, rows_are_targets: bool) -> CsrMatrix:
    """Return kept pairs as a matrix with source items as rows, columns ascending.

    Args:
        best: the kept entries of I rows.
        num_items: I.
        rows_are_targets: whether its rows are target items.

    Raises:
        DataError: a value overflows float32.
    """
    values = round_values(best.values)
    matrix = sp.csr_matrix((values, best.columns, best.indptr), shape=(num_items, num_items))
    # A transposition by counting leaves the indices of each row ascending; one does it for
    # targets, whose rows must become columns anyway, two for sources.
    transposed = matrix.tocsc()
    if rows_are_targets:
        return CsrMatrix(
            transposed.indptr.astype(np.int64),
            transposed.indices.astype(np.int32),
            transposed.data,
            num_items,
        )
    return CsrMatrix.from_scipy(transposed.tocsr())

"""The kernel: the best K entries of each row of X' X under a measure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlcore.lazy import LazyModule
from mlcore.memory.plan import Allocation
from mlcore.native import is_available
from mlcore.numeric.ranges import all_are, offsets, row_blocks
from mlcore.numeric.topk import keep_best
from mlcore.parameters import parameters_to_json
from mlcore.progress import Progress, no_progress
from mlcore.similarity.base import NeighborSettings, Similarity
from mlcore.similarity.formula import Pairs, Quotient, Terms
from mlcore.similarity.gram import MAX_BLOCK_ENTRIES, GramBlocks
from mlcore.similarity.memory import (
    FEWER_ITEMS,
    compiled_kernel,
    compiled_kernel_on_disk,
    count_matrices,
    half_kernel,
    matrices,
    scipy_kernel,
    shape_of,
)
from mlcore.similarity.products import HalfProduct, sum_over_users
from mlcore.similarity.rows import Kept, RowFinder, Rows, assemble
from mlcore.similarity.selection import ValuesOf, best_of_half, best_of_rows, by_source, stack_rows
from mlcore.types import CsrMatrix, Float64Array, Int64Array

__all__ = [
    "PairRows",
    "PairSimilarity",
    "best_pairs",
]

sp: Any = LazyModule("scipy.sparse")

# Multiply-adds for which the compiled kernel's own preparations pay.
MIN_COMPILED_WORK = 1e5
SAMPLED_ITEMS = 8  # changes speed only
_LEAST_WORK = 64.0  # of a row, in products; changes speed only
COMPILER = "install mlcore where there is a C++ compiler: its compiled kernel takes less"


@dataclass(frozen=True)
class PairSimilarity(Similarity):
    """A similarity computed pair by pair, from c_ij and some numbers of each item."""

    def counted(self, gram: GramBlocks) -> GramBlocks:
        """Return the Gram blocks of the matrix that the formula calls X, from those of the weights."""
        return gram.binary if self.binary else gram

    @property
    def has_rows(self) -> bool:
        """Whether they can: yes."""
        return True

    @property
    def works_on_disk(self) -> bool:
        """Whether the compiled kernel knows it."""
        return self.quotient(1) is not None

    def counts_users(self, gram: GramBlocks) -> bool:
        """Return whether all entries of ``counted`` are 1, from those of the weights."""
        return self.binary or gram.is_binary

    def source_terms(self, gram: GramBlocks) -> Terms:
        """Return what ``values`` needs of each source item: here n_i alone.

        Args:
            gram: of X as in the formula. The term of an item without users is never used.
        """
        return (gram.norms,)

    def target_terms(self, gram: GramBlocks) -> Terms:
        """Return what ``values`` needs of each target item: here the same."""
        return self.source_terms(gram)

    def quotient(self, num_users: int) -> Quotient | None:
        """Return the formula for the compiled kernel, or None if it is no such quotient."""
        return None

    def allocations(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return what the kernel takes that ``best_pairs`` chooses."""
        shape, is_binary = shape_of(gram), self.counts_users(gram)
        is_quotient = self.quotient(gram.num_users) is not None
        suits = is_quotient and _suits_compiled(gram, settings)
        copied = Allocation("weights of the formula", 4 * shape.num_entries, FEWER_ITEMS)
        if suits and is_available():
            return [copied, *compiled_kernel(shape, is_binary, settings, threads)]
        suggestion = COMPILER if suits else FEWER_ITEMS
        if _suits_half(gram, settings):
            return half_kernel(shape, is_binary, settings, threads, suggestion, is_quotient)
        counts_users = settings.min_cooccurrence > 1 and not is_binary
        products = (
            count_matrices(shape) if is_binary else matrices(shape, 8, 24 if counts_users else 4)
        )
        return scipy_kernel(
            shape,
            products._replace(suggestion=suggestion),
            settings,
            threads,
            otherwise=suggestion,
            are_counts=is_binary,
            counts_users=counts_users,
        )

    def allocations_on_disk(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return what the compiled kernel takes beside its layout, lists and result."""
        return compiled_kernel_on_disk(shape_of(gram), self.counts_users(gram), settings, threads)

    @abstractmethod
    def values(self, pairs: Pairs) -> Float64Array:
        """Return w(i, j) of each pair, (P,) float64; all pairs have a common user."""

    def neighbors(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows."""
        return best_pairs(self, gram, settings, threads, progress)


def best_pairs(
    measure: PairSimilarity,
    gram: GramBlocks,
    settings: NeighborSettings,
    threads: int,
    progress: Progress,
) -> CsrMatrix:
    """Return the best pairs of each item under ``measure``, (I, I) float32, source items as rows.

    Equals, on small data, the dense formula followed by a full sort of each row (``target``: each
    column) by value descending, then index ascending. Pairs without a common user are absent, as
    are values that round to 0 in float32.

    Raises:
        DataError: a similarity overflows float32.
    """
    counted = measure.counted(gram)
    source_terms, target_terms = measure.source_terms(counted), measure.target_terms(counted)
    quotient = measure.quotient(counted.num_users)
    if gram.find_rows is not None:
        return _best_elsewhere(
            gram.find_rows, measure, counted, (source_terms, target_terms), settings, threads
        )
    if quotient is not None and _suits_compiled(gram, settings) and is_available():
        from mlcore.similarity.compiled.kernel import best_compiled

        terms = source_terms, target_terms
        return best_compiled(counted, quotient, terms, settings, threads, progress)
    rows_are_targets, half = settings.neighborhood == "target", None
    if _suits_half(gram, settings):
        half = HalfProduct(counted.user_items, counted.max_block_entries)
        source_terms = tuple(term[half.order] for term in source_terms)
        target_terms = tuple(term[half.order] for term in target_terms)

    values_of = _values_function(measure, (source_terms, target_terms), counted, settings)
    if half is not None:
        k = settings.num_neighbors or gram.num_items
        is_symmetric = quotient is not None and quotient.is_symmetric(source_terms, target_terms)
        popular_first = _prefers_popular(half, values_of, k)
        found = best_of_half(
            half.blocks if popular_first else half.blocks[::-1],
            half.rows,
            half.order,
            values_of,
            is_symmetric,
            k,
            threads,
            progress,
        )
        return by_source(found, gram.num_items, rows_are_targets)
    products_of = _products_function(counted, settings.min_cooccurrence)
    parts = best_of_rows(
        counted.products.blocks, products_of, values_of, settings.num_neighbors, threads, progress
    )
    return by_source(stack_rows(parts), gram.num_items, rows_are_targets)


def _suits_compiled(gram: GramBlocks, settings: NeighborSettings) -> bool:
    """Return whether the compiled kernel knows the case and is worth the preparations."""
    k, lengths = settings.num_neighbors, np.diff(gram.user_items.indptr).astype(np.float64)
    work = (lengths**2).sum()
    return (
        k is not None
        and gram.kept.limit == 0  # else the next similarity must find the products
        and work >= MIN_COMPILED_WORK
        and all_are(gram.user_items.data, lambda some: some > 0)
    )


def _suits_half(gram: GramBlocks, settings: NeighborSettings) -> bool:
    """Return whether each product is formed once for both of its items: for the best of all pairs."""
    return (
        settings.num_neighbors is not None
        and settings.min_cooccurrence == 1
        and gram.kept.limit == 0  # else the next similarity must find the products
    )


def _prefers_popular(half: HalfProduct, values_of: ValuesOf, k: int) -> bool:
    """Return whether most of the best ``k`` of an item are more popular, from a sample of items."""
    step = max(len(half.order) // SAMPLED_ITEMS, 1)
    rows = np.arange(step // 2, len(half.order), step)  # (S,)
    product = half.full_rows(rows)
    rows = np.repeat(rows, np.diff(product.indptr))  # (P,)
    sums = product.data.astype(np.float64, copy=False)
    values = values_of(rows, product.indices.astype(np.int64), sums)
    values[product.indices == rows] = -np.inf  # an item is mostly its own best
    _, chosen, _ = keep_best(product.indptr, np.arange(len(rows), dtype=np.int32), values, k)
    return bool(2 * (product.indices[chosen] < rows[chosen]).sum() > len(chosen))


class PairRows(Rows):
    """Rows by item. Each process that finds some forms the matrices of the product for itself.

    Args:
        counted: of the X that the formula names.
        terms: of the sources and of the targets.
    """

    kind = "pairs"

    def __init__(
        self,
        measure: PairSimilarity,
        counted: GramBlocks,
        terms: tuple[Terms, Terms],
        settings: NeighborSettings,
    ) -> None:
        self._measure, self._counted = measure, counted
        self._terms, self._settings = terms, settings

    def describe(self) -> Mapping[str, Any]:
        """Return the measure, the matrix and the terms."""
        matrix, sources, targets = self._counted.user_items, *self._terms
        return {
            "similarity": {"name": self._measure.name, **parameters_to_json(self._measure)},
            "settings": asdict(self._settings),
            "num_items": matrix.num_columns,
            "indptr": matrix.indptr,
            "indices": matrix.indices,
            "data": matrix.data,
            "num_terms": len(sources),
            **{f"source{number}": term for number, term in enumerate(sources)},
            **{f"target{number}": term for number, term in enumerate(targets)},
        }

    @classmethod
    def of_description(cls, values: Mapping[str, Any], measure: Any) -> PairRows:
        """Return the rows of a measure, a matrix and terms."""
        matrix = CsrMatrix(values["indptr"], values["indices"], values["data"], values["num_items"])
        sources, targets = (
            tuple(values[f"{side}{number}"] for number in range(values["num_terms"]))
            for side in ("source", "target")
        )
        settings = NeighborSettings(**values["settings"])
        return cls(measure, GramBlocks(matrix), (sources, targets), settings)

    @property
    def items(self) -> Int64Array:
        """The item of each row: all in order."""
        return np.arange(self._counted.num_items)

    def work(self) -> Float64Array:
        """Return the products of each row, (I,) float64, and what each row takes besides."""
        matrix = self._counted.user_items
        return sum_over_users(matrix, np.diff(matrix.indptr)).astype(np.float64) + _LEAST_WORK

    def most_kept(self) -> int:
        """Return K, or I if all are kept."""
        return min(self._settings.num_neighbors or self._counted.num_items, self._counted.num_items)

    @cached_property
    def _products(self) -> Any:
        return _products_function(self._counted, self._settings.min_cooccurrence)

    def find(self, begin: int, end: int) -> Kept:
        """Return the kept pairs of some rows."""
        bounds = np.minimum(self._work, self._counted.num_items)[begin:end]
        blocks = row_blocks(offsets(bounds), max(end - begin, 1), MAX_BLOCK_ENTRIES)
        spans = [(begin + first, begin + last) for first, last in blocks]
        values_of = _values_function(self._measure, self._terms, self._counted, self._settings)
        k = self._settings.num_neighbors
        best = stack_rows(best_of_rows(spans, self._products, values_of, k, 1, no_progress))
        return Kept.of(best)

    @cached_property
    def _work(self) -> Int64Array:
        return self.work().astype(np.int64)


def _best_elsewhere(
    find_rows: RowFinder,
    measure: PairSimilarity,
    counted: GramBlocks,
    terms: tuple[Terms, Terms],
    settings: NeighborSettings,
    threads: int,
) -> CsrMatrix:
    """Return the best pairs of each item, found range by range wherever the caller says."""
    from mlcore.similarity.compiled.rows import CompiledRows

    quotient = measure.quotient(counted.num_users)
    rows: Rows
    if quotient is not None and is_available():
        rows = CompiledRows.of(counted, quotient, terms, settings, threads)
    else:
        rows = PairRows(measure, counted, terms, settings)
    return assemble(find_rows(rows), rows, settings.neighborhood, threads)


def _values_function(
    measure: PairSimilarity,
    terms: tuple[Terms, Terms],
    counted: GramBlocks,
    settings: NeighborSettings,
) -> ValuesOf:
    """Return a function that returns w of pairs, from rows, columns and products of X' X."""
    source_terms, target_terms = terms
    rows_are_targets = settings.neighborhood == "target"

    def values_of(rows: Int64Array, columns: Int64Array, products: Float64Array) -> Float64Array:
        sources, targets = (columns, rows) if rows_are_targets else (rows, columns)
        return measure.values(
            Pairs(
                products,
                tuple(term.take(sources) for term in source_terms),
                tuple(term.take(targets) for term in target_terms),
                counted.num_users,
                settings.shrinkage,
            )
        )

    return values_of


def _products_function(counted: GramBlocks, min_cooccurrence: int) -> Callable[[int, int], Any]:
    """Return a function that returns rows of X' X without pairs that have too few common users."""

    def products_of(begin: int, end: int) -> Any:
        product = counted.products.rows(begin, end)
        if min_cooccurrence == 1:
            return product
        common = counted.binary.products.rows(begin, end)
        enough = common.copy()
        enough.data = (common.data >= min_cooccurrence).astype(np.float64)
        enough.eliminate_zeros()
        return sp.csr_matrix(product.multiply(enough))

    return products_of

"""The kernel: the best K entries of each row of X' X under a measure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from mlcore.memory.plan import Part, Steps, add_parts
from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings, Similarity
from mlcore.similarity.compiled import list_capacity
from mlcore.similarity.formula import Pairs, Quotient, Terms
from mlcore.similarity.gram import GramBlocks
from mlcore.similarity.memory import (
    CompiledNeed,
    Shape,
    compiled_kernel,
    scipy_kernel,
    shape_of,
)
from mlcore.similarity.selection import best_of_rows, by_source, stack_rows
from mlcore.types import CsrMatrix, Float64Array, Int32Array, Int64Array

__all__ = [
    "PairSimilarity",
    "best_pairs",
]

# Multiply-adds that scipy needs about half a second for, as numba needs to be loaded.
MIN_COMPILED_WORK = 1e8
BYTES_OF_NEIGHBOR = 12  # in the lists of the compiled kernel
MAX_LIST_BYTES = 2**31  # changes speed and memory only


@dataclass(frozen=True)
class PairSimilarity(Similarity):
    """A similarity computed pair by pair, from c_ij and some numbers of each item.

    Attributes:
        entry_bytes: of scratch for each pair whose value is computed. For the memory plan only.
    """

    entry_bytes: ClassVar[int] = 60

    def counted(self, gram: GramBlocks) -> GramBlocks:
        """Return the counts of the matrix that the formula calls X: the binary one if so declared.

        Args:
            gram: of the weights.
        """
        return gram.binary if self.binary else gram

    def source_terms(self, gram: GramBlocks) -> Terms:
        """Return what ``values`` needs of each source item, computed once: here n_i alone.

        Args:
            gram: of X as the formula has it. A term of an item nobody has is never used.
        """
        return (gram.norms,)

    def target_terms(self, gram: GramBlocks) -> Terms:
        """Return what ``values`` needs of each target item: here the same.

        Args:
            gram: of X as the formula has it.
        """
        return self.source_terms(gram)

    def quotient(self, num_users: int) -> Quotient | None:
        """Return the same formula for the compiled kernel, or None if it is no such quotient.

        Args:
            num_users: U.
        """
        return None

    def planned_bytes(self, gram: GramBlocks, settings: NeighborSettings, threads: int) -> Steps:
        """Return what the kernel takes that will be chosen: the compiled one or that of scipy."""
        is_quotient = self.quotient(gram.num_users) is not None
        if is_quotient and _pays_to_compile(gram, settings, threads):
            return self.compiled_bytes(gram, settings, threads)
        shape = shape_of(gram)
        needs_cooccurrences = settings.min_cooccurrence > 1 and not self._is_binary(shape)
        number_bytes = 4 if self._is_binary(shape) else 8
        steps = scipy_kernel(
            shape, number_bytes, self.entry_bytes, settings, threads, needs_cooccurrences
        )
        return add_parts([self._copied_weights(shape, needs_cooccurrences)], steps)

    def compiled_bytes(self, gram: GramBlocks, settings: NeighborSettings, threads: int) -> Steps:
        """Return what the compiled kernel takes, whether or not it is there.

        Args:
            gram: as for ``planned_bytes``.
            settings: as for ``planned_bytes``, with a number of neighbors.
            threads: as for ``planned_bytes``.
        """
        shape, k = shape_of(gram), settings.num_neighbors or gram.num_items
        is_binary = self._is_binary(shape)
        needs_cooccurrences = settings.min_cooccurrence > 1 and not is_binary
        need = CompiledNeed(settings, list_capacity(k), needs_cooccurrences)
        steps = compiled_kernel(shape, is_binary, need, threads)
        return add_parts([self._copied_weights(shape, False)], steps)

    def _is_binary(self, shape: Shape) -> bool:
        return self.binary or shape.is_binary

    def _copied_weights(self, shape: Shape, needs_cooccurrences: bool) -> Part:
        is_copy = self.binary or type(self).counted is not PairSimilarity.counted
        return Part(
            "weights of the formula", 4 * shape.num_entries * (is_copy + needs_cooccurrences)
        )

    @abstractmethod
    def values(self, pairs: Pairs) -> Float64Array:
        """Return w(i, j) of each pair, (P,) float64.

        Args:
            pairs: all with at least one common user.
        """

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
    """Return the best pairs of each item under ``measure``, with source items as rows.

    Equals, on small data, the dense formula followed by a full sort of each row (``target``: each
    column) by value descending, then index ascending. Pairs without a common user are absent, and
    a value that rounds to 0 in float32 is not kept.

    Args:
        measure: turns c_ij and the numbers of each item into a similarity.
        gram: of the weights.
        settings: K, neighborhood, shrinkage, fewest common users.
        threads: how many blocks are in work at once.
        progress: told how many items are done.

    Returns:
        (I, I) float32.

    Raises:
        DataError: a similarity overflows float32.
    """
    counted = measure.counted(gram)
    source_terms, target_terms = measure.source_terms(counted), measure.target_terms(counted)
    quotient = measure.quotient(counted.num_users)
    if quotient is not None and _pays_to_compile(gram, settings, threads):
        from mlcore.similarity.compiled.kernel import best_compiled

        terms = source_terms, target_terms
        return best_compiled(counted, quotient, terms, settings, threads, progress)
    rows_are_targets = settings.neighborhood == "target"

    def values_of(rows: Int64Array, columns: Int32Array, products: Float64Array) -> Float64Array:
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

    products_of = _products_function(gram, counted, settings.min_cooccurrence)
    parts = best_of_rows(
        counted.products.blocks, products_of, values_of, settings.num_neighbors, threads, progress
    )
    return by_source(stack_rows(parts), gram.num_items, rows_are_targets)


def _pays_to_compile(gram: GramBlocks, settings: NeighborSettings, threads: int) -> bool:
    """Return whether the compiled kernel is there, knows the case, and is worth loading."""
    k, lengths = settings.num_neighbors, np.diff(gram.user_items.indptr).astype(np.float64)
    work = (lengths**2).sum()
    return (
        k is not None
        and gram.kept.limit == 0  # else the next similarity is to find the counts
        and work >= MIN_COMPILED_WORK
        and threads * min(gram.num_items * list_capacity(k), work) * BYTES_OF_NEIGHBOR
        <= MAX_LIST_BYTES
        and bool((gram.user_items.data > 0).all())
        and find_spec("numba") is not None
    )


def _products_function(
    gram: GramBlocks, counted: GramBlocks, min_cooccurrence: int
) -> Callable[[int, int], Any]:
    """Return what gives some rows of X' X, without the pairs that too few users stand behind."""

    def products_of(begin: int, end: int) -> Any:
        product = counted.products.rows(begin, end)
        if min_cooccurrence == 1:
            return product
        common = gram.binary.products.rows(begin, end)
        enough = common.copy()
        enough.data = (common.data >= min_cooccurrence).astype(np.float64)
        enough.eliminate_zeros()
        return sp.csr_matrix(product.multiply(enough))

    return products_of

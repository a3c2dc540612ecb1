"""The kernel: the best K entries of each row of X' X under a measure, in blocks of rows.

A block of item_users @ user_items is formed, measured, cut to its best K and forgotten, so memory
is bounded by the block and the result, never by the square of the catalogue. Each c_ij is summed
in float64 over ascending users within one row of the product; how rows are grouped into blocks and
who computes them therefore changes no bit.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse as sp

from mlcore.errors import DataError
from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings, Similarity
from mlcore.sums import sum_by_group
from mlcore.threads import map_in_order
from mlcore.topk import top_k_per_row
from mlcore.types import CsrMatrix, Float32Array, Float64Array, Int32Array, Int64Array

__all__ = ["MAX_BLOCK_ENTRIES", "PairSimilarity", "Pairs", "best_pairs"]

# Changes speed and memory only: about 60 bytes of scratch for each entry and thread.
MAX_BLOCK_ENTRIES = 2**20


class Pairs(NamedTuple):
    """What a measure is computed from, for P pairs of a source i and a target j.

    Attributes:
        products: (P,) float64 c_ij, all above 0.
        sources: (P,) float64 term of item i, as ``item_terms`` returns it.
        targets: (P,) float64 term of item j.
        shrinkage: >= 0.
    """

    products: Float64Array
    sources: Float64Array
    targets: Float64Array
    shrinkage: float


@dataclass(frozen=True)
class PairSimilarity(Similarity):
    """A similarity computed pair by pair from c_ij, n_i and n_j.

    Attributes:
        binary: whether c and n are counted on the binary X, whatever the weights; the weights then
            act in the history only.
    """

    binary: ClassVar[bool] = False

    def item_terms(self, norms: Float64Array) -> Float64Array:
        """Return what ``values`` needs of each item, computed once: here n_i itself.

        Args:
            norms: (I,) float64 n_i; 0 for an item nobody has.
        """
        return norms

    @abstractmethod
    def values(self, pairs: Pairs) -> Float64Array:
        """Return w(i, j) of each pair, (P,) float64."""

    def neighbors(
        self, user_items: CsrMatrix, settings: NeighborSettings, threads: int, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows."""
        return best_pairs(self, user_items, settings, threads, progress)


@dataclass(frozen=True)
class _Best:
    """The kept entries of some rows: counts (R,), columns (P,) and values (P,)."""

    counts: Int64Array
    columns: Int32Array
    values: Float32Array


def best_pairs(
    measure: PairSimilarity,
    user_items: CsrMatrix,
    settings: NeighborSettings,
    threads: int,
    progress: Progress,
    max_block_entries: int = MAX_BLOCK_ENTRIES,
) -> CsrMatrix:
    """Return the best pairs of each item under ``measure``, with source items as rows.

    Equals, on small data, the dense formula followed by a full sort of each row (``target``: each
    column) by value descending, then index ascending. A value that rounds to 0 in float32 is not
    kept.

    Args:
        measure: turns c_ij, n_i and n_j into a similarity.
        user_items: (U, I) float32 weights above 0.
        settings: K, neighborhood, shrinkage, fewest common users.
        threads: how many blocks are in work at once.
        progress: told how many items are done.
        max_block_entries: size of a block. Changes speed and memory only.

    Returns:
        (I, I) float32.

    Raises:
        DataError: a similarity overflows float32.
    """
    weighted = user_items.to_scipy()  # (U, I) float64
    if measure.binary:
        weighted.data = np.ones_like(weighted.data)
    item_users = weighted.T.tocsr()  # (I, U) float64, users ascending within each item
    block_of_rows = _make_block_function(measure, item_users, weighted, settings)
    blocks = list(_blocks(item_users, weighted, max_block_entries))
    num_items = user_items.num_columns
    best: list[_Best] = []
    for (_, end), part in zip(blocks, map_in_order(block_of_rows, blocks, threads)):
        best.append(part)
        progress("compare items", end, num_items)
    return _by_source(best, num_items, settings.neighborhood == "target")


def _blocks(item_users: Any, user_items: Any, max_entries: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows whose product has at most ``max_entries`` entries (or is one row)."""
    items_of_user = np.diff(user_items.indptr).astype(np.float64)  # (U,)
    work = item_users.astype(bool) @ items_of_user  # (I,) multiply-adds of each row
    bounds = np.minimum(work, user_items.shape[1])  # (I,) most entries a row can have
    begin, entries = 0, 0.0
    for row, bound in enumerate(bounds.tolist()):
        if entries + bound > max_entries and row > begin:
            yield begin, row
            begin, entries = row, 0.0
        entries += bound
    yield begin, len(bounds)


def _make_block_function(
    measure: PairSimilarity, item_users: Any, user_items: Any, settings: NeighborSettings
) -> Callable[[tuple[int, int]], _Best]:
    num_items = user_items.shape[1]
    norms = sum_by_group(user_items.indices, user_items.data**2, num_items)  # (I,) float64
    terms = measure.item_terms(norms)  # (I,) float64
    k = settings.num_neighbors or num_items
    rows_are_targets = settings.neighborhood == "target"
    pattern = _binary(user_items) if settings.min_cooccurrence > 1 else None

    def best_of_block(block: tuple[int, int]) -> _Best:
        begin, end = block
        rows_of_items = item_users[begin:end]
        product = rows_of_items @ user_items
        if pattern is not None:
            product = _drop_rare(
                product, _binary(rows_of_items) @ pattern, settings.min_cooccurrence
            )
        rows = np.repeat(np.arange(begin, end), np.diff(product.indptr))  # (P,) int64
        row_terms, column_terms = terms[rows], terms[product.indices]
        sources, targets = (
            (column_terms, row_terms) if rows_are_targets else (row_terms, column_terms)
        )
        exact = measure.values(Pairs(product.data, sources, targets, settings.shrinkage))
        with np.errstate(over="ignore", under="ignore"):
            rounded = exact.astype(np.float32)
        keep = (product.indices != rows) & (rounded != 0)
        _check_finite(rounded, keep)
        indptr = np.concatenate([[0], np.cumsum(keep)])[product.indptr]
        kept = top_k_per_row(indptr, product.indices[keep], exact[keep], k)
        return _Best(np.diff(kept[0]), kept[1], kept[2].astype(np.float32))

    return best_of_block


def _drop_rare(product: Any, counts: Any, minimum: int) -> Any:
    """Return the entries of a product that at least ``minimum`` users stand behind."""
    counts.data = (counts.data >= minimum).astype(np.float64)
    counts.eliminate_zeros()
    return sp.csr_matrix(product.multiply(counts))


def _binary(matrix: Any) -> Any:
    ones = np.ones(len(matrix.data))
    return sp.csr_matrix((ones, matrix.indices, matrix.indptr), shape=matrix.shape)


def _check_finite(values: Float32Array, keep: Any) -> None:
    if not np.isfinite(values[keep]).all():
        raise DataError(
            "similarity: expected values that float32 holds, got one above 3.4e38",
            "divide the weights by a common factor",
        )


def _by_source(best: list[_Best], num_items: int, rows_are_targets: bool) -> CsrMatrix:
    counts = np.concatenate([part.counts for part in best])  # (I,) int64
    indptr = np.concatenate([[0], np.cumsum(counts)])  # (I + 1,) int64
    columns = np.concatenate([part.columns for part in best])  # (P,) int32
    values: Float64Array | Float32Array = np.concatenate([part.values for part in best])
    matrix = sp.csr_matrix((values, columns, indptr), shape=(num_items, num_items))
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

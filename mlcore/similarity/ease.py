"""EASE: the weights of a linear model of all items, in closed form, from one dense matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlcore.errors import DataError
from mlcore.lazy import LazyModule
from mlcore.memory.plan import Allocation, peak, per_thread
from mlcore.numeric.portable import power
from mlcore.numeric.threads import map_in_order
from mlcore.parameters import number, parameter
from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings, Similarity
from mlcore.similarity.gram import GramBlocks
from mlcore.similarity.memory import (
    GATHER_BYTES,
    OTHER_SIMILARITY,
    PAIR_BYTES,
    count_matrices,
    kept_pairs,
    matrices,
    shape_of,
)
from mlcore.similarity.selection import (
    PART_ENTRIES,
    BestOfRows,
    best_of_rows,
    by_source,
    stack_rows,
)
from mlcore.types import CsrMatrix, Float64Array, Int64Array

__all__ = ["Ease"]

sp: Any = LazyModule("scipy.sparse")
lapack: Any = LazyModule("scipy.linalg.lapack")

# Below it fewer than four digits of the weights are right.
MIN_RECIPROCAL_CONDITION = 1e-12
BLOCK_ENTRIES = 2**20  # of the inverse, ranked at once; changes speed and memory only
# Of scratch for each entry of a block of counts or of the inverse, and of a part that is looked at.
ENTRY_BYTES, PART_BYTES = 30, 24


@dataclass(frozen=True)
class Ease(Similarity):
    """-P_ij / P_jj with P = (X' X + l2 I)^-1.

    Column j of w, without w_jj, minimises |x_j - X w_j|^2 + l2 |w_j|^2: it predicts from the other
    items of a user whether, and with what weight, the user has item j. Weights may be negative. X
    may be weighted. Equals, off the diagonal,
    ``P = np.linalg.inv(X.T @ X + l2 * np.eye(I)); w = -P / np.diag(P)``. Steck, Embarrassingly
    Shallow Autoencoders for Sparse Data (WWW 2019).

    ``popularity_exponent`` e multiplies w_ij by (n_i / n_j)^e, n the users of an item, before the best
    are kept: what a popular item is given counts less, what it gives counts more. Equals
    ``w * np.outer(n**e, n**-e)``. Park et al., Why is Normalization Necessary for Linear Recommenders?
    (SIGIR 2025), where rows and columns of X' X are divided by n^(1 - e) and n^e instead: the same
    weights, if l2 is 0 and ``dropout`` p / (1 - p) their l2.

    ``dropout`` p makes the diagonal of X' X + l2 I grow by p / (1 - p) (X' X)_ii. That minimises the
    mean loss where each entry of X, as input, is missing with chance p and is divided by 1 - p
    otherwise: items of many users lean on each other less, l2 alone acts on rare ones most. Equals
    ``G = X.T @ X; P = np.linalg.inv(G + np.diag(l2 + p / (1 - p) * np.diag(G)))``. Steck, Autoencoders
    that don't overfit towards the Identity (NeurIPS 2020).

    ``user_norm_exponent`` b replaces X' X by X' diag(n_u^-b) X, n_u the number of items of a user: 1
    makes each user of a binary X count 1 on the diagonal. Equals the rest on
    ``X / np.count_nonzero(X, axis=1)[:, None] ** (b / 2)``; Park et al. again. The same bits as the heavy
    users ``down_weight`` with half of it, beside any other.

    Takes 8 I^2 bytes, in which the matrix is filled, factorised and inverted, and time that grows
    with I^3. LAPACK orders its additions by its build, the processor and the number of its own
    threads (``OPENBLAS_NUM_THREADS``), so the last bits of a model depend on the machine; they do
    not depend on the number of our threads.
    """

    name = "ease"
    uses_shrinkage = False
    uses_min_cooccurrence = False
    l2: float = parameter(500.0, number(above=0))  # Changes the model.
    popularity_exponent: float = parameter(0.0, number(minimum=0, maximum=1))  # Changes the model.
    dropout: float = parameter(0.0, number(minimum=0, below=1))  # Changes the model.
    user_norm_exponent: float = parameter(0.0, number(minimum=0))  # Changes the model.

    def allocations(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return the dense matrix and the kept pairs, and more of these once the matrix is gone."""
        shape, num_items = shape_of(gram), gram.num_items
        pairs = num_items * min(settings.num_neighbors or num_items, num_items)
        block = min(max(BLOCK_ENTRIES, num_items), num_items**2)
        are_counts = shape.is_binary and not self.user_norm_exponent
        products = count_matrices(shape) if are_counts else matrices(shape, 8)
        dense = Allocation("dense matrix", 8 * num_items**2, OTHER_SIMILARITY)
        part = min(max(PART_ENTRIES, num_items), block)
        scratch = per_thread(threads, ENTRY_BYTES * block + PART_BYTES * part)
        return peak(
            [products, dense, scratch, kept_pairs(pairs, PAIR_BYTES)],
            [products, kept_pairs(pairs, GATHER_BYTES)],
        )

    def neighbors(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows."""
        parts = self._best(gram, settings, threads, progress)  # the dense matrix is gone by now
        return by_source(stack_rows(parts), gram.num_items, settings.neighborhood == "target")

    def _best(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int, progress: Progress
    ) -> list[BestOfRows]:
        """Return the best sources of each target, or targets of each source, in blocks."""
        scaled = self._scale_users(gram)
        dense = _dense_gram(scaled, threads, progress)  # (I, I) float64
        norms, odds = dense.diagonal(), self.dropout / (1 - self.dropout)
        np.fill_diagonal(dense, norms + self.l2 + odds * norms)
        progress("invert X'X", 0, 0)
        inverse = self._invert(dense)
        factors = power(np.maximum(gram.users, 1.0), self.popularity_exponent)  # (I,) float64
        divisors = inverse.diagonal() * factors  # (I,) float64
        rows_are_targets = settings.neighborhood == "target"

        def values_of(rows: Int64Array, columns: Int64Array, entries: Float64Array) -> Float64Array:
            sources, targets = (columns, rows) if rows_are_targets else (rows, columns)
            values = -entries / divisors[targets]
            return values * factors[sources] if self.popularity_exponent else values

        return best_of_rows(
            _blocks(gram.num_items),
            lambda begin, end: _rows(inverse, begin, end),
            values_of,
            settings.num_neighbors,
            threads,
            progress,
        )

    def _scale_users(self, gram: GramBlocks) -> GramBlocks:
        """Return X with rows divided by n_u^(user_norm_exponent / 2)."""
        exponent = self.user_norm_exponent
        if not exponent:
            return gram
        return gram.shared(("scaled users", exponent), lambda: _scale_users(gram, -exponent / 2))

    def _invert(self, dense: Float64Array) -> Float64Array:
        """Return the lower triangle of the inverse, in place of a positive definite matrix."""
        norm = dense.sum(axis=0).max()  # before the lower triangle is overwritten
        factor, failed = lapack.dpotrf(dense, lower=1, clean=0, overwrite_a=1)
        if not failed:
            reciprocal_condition, _ = lapack.dpocon(factor, norm, uplo="L")
            failed = reciprocal_condition < MIN_RECIPROCAL_CONDITION
        if failed:
            raise DataError(
                f"similarity ease: l2: expected one that lets X'X + l2 I be inverted, got {self.l2}",
                "raise it, --set similarity.l2=X, or divide the weights by a common factor",
            )
        inverse: Float64Array = lapack.dpotri(factor, lower=1, overwrite_c=1)[0]
        return inverse


def _scale_users(gram: GramBlocks, exponent: float) -> GramBlocks:
    """Return X with rows multiplied by a power of their number of items."""

    def scale(part: CsrMatrix) -> Float64Array:
        counts = np.diff(part.indptr)  # (R,) int64
        factors = power(np.maximum(counts, 1).astype(np.float64), exponent)
        return part.data * np.repeat(factors, counts)

    return gram.transformed(scale)


def _dense_gram(gram: GramBlocks, threads: int, progress: Progress) -> Float64Array:
    """Return X' X, (I, I) float64 in Fortran order, which LAPACK works on without a copy."""
    num_items, products = gram.num_items, gram.products
    dense = np.zeros((num_items, num_items), order="F")
    found = map_in_order(lambda block: products.rows(*block), products.blocks, threads)
    for (begin, end), product in zip(products.blocks, found):
        rows = np.repeat(np.arange(begin, end), np.diff(product.indptr))  # (P,) int64
        dense[product.indices, rows] = product.data  # symmetric; columns lie together in memory
        progress("count pairs", end, num_items)
    return dense


def _blocks(num_items: int) -> list[tuple[int, int]]:
    step = max(1, BLOCK_ENTRIES // num_items)
    return [(begin, min(begin + step, num_items)) for begin in range(0, num_items, step)]


def _rows(lower: Float64Array, begin: int, end: int) -> Any:
    """Return some rows of a symmetric matrix from its lower triangle, as a CSR."""
    num_items = len(lower)
    rows = np.empty((end - begin, num_items))  # (R, I) float64
    square = np.tril(lower[begin:end, begin:end])
    rows[:, :begin] = lower[begin:end, :begin]
    rows[:, begin:end] = square + np.tril(square, -1).T
    rows[:, end:] = lower[end:, begin:end].T
    columns = np.tile(np.arange(num_items, dtype=np.int32), end - begin)  # (P,) int32
    indptr = np.arange(0, rows.size + 1, num_items)
    return sp.csr_matrix((rows.ravel(), columns, indptr), shape=rows.shape)

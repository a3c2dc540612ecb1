"""Similarities by random walks of three steps over the graph of users and items.

The history is the first step, from a user to a source item; then to one of its users, and on to an item
of that user. Probabilities are rounded to float32 before they are multiplied, so products are exact in
float64, hence the same bits on every platform.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.memory.plan import Allocation
from mlcore.numeric.portable import power
from mlcore.numeric.sums import sum_by_group
from mlcore.parameters import boolean, number, parameter
from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings, Similarity
from mlcore.similarity.gram import GramBlocks, Products
from mlcore.similarity.memory import matrices, scipy_kernel, shape_of
from mlcore.similarity.selection import (
    BestOfRows,
    best_of_columns,
    best_of_rows,
    by_source,
    stack_rows,
)
from mlcore.types import CsrMatrix, Float64Array, Int64Array

__all__ = ["P3Alpha", "RP3Beta"]

# For the memory plan: of an entry of X, the probabilities in the making; of a kept pair, to cut again.
STEP_BYTES, CUT_BYTES = 16, 78


@dataclass(frozen=True)
class _Walk(Similarity):
    """w = P_iu P_ui, entries raised to alpha, cut to the best of each source and of each target."""

    uses_shrinkage = False
    uses_min_cooccurrence = False
    alpha: float = parameter(1.0, number(minimum=0))  # Changes the model.
    normalize: bool = parameter(False, boolean())  # Changes the model.

    def _target_factors(self, gram: GramBlocks) -> Float64Array | None:
        """Return a factor of each target, (I,) float64, or None."""
        return None

    def allocations(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return what scipy's kernel takes, and the second cut."""
        shape = shape_of(gram)
        products = matrices(shape, 8, STEP_BYTES)
        return scipy_kernel(shape, products, settings, threads, gather_bytes=CUT_BYTES)

    def neighbors(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows."""
        products = gram.shared(("walk", self.alpha), lambda: self._products(gram))
        factors = self._target_factors(gram)  # (I,) float64

        def values_of(rows: Int64Array, columns: Int64Array, chances: Float64Array) -> Float64Array:
            return chances if factors is None else chances * factors[columns]

        k, rows = settings.num_neighbors, products.rows
        best = stack_rows(best_of_rows(products.blocks, rows, values_of, k, threads, progress))
        if self.normalize:
            best = _scale_rows(best)
        if settings.neighborhood == "source":
            return by_source(best, gram.num_items, rows_are_targets=False)
        best = best_of_columns(best, gram.num_items, k)
        return by_source(best, gram.num_items, rows_are_targets=True)

    def _products(self, gram: GramBlocks) -> Products:
        matrix = gram.user_items
        data = matrix.data.astype(np.float64)
        users = matrix.row_of_entry()  # (E,) int64
        user_sums = sum_by_group(users, data, matrix.num_rows)  # (U,) float64
        to_item = self._matrix(matrix, data / user_sums[users])  # (U, I)
        from_item = self._matrix(matrix, data / gram.sums[matrix.indices])  # (U, I)
        return gram.products_of(from_item, to_item)

    def _matrix(self, matrix: CsrMatrix, chances: Float64Array) -> CsrMatrix:
        raised = power(chances, self.alpha).astype(np.float32)  # (E,) float32
        return CsrMatrix(matrix.indptr, matrix.indices, raised, matrix.num_columns)


@dataclass(frozen=True)
class P3Alpha(_Walk):
    """sum over u of (x_ui / S_i)^alpha (x_uj / S_u)^alpha: the walk from item i over u to item j.

    S_i is the sum of item i's weights, S_u that of user u's. The ``num_neighbors`` best targets of
    each source are kept; with ``normalize`` they are then scaled to sum 1; with the neighborhood
    ``target`` the ``num_neighbors`` best sources of each target are kept of those. Cooper et al.,
    Random Walks in Recommender Systems: Exact Computation and Simulations (WWW 2014); cuts and
    normalisation as in Ferrari Dacrema et al. (ACM TOIS 2021).
    """

    name = "p3alpha"


@dataclass(frozen=True)
class RP3Beta(_Walk):
    """As ``p3alpha``, with w(i, j) multiplied by n_j^(-beta) before the first cut.

    n_j is the number of users of the target: the walk is re-ranked against popularity. Paudel et
    al., Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive Applications
    (ACM TiiS 2017).
    """

    name = "rp3beta"
    beta: float = parameter(0.6, number(minimum=0))  # Changes the model.

    def _target_factors(self, gram: GramBlocks) -> Float64Array | None:
        """Return n_j^(-beta); 1 for an item without users, which no walk reaches."""
        return power(np.maximum(gram.users, 1.0), -self.beta)


def _scale_rows(best: BestOfRows) -> BestOfRows:
    """Return the rows scaled to sum 1, each summed by columns ascending."""
    rows = np.repeat(np.arange(len(best.indptr) - 1), np.diff(best.indptr))  # (P,) int64
    order = np.lexsort((best.columns, rows))
    sums = sum_by_group(rows[order], best.values[order], len(best.indptr) - 1)  # (I,) float64
    return best._replace(values=best.values / sums[rows])

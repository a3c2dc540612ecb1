"""Which sums of a row can be among its best, before any value is computed.

Most of the time of a large catalogue goes into pairs that are not kept. The values of some columns of a
row, evenly spread over popularity, give a limit that K pairs of the row reach. What reaches it needs at
least some sum c, the less the smaller the column's term is. Columns are in descending order of terms, so
a range of columns shares one least sum, that of its smallest term, and one comparison of all its cells
leaves few.
"""

from __future__ import annotations

import numpy as np

from mlcore.numeric.topk import kth_best
from mlcore.similarity.formula import Quotient
from mlcore.similarity.products import Cells
from mlcore.similarity.selection import LEAST_FLOAT32, ValuesOf
from mlcore.types import BoolArray, Float64Array, Int32Array

__all__ = ["BestSums"]

RANGES = 32  # of columns; changes speed only
SLACK = 1 - 1e-9  # more than formulas lose by rounding


class BestSums:
    """A screen that passes all cells that can be among the best k of their row, and some others.

    Args:
        quotient: of a measure whose sums are above 0, of the row's term s and the column's t.
        terms: (I,) float64 each, of the items as rows and as columns.
        order: (I,) int32 item of each column, by popularity.
        values_of: of pairs, as ``best_of_rows`` takes it.
        k: how many are kept.
        shrinkage: >= 0.
    """

    def __init__(
        self,
        quotient: Quotient,
        terms: tuple[Float64Array, Float64Array],
        order: Int32Array,
        values_of: ValuesOf,
        k: int,
        shrinkage: float,
    ) -> None:
        self._quotient, self._order, self._values_of = quotient, order, values_of
        self._k, self._shrinkage = k + 1, shrinkage  # one more, as the diagonal may be better
        self._row_terms, column_terms = terms[0], terms[1][order]
        # Ranges grow as numbers of users fall by the same factor.
        places = np.geomspace(1, len(order) + 1, RANGES).astype(np.int64) - 1
        self._bounds = np.unique([0, *places, len(order)])  # (G + 1,)
        self._least_terms = np.minimum.reduceat(column_terms, self._bounds[:-1])  # (G,)

    def __call__(self, first: int, cells: Cells) -> BoolArray:
        """Return which cells of the rows from ``first`` on can be among the best, (R, I)."""
        limits = self._limits(first, cells)[:, None]  # (R, 1)
        # A row whose best reach down to 0 passes whole, as in best_of_rows; so does an overflow.
        limits[~((limits >= LEAST_FLOAT32) & (limits < np.inf))] = 0
        terms = self._row_terms[first : first + len(cells), None], self._least_terms
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            least = SLACK * self._quotient.least_sum(limits, *terms, self._shrinkage)  # (R, G)
        least[~np.isfinite(least)] = 0  # a term overflows; that of a pair may vanish
        least = np.clip(np.ceil(least), 1, np.iinfo(cells.dtype).max).astype(cells.dtype)
        wanted = np.empty(cells.shape, bool)
        for place, (begin, end) in enumerate(zip(self._bounds, self._bounds[1:])):
            np.greater_equal(cells[:, begin:end], least[:, place, None], out=wanted[:, begin:end])
        return wanted

    def _limits(self, first: int, cells: Cells) -> Float64Array:
        """Return a value that at least k + 1 pairs of each row reach, or minus infinity, (R,)."""
        num_rows, entries = len(cells), np.count_nonzero(cells)
        # To look at n / step entries leaves about k x step: the least of both together.
        step = int(np.sqrt(entries / (num_rows * self._k)))
        if step < 2:
            return np.full(num_rows, -np.inf)
        some = np.ascontiguousarray(cells[:, ::step])
        found = np.flatnonzero(some != 0)  # (P,) int64
        indptr = np.searchsorted(found, np.arange(num_rows + 1) * some.shape[1])
        rows = np.repeat(np.arange(num_rows), np.diff(indptr))  # (P,) int64
        columns = (found - rows * some.shape[1]) * step
        sums = some.ravel()[found].astype(np.float64)
        values = self._values_of(first + rows, self._order[columns], sums)
        return kth_best(indptr, values, self._k)

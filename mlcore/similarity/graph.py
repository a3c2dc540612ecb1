"""Similarities by random walks of three steps over the graph of users and items.

The history is the first step, from a user to a source item; then to one of its users, and on to an item
of that user. What depends on the source or the target alone is a factor of the whole sum, so these are
quotients of X' X as others are, of the weights x_ui^alpha S_u^(-alpha / 2), rounded to float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlcore.memory.plan import Allocation, peak
from mlcore.numeric.portable import power
from mlcore.numeric.ranges import SPAN_ENTRIES
from mlcore.numeric.sums import sum_by_group
from mlcore.parameters import boolean, number, parameter
from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings, Similarity
from mlcore.similarity.formula import Pairs, Quotient, Terms
from mlcore.similarity.gram import GramBlocks
from mlcore.similarity.memory import FEWER_ITEMS, kept_pairs, shape_of
from mlcore.similarity.pairs import PairSimilarity, best_pairs
from mlcore.similarity.selection import BestOfRows, best_of_columns, by_source
from mlcore.types import CsrMatrix, Float64Array

__all__ = ["P3Alpha", "RP3Beta"]

# For the memory plan: of an entry of X, the weights in the making; of a kept pair, to cut again.
STEP_BYTES, CUT_BYTES = 32, 78
_LEAST = 2.0**-1022  # of an item or a user without weights


@dataclass(frozen=True)
class _Steps(PairSimilarity):
    """c_ij / (s_i t_j), of X with other weights."""

    sources: Float64Array
    targets: Float64Array

    def counts_users(self, gram: GramBlocks) -> bool:
        """Return no: the weights are others."""
        return False

    def source_terms(self, gram: GramBlocks) -> Terms:
        """Return s_i."""
        return (self.sources,)

    def target_terms(self, gram: GramBlocks) -> Terms:
        """Return t_j."""
        return (self.targets,)

    def quotient(self, num_users: int) -> Quotient:
        """Return the formula for the compiled kernel."""
        return Quotient("product", 1.0)

    def values(self, pairs: Pairs) -> Float64Array:
        """Return c_ij / (s_i t_j)."""
        (source,), (target,) = pairs.sources, pairs.targets
        return pairs.products / (source * target)


@dataclass(frozen=True)
class _Walk(Similarity):
    """w = P_iu P_ui, entries raised to alpha, cut to the best of each source and of each target."""

    uses_shrinkage = False
    alpha: float = parameter(1.0, number(minimum=0))  # Changes the model.
    normalize: bool = parameter(False, boolean())  # Changes the model.

    @property
    def has_rows(self) -> bool:
        """Whether they can: yes."""
        return True

    @property
    def works_on_disk(self) -> bool:
        """Whether it does: yes, but for a second cut."""
        return True

    def _target_terms(self, gram: GramBlocks) -> Float64Array:
        """Return what w(i, j) is divided by for each target, (I,) float64."""
        return np.ones(gram.num_items)

    def allocations(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return what the kernel of pairs takes, with the weights before it, and the second cut."""
        shape, none = shape_of(gram), np.empty(0)
        steps = _Steps(none, none).allocations(gram, _of_sources(settings), threads)
        span = min(max(SPAN_ENTRIES, int(shape.lengths.max(initial=0))), shape.num_entries)
        num_bytes = 4 * shape.num_entries + STEP_BYTES * span
        weights = Allocation("weights of the walk", num_bytes, FEWER_ITEMS)
        pairs = kept_pairs(shape.num_pairs(settings.num_neighbors), CUT_BYTES)
        return peak([*steps], [weights], [weights, pairs])

    def allocations_on_disk(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return what the kernel of pairs takes so, and the second cut, which is in memory."""
        shape, none = shape_of(gram), np.empty(0)
        steps = _Steps(none, none).allocations_on_disk(gram, _of_sources(settings), threads)
        if not self.normalize and settings.neighborhood == "source":
            return steps
        return peak(steps, [kept_pairs(shape.num_pairs(settings.num_neighbors), CUT_BYTES)])

    def neighbors(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows."""
        weighted, sources = gram.shared(("walk", self.alpha), lambda: self._weigh(gram))
        steps = _Steps(sources, self._target_terms(gram))
        best = best_pairs(steps, weighted, _of_sources(settings), threads, progress)
        if not self.normalize and settings.neighborhood == "source":
            return best
        rows = BestOfRows(best.indptr, best.indices, best.data.astype(np.float64))
        if self.normalize:
            rows = _scale_rows(rows)
        if settings.neighborhood == "source":
            return by_source(rows, gram.num_items, rows_are_targets=False)
        rows = best_of_columns(rows, gram.num_items, settings.num_neighbors)
        return by_source(rows, gram.num_items, rows_are_targets=True)

    def _weigh(self, gram: GramBlocks) -> tuple[GramBlocks, Float64Array]:
        """Return X of x_ui^alpha S_u^(-alpha / 2), and S_i^alpha, (I,) float64."""
        # Walks are the same for weights of any unit; of this one no power overflows.
        unit = 2.0 ** -np.frexp(gram.user_items.data.max(initial=1.0))[1]
        sums = np.zeros(gram.num_items)

        def weigh(part: CsrMatrix) -> Float64Array:
            data, users = part.data * unit, part.row_of_entry()  # (P,) float64, int64
            sum_by_group(part.indices, data, gram.num_items, sums=sums)
            user_sums = sum_by_group(users, data, part.num_rows)  # (R,) float64
            half = power(np.maximum(user_sums, _LEAST), -self.alpha / 2)  # (R,) float64
            return power(data, self.alpha) * half[users]

        weighted = gram.transformed(weigh)
        return weighted, power(np.maximum(sums, _LEAST), self.alpha)


def _of_sources(settings: NeighborSettings) -> NeighborSettings:
    return replace(settings, neighborhood="source")


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
    beta: float = parameter(0.1, number(minimum=0))  # Changes the model.

    def _target_terms(self, gram: GramBlocks) -> Float64Array:
        """Return n_j^beta; 1 for an item without users, which no walk reaches."""
        return power(np.maximum(gram.users, 1.0), self.beta)


def _scale_rows(best: BestOfRows) -> BestOfRows:
    """Return the rows scaled to sum 1, each summed by columns ascending."""
    rows = np.repeat(np.arange(len(best.indptr) - 1), np.diff(best.indptr))  # (P,) int64
    order = np.lexsort((best.columns, rows))
    sums = sum_by_group(rows[order], best.values[order], len(best.indptr) - 1)  # (I,) float64
    return best._replace(values=best.values / sums[rows])

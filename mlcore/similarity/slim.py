"""SLIM: for each target the few sources, with weights >= 0, that best predict who has it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlcore.errors import DataWarning
from mlcore.memory.plan import Allocation, per_thread
from mlcore.numeric.ranges import offsets, ragged_arange
from mlcore.numeric.sums import sum_by_group
from mlcore.numeric.threads import map_in_order
from mlcore.numeric.topk import top_k_per_row
from mlcore.parameters import integer, number, parameter
from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings, Similarity
from mlcore.similarity.elastic_net import Problems, descend
from mlcore.similarity.gram import GramBlocks
from mlcore.similarity.memory import (
    GATHER_BYTES,
    OTHER_SIMILARITY,
    Shape,
    kept_pairs,
    count_matrices,
    matrices,
    shape_of,
)
from mlcore.similarity.selection import (
    BestOfRows,
    best_of_columns,
    by_source,
    round_values,
    stack_rows,
)
from mlcore.types import CsrMatrix, Float64Array, Int64Array

__all__ = ["Slim"]

# Change speed and memory only: targets in progress in one thread, their candidates, and entries of G
# of a batch.
TARGETS = 512
CANDIDATES = 2**21
BATCH_ENTRIES = 2**20
FIRST_SOURCES = 32  # changes the last bits
SCRATCH_BYTES = 100 * 2**20  # of each thread; less where there are few items
SCRATCH_ENTRY_BYTES = 100
SAMPLED_ROWS = 256  # of X' X, to estimate how many entries it has


@dataclass(frozen=True)
class Slim(Similarity):
    """w_ij >= 0 that minimise 1/2 |x_j - X w_j|^2 + l2/2 |w_j|^2 + l1 sum_i w_ij, with w_jj = 0.

    Column j of w is an elastic net that predicts from the other items of a user whether, and with
    what weight, the user has item j. l1 makes it sparse (1 or more, on the binary X, drops pairs with
    a single common user), l2 spreads it over correlated items. X may be weighted. With U users
    equals, for each target j,
    ``sklearn.linear_model.ElasticNet(alpha=(l1 + l2) / U, l1_ratio=l1 / (l1 + l2), positive=True,
    fit_intercept=False).fit(X without column j, X[:, j]).coef_``. Ning and Karypis, SLIM: Sparse
    Linear Methods for Top-N Recommender Systems (ICDM 2011).

    Coordinate descent on G = X' X; see ``elastic_net``. A target is done when no sweep, and no source
    left out, would change (G_ii + l2) w_ij by more than ``tolerance`` times the largest G_ij, or
    after ``max_iterations`` sweeps, with a warning. Sources with G_ij <= l1 have weight 0 whatever
    the others, as G and w are not negative. Of the rest, start with those of largest G_ij and add
    those that violate the optimality conditions until none does; so work grows with the sources in
    use, not with the catalogue. With l2 = 0 and linearly dependent columns there is more than one
    minimum, and the order of the items decides.
    """

    name = "slim"
    uses_shrinkage = False
    uses_min_cooccurrence = False
    l1: float = parameter(0.5, number(minimum=0))  # Changes the model.
    l2: float = parameter(100.0, number(minimum=0))  # Changes the model.
    tolerance: float = parameter(1e-8, number(above=0))  # Changes the model.
    max_iterations: int = parameter(1000, integer(minimum=1))  # Changes the model.

    def allocations(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return 16 bytes for each entry of X' X, estimated from some of its rows, and the pairs."""
        shape = shape_of(gram)
        share = gram.shared("share of entries", lambda: _share_of_entries(gram, shape))
        entries = int(share * shape.row_entries.sum())
        scratch = min(SCRATCH_BYTES, SCRATCH_ENTRY_BYTES * gram.num_items**3)
        return [
            count_matrices(shape) if shape.is_binary else matrices(shape, 8),
            Allocation("products of all pairs", 16 * entries, OTHER_SIMILARITY),
            per_thread(threads, scratch),
            kept_pairs(shape.num_pairs(settings.num_neighbors), GATHER_BYTES),
        ]

    def neighbors(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows."""
        k, num_items = settings.num_neighbors or gram.num_items, gram.num_items
        solver = _Solver(self, _sparse_gram(gram, threads, progress))
        step = max(1, min(TARGETS, CANDIDATES // num_items))
        blocks = [(begin, min(begin + step, num_items)) for begin in range(0, num_items, step)]
        parts: list[BestOfRows] = []
        for (_, end), part in zip(blocks, map_in_order(solver.solve, blocks, threads)):
            parts.append(part)
            progress("fit items", end, num_items)
        self._warn(solver.unfinished, num_items)
        solved = stack_rows(parts)  # targets as rows
        if settings.neighborhood == "source":
            return by_source(best_of_columns(solved, num_items, k), num_items, False)
        return by_source(BestOfRows(*top_k_per_row(*solved, k)), num_items, True)

    def _warn(self, unfinished: Sequence[int], num_items: int) -> None:
        if unfinished:
            warnings.warn(
                f"similarity slim: {len(unfinished):,} of {num_items:,} items did not converge in "
                f"max_iterations = {self.max_iterations:,} sweeps: raise it, or l2, or tolerance",
                DataWarning,
                stacklevel=3,
            )


@dataclass
class _Target:
    """A target in progress; its C candidates are the sources with G_ij > l1, ascending."""

    candidates: Int64Array  # (C,) items
    correlations: Float64Array  # (C,) G_ij
    tolerance: float
    sources: Int64Array  # (M,) positions in the candidates, ascending
    weights: Float64Array  # (M,)
    sweeps: int = 0
    converged: bool = True

    @property
    def items(self) -> Int64Array:
        """The sources as items, (M,)."""
        return self.candidates[self.sources]

    def add(self, sums: Float64Array, bound: float) -> bool:
        """Add the best of the candidates that would get a weight; return whether there are any.

        At most as many as there are sources already: the first solutions, which leave much to
        explain, would draw in almost all candidates.

        Args:
            sums: (I,) sum_k G_ik w_k.
            bound: l1.
        """
        excess = self.correlations - sums[self.candidates] - bound  # (C,)
        excess[self.sources] = 0  # at their optimum
        wanted = np.flatnonzero(excess > self.tolerance)
        wanted = wanted[np.lexsort((wanted, -excess[wanted]))][: len(self.sources)]
        sources = np.concatenate([self.sources, wanted])
        order = np.argsort(sources)
        self.sources = sources[order]
        self.weights = np.concatenate([self.weights, np.zeros(len(wanted))])[order]
        return len(wanted) > 0


class _SparseGram(NamedTuple):
    """X' X, by its P entries."""

    num_items: int
    indptr: Int64Array  # (I + 1,)
    keys: Int64Array  # (P,) row * I + column, ascending
    data: Float64Array  # (P,)

    def row(self, item: int) -> tuple[Int64Array, Float64Array]:
        """Return columns and values of a row."""
        begin, end = self.indptr[item], self.indptr[item + 1]
        return self.keys[begin:end] - item * self.num_items, self.data[begin:end]

    def entries(self, rows: Int64Array, columns: Int64Array) -> Float64Array:
        """Return the entries at some positions, 0 where there is none."""
        wanted = rows * self.num_items + columns
        found = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[found] == wanted, self.data[found], 0.0)


class _Solver:
    """Finds the weights of targets."""

    def __init__(self, settings: Slim, gram: _SparseGram) -> None:
        self._settings, self._gram = settings, gram
        self.unfinished: list[int] = []  # items that took too many sweeps, in any order

    def solve(self, block: tuple[int, int]) -> BestOfRows:
        """Return the weights of the targets from the first to before the second item."""
        targets = [self._target(item) for item in range(*block)]
        waiting = [target for target in targets if len(target.candidates)]
        while waiting:
            for batch in _batches(waiting):
                self._descend(batch)
            waiting = [target for target in waiting if target.converged and self._extend(target)]
        pairs = zip(range(*block), targets)
        self.unfinished.extend(item for item, target in pairs if not target.converged)
        return _solutions(targets)

    def _target(self, item: int) -> _Target:
        """Return a target with its first sources."""
        sources, values = self._gram.row(item)
        kept = (values > self._settings.l1) & (sources != item)
        candidates, correlations = sources[kept], values[kept]
        first = np.lexsort((candidates, -correlations))[:FIRST_SOURCES]
        tolerance = self._settings.tolerance * correlations.max(initial=0.0)
        return _Target(candidates, correlations, tolerance, np.sort(first), np.zeros(len(first)))

    def _descend(self, batch: Sequence[_Target]) -> None:
        """Solve for the weights of the sources that each target has."""
        sizes = [len(target.sources) for target in batch]
        correlations = np.zeros((max(sizes), len(batch)))  # (M, B)
        weights = np.zeros_like(correlations)  # (M, B)
        for place, (target, size) in enumerate(zip(batch, sizes)):
            correlations[:size, place] = target.correlations[target.sources]
            weights[:size, place] = target.weights
        tolerances = np.array([target.tolerance for target in batch])
        taken = np.array([target.sweeps for target in batch])
        limits = np.maximum(self._settings.max_iterations - taken, 1)
        found = descend(
            Problems(self._grams(batch, max(sizes)), correlations, weights, tolerances, limits),
            self._settings.l1,
            self._settings.l2,
        )
        for place, (target, size) in enumerate(zip(batch, sizes)):
            target.weights = found.weights[:size, place]
            target.sweeps += int(found.sweeps[place])
            target.converged = bool(found.converged[place])

    def _grams(self, batch: Sequence[_Target], size: int) -> Float64Array:
        """Return G of the sources of each target, (M, M, B), 0 where there is none."""
        grams = np.zeros((size, size, len(batch)))
        for place, target in enumerate(batch):
            lefts, rights = np.triu_indices(len(target.sources))  # (P,) each
            values = self._gram.entries(target.items[lefts], target.items[rights])
            grams[lefts, rights, place] = grams[rights, lefts, place] = values
        return grams

    def _extend(self, target: _Target) -> bool:
        """Add sources that a target lacks; return whether there are any."""
        if len(target.sources) == len(target.candidates):
            return False
        sums = np.zeros(self._gram.num_items)  # (I,) sum_k G_ik w_k
        for item, weight in zip(target.items, target.weights):
            if weight > 0:
                items, values = self._gram.row(item)
                # Not scipy's product, which some processors round differently.
                sums[items] += values * weight
        return target.add(sums, self._settings.l1)


def _batches(targets: Sequence[_Target]) -> Iterator[Sequence[_Target]]:
    """Yield targets with similar numbers of sources, as many as ``BATCH_ENTRIES`` allows."""
    left = sorted(targets, key=lambda target: len(target.sources))
    while left:
        most = len(left[-1].sources)
        alike = sum(4 * len(target.sources) > 3 * most for target in left)
        first = len(left) - min(alike, max(1, BATCH_ENTRIES // most**2))
        yield left[first:]
        left = left[:first]


def _solutions(targets: Sequence[_Target]) -> BestOfRows:
    """Return the weights of each target that float32 does not round to 0, sources ascending."""
    kept = [round_values(target.weights) > 0 for target in targets]
    counts = [int(np.count_nonzero(of_target)) for of_target in kept]
    items = [target.items[of_target] for target, of_target in zip(targets, kept)]
    weights = [target.weights[of_target] for target, of_target in zip(targets, kept)]
    return BestOfRows(
        offsets(counts),
        np.concatenate(items).astype(np.int32),
        np.concatenate(weights),
    )


def _sparse_gram(gram: GramBlocks, threads: int, progress: Progress) -> _SparseGram:
    """Return X' X; the same bits everywhere, as X is float32 and sums run over ascending users."""
    num_items, products = gram.num_items, gram.products
    most = int(_most_entries(gram).sum())
    # Of these arrays only what is filled takes memory; joining blocks would take it twice.
    keys, data = np.empty(most, np.int64), np.empty(most)
    indptr = np.zeros(num_items + 1, np.int64)
    found = map_in_order(
        lambda block: products.rows(*block).sorted_indices(), products.blocks, threads
    )
    for (begin, end), product in zip(products.blocks, found):
        indptr[begin + 1 : end + 1] = indptr[begin] + product.indptr[1:]
        entries = slice(indptr[begin], indptr[end])
        rows = np.repeat(
            np.arange(begin, end, dtype=np.int64), np.diff(product.indptr)
        )  # (P,) int64
        keys[entries] = rows * num_items + product.indices
        data[entries] = product.data
        progress("count pairs", end, num_items)
    return _SparseGram(num_items, indptr, keys[: indptr[-1]], data[: indptr[-1]])


def _most_entries(gram: GramBlocks) -> Float64Array:
    """Return the most entries that each row of X' X can have, (I,) float64."""
    matrix = gram.user_items
    lengths = np.diff(matrix.indptr)[matrix.row_of_entry()].astype(np.float64)  # (E,)
    met = sum_by_group(matrix.indices, lengths, gram.num_items)  # (I,)
    return np.minimum(met, gram.num_items)


def _share_of_entries(gram: GramBlocks, shape: Shape) -> float:
    """Return the share of the most entries that X' X has, estimated from some of its rows."""
    matrix, num_items = gram.user_items, gram.num_items
    rows = np.unique(np.linspace(0, num_items - 1, SAMPLED_ROWS).astype(np.int64))
    is_row = np.zeros(num_items, bool)
    is_row[rows] = True
    entries = np.flatnonzero(is_row[matrix.indices])  # (P,)
    users = np.searchsorted(matrix.indptr, entries, side="right") - 1  # (P,)
    order = np.argsort(matrix.indices[entries], kind="stable")
    ends = np.searchsorted(matrix.indices[entries[order]], rows, side="right")
    found = 0
    for users_of_row in np.split(users[order], ends[:-1]):
        met = np.zeros(num_items, bool)
        met[
            matrix.indices[ragged_arange(matrix.indptr[users_of_row], shape.lengths[users_of_row])]
        ] = 1
        found += int(met.sum())
    return found / max(float(shape.row_entries[rows].sum()), 1.0)

"""The kernel of ``pairs`` compiled by numba: the best K of each item, the same bits."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mlcore.numeric.ranges import offsets
from mlcore.numeric.threads import map_in_order
from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings
from mlcore.similarity.compiled import (
    COUNT_COST,
    TILE,
    WORD_COST,
    bits,
    counting,
    list_capacity,
)
from mlcore.similarity.compiled.counting import Best, Formula
from mlcore.similarity.compiled.layout import Layout, make_layout, measure_work
from mlcore.similarity.formula import Quotient, Terms
from mlcore.similarity.gram import GramBlocks
from mlcore.similarity.selection import BestOfRows, by_source
from mlcore.types import CsrMatrix, Int64Array

__all__ = ["best_compiled"]

CHUNKS = 32  # of the tail, for each thread; changes speed only

KINDS = {"product": 0, "sum": 1, "tversky": 2}


def best_compiled(
    gram: GramBlocks,
    quotient: Quotient,
    terms: tuple[Terms, Terms],
    settings: NeighborSettings,
    threads: int,
    progress: Progress,
) -> CsrMatrix:
    """Return the best pairs of each item, as ``pairs.best_pairs`` does.

    Args:
        gram: of the X that the formula names, all weights above 0.
        terms: of the sources and of the targets, one (I,) float64 each.
        settings: with a number of neighbors.

    Raises:
        DataError: a similarity overflows float32.
    """
    kernel = _Kernel(gram, quotient, terms, settings, threads)
    for done in map_in_order(kernel.do, kernel.jobs(), threads):
        progress("compare items", done, gram.num_items)
    return by_source(kernel.result(), gram.num_items, settings.neighborhood == "target")


class _Scratch(NamedTuple):
    """The scratch of one thread.

    Attributes:
        best: the lists of all items.
        counters: (I,) all 0 between rows.
        cooccurrences: (I,) uint32 likewise, or (0,) if no pair is dropped for having too few.
        tile: (TILE, H) counts of some rows of the head.
    """

    best: Best
    counters: Any
    cooccurrences: Any
    tile: Any


class _Kernel:
    """Counts the pairs of one matrix job by job, and keeps the best."""

    def __init__(
        self,
        gram: GramBlocks,
        quotient: Quotient,
        terms: tuple[Terms, Terms],
        settings: NeighborSettings,
        threads: int,
    ) -> None:
        self._settings, self._threads = settings, threads
        self._num_items = gram.num_items
        self._is_binary = gram.is_binary
        self._layout = make_layout(gram.user_items, self._is_binary, threads)
        self._work, reach = np.empty((2, self._num_items), np.int64)
        measure_work(self._layout, self._work, reach)
        # No list needs more capacity than its item has pairs.
        self._capacities = np.minimum(reach, list_capacity(self._k()))  # (I,) int64
        self._limits = np.full(self._num_items, -np.inf)
        self._formula = self._make_formula(quotient, terms)
        self._head = choose_head(self._work, gram.num_users) if self._is_binary else 0
        self._bits = np.zeros((self._head, -(-gram.num_users // 64)), np.uint64)
        bits.set_bits(self._layout, self._bits)
        self._local = threading.local()
        self._all_best: list[Best] = []

    def _k(self) -> int:
        return self._settings.num_neighbors or self._num_items

    def _make_formula(self, quotient: Quotient, terms: tuple[Terms, Terms]) -> Formula:
        (sources,), (targets,) = (
            tuple(term[self._layout.order] for term in group) for group in terms
        )
        least = self._settings.min_cooccurrence
        rows_are_targets = self._settings.neighborhood == "target"
        rows, columns = (targets, sources) if rows_are_targets else (sources, targets)
        return Formula(
            KINDS[quotient.kind],
            *_factors(quotient, rows_are_targets),
            self._settings.shrinkage,
            rows,
            columns,
            # 1 drops nothing, and a sum of weights may be below it.
            float(least) if least > 1 else -np.inf,
            quotient.kind != "tversky" and np.array_equal(rows, columns),
        )

    def jobs(self) -> list[tuple[int, int]]:
        """Return ranges of rows: tiles of the head, then parts of the tail."""
        return cut_jobs(self._head, self._work, self._threads)

    def do(self, job: tuple[int, int]) -> int:
        """Count the pairs of some rows, push them, and return the row after the last."""
        if not hasattr(self._local, "scratch"):
            self._local.scratch = self._new_scratch()
            self._all_best.append(self._local.scratch.best)
        best, counters, cooccurrences, tile = self._local.scratch
        if job[1] <= self._head:
            bits.count_tile(*job, self._bits, tile)
            counting.push_tile(*job, tile, self._formula, self._layout.order, best)
        else:
            scratch = counters, cooccurrences
            counting.push_tail(*job, self._layout, self._work, *scratch, self._formula, best)
        return job[1]

    def _new_scratch(self) -> _Scratch:
        begins = offsets(self._capacities)
        best = Best(
            self._k(),
            begins,
            np.zeros(self._num_items, np.int64),
            np.empty(begins[-1]),
            np.empty(begins[-1], np.uint32),
            self._limits,
        )
        counter = _counter_type(self._layout, self._is_binary)
        needs_cooccurrences = self._settings.min_cooccurrence > 1 and not self._is_binary
        return _Scratch(
            best,
            np.zeros(self._num_items, counter),
            np.zeros(self._num_items if needs_cooccurrences else 0, np.uint32),
            np.zeros((TILE if self._head else 0, self._head), counter),
        )

    def result(self) -> BestOfRows:
        """Return the best of all threads, by item index."""
        into, order = self._all_best[0], self._layout.order
        ranges = list(
            pairwise(np.linspace(0, self._num_items, 8 * self._threads + 1, dtype=int).tolist())
        )

        def finish(rows: tuple[int, int]) -> None:
            for best in self._all_best[1:]:
                counting.merge(*rows, best, into)
            counting.finish(*rows, into)

        for _ in map_in_order(finish, ranges, self._threads):
            pass
        sizes = np.empty(self._num_items, np.int64)
        sizes[order] = into.sizes
        indptr = offsets(sizes)
        columns, values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])

        def copy(rows: tuple[int, int]) -> None:
            counting.copy_lists(*rows, into, order, indptr, columns, values)

        for _ in map_in_order(copy, ranges, self._threads):
            pass
        return BestOfRows(indptr, columns, values)


def _factors(quotient: Quotient, rows_are_targets: bool) -> tuple[float, float]:
    """Return a and b for values whose source is the item of the column."""
    if quotient.kind == "tversky" and not rows_are_targets:
        return quotient.b, quotient.a
    return quotient.a, quotient.b


def _counter_type(layout: Layout, is_binary: bool) -> Any:
    if not is_binary:
        return np.float64
    return np.uint16 if np.diff(layout.item_begins).max() < 2**16 else np.uint32


def choose_head(work: Int64Array, num_users: int) -> int:
    """Return how many of the most popular items to count as bits: where all costs least.

    Args:
        work: (I,) counts of each item with more popular ones.

    >>> choose_head(np.array([0] + [10**9] * 63 + [1] * 200), num_users=1000)
    64
    """
    heads = np.arange(0, len(work) + 1, TILE)
    as_bits = heads.astype(np.float64) ** 2 / 2 * (num_users / 64) * WORD_COST
    one_by_one = (work.sum() - offsets(work)[heads]) * COUNT_COST
    return int(heads[np.argmin(as_bits + one_by_one)])


def cut_jobs(head: int, work: Int64Array, threads: int) -> list[tuple[int, int]]:
    """Return ranges of rows: tiles of the head, then parts of the tail of about the same work.

    Args:
        head: a multiple of ``TILE``.
        work: (I,) counts of each item.

    >>> cut_jobs(0, np.array([1, 1]), 1), cut_jobs(64, np.ones(64, int), 1)
    ([(0, 1), (1, 2)], [(0, 64)])
    """
    tiles = [(begin, begin + TILE) for begin in range(0, head, TILE)]
    so_far = np.cumsum(work[head:] + np.arange(head, len(work)))  # a row is also scanned
    if not len(so_far):
        return tiles
    cuts = np.searchsorted(so_far, np.linspace(0, so_far[-1], CHUNKS * threads + 1)[1:-1]) + head
    bounds = np.unique(np.concatenate([[head], cuts, [len(work)]])).tolist()
    return tiles + list(zip(bounds, bounds[1:]))

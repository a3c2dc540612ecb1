"""The compiled kernel of ``pairs``: the best K of each item, the same bits."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np

from mlcore.memory.arrays import new_array
from mlcore.native import call
from mlcore.numeric.ranges import offsets
from mlcore.numeric.threads import map_in_order
from mlcore.progress import Progress
from mlcore.similarity.base import NeighborSettings
from mlcore.similarity.compiled import BLOCK, TILE_USERS, list_capacity
from mlcore.similarity.compiled.layout import for_each, lay_out, order_lists
from mlcore.similarity.compiled.plan import BINARY, WEIGHTED, choose_listed, choose_tiled, cut_rows
from mlcore.similarity.compiled.problem import Problem, Scratch, new_scratch, set_formula
from mlcore.similarity.formula import Quotient, Terms
from mlcore.similarity.gram import GramBlocks
from mlcore.types import CsrMatrix, Int64Array, UInt32Array

__all__ = ["best_compiled"]

ROUNDS = 2  # of choosing what is listed, then what is in tiles, each for the other
CHUNKS = 32  # of the rows, for each thread; changes speed only
MAX_PARTS = 4  # of the rows of a tile; changes speed only


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
    jobs = kernel.jobs()
    for done, _ in enumerate(map_in_order(kernel.do, jobs, threads), 1):
        progress("compare items", done * gram.num_items // len(jobs), gram.num_items)
    return kernel.result()


class _Job(NamedTuple):
    """A function of neighbors.cpp and what it is called with, after the two structures."""

    function: str
    arguments: tuple[Any, ...]


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
        self._num_items, self._num_users = gram.num_items, gram.num_users
        self._k = min(settings.num_neighbors or self._num_items, self._num_items)
        self._is_binary = gram.is_binary
        self._costs = BINARY if gram.is_binary else WEIGHTED
        self._counts_users = settings.min_cooccurrence > 1 and not self._is_binary
        self._problem = Problem()
        lay_out(self._problem, gram.user_items, self._is_binary, threads)
        set_formula(self._problem, quotient, terms, settings)
        self._plan()
        self._local = threading.local()

    def _plan(self) -> None:
        """Choose what is listed and what is in tiles, and set the fields of the lists."""
        problem, costs = self._problem, self._costs
        users = np.diff(problem.array("item_begins"))  # (I,) int64
        before, after = self._measure(np.empty(0, np.uint32))
        listed, tiled, in_tiles = self._num_items, 0, np.zeros(self._num_items, np.int64)
        for number in range(ROUNDS):
            # All at first: where few are, tiles would never be full, which may pay for more of them.
            if number > 0:
                listed = choose_listed(after, in_tiles, users, tiled, self._k, costs)
            if self._counts_users:
                continue
            _, after_listed = self._measure(self._count_below(listed))
            tiled = choose_tiled(after_listed[:listed], users, self._num_users, listed, costs)
            # An item after all tiles has so many: of a user's items in tiles, none is after it.
            in_tiles = self._measure(self._count_below(tiled))[1] + before + users
            in_tiles[:tiled] = before[:tiled]
        counts = before + after  # (I,) int64 of whole rows
        capacities = np.minimum(counts[:listed], list_capacity(self._k))
        list_begins = offsets(capacities)
        out_begins = offsets(np.minimum(counts, self._k))
        counts[:listed] = (before - in_tiles)[:listed]
        self._counts = counts
        problem.set(
            num_tiled=tiled,
            tiled=self._count_below(tiled),
            num_neighbors=self._k,
            num_listed=listed,
            list_begins=list_begins,
            list_sizes=np.zeros(listed, np.int64),
            list_values=new_array(list_begins[-1], np.float64),
            list_items=new_array(list_begins[-1], np.uint32),
            limits=np.zeros(self._num_items),
            block_limits=np.zeros(-(-self._num_items // BLOCK)),
            locks=np.zeros(listed, np.uint8),
            out_begins=out_begins,
            out_sizes=np.zeros(self._num_items, np.int64),
            out_values=new_array(out_begins[-1], np.float32),
            out_items=new_array(out_begins[-1], np.uint32),
        )

    def _count_below(self, bound: int) -> UInt32Array:
        """Return how many of the first ``bound`` items each user has, (U,) uint32."""
        numbers = np.zeros(self._num_users, np.uint32)
        call("count_below", self._problem, bound, numbers)
        return numbers

    def _measure(self, numbers: UInt32Array) -> tuple[Int64Array, Int64Array]:
        """Return the pairs of a user and another item of each item: a more and a less popular one.

        Args:
            numbers: (U,) how many of the items of each user to count as less popular; or (0,), all.
        """
        before, after = np.empty((2, self._num_items), np.int64)

        def measure(rows: tuple[int, int]) -> None:
            call("measure", self._problem, *rows, numbers, before, after)

        users = np.diff(self._problem.array("item_begins"))  # (I,) int64
        for_each(measure, cut_rows(users + 1.0, 0, self._threads), self._threads)
        return before, after

    def jobs(self) -> list[_Job]:
        """Return what there is to do, the longest first."""
        problem = self._problem
        listed, work = np.ones(problem.num_listed), self._counts.astype(np.float64) + BLOCK
        return [
            # One tile at a time: the popular items, which come first, are mostly the best, and set
            # the limits that others do not reach. In parts, each with rows of its own: threads
            # share the lists of the tile's items only. Each makes the tile anew, so they are few.
            *(
                _Job("compare_tile", (begin, *rows))
                for begin in range(0, problem.num_tiled, self._costs.width)
                for rows in cut_rows(listed, begin + 1, min(self._threads, MAX_PARTS))
            ),
            *(
                _Job("compare_rows", (*rows, self._counts))
                for rows in cut_rows(work, problem.num_tiled, CHUNKS * self._threads)
            ),
        ]

    def do(self, job: _Job) -> None:
        """Compare some items, with the scratch of this thread."""
        if not hasattr(self._local, "scratch"):
            self._local.scratch = self._new_scratch()
        call(job.function, self._problem, self._local.scratch, *job.arguments)

    def _new_scratch(self) -> Scratch:
        costs, has_tiles = self._costs, self._problem.num_tiled > 0
        users = self._num_users if self._is_binary else TILE_USERS
        tile_bytes = users * costs.user_bytes if has_tiles else 0
        num_sums = self._problem.num_listed if has_tiles and not self._is_binary else 0
        scratch = new_scratch(self._num_items, self._k, self._counts_users)
        scratch.set(
            tile=np.empty(tile_bytes // 32, (np.uint8, 32)),
            entries=np.empty(num_sums, np.int64),
            sums=np.empty((num_sums, costs.width)),
        )
        return scratch

    def result(self) -> CsrMatrix:
        """Return the best pairs, source items as rows, by the indices from before relabelling.

        Raises:
            DataError: a similarity overflows float32.
        """
        problem, num_items = self._problem, self._num_items

        def finish(rows: tuple[int, int]) -> None:
            call("finish_lists", problem, *rows)

        for_each(finish, cut_rows(np.ones(problem.num_listed), 0, self._threads), self._threads)
        del self._local  # the scratch of this thread
        problem.drop("list_values", "list_items", "item_users", "item_weights")
        problem.drop("user_items", "user_weights", "places")
        return order_lists(problem, self._k, self._settings.neighborhood, self._threads)

"""A similarity by order: which items follow which in the events of a user, and how closely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from mlcore.lazy import LazyModule
from mlcore.memory.plan import Allocation, peak, per_thread
from mlcore.numeric.ranges import offsets, ragged_arange, row_blocks
from mlcore.numeric.sums import sum_by_group
from mlcore.parameters import (
    choice,
    integer,
    number,
    optional,
    parameter,
    parameters_to_json,
)
from mlcore.progress import Progress, no_progress
from mlcore.sequences import Sequences
from mlcore.similarity.base import NeighborSettings, Similarity
from mlcore.similarity.gram import MAX_BLOCK_ENTRIES, GramBlocks
from mlcore.similarity.memory import FEWER_ITEMS, GATHER_BYTES, PAIR_BYTES, kept_pairs, shape_of
from mlcore.similarity.rows import Kept, Rows, assemble
from mlcore.similarity.selection import (
    BestOfRows,
    best_of_rows,
    by_source,
    stack_rows,
)
from mlcore.types import BoolArray, CsrMatrix, Float64Array, Int64Array

__all__ = ["Rules", "SequentialRules"]

sp: Any = LazyModule("scipy.sparse")

Decay: TypeAlias = Literal["harmonic", "quadratic", "linear"]

MAX_KEYS = 2**63  # that int64 holds: rows of a block x items x steps
_MICROSECONDS_PER_MINUTE = 60_000_000
# For the memory plan: of an event, to find how far it reaches, and in order and by item; of a pair.
REACHING_BYTES, EVENT_BYTES, FOLLOWING_BYTES = 60, 28, 75


@dataclass(frozen=True)
class SequentialRules(Similarity):
    """sum of f(k) over each time that item j comes k <= steps events after item i.

    f(k) is 1 / k (``harmonic``), 1 / k^2 (``quadratic``) or (steps + 1 - k) / steps (``linear``).
    Events of a user are in order of time, those of equal times in that of item ids, so the order of
    rows changes nothing. A pause of more than ``session_gap_minutes`` ends a sequence. An item that
    follows itself adds nothing, but counts as a step between others. Only the order counts, not the
    weights. Summed as the number of times for each k times f(k), k ascending, in float64.

    Equals, without the items themselves, the sequential rules of session-rec (``sr``). Kamehkhosh,
    Jannach and Ludewig, A Comparison of Frequent Pattern Techniques and a Deep Learning Method for
    Session-Based Recommendation (TempRec at RecSys 2017).

    Attributes:
        steps: the farthest item that follows. Changes the model.
        decay: f. Changes the model.
        session_gap_minutes: None for one sequence of each user. Changes the model.
    """

    name = "sequential_rules"
    binary = True
    uses_shrinkage = False
    uses_min_cooccurrence = False
    uses_order = True
    steps: int = parameter(10, integer(minimum=1))
    decay: Decay = parameter("quadratic", choice("harmonic", "quadratic", "linear"))
    session_gap_minutes: float | None = parameter(None, optional(number(above=0)))

    @property
    def has_rows(self) -> bool:
        """Whether they can: yes."""
        return True

    def allocations(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return the events by item, and a block of their pairs for each thread."""
        sequences, lengths = gram.events, np.diff(gram.events.indptr)
        reach = min(self.steps, max(int(lengths.max(initial=1)) - 1, 1))
        longest = reach * int(np.bincount(sequences.items, minlength=1).max())  # row
        most = reach * len(sequences)
        pairs = min(shape_of(gram).num_pairs(settings.num_neighbors), most)
        block = FOLLOWING_BYTES * min(max(MAX_BLOCK_ENTRIES, longest), most)
        events = Allocation("events by item", EVENT_BYTES * len(sequences), FEWER_ITEMS)
        scratch = per_thread(threads, block, "take fewer steps, --set similarity.steps=N")
        return peak(
            [events._replace(num_bytes=REACHING_BYTES * len(sequences))],
            [events, scratch, kept_pairs(pairs, PAIR_BYTES)],
            [events, kept_pairs(pairs, GATHER_BYTES)],
        )

    def neighbors(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows."""
        rules = Rules(self, gram.events, gram.num_items, settings, gram.max_block_entries)
        if gram.find_rows is not None:
            return assemble(gram.find_rows(rules), rules, settings.neighborhood, threads)
        best = rules.best(rules.blocks, threads, progress)
        return by_source(best, gram.num_items, settings.neighborhood == "target")

    def weights_of_steps(self, longest: int) -> Float64Array:
        """Return f(1) ... f(longest), (longest,) float64.

        >>> SequentialRules(steps=4, decay="linear").weights_of_steps(4).tolist()
        [1.0, 0.75, 0.5, 0.25]
        """
        k = np.arange(1, longest + 1, dtype=np.float64)
        if self.decay == "linear":
            return (self.steps + 1 - k) / self.steps
        return 1 / k if self.decay == "harmonic" else 1 / (k * k)

    def starts(self, sequences: Sequences) -> BoolArray:
        """Return which events begin a sequence, (N,) bool."""
        starts = np.zeros(len(sequences) + 1, bool)
        starts[sequences.indptr] = True  # the last one ends the last user's
        if self.session_gap_minutes is not None:
            pauses = np.diff(sequences.times)  # (N - 1,) int64
            limit = self.session_gap_minutes * _MICROSECONDS_PER_MINUTE
            starts[1:-1] |= pauses > limit
        return starts[:-1]


def _as_they_are(rows: Int64Array, columns: Int64Array, sums: Float64Array) -> Float64Array:
    return sums


class Rules(Rows):
    """w in blocks of rows: targets, which look back for sources, or sources, which look ahead.

    Args:
        sequences: N events of I items.
        num_items: I.
    """

    kind = "rules"

    def __init__(
        self,
        measure: SequentialRules,
        sequences: Sequences,
        num_items: int,
        settings: NeighborSettings,
        max_block_entries: int = MAX_BLOCK_ENTRIES,
    ) -> None:
        self._measure, self._sequences, self._settings = measure, sequences, settings
        self._max_block_entries = max_block_entries
        self._items, self._num_items = sequences.items, num_items
        self._rows_are_targets = settings.neighborhood == "target"
        self._reach = _reach_of(measure, sequences, self._rows_are_targets)  # (N,) int64
        longest = int(self._reach.max(initial=1))
        self._weights = measure.weights_of_steps(longest)
        self._by_item = np.argsort(self._items, kind="stable")  # (N,) events
        counts = np.bincount(self._items, minlength=self._num_items)
        self._first = offsets(counts)  # (I + 1,) into _by_item
        self._pairs = offsets(self._reach[self._by_item])[self._first]  # (I + 1,)
        self._most_rows = max(MAX_KEYS // max(self._num_items * longest, 1), 1)

    def describe(self) -> Mapping[str, Any]:
        """Return the measure and the events."""
        return {
            "similarity": {"name": self._measure.name, **parameters_to_json(self._measure)},
            "settings": asdict(self._settings),
            "num_items": self._num_items,
            "indptr": self._sequences.indptr,
            "items": self._sequences.items,
            "times": self._sequences.times,
        }

    @classmethod
    def of_description(cls, values: Mapping[str, Any], measure: Any) -> Rules:
        """Return the rows of a measure and events."""
        sequences = Sequences(values["indptr"], values["items"], values["times"])
        return cls(measure, sequences, values["num_items"], NeighborSettings(**values["settings"]))

    @property
    def items(self) -> Int64Array:
        """The item of each row: all in order."""
        return np.arange(self._num_items)

    def work(self) -> Float64Array:
        """Return the pairs of events of each row, (I,) float64, and what each row takes besides."""
        return np.diff(self._pairs) + 1.0

    def most_kept(self) -> int:
        """Return K, or I if all are kept."""
        return min(self._settings.num_neighbors or self._num_items, self._num_items)

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """Ranges of all rows, in order."""
        return list(row_blocks(self._pairs, self._most_rows, self._max_block_entries))

    def best(
        self, blocks: Sequence[tuple[int, int]], threads: int, progress: Progress
    ) -> BestOfRows:
        """Return the best pairs of some ranges of rows."""
        k = self._settings.num_neighbors
        return stack_rows(best_of_rows(blocks, self.rows, _as_they_are, k, threads, progress))

    def find(self, begin: int, end: int) -> Kept:
        """Return the kept pairs of some rows."""
        pairs = self._pairs[begin : end + 1]
        blocks = row_blocks(pairs - pairs[0], self._most_rows, self._max_block_entries)
        spans = [(begin + first, begin + last) for first, last in blocks]
        best = self.best(spans, 1, no_progress)
        return Kept.of(best)

    def rows(self, begin: int, end: int) -> Any:
        """Return w from the row ``begin`` to before ``end``, a CSR with its diagonal."""
        keys = self._keys(begin, end)  # (P,)
        keys.sort()
        firsts = np.flatnonzero(np.diff(keys, prepend=-1))  # of each row, column and k
        counts = np.diff(firsts, append=len(keys))
        pairs, steps = np.divmod(keys[firsts], len(self._weights))
        is_new = np.diff(pairs, prepend=-1) > 0
        groups = np.cumsum(is_new) - 1
        values = sum_by_group(groups, counts * self._weights[steps], int(is_new.sum()))
        rows, columns = np.divmod(pairs[is_new], self._num_items)
        indptr = np.searchsorted(rows, np.arange(end - begin + 1))  # (R + 1,) int64
        return sp.csr_matrix((values, columns, indptr), shape=(end - begin, self._num_items))

    def _keys(self, begin: int, end: int) -> Int64Array:
        """Return a number for row, column and k of each pair of events, (P,) int64."""
        events = self._by_item[self._first[begin] : self._first[end]]
        reach = self._reach[events]
        starts = events - reach if self._rows_are_targets else events + 1
        others = ragged_arange(starts, reach)  # (P,) events
        keys = np.repeat((self._items[events] - begin) * np.int64(self._num_items), reach)
        keys += self._items[others]
        keys *= len(self._weights)
        others -= np.repeat(events, reach)
        keys += np.abs(others, out=others) - 1
        return keys


def _reach_of(measure: SequentialRules, sequences: Sequences, back: bool) -> Int64Array:
    """Return how many events before, or after, each one are of its sequence and near enough, (N,)."""
    starts, events = measure.starts(sequences), np.arange(len(sequences))
    bounds = np.append(np.flatnonzero(starts), len(events))
    which = np.cumsum(starts) - 1  # the sequence of each event
    near = events - bounds[which] if back else bounds[which + 1] - events - 1
    reach: Int64Array = np.minimum(near, min(measure.steps, len(events)))
    return reach

"""Score and rank many users in compiled code, with the same bits as ``mlcore.recommend.scoring``.

Needs the extra ``[local]``; import it only for enough work to pay for loading numba. Takes users one
by one: adds up the stored pairs of the history in scratch as long as the catalogue, and keeps the
best candidates in a heap. A call writes to its own scratch and result only and releases the
interpreter lock, so threads run in parallel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.numeric.numba_tools import compiled, fetch
from mlcore.recommend.ranking import RowItems
from mlcore.types import BoolArray, CsrMatrix, Float64Array, Int32Array, Int64Array

__all__ = ["rank_rows"]

# Marks items that no stored pair touches. Sums can start from it: -0.0 + x is x, and adding 0.0 to
# each term first keeps every term and sum from being -0.0.
UNTOUCHED = -0.0
# Compares scores with the worst of the list in blocks of this many, so that SIMD applies.
SCAN_WIDTH = 64
# A scan of all scores costs as much as a second pass over this many times fewer pairs.
SCANS_PER_PAIR = 16
# While adding up the pairs of one item, prefetches those of the item AHEAD places later: the first
# cache lines, the processor fetches the rest. Waiting for memory took a third of the time.
AHEAD, LINES, LINE_ENTRIES = 4, 7, 16


def rank_rows(
    similarity: CsrMatrix,
    histories: CsrMatrix,
    n: int,
    allowed: BoolArray | None = None,
    include_seen: bool = False,
    rows: RowItems | None = None,
) -> tuple[Int64Array, Int32Array, Float64Array]:
    """Return the best ``n`` candidates of each history, best first.

    score(j) is the sum over the history, in ascending item order, of float64(w_i) * float64(s_ij),
    added from +0; ties go to the smaller position. Equals ``mlcore.recommend.scoring.Scorer.rank``.

    Args:
        similarity: (I, I) finite float32, source items as rows; all positions in range.
        histories: (R, I) finite float32, likewise.
        n: list length, >= 1.
        allowed: (I,) items that may be listed; None for all.
        include_seen: also list items of the history.
        rows: of each history, what it may list besides.

    Returns:
        Offsets (R + 1,), item positions and scores (P,).

    >>> pairs = np.array([0, 2, 2, 2]), np.array([1, 2], np.int32), np.array([0.5, 2], np.float32)
    >>> history = np.array([0, 1]), np.array([0], np.int32), np.array([1], np.float32)
    >>> rank_rows(CsrMatrix(*pairs, num_columns=3), CsrMatrix(*history, num_columns=3), n=5)[1:]
    (array([2, 1], dtype=int32), array([2. , 0.5]))
    """
    num_items = similarity.num_rows
    length = min(n, num_items)
    indptr = np.zeros(histories.num_rows + 1, np.int64)
    items = np.empty(histories.num_rows * length, np.int32)
    scores = np.empty(histories.num_rows * length, np.float64)
    if allowed is None:
        allowed = np.ones(num_items, bool)
    if rows is None:
        nothing = np.zeros(histories.num_rows + 1, np.int64), np.empty(0, np.int32)
        rows = RowItems(*nothing, are_included=False)
    _rank_rows(
        *_frozen_arrays(similarity),
        *_frozen_arrays(histories),
        length,
        _frozen(allowed, bool),
        include_seen,
        _frozen(rows.indptr, np.int64).view(np.uint64),
        _frozen(rows.items, np.int32).view(np.uint32),
        rows.are_included,
        indptr,
        items,
        scores,
    )
    return indptr, items[: indptr[-1]], scores[: indptr[-1]]


def _frozen_arrays(matrix: CsrMatrix) -> list[npt.NDArray[Any]]:
    return [
        # Unsigned: compiled code would test each signed index for being negative.
        _frozen(matrix.indptr, np.int64).view(np.uint64),
        _frozen(matrix.indices, np.int32).view(np.uint32),
        _frozen(matrix.data, np.float32),
    ]


def _frozen(array: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a read-only view, so that one compiled version serves mapped and other arrays."""
    view = np.ascontiguousarray(array, dtype).view()
    view.flags.writeable = False
    return view


@compiled
def _rank_rows(
    pair_starts: Any,  # (I + 1,) uint64
    columns: Any,  # (P,) uint32
    values: Any,  # (P,) float32
    row_starts: Any,  # (R + 1,) uint64
    history_items: Any,  # (E,) uint32
    weights: Any,  # (E,) float32
    n: int,
    allowed: Any,  # (I,) bool
    include_seen: bool,
    limit_starts: Any,  # (R + 1,) uint64
    limited: Any,  # (L,) uint32
    are_included: bool,
    indptr: Any,  # (R + 1,) int64, written
    items: Any,  # (R * n,) int32, written from the front
    scores: Any,  # (R * n,) float64, likewise
) -> None:
    totals = np.full(len(allowed), UNTOUCHED)  # (I,) float64
    eligible = np.zeros(len(allowed), np.bool_) if are_included else allowed.copy()  # (I,)
    for row in range(len(indptr) - 1):
        history = history_items[row_starts[row] : row_starts[row + 1]]
        history_weights = weights[row_starts[row] : row_starts[row + 1]]
        num_pairs = _add_up(pair_starts, columns, values, history, history_weights, totals)
        if not include_seen:
            for item in history:
                totals[item] = UNTOUCHED
        own = limited[limit_starts[row] : limit_starts[row + 1]]
        for item in own:
            eligible[item] = allowed[item] and are_included
        begin = indptr[row]
        best = items[begin : begin + n], scores[begin : begin + n]
        if np.uint64(SCANS_PER_PAIR) * num_pairs >= np.uint64(len(totals)):
            count = _take_all(totals, eligible, best)
        else:
            count = _take_touched(pair_starts, columns, history, totals, eligible, best)
        for item in own:
            eligible[item] = allowed[item] and not are_included
        _sort(best, count)
        indptr[row + 1] = begin + count


@compiled
def _add_up(
    pair_starts: Any, columns: Any, values: Any, history: Any, weights: Any, totals: Any
) -> np.uint64:
    """Add the stored pairs of a history to the totals; return their number."""
    num_pairs = np.uint64(0)
    for entry in range(len(history)):
        item, weight = history[entry], np.float64(weights[entry])
        begin, end = pair_starts[item], pair_starts[item + np.uint64(1)]
        num_pairs += end - begin
        if entry + AHEAD < len(history):
            later = pair_starts[history[entry + AHEAD]]
            for pair in range(later, later + np.uint64(LINES * LINE_ENTRIES), LINE_ENTRIES):
                fetch(columns, pair)
                fetch(values, pair)
        for pair in range(begin, end):
            totals[columns[pair]] += weight * np.float64(values[pair]) + 0.0
    return num_pairs


@compiled
def _take_all(totals: Any, allowed: Any, best: Any) -> int:
    """Push the best totals onto a heap and clear all; return the size of the heap."""
    count, threshold = 0, -np.inf
    num_items, width = np.uint64(len(totals)), np.uint64(SCAN_WIDTH)
    for begin in range(np.uint64(0), num_items, width):
        end = min(begin + width, num_items)
        # Without a branch, so that the loop vectorizes.
        is_any_better = False
        for item in range(begin, end):
            is_any_better |= totals[item] > threshold  # items ascend: a later tie loses
        if is_any_better:
            for item in range(begin, end):
                if totals[item] > threshold and _is_touched(totals[item]) and allowed[item]:
                    count = _push(best, count, np.int64(item), totals[item])
                    if count == len(best[0]):
                        threshold = best[1][0]
        for item in range(begin, end):
            totals[item] = UNTOUCHED
    return count


@compiled
def _take_touched(
    pair_starts: Any, columns: Any, history: Any, totals: Any, allowed: Any, best: Any
) -> int:
    """Do the same by a second pass over the stored pairs of the history, if they are few."""
    count = 0
    for item in history:
        for pair in range(pair_starts[item], pair_starts[item + np.uint64(1)]):
            column = columns[pair]
            if _is_touched(totals[column]):
                if allowed[column]:
                    count = _push(best, count, np.int64(column), totals[column])
                totals[column] = UNTOUCHED  # pushed once, though other pairs point to it
    return count


@compiled
def _is_touched(total: float) -> bool:
    return total != 0 or math.copysign(1.0, total) > 0


@compiled
def _push(best: Any, count: int, item: int, score: float) -> int:
    """Push an item if it is among the best; return the size of the heap, whose root is the worst."""
    items, scores = best
    if count == len(items):
        if _precedes(scores[0], items[0], score, item):
            return count
        _sink(best, count, item, score)
        return count
    hole = count
    while hole > 0:
        parent = (hole - 1) // 2
        if not _precedes(scores[parent], items[parent], score, item):
            break
        items[hole], scores[hole] = items[parent], scores[parent]
        hole = parent
    items[hole], scores[hole] = item, score
    return count + 1


@compiled
def _sink(best: Any, count: int, item: int, score: float) -> None:
    """Replace the root of a heap of ``count`` by an item, and sift it down."""
    items, scores = best
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= count:
            break
        other = child + 1
        if other < count and _precedes(scores[child], items[child], scores[other], items[other]):
            child = other
        if not _precedes(score, item, scores[child], items[child]):
            break
        items[hole], scores[hole] = items[child], scores[child]
        hole = child
    items[hole], scores[hole] = item, score


@compiled
def _sort(best: Any, count: int) -> None:
    """Turn a heap into a list, best first: move the worst to the end, again and again."""
    items, scores = best
    for last in range(count - 1, 0, -1):
        item, score = np.int64(items[last]), scores[last]
        items[last], scores[last] = items[0], scores[0]
        _sink(best, last, item, score)


@compiled
def _precedes(score: float, item: int, other_score: float, other_item: int) -> bool:
    return score > other_score or (score == other_score and item < other_item)

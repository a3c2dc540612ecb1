"""Ranges of consecutive positions, such as the rows of a sparse matrix: cut, and laid end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.types import Int64Array

__all__ = ["SPAN_ENTRIES", "all_are", "offsets", "ragged_arange", "row_blocks", "row_spans"]

SPAN_ENTRIES = 2**18  # changes speed and memory only


def offsets(lengths: npt.NDArray[Any] | Sequence[int]) -> Int64Array:
    """Return where each of R consecutive rows begins, and where the last one ends, (R + 1,) int64.

    Args:
        lengths: (R,) entries of each row, >= 0; or a (R,) mask, whose sums they are.

    >>> offsets([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    result = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=result[1:])
    return result


def ragged_arange(starts: Int64Array, lengths: Int64Array) -> Int64Array:
    """Return the positions of all ranges, one range after the other.

    Equals ``np.concatenate([np.arange(s, s + n) for s, n in zip(starts, lengths)])``.

    Args:
        starts: (R,) int64 first position of each range.
        lengths: (R,) int64 positions in each, >= 0.

    >>> ragged_arange(np.array([7, 2]), np.array([2, 3])).tolist()
    [7, 8, 2, 3, 4]
    """
    bounds = offsets(lengths)
    positions: Int64Array = np.arange(bounds[-1]) + np.repeat(starts - bounds[:-1], lengths)
    return positions


def row_blocks(indptr: Int64Array, max_rows: int, max_entries: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows, from all of them in order, that are bounded by rows and by entries.

    Args:
        indptr: (R + 1,) int64 row offsets.
        max_rows: of a range, >= 1.
        max_entries: likewise, >= 0; a row with more is a range of its own.

    >>> list(row_blocks(np.array([0, 2, 3, 4, 9, 9]), max_rows=3, max_entries=3))
    [(0, 2), (2, 3), (3, 4), (4, 5)]
    """
    begin, num_rows = 0, len(indptr) - 1
    while begin < num_rows:
        fitting = int(np.searchsorted(indptr, indptr[begin] + max_entries, side="right")) - 1
        end = min(max(fitting, begin + 1), begin + max_rows, num_rows)
        yield begin, end
        begin = end


def row_spans(indptr: Int64Array) -> Iterator[tuple[int, int, slice]]:
    """Yield ranges of whole rows, with their entries: what is computed in one go, within the cache.

    Temporaries as large as a matrix are slow, and a matrix may be larger than memory.

    >>> list(row_spans(np.array([0, 2, 3])))
    [(0, 2, slice(0, 3, None))]
    """
    for begin, end in row_blocks(indptr, max(len(indptr) - 1, 1), SPAN_ENTRIES):
        yield begin, end, slice(int(indptr[begin]), int(indptr[end]))


def all_are(values: npt.NDArray[Any], holds: Callable[[npt.NDArray[Any]], Any]) -> bool:
    """Return whether a condition holds for all values, looked at span by span.

    >>> all_are(np.ones(3), lambda some: some > 0)
    True
    """
    starts = range(0, len(values), SPAN_ENTRIES)
    return all(np.all(holds(values[start : start + SPAN_ENTRIES])) for start in starts)

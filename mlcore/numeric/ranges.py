"""Spans of consecutive positions, such as the rows of a sparse matrix: cut, and laid end to end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mlcore.types import Int64Array

__all__ = ["ragged_arange", "row_blocks", "row_offsets"]


def row_offsets(lengths: npt.ArrayLike) -> Int64Array:
    """Return where each row begins, and the end of the last, from (R,) lengths: (R + 1,) int64.

    >>> row_offsets([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    sums = np.cumsum(lengths, dtype=np.int64)
    return np.concatenate([np.zeros(1, np.int64), sums])


def ragged_arange(starts: Int64Array, lengths: Int64Array) -> Int64Array:
    """Return the positions of all spans, one span after the other.

    Equals ``np.concatenate([np.arange(s, s + n) for s, n in zip(starts, lengths)])``.

    Args:
        starts: (R,) int64 first position of each span.
        lengths: (R,) int64 positions in each, >= 0.

    >>> ragged_arange(np.array([7, 2]), np.array([2, 3])).tolist()
    [7, 8, 2, 3, 4]
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    positions: Int64Array = np.arange(total) + np.repeat(starts - ends + lengths, lengths)
    return positions


def row_blocks(indptr: Int64Array, max_rows: int, max_entries: int) -> Iterator[tuple[int, int]]:
    """Yield spans of rows, from all of them in order, that are bounded by rows and by entries.

    Args:
        indptr: (R + 1,) int64 row offsets.
        max_rows: of a span, >= 1.
        max_entries: likewise, >= 0; a row with more is a span of its own.

    >>> list(row_blocks(np.array([0, 2, 3, 4, 9, 9]), max_rows=3, max_entries=3))
    [(0, 2), (2, 3), (3, 4), (4, 5)]
    """
    begin, num_rows = 0, len(indptr) - 1
    while begin < num_rows:
        fitting = int(np.searchsorted(indptr, indptr[begin] + max_entries, side="right")) - 1
        end = min(max(fitting, begin + 1), begin + max_rows, num_rows)
        yield begin, end
        begin = end

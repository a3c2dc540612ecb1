"""Spans of consecutive positions, such as the rows of a sparse matrix, laid end to end."""

from __future__ import annotations

import numpy as np

from mlcore.types import Int64Array

__all__ = ["lay_spans"]


def lay_spans(starts: Int64Array, lengths: Int64Array) -> Int64Array:
    """Return the positions of all spans, one span after the other.

    Equals ``np.concatenate([np.arange(s, s + n) for s, n in zip(starts, lengths)])``.

    Args:
        starts: (R,) int64 first position of each span.
        lengths: (R,) int64 positions in each, >= 0.

    >>> lay_spans(np.array([7, 2]), np.array([2, 3])).tolist()
    [7, 8, 2, 3, 4]
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    positions: Int64Array = np.arange(total) + np.repeat(starts - ends + lengths, lengths)
    return positions

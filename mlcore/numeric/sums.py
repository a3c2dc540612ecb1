"""Floating-point sums with one order of addition, hence the same bits on every platform."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlcore.types import Float64Array

__all__ = ["sum_by_group"]

_SPAN_ENTRIES = 2**16  # changes speed and memory only


def sum_by_group(
    groups: npt.NDArray[np.integer],
    values: npt.NDArray[np.floating],
    num_groups: int,
    *,
    squares: bool = False,
    sums: Float64Array | None = None,
) -> Float64Array:
    """Return the sum of each group, added one by one in the order of the values, from +0.

    ``np.sum`` and ``np.add.reduceat`` add in pairs, which rounds differently; this does what a loop
    in any language does, and ``np.bincount``, which takes more memory.

    Args:
        groups: (E,) group of each value, 0 to ``num_groups`` - 1.
        values: (E,) float64 or float32.
        squares: sum the squares of the values, in float64.
        sums: (num_groups,) of the values before these, which are added to them; by default none.

    >>> sum_by_group(np.array([1, 1]), np.array([0.5, 2.0]), 3).tolist()
    [0.0, 2.5, 0.0]
    """
    sums = np.zeros(num_groups) if sums is None else sums
    for begin in range(0, len(groups), _SPAN_ENTRIES):
        span = slice(begin, begin + _SPAN_ENTRIES)
        some = values[span].astype(np.float64)
        with np.errstate(all="ignore"):  # infinity reaches the caller
            np.add.at(sums, groups[span], some * some if squares else some)
    return sums

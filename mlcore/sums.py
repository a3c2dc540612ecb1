"""Floating-point sums with one order of addition, hence the same bits on every platform."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from mlcore.types import Float64Array

__all__ = ["sum_by_group"]


def sum_by_group(
    groups: npt.NDArray[np.integer], values: Float64Array, num_groups: int
) -> Float64Array:
    """Return the sum of each group, added one by one in the order of the values, from +0.

    ``np.sum`` and ``np.add.reduceat`` add in pairs, which rounds otherwise; ``np.bincount`` does
    what a loop in any language does.

    Args:
        groups: (E,) group of each value, 0 to ``num_groups`` - 1.
        values: (E,) float64.
        num_groups: how many sums to return.

    >>> sum_by_group(np.array([1, 1]), np.array([0.5, 2.0]), 3).tolist()
    [0.0, 2.5, 0.0]
    """
    return cast(Float64Array, np.bincount(groups, values, num_groups))

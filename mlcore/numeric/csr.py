"""Checks of stored sparse matrices, whose content opening a model leaves unread."""

from __future__ import annotations

import numpy as np

from mlcore.errors import CsrError
from mlcore.types import FloatArray, Int32Array

__all__ = ["check_positions", "check_values"]


def check_positions(positions: Int32Array, num_items: int, file: str) -> None:
    """Refuse stored item positions that point to no item.

    scipy's products would read foreign memory beyond the arrays, and numpy takes -1 for the last.

    Raises:
        CsrError: a position is not in 0 ... num_items - 1; the message begins with ``file``.

    >>> check_positions(np.array([0, 2], np.int32), 3, "similarity.npz")
    """
    if len(positions) and not (0 <= positions.min() and positions.max() < num_items):
        raise CsrError(
            f"{file}: indices.npy: expected positions from 0 to {num_items - 1}, "
            f"got {positions.min()} to {positions.max()}"
        )


def check_values(values: FloatArray, file: str, array: str = "data") -> None:
    """Refuse stored values that are not finite: NaN has no place in a ranking.

    Args:
        array: of the file, for the message.

    Raises:
        CsrError: a value is NaN or infinite; the message begins with ``file``.

    >>> check_values(np.array([0.5], np.float32), "similarity.npz")
    """
    finite = np.isfinite(values)
    if not finite.all():
        raise CsrError(f"{file}: {array}.npy: expected finite numbers, got {values[~finite][0]}")

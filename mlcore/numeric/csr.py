"""Checks of stored sparse matrices, whose content opening a model leaves unread."""

from __future__ import annotations

import numpy as np

from mlcore.errors import CsrError
from mlcore.types import CsrMatrix, FloatArray, Int32Array

__all__ = ["check_ascending", "check_positions", "check_values"]


def check_ascending(matrix: CsrMatrix, file: str) -> None:
    """Refuse positions that do not ascend strictly within a row, as one that is there twice.

    Raises:
        CsrError: with the first; the message begins with ``file``.

    >>> check_ascending(CsrMatrix(np.array([0, 2, 3]), np.array([0, 2, 1]), np.ones(3), 3), "a.npz")
    """
    indices, starts = matrix.indices, matrix.indptr[1:-1]
    falls = indices[1:] <= indices[:-1]
    falls[starts[(starts > 0) & (starts < len(indices))] - 1] = False
    if falls.any():
        entry = int(np.argmax(falls)) + 1
        raise CsrError(
            f"{file}: indices.npy: element {entry}: expected an index above the one before it in the "
            f"same row, got {indices[entry]} after {indices[entry - 1]}"
        )


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

"""Sparse matrices: checks of stored ones, whose content opening a model leaves unread; rows in parts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlcore.errors import CsrError
from mlcore.numeric.ranges import row_spans
from mlcore.types import CsrMatrix, FloatArray

__all__ = ["check_ascending", "check_rows", "check_values", "cut_matrix"]

_BLOCK = 2**16  # entries compared together, which stay in the cache; changes speed and memory only


def check_rows(matrix: CsrMatrix, file: str, weights: bool = False) -> None:
    """Refuse rows by which nobody may recommend, as Go does: ``verify_model`` says what is wrong.

    scipy's products would read foreign memory beyond the arrays, numpy takes -1 for the last, and an
    item that is there twice would count twice or once.

    Args:
        file: the message begins with it.
        weights: whether values must be above 0, as those of histories.

    Raises:
        CsrError: a position points to no item or does not ascend in its row, or a value is not finite.

    >>> check_rows(CsrMatrix(np.array([0, 2, 3]), np.array([0, 2, 1]), np.ones(3), 3), "a.npz")
    """
    with np.errstate(invalid="ignore"):  # NaN is neither above nor below
        least, greatest = matrix.data.min(initial=1), matrix.data.max(initial=1)
    if _ascend(matrix) and (0 if weights else -np.inf) < least <= greatest < np.inf:
        return
    values = "finite weights above 0" if weights else "finite values"
    raise CsrError(
        f"{file}: expected item positions that exist and ascend within a row, and {values}, got others"
    )


def cut_matrix(matrix: CsrMatrix) -> Iterator[tuple[CsrMatrix, slice, slice]]:
    """Yield some rows after the other, as views, with their range and that of their entries.

    >>> whole = CsrMatrix(np.array([0, 2, 3]), np.array([0, 2, 1]), np.ones(3), 3)
    >>> [(part.num_rows, entries) for part, _, entries in cut_matrix(whole)]
    [(2, slice(0, 3, None))]
    """
    for begin, end, entries in row_spans(matrix.indptr):
        indptr = matrix.indptr[begin : end + 1] - entries.start
        part = matrix.indices[entries], matrix.data[entries]
        yield CsrMatrix(indptr, *part, matrix.num_columns), slice(begin, end), entries


def _ascend(matrix: CsrMatrix) -> bool:
    """Return whether the positions of each row ascend strictly from 0 or more to below the columns."""
    indices, starts = matrix.indices, matrix.indptr[1:-1]
    if not len(indices):
        return True
    if indices.min() < 0 or indices.max() >= matrix.num_columns:
        return False
    falls = 0
    for begin in range(1, len(indices), _BLOCK):
        some = indices[begin : begin + _BLOCK]
        falls += int(np.count_nonzero(some <= indices[begin - 1 : begin - 1 + len(some)]))
    # Each once, those of rows after which all are empty left out.
    starts = starts[(starts > matrix.indptr[:-2]) & (starts < len(indices))]
    return bool(falls == np.count_nonzero(indices[starts] <= indices[starts - 1]))


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

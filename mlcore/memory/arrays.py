"""Where large arrays are: in memory, or in files that are mapped, so that data may exceed memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.errors import os_errors_at

__all__ = ["arrays_in", "file_of", "new_array", "temporary_arrays"]

_LEAST_BYTES = 2**16  # of an array that is worth a file
_folder: Path | None = None
_are_named = False


@contextmanager
def arrays_in(folder: str | os.PathLike[str], *, named: bool = False) -> Iterator[None]:
    """Let ``new_array`` map files of a folder; the system writes what does not fit into memory there.

    Of the whole process, not of a thread.

    Args:
        named: keep the files, for other processes to map; otherwise each goes with its array, also
            when the process is killed.
    """
    global _folder, _are_named
    before = _folder, _are_named
    _folder, _are_named = Path(folder), named
    try:
        yield
    finally:
        _folder, _are_named = before


@contextmanager
def temporary_arrays(around: str | os.PathLike[str], *, named: bool = False) -> Iterator[str]:
    """Do so in a new folder, which is given, and gone afterwards.

    Args:
        around: where the folder is.
        named: as in ``arrays_in``.

    Raises:
        DataError: there can be none.
    """
    with os_errors_at(around, "a folder for temporary files"):
        folder = tempfile.TemporaryDirectory(prefix=".mlcore-", dir=around)
    with folder as name, arrays_in(name, named=named):
        yield name


def new_array(length: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return an array whose values are anything, (length,): for what grows with the interactions.

    Raises:
        DataError: the disk has no room for it.

    >>> new_array(3, np.int64).shape
    (3,)
    """
    num_bytes = int(length) * np.dtype(dtype).itemsize
    if _folder is None or num_bytes < _LEAST_BYTES:
        return np.empty(length, dtype)
    with os_errors_at(str(_folder), f"room for {num_bytes:,} bytes"):
        descriptor, name = tempfile.mkstemp(prefix=".mlcore-", dir=_folder)
        try:
            # Reserved where the system can: a full disk is an error here, and would end the process later.
            reserve = getattr(os, "posix_fallocate", None)
            if reserve is None:
                os.truncate(descriptor, num_bytes)
            else:
                reserve(descriptor, 0, num_bytes)
            mapped = np.memmap(name, dtype, "r+", shape=(int(length),))
        finally:
            os.close(descriptor)
            if not _are_named:
                os.unlink(name)
    return mapped


def file_of(array: npt.NDArray[Any]) -> str | None:
    """Return the path of the file that an array maps from its beginning, or None.

    >>> file_of(new_array(3, np.int64)) is None
    True
    """
    root: Any = array
    while isinstance(root.base, np.memmap):
        root = root.base
    begins = isinstance(root, np.memmap) and root.ctypes.data == array.ctypes.data
    return str(root.filename) if begins and array.flags.c_contiguous else None

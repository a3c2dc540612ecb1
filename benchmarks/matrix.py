"""Events as the users x items matrix that all training kernels start from, in a file.

``python -m benchmarks.matrix EVENTS MATRIX`` reads the one, writes the other, and prints its size.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from benchmarks.report import run
from mlcore.files.interactions import read_interactions

__all__ = ["SparseMatrix", "load_matrix", "main", "save_matrix"]

SparseMatrix: TypeAlias = Any  # a scipy csr_matrix; the peers accept no csr_array


def save_matrix(path: str, matrix: SparseMatrix) -> None:
    """Write a matrix.

    Args:
        path: ends in ``.npz``.
        matrix: users x items, or the items x items result of a kernel.
    """
    sp.save_npz(path, matrix, compressed=False)


def load_matrix(path: str) -> SparseMatrix:
    """Return a matrix that ``save_matrix`` wrote.

    Args:
        path: the file.
    """
    return sp.csr_matrix(sp.load_npz(path))


def convert(events_path: str, matrix_path: str) -> None:
    """Read events, write the binary (U, I) matrix, print its size as JSON.

    Args:
        events_path: as ``mlcore.files.interactions.read_interactions`` takes it.
        matrix_path: ends in ``.npz``.
    """
    user_items = read_interactions(events_path).user_items.to_scipy()  # (U, I) float64
    user_items.data = np.ones_like(user_items.data)
    save_matrix(matrix_path, user_items)
    num_users, num_items = user_items.shape
    print(json.dumps({"users": num_users, "items": num_items, "interactions": user_items.nnz}))


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    events_path, matrix_path = argv

    def work() -> int:
        convert(events_path, matrix_path)
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Events as the users x items matrices that all training kernels start from, in files.

``python -m benchmarks.matrix EVENTS FOLDER`` reads the one, writes a matrix for each weighting into
the other, and prints their size; ``python -m benchmarks.matrix synthetic FOLDER USERS ITEMS
INTERACTIONS [SKEW] SEED`` generates a binary one without a file of events, of a ``DataSize``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from benchmarks.options import DataSize
from benchmarks.report import run
from mlcore.files.interactions import read_interactions
from mlcore.generate.events import draw_events
from mlcore.types import CsrMatrix, Int64Array
from mlcore.weighting import BM25, Binary, TfIdf, Weighting

__all__ = ["MATRICES", "SparseMatrix", "count_pairs", "load_matrix", "main", "save_matrix"]

SparseMatrix: TypeAlias = Any  # a scipy csr_matrix; the peers accept no csr_array

# All start from who took what, whatever the weights in the file; smooth, so that any data will do.
MATRICES: dict[str, Weighting] = {
    "binary": Binary(),
    "tf_idf": TfIdf(smooth=True),
    "bm25": BM25(smooth=True),
}


def save_matrix(path: str, matrix: SparseMatrix) -> None:
    """Write a matrix.

    Args:
        path: ends in ``.npz``.
    """
    sp.save_npz(path, matrix, compressed=False)


def load_matrix(path: str) -> SparseMatrix:
    """Return a matrix that ``save_matrix`` wrote."""
    return sp.csr_matrix(sp.load_npz(path))


def count_pairs(indptr: Int64Array) -> int:
    """Return the number of pairs of items to count: the sum over users of n_u (n_u - 1) / 2.

    Args:
        indptr: (U + 1,) offsets of the users' items.

    >>> count_pairs(np.array([0, 3, 3, 5]))
    4
    """
    counts = np.diff(indptr).astype(np.int64)
    return int((counts * (counts - 1) // 2).sum())


def convert(events_path: str, folder: Path) -> None:
    """Read events, write (U, I) float32 matrices, print their size as JSON."""
    interactions = read_interactions(events_path)
    ones = np.ones(len(interactions))
    binary = replace(interactions, user_items=replace_values(interactions.user_items, ones))
    for name, weighting in MATRICES.items():
        _write(folder, name, weighting.apply(binary))


def replace_values(matrix: CsrMatrix, values: Any) -> CsrMatrix:
    """Return the matrix with other values in the same entries.

    Args:
        matrix: (U, I).
        values: (E,).
    """
    return CsrMatrix(matrix.indptr, matrix.indices, values, matrix.num_columns)


def make_up(folder: Path, size: DataSize, seed: int) -> None:
    """Generate events, write the binary (U, I) float32 matrix, print its size as JSON."""
    # Here, because all who are measured load this module, and more of scipy would be in their memory.
    from benchmarks.shapes import draw_pairs

    if size.skew is None:
        users, items = draw_pairs(size.users, size.items, size.interactions, seed)
    else:
        events = draw_events(size.users, size.items, size.interactions, seed, size.skew)
        users, items = events.users, events.items
    ones = np.ones(len(users), np.float32)
    matrix = sp.csr_matrix((ones, (users, items)), (size.users, size.items))
    _write(folder, "binary", CsrMatrix.from_scipy(matrix))


def _write(folder: Path, name: str, matrix: CsrMatrix) -> None:
    arrays = matrix.data.astype(np.float32), matrix.indices, matrix.indptr
    save_matrix(
        str(folder / f"{name}.npz"), sp.csr_matrix(arrays, (matrix.num_rows, matrix.num_columns))
    )
    if name == "binary":
        size = {"users": matrix.num_rows, "items": matrix.num_columns}
        pairs = count_pairs(matrix.indptr)
        print(json.dumps({**size, "interactions": matrix.num_entries, "counted_pairs": pairs}))


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    events_path, folder, *numbers = argv

    def work() -> int:
        if numbers:
            *size, seed = map(int, numbers)
            make_up(Path(folder), DataSize(*size), seed)
        else:
            convert(events_path, Path(folder))
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

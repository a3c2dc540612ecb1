"""The contestants of the training benchmark: cosine of all item pairs, the best K for each item.

``python -m benchmarks.kernels NAME MATRIX [NEIGHBORS]`` runs one of them on a matrix file, prints
its seconds, and writes the neighbors it found. Timed is from the users x items matrix, in the
form the contestant likes best, to the matrix of neighbors.

The peers prune by source, each row to its best; an item that is its own neighbor takes a place.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

from benchmarks.matrix import SparseMatrix, load_matrix, save_matrix
from mlcore import TrainConfig
from mlcore.progress import silent
from mlcore.similarity import Cosine, Counts, Neighborhood
from mlcore.threads import resolve_threads
from mlcore.types import CsrMatrix

__all__ = ["KERNELS", "NUM_NEIGHBORS", "PEERS", "Kernel", "main"]

NUM_NEIGHBORS = 100
PEERS = ("implicit", "similaripy", "sparse_dot_topn")

Kernel: TypeAlias = Callable[[], SparseMatrix]  # returns (I, I), source items as rows


def _mlcore(
    user_items: SparseMatrix, neighborhood: Neighborhood = "target", threads: int | None = None
) -> Kernel:
    config = TrainConfig(Cosine(), num_neighbors=NUM_NEIGHBORS, neighborhood=neighborhood)
    matrix = CsrMatrix.from_scipy(user_items.astype(np.float32))

    def kernel() -> SparseMatrix:
        found = config.similarity.neighbors(
            Counts(matrix), config.neighbor_settings(), resolve_threads(threads), silent
        )
        return found.to_scipy()

    return kernel


def _implicit(user_items: SparseMatrix) -> Kernel:
    from implicit.nearest_neighbours import CosineRecommender

    def kernel() -> SparseMatrix:
        model = CosineRecommender(K=NUM_NEIGHBORS + 1, num_threads=resolve_threads(None))
        with warnings.catch_warnings():  # it warns of how it converts a matrix of its own
            warnings.simplefilter("ignore")
            model.fit(user_items, show_progress=False)
        return model.similarity

    return kernel


def _similaripy(user_items: SparseMatrix) -> Kernel:
    import similaripy

    item_users = user_items.T.tocsr().astype(np.float32)  # (I, U), computed in float32 anyway
    return lambda: similaripy.cosine(
        item_users,
        k=NUM_NEIGHBORS + 1,
        verbose=False,
        format_output="csr",
        num_threads=resolve_threads(None),
    )


def _sparse_dot_topn(user_items: SparseMatrix) -> Kernel:
    from sparse_dot_topn import sp_matmul_topn

    # Not float32, in which it would also add: a million events put values off by 2e-5.
    rows = user_items.T.tocsr()  # (I, U) float64

    def kernel() -> SparseMatrix:
        # It multiplies only: the normalisation is part of the work.
        norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())  # (I,)
        scale = sp.diags_array(1 / norms)
        return sp_matmul_topn(
            sp.csr_matrix(scale @ rows),
            sp.csr_matrix(user_items @ scale),
            top_n=NUM_NEIGHBORS + 1,
            n_threads=resolve_threads(None),
        )

    return kernel


KERNELS: dict[str, Callable[[SparseMatrix], Kernel]] = {
    "mlcore": _mlcore,
    "mlcore, 1 thread": partial(_mlcore, threads=1),
    "mlcore by source": partial(_mlcore, neighborhood="source"),
    "implicit": _implicit,
    "similaripy": _similaripy,
    "sparse_dot_topn": _sparse_dot_topn,
}


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    name, matrix_path, *neighbors_path = argv
    user_items = load_matrix(matrix_path)  # (U, I) float64
    # Whatever is loaded or compiled on first use is not the kernel's work.
    few = user_items[:20]
    KERNELS[name](few[:, np.unique(few.indices)])()
    kernel = KERNELS[name](user_items)
    begun = time.perf_counter()
    neighbors = kernel()
    print(time.perf_counter() - begun)
    for path in neighbors_path:
        save_matrix(path, sp.csr_matrix(neighbors))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

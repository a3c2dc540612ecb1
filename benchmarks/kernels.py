"""The contestants of the training benchmark: the best K neighbors of each item, all item pairs seen.

``python -m benchmarks.kernels NAME VARIANT FOLDER [NEIGHBORS]`` runs one of them on a matrix of a
folder, prints as JSON what it took, and writes the neighbors it found. Times from the
weighted users x items matrix, in the format the contestant prefers, to the matrix of neighbors.

The peers keep the best of each source; an item that is its own neighbor takes one of the K.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import scipy.sparse as sp

from benchmarks.compiled import BARE, choose_kernels
from benchmarks.matrix import SparseMatrix, load_matrix, save_matrix
from benchmarks.memory import measure_work
from benchmarks.report import run
from mlcore import TrainConfig
from mlcore.numeric.threads import resolve_threads
from mlcore.progress import no_progress
from mlcore.similarity import (
    Cosine,
    GramBlocks,
    Jaccard,
    Neighborhood,
    RP3Beta,
    Similarity,
)
from mlcore.types import CsrMatrix

__all__ = ["BARE", "KERNELS", "NUM_NEIGHBORS", "PEERS", "VARIANTS", "Kernel", "Variant", "main"]

NUM_NEIGHBORS = 100
PEERS = ("implicit", "similaripy", "sparse_dot_topn")
SMALL_BLOCK = 2**14  # entries, or as many as 16 full rows have; see GramBlocks

Kernel: TypeAlias = Callable[[], SparseMatrix]  # returns (I, I), source items as rows


class Variant(NamedTuple):
    """A weighting and a similarity.

    Attributes:
        matrix: the name of a matrix of ``benchmarks.matrix``: all contestants get the same weights.
        similarity: of its columns.
        tolerance: greatest difference of a peer's value. Two peers add up in float32: exact for
            counts, and off by about the square root of the number of terms for weights.
        peers: those that have the formula.
    """

    matrix: str
    similarity: Similarity
    tolerance: float
    peers: tuple[str, ...] = PEERS


VARIANTS = {
    "cosine": Variant("binary", Cosine(), 2e-6),
    "default": Variant("binary", TrainConfig().similarity, 2e-6, ("similaripy", "sparse_dot_topn")),
    "tf_idf": Variant("tf_idf", Cosine(), 1e-4),
    "bm25": Variant("bm25", Cosine(), 1e-4),
    # No product of normalised rows, so only who computes the formula itself can take part.
    "jaccard": Variant("binary", Jaccard(), 2e-6, ("similaripy",)),
}


def _mlcore(
    user_items: SparseMatrix,
    similarity: Similarity,
    neighborhood: Neighborhood = "target",
    threads: int | None = None,
    small_blocks: bool = False,
) -> Kernel:
    max_block_entries = max(SMALL_BLOCK, 16 * user_items.shape[1]) if small_blocks else None
    config = TrainConfig(similarity, num_neighbors=NUM_NEIGHBORS, neighborhood=neighborhood)
    matrix = CsrMatrix.from_scipy(user_items)

    def kernel() -> SparseMatrix:
        found = config.similarity.neighbors(
            GramBlocks(matrix, max_block_entries=max_block_entries),
            config.neighbor_settings(),
            resolve_threads(threads),
            no_progress,
        )
        return sp.csr_matrix((found.data, found.indices, found.indptr), 2 * (found.num_rows,))

    return kernel


def _implicit(user_items: SparseMatrix, similarity: Similarity) -> Kernel:
    from implicit.nearest_neighbours import CosineRecommender

    def kernel() -> SparseMatrix:
        model = CosineRecommender(K=NUM_NEIGHBORS + 1, num_threads=resolve_threads(None))
        with warnings.catch_warnings():  # it warns of how it converts a matrix of its own
            warnings.simplefilter("ignore")
            model.fit(user_items, show_progress=False)
        return model.similarity

    return kernel


def _similaripy(user_items: SparseMatrix, similarity: Similarity) -> Kernel:
    import similaripy

    function, options = similaripy.cosine, {}
    if isinstance(similarity, Jaccard):
        function = similaripy.jaccard
    if isinstance(similarity, RP3Beta):
        function = similaripy.rp3beta
        options = {"alpha": similarity.alpha, "beta": similarity.beta}
    item_users = user_items.T.tocsr()  # (I, U) float32
    return lambda: function(
        item_users,
        **options,
        k=NUM_NEIGHBORS + 1,
        verbose=False,
        format_output="csr",
        num_threads=resolve_threads(None),
    )


def _sparse_dot_topn(user_items: SparseMatrix, similarity: Similarity) -> Kernel:
    from sparse_dot_topn import sp_matmul_topn

    rows = user_items.T.tocsr()  # (I, U) float32
    beta = similarity.beta if isinstance(similarity, RP3Beta) else None  # of walks on ones

    def kernel() -> SparseMatrix:
        # It multiplies only: the normalisation is part of the work. Not in float32, in which it
        # would also add: a million events put values off by 2e-5.
        norms = np.asarray(rows.multiply(rows).sum(axis=1, dtype=np.float64)).ravel()  # (I,)
        powers, of_users = (0.5, 0.5), 1.0
        if beta is not None:
            powers, of_users = (1.0, beta), 1 / np.diff(user_items.indptr)  # (U,)
        of_sources, of_targets = (sp.diags_array(norms**-power) for power in powers)
        right = user_items.multiply(np.reshape(of_users, (-1, 1))) @ of_targets  # (U, I) float64
        return sp_matmul_topn(
            sp.csr_matrix(of_sources @ rows),
            sp.csr_matrix(right),
            top_n=NUM_NEIGHBORS + 1,
            n_threads=resolve_threads(None),
        )

    return kernel


KERNELS: dict[str, Callable[[SparseMatrix, Similarity], Kernel]] = {
    "mlcore": _mlcore,
    "mlcore, 1 thread": partial(_mlcore, threads=1),
    BARE: _mlcore,
    "mlcore by source": partial(_mlcore, neighborhood="source"),
    "mlcore by source, 1 thread": partial(_mlcore, neighborhood="source", threads=1),
    f"{BARE}, by source, small blocks": partial(_mlcore, neighborhood="source", small_blocks=True),
    "implicit": _implicit,
    "similaripy": _similaripy,
    "sparse_dot_topn": _sparse_dot_topn,
}


def prepare(name: str, variant: Variant, path: str) -> Kernel:
    """Return a kernel that holds its input only in the format it prefers.

    It has loaded what loads on first use.
    """
    if name.startswith("mlcore"):
        choose_kernels(name)
    user_items = load_matrix(path)  # (U, I) float32
    few = user_items[:20]
    KERNELS[name](few[:, np.unique(few.indices)], variant.similarity)()
    return KERNELS[name](user_items, variant.similarity)


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    name, variant, folder, *neighbors_path = argv

    def work() -> int:
        found = VARIANTS[variant]
        kernel = prepare(name, found, str(Path(folder, f"{found.matrix}.npz")))
        neighbors, taken = measure_work(kernel)
        print(json.dumps(taken._asdict()))
        for path in neighbors_path:
            save_matrix(path, sp.csr_matrix(neighbors))
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

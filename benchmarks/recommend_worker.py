"""The contestants of the recommendation benchmark: the best N items for each user of a model.

``python -m benchmarks.recommend_worker NAME MODEL_DIR [LISTS]`` runs one of them, prints its seconds,
and writes its lists as a users x items matrix of scores. Times from histories and similarities in
memory, in the format the contestant prefers, to all lists in memory.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

from benchmarks.matrix import SparseMatrix, save_matrix
from mlcore import Model, Recommender, native
from mlcore.numeric.threads import resolve_threads
from mlcore.recommend.request import ListOptions

__all__ = ["FILTERING", "LIST_LENGTH", "PEERS", "RECOMMENDERS", "main"]

LIST_LENGTH = 10
PEERS = ("similaripy", "implicit", "sparse_dot_topn")
FILTERING = ("similaripy", "implicit")  # the peers that can leave out what a user has

Recommend: TypeAlias = Callable[[], SparseMatrix]  # returns (U, I) scores of the items listed


def _mlcore(
    model: Model,
    threads: int | None = None,
    include_seen: bool = False,
    compiled: bool = True,
) -> Recommend:
    if not compiled:
        os.environ[native.SWITCH] = "0"
    options = ListOptions(LIST_LENGTH, include_seen=include_seen)

    def recommend() -> SparseMatrix:
        blocks = Recommender(model).rank_all_users(options, threads)
        rankings = [ranked.ranking for ranked in blocks]
        lengths = np.concatenate([np.diff(ranking.indptr) for ranking in rankings])
        items = np.concatenate([ranking.items for ranking in rankings])
        scores = np.concatenate([ranking.scores for ranking in rankings])
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        return sp.csr_matrix((scores, items, indptr), (len(lengths), len(model.items)))

    return recommend


def _similaripy(model: Model) -> Recommend:
    import similaripy

    # Computed in float32 anyway.
    user_items, similarity = (matrix.astype(np.float32) for matrix in _matrices(model))
    return lambda: similaripy.dot_product(
        user_items,
        similarity,
        k=LIST_LENGTH,
        filter_cols=user_items,
        verbose=False,
        format_output="csr",
        num_threads=resolve_threads(None),
    )


def _implicit(model: Model) -> Recommend:
    from implicit._nearest_neighbours import NearestNeighboursScorer
    from implicit.nearest_neighbours import ItemItemRecommender

    user_items, similarity = _matrices(model)
    recommender = ItemItemRecommender()
    recommender.similarity = similarity
    recommender.scorer = NearestNeighboursScorer(similarity)  # as its `fit` does
    users = np.arange(user_items.shape[0])

    def recommend() -> SparseMatrix:
        items, scores = recommender.recommend(users, user_items, N=LIST_LENGTH)
        rows = np.repeat(users, LIST_LENGTH)
        listed = np.flatnonzero((items.ravel() >= 0) & (scores.ravel() > 0))  # the rest is padding
        entries = (scores.ravel()[listed], (rows[listed], items.ravel()[listed]))
        return sp.csr_matrix(entries, user_items.shape)

    return recommend


def _sparse_dot_topn(model: Model) -> Recommend:
    from sparse_dot_topn import sp_matmul_topn

    user_items, similarity = _matrices(model)
    return lambda: sp_matmul_topn(
        user_items, similarity, top_n=LIST_LENGTH, sort=True, n_threads=resolve_threads(None)
    )


def _matrices(model: Model) -> tuple[SparseMatrix, SparseMatrix]:
    """Return histories (U, I) and similarities (I, I), source items as rows, as float64."""
    assert model.histories is not None
    # Copies: the arrays of a model are mapped and read-only, which implicit does not take.
    return model.histories.to_scipy().copy(), model.similarity.to_scipy().copy()


RECOMMENDERS: dict[str, Callable[[Model], Recommend]] = {
    "mlcore": _mlcore,
    "mlcore, 1 thread": partial(_mlcore, threads=1),
    "mlcore, seen items too": partial(_mlcore, include_seen=True),
    "mlcore on numpy + scipy": partial(_mlcore, compiled=False),
    "similaripy": _similaripy,
    "implicit": _implicit,
    "sparse_dot_topn": _sparse_dot_topn,
}


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    name, model_dir, *lists_path = argv
    recommend = RECOMMENDERS[name](Model.load(model_dir))
    begun = time.perf_counter()
    lists = recommend()
    print(time.perf_counter() - begun)
    for path in lists_path:
        save_matrix(path, sp.csr_matrix(lists))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""What others give without a configuration: lists of 20 for the users of a test, seen items left out.

similaripy has the neighbors of each item as rows, and its README multiplies histories by the transpose. The walks
are of the other direction, from what a user has to what comes next: they are measured both ways. LensKit and
RecTools need packages beside which the locked ones do not go: install them in an environment of their own, where
this module needs numpy, scipy and mlcore alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from importlib import util
from typing import Any

import numpy as np
import scipy.sparse as sp

from mlcore.types import Int64Array

__all__ = ["LENGTH", "Lists", "peer_lists"]

LENGTH = 20
FUNCTIONS = (
    *("cosine", "asymmetric_cosine", "jaccard", "dice", "tversky", "s_plus"),
    *("dot_product", "p3alpha", "rp3beta"),
)
WALKS = ("p3alpha", "rp3beta")

Lists = list[Int64Array]  # positions of items, best first
Matrix = Any  # scipy's


def peer_lists(user_items: Matrix, rows: Int64Array) -> Iterator[tuple[str, Lists]]:
    """Yield the name of each peer that is installed, and its lists for some users.

    Args:
        user_items: (U, I) float32 weights of the training.
        rows: of the users.
    """
    for package, make in PEERS.items():
        if util.find_spec(package) is not None:
            with warnings.catch_warnings():  # they warn of formats and threads
                warnings.simplefilter("ignore")
                yield from make(user_items, rows)


def _similaripy(user_items: Matrix, rows: Int64Array) -> Iterator[tuple[str, Lists]]:
    import similaripy

    histories = user_items[rows]
    for name in FUNCTIONS:
        found = getattr(similaripy, name)(user_items.T.tocsr(), verbose=False, format_output="csr")
        yield f"similaripy {name}", _best(histories @ found.T.tocsr(), histories)
        if name in WALKS:
            yield f"similaripy {name}, from rows", _best(histories @ found, histories)


def _implicit(user_items: Matrix, rows: Int64Array) -> Iterator[tuple[str, Lists]]:
    from implicit import nearest_neighbours

    histories = user_items[rows]
    for name in ("Cosine", "TFIDF", "BM25"):
        model = getattr(nearest_neighbours, f"{name}Recommender")()
        model.fit(user_items, show_progress=False)
        yield f"implicit {name}", _of_implicit(model, histories, rows)


def _of_implicit(model: Any, histories: Matrix, rows: Int64Array) -> Lists:
    """Return its lists without what they are filled up with: seen items, of score 0."""
    items, scores = model.recommend(rows, histories, N=LENGTH, filter_already_liked_items=True)
    return [some[values > 0] for some, values in zip(items, scores)]


def _lenskit(user_items: Matrix, rows: Int64Array) -> Iterator[tuple[str, Lists]]:
    import pandas
    from lenskit import batch
    from lenskit.data import from_interactions_df
    from lenskit.knn import ItemKNNScorer
    from lenskit.pipeline import topn_pipeline

    entries = user_items.tocoo()
    frame = pandas.DataFrame({"user_id": entries.row, "item_id": entries.col})
    pipeline = topn_pipeline(ItemKNNScorer(feedback="implicit"), n=LENGTH)
    pipeline.train(from_interactions_df(frame))
    found = batch.recommend(pipeline, rows.tolist(), n=LENGTH, n_jobs=1)
    yield "LensKit ItemKNN", [np.asarray(found.lookup(user_id=row).ids()) for row in rows.tolist()]


def _rectools(user_items: Matrix, rows: Int64Array) -> Iterator[tuple[str, Lists]]:
    import pandas
    from implicit.nearest_neighbours import ItemItemRecommender
    from rectools.dataset import Dataset
    from rectools.models import ImplicitItemKNNWrapperModel

    entries = user_items.tocoo()
    columns = {"user_id": entries.row, "item_id": entries.col, "weight": entries.data}
    data = Dataset.construct(pandas.DataFrame({**columns, "datetime": "2020-01-01"}))
    model = ImplicitItemKNNWrapperModel(ItemItemRecommender()).fit(data)
    found = model.recommend(rows, data, k=LENGTH, filter_viewed=True).sort_values("rank")
    lists = {user: some["item_id"].to_numpy() for user, some in found.groupby("user_id")}
    nothing = np.empty(0, np.int64)
    yield "RecTools ItemKNN", [lists.get(row, nothing) for row in rows.tolist()]


PEERS: dict[str, Callable[[Matrix, Int64Array], Iterator[tuple[str, Lists]]]] = {
    "similaripy": _similaripy,
    "implicit": _implicit,
    "lenskit": _lenskit,
    "rectools": _rectools,
}


def _best(scores: Matrix, histories: Matrix) -> Lists:
    """Return the best of each row, ties by position, without seen items and scores of 0."""
    unseen = sp.csr_matrix(scores - scores.multiply(histories > 0))
    unseen.eliminate_zeros()
    lists = []
    for begin, end in zip(unseen.indptr, unseen.indptr[1:]):
        items, values = unseen.indices[begin:end], unseen.data[begin:end]
        lists.append(items[np.lexsort((items, -values))][:LENGTH].astype(np.int64))
    return lists

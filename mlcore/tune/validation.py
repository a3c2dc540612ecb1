"""How good a model is on interactions held out from its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlcore.artifact import Model
from mlcore.evaluate.evaluate import Evaluation, measure_lists
from mlcore.ids import IdMap
from mlcore.interactions import Interactions
from mlcore.numeric.ranges import offsets, ragged_arange
from mlcore.ranked_lists import Predictions
from mlcore.recommend.recommender import Recommender
from mlcore.recommend.request import ListOptions
from mlcore.types import CsrMatrix

__all__ = ["recommend_lists", "validate_model"]


def recommend_lists(
    recommender: Recommender, user_ids: Sequence[str], n: int, threads: int | None = None
) -> Predictions:
    """Return the lists, at most ``n`` long, that ``cli.predict`` would write for these users.

    Raises:
        UnknownUserError: a user is not in the model.
        NoUsersError: the model was trained without users.

    >>> from mlcore import train_from_data
    >>> both = Interactions.from_columns(["u", "u", "v"], ["a", "b", "b"])
    >>> lists = recommend_lists(Recommender(train_from_data(both)), ["v"], n=5)
    >>> [lists.item_ids[item] for item in lists.items]
    ['a']
    """
    some = Recommender(_with_users(recommender, user_ids))
    blocks = some.rank_all_users(ListOptions(n), threads)  # without an object for each
    rankings = [block.ranking for block in blocks]
    lengths = [np.empty(0, np.int64), *(np.diff(ranking.indptr) for ranking in rankings)]
    items = [np.empty(0, np.int32), *(ranking.items for ranking in rankings)]
    indptr = offsets(np.concatenate(lengths))
    return Predictions(user_ids, recommender.model.items.ids, indptr, np.concatenate(items))


def _with_users(recommender: Recommender, user_ids: Sequence[str]) -> Model:
    """Return the model with these of its users alone, in this order."""
    model, known = recommender.model, recommender.user_ids()
    assert model.users is not None and model.histories is not None
    if user_ids == known:
        return model
    found = [model.users.position(user_id) for user_id in user_ids]
    if None in found:
        recommender.history_of(user_ids[found.index(None)])  # which says so
    rows = np.array(found, np.int64)
    whole = model.histories
    lengths = np.diff(whole.indptr)[rows]
    entries = ragged_arange(whole.indptr[rows], lengths)
    histories = CsrMatrix(
        offsets(lengths), whole.indices[entries], whole.data[entries], whole.num_columns
    )
    order = None if model.order is None else model.order[entries]
    return replace(model, users=IdMap.from_ids(user_ids), histories=histories, order=order)


def validate_model(
    model: Model, validation: Interactions, n: int, threads: int | None = None
) -> Evaluation:
    """Return the metrics at cutoff ``n`` of a model's lists for the held-out interactions.

    A user whom the model does not know counts 0, as in ``cli.evaluate``. Unlike there, lists
    without any item of ``validation`` are no fault: they are the answer of this model.

    Args:
        model: trained with users.
        validation: of the same users; weights play no part.
        n: >= 1.

    Raises:
        NoUsersError: the model was trained without users.

    >>> from mlcore import train_from_data
    >>> both = Interactions.from_columns(["u", "u", "v"], ["a", "b", "b"])
    >>> held_out = Interactions.from_columns(["v", "w"], ["a", "a"])
    >>> validate_model(train_from_data(both), held_out, n=1).metrics["recall@1"]
    0.5
    """
    recommender = Recommender(model)
    users = sorted(set(recommender.user_ids()) & set(validation.user_ids))
    lists = recommend_lists(recommender, users, n, threads)
    return measure_lists(lists, validation, [n], extra_users="ignore")

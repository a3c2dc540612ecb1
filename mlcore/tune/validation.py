"""How good a model is on interactions that were held back from its training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlcore.artifact import Model
from mlcore.evaluate.evaluate import Evaluation, evaluate_from_data
from mlcore.interactions import Interactions
from mlcore.ranked_lists import Predictions
from mlcore.recommend.recommender import Recommender
from mlcore.recommend.request import ListOptions, UserRequest

__all__ = ["recommend_lists", "validate_model"]


def recommend_lists(
    recommender: Recommender, user_ids: Sequence[str], n: int, threads: int | None = None
) -> Predictions:
    """Return the lists of users of the training, as ``cli.predict`` writes them to a file.

    Args:
        recommender: of a model with users.
        user_ids: the users.
        n: the longest list, >= 1.
        threads: how many; None for one a core. Changes speed only.

    Raises:
        UnknownUserError: a user is not in the model.
        NoUsersError: the model was trained without users.

    >>> from mlcore import train_from_data
    >>> both = Interactions.from_columns(["u", "u", "v"], ["a", "b", "b"])
    >>> lists = recommend_lists(Recommender(train_from_data(both)), ["v"], n=5)
    >>> [lists.item_ids[item] for item in lists.items]
    ['a']
    """
    requests = (UserRequest(user, recommender.history_of(user), False) for user in user_ids)
    rankings = [
        ranked.ranking for ranked in recommender.rank_requests(requests, ListOptions(n), threads)
    ]
    lengths = [np.diff(ranking.indptr) for ranking in rankings]
    indptr = np.concatenate([[0], np.cumsum(np.concatenate([*lengths, []]))]).astype(np.int64)
    items = np.concatenate([np.empty(0, np.int32), *(ranking.items for ranking in rankings)])
    return Predictions(user_ids, recommender.model.items.ids, indptr, items)


def validate_model(
    model: Model, validation: Interactions, n: int, threads: int | None = None
) -> Evaluation:
    """Return the metrics at cutoff ``n`` of the lists that a model makes for the users held back.

    A user whom the model does not know counts 0, as in ``cli.evaluate``. Unlike there, lists that
    are all shorter than ``n`` are no error: they are what this model has to say at this cutoff.

    Args:
        model: with users.
        validation: what its users took besides; weights play no part.
        n: the cutoff, >= 1.
        threads: how many; None for one a core. Changes speed only.

    Raises:
        NoUsersError: the model was trained without users.

    >>> from mlcore import train_from_data
    >>> both = Interactions.from_columns(["u", "u", "v"], ["a", "b", "b"])
    >>> held_back = Interactions.from_columns(["v", "w"], ["a", "a"])
    >>> validate_model(train_from_data(both), held_back, n=1).metrics["recall@1"]
    0.5
    """
    recommender = Recommender(model)
    users = sorted(set(recommender.user_ids()) & set(validation.user_ids))
    lists = recommend_lists(recommender, users, n, threads)
    return evaluate_from_data(_with_a_list_of(n, lists), validation, [n], extra_users="ignore")


def _with_a_list_of(n: int, lists: Predictions) -> Predictions:
    """Return the lists, and if none is as long as ``n``, one more of a user there cannot be."""
    if np.diff(lists.indptr).max(initial=0) == n:
        return lists
    # No id holds a line break.
    items = [f"\n{rank}" for rank in range(n)]
    added = np.arange(n, dtype=np.int32) + np.int32(len(lists.item_ids))
    return Predictions(
        [*lists.user_ids, "\n"],
        [*lists.item_ids, *items],
        np.append(lists.indptr, lists.indptr[-1] + n),
        np.concatenate([lists.items, added]),
    )

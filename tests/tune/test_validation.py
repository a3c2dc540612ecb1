"""mlcore.tune.validation: lists for the users of held-out interactions, and their metrics."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore import Interactions, Recommender, TrainConfig, train_from_data
from mlcore.tune.validation import recommend_lists, validate_model


def test_lists_shorter_than_the_cutoff_count_as_they_are() -> None:
    # By hand: v has b and gets the only other item, a, which is right; w is unknown. The gain of
    # rank 1 is 1, the ideal that of 2 relevant items: 1 / (1 + 1 / log2(3)).
    both = Interactions.from_columns(["u", "u", "v"], ["a", "b", "b"])
    held_out = Interactions.from_columns(["v", "v", "w"], ["a", "z", "a"])
    metrics = validate_model(train_from_data(both), held_out, n=7).metrics
    assert metrics["ndcg@7"] == pytest.approx(1 / (1 + 1 / np.log2(3)) / 2, rel=1e-12)
    assert metrics["precision@7"] == pytest.approx(1 / 7 / 2, rel=1e-12)
    assert (metrics["recall@7"], metrics["mrr@7"]) == (0.25, 0.5)


def test_a_model_without_recommendations_scores_0() -> None:
    alone = Interactions.from_columns(["u", "v"], ["a", "b"])
    held_out = Interactions.from_columns(["u"], ["b"])
    metrics = validate_model(train_from_data(alone), held_out, n=3).metrics
    assert set(metrics.values()) == {0.0}


@pytest.mark.parametrize("threads", [1, 3])
def test_lists_are_those_of_the_recommender(train: Interactions, threads: int) -> None:
    config = TrainConfig(num_neighbors=2, neighborhood="target")
    recommender = Recommender(train_from_data(train, config))
    users = [train.user_ids[n] for n in (5, 0, 40)]
    lists = recommend_lists(recommender, users, 50, threads)
    found = [
        [lists.item_ids[item] for item in lists.items[begin:end]]
        for begin, end in zip(lists.indptr, lists.indptr[1:])
    ]
    expected = recommender.predict_many(users, 50)
    assert found == [[one.item_id for one in row] for row in expected]
    assert len({len(row) for row in found}) > 1
    assert lists.user_ids == users

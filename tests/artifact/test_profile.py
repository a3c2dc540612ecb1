"""mlcore.artifact.profile: how a model spreads, against numbers by hand and by numpy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlcore import Interactions, Model, train_from_data
from mlcore.artifact import profile
from mlcore.artifact.profile import profile_arrays


def profile_model(model: Model) -> dict[str, Any]:
    return profile_arrays(model.popularity, model.similarity, model.histories)


def model_of(rows: str, with_users: bool = True) -> Model:
    """Users by line, each with the items of its letters."""
    pairs = [(user, item) for user, items in enumerate(rows.split()) for item in items]
    users, items = zip(*((str(user), item) for user, item in pairs))
    return train_from_data(Interactions.from_columns(users, items), with_users=with_users)


def test_counts_by_hand() -> None:
    found = profile_model(model_of("a ab ab abcde"))
    assert found["popularity"] == [
        {"rank": 1, "users": 4},
        {"rank": 2, "users": 3},
        {"rank": 4, "users": 1},
    ]
    assert found["history_lengths"] == {"1": 1, "2-3": 2, "4-7": 1}
    assert found["held_by_most_popular"] == {
        **{share: 0.4 for share in ("0.01", "0.02", "0.05", "0.1", "0.2")},
        "0.5": pytest.approx(0.7),  # round(2.5) is 2
    }
    assert sum(found["neighbors"].values()) == 5


def test_weights_are_counted_as_numpy_does_and_of_many_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = model_of("abcd abce adfg cdef bdfg")
    weights = model.similarity.data.astype(np.float64)
    counts, edges = np.histogram(weights, 20)
    assert profile_model(model)["weights"] == {"edges": edges.tolist(), "pairs": counts.tolist()}
    monkeypatch.setattr(profile, "MAX_WEIGHTS", 10)
    assert 5 < profile_model(model)["weights_read"] <= 10


def test_a_model_without_users_or_pairs_has_none_of_them() -> None:
    assert profile_model(model_of("ab", with_users=False))["history_lengths"] is None
    empty = profile_model(replace(model_of("a"), popularity=np.zeros(1, np.int64)))
    assert (empty["weights"], empty["weights_read"]) == (None, 0)
    assert empty["neighbors"] == {"0": 1}
    assert empty["held_by_most_popular"]["0.5"] == 0

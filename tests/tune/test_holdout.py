"""mlcore.tune.holdout: which interactions are held out, whatever their rows."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore import Interactions
from mlcore.split import SplitConfig, split_from_data
from mlcore.tune.holdout import hold_out
from tests.tune.cases import library, pairs_of, shuffled


@pytest.mark.parametrize("with_times", [False, True])
def test_each_user_keeps_some_items_and_all_interactions_are_on_one_side(with_times: bool) -> None:
    interactions = library(with_times=with_times)
    held = hold_out(interactions, 50, seed=0)
    assert held is not None and held.by_time == with_times
    training, validation = pairs_of(held.training), pairs_of(held.validation)
    assert not training & validation and training | validation == pairs_of(interactions)
    assert len(held.validation.user_ids) == 50
    assert held.training.user_ids == interactions.user_ids
    measured = {interactions.user_ids[user] for user in held.order[:50].tolist()}
    assert measured == set(held.validation.user_ids)
    assert sorted(held.order.tolist()) == list(range(len(interactions.user_ids)))


def test_with_times_the_last_item_is_held_out_without_a_fifth() -> None:
    interactions = library(with_times=True)
    held = hold_out(interactions, 1000, seed=0)
    assert held is not None
    _, last = split_from_data(interactions, SplitConfig("last-n", n=1))
    assert pairs_of(held.validation) == pairs_of(last)
    without = hold_out(library(), 1000, seed=0)
    assert without is not None
    counts = np.diff(library().user_items.indptr)
    assert len(without.validation) == np.maximum(1, np.ceil(0.2 * counts)).sum()


def test_users_with_one_item_are_not_measured() -> None:
    assert hold_out(Interactions.from_columns("uvw", "aab"), 10, seed=0) is None
    held = hold_out(Interactions.from_columns("uvvw", "aabb"), 10, seed=0)
    assert held is not None and held.validation.user_ids == ["v"]


def test_rows_in_another_order_and_a_split_of_the_same_seed_change_nothing() -> None:
    interactions = library()
    held, again = hold_out(interactions, 50, seed=7), hold_out(shuffled(interactions), 50, seed=7)
    assert held is not None and again is not None
    assert pairs_of(held.validation) == pairs_of(again.validation)
    # A part of a random split is no worse to hold out from: draws of the same hash would find nothing.
    training, _ = split_from_data(interactions, SplitConfig("random", seed=7))
    of_part = hold_out(training, 50, seed=7)
    assert (
        of_part is not None and 0.15 < len(of_part.validation) / (len(training) * 50 / 120) < 0.35
    )
    other = hold_out(interactions, 50, seed=8)
    assert other is not None and pairs_of(other.validation) != pairs_of(held.validation)

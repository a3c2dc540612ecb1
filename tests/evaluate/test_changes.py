"""mlcore.evaluate.changes: how differences spread, and who changed most."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mlcore import Interactions
from mlcore.evaluate import compare_from_data
from mlcore.evaluate.changes import MOST, changed_users, spread_of
from mlcore.evaluate.config import CompareConfig


@pytest.mark.parametrize(
    ("differences", "reach"),
    [([0.5, -0.2], 0.5), ([0.51], 1.0), ([1.0, -1.0], 1.0), ([0.0021], 0.005), ([], 1e-12)],
)
def test_bins_reach_to_the_next_round_number(differences: list[float], reach: float) -> None:
    assert spread_of(np.array(differences)).edges[-1] == reach


def test_every_user_is_in_one_bin_by_size() -> None:
    rng = np.random.default_rng(4)
    differences = rng.choice([-1, -0.3, -0.1, 0, 0.1 + 0.2, 0.7, 1], 500)
    spread = spread_of(differences)
    assert (sum(spread.users_better), sum(spread.users_worse)) == (
        (differences > 0).sum(),
        (differences < 0).sum(),
    )
    # 0.30000000000000004 is in the bin of 0.3, as -0.3 is.
    assert spread.users_better[2] == (differences == 0.1 + 0.2).sum()
    assert spread.users_worse[2] == (differences == -0.3).sum()
    counts = Counter(np.abs(differences[differences < 0]).tolist())
    assert [spread.users_worse[bin_] for bin_ in (0, 2, 9)] == [counts[0.1], counts[0.3], counts[1]]


def test_users_come_by_size_then_id_and_no_more_than_twenty() -> None:
    ids = [f"u{n:02}" for n in range(30)]
    baseline, candidate = np.zeros(30), np.full(30, 0.25)
    candidate[[7, 3]], baseline[5] = 0.5, 0.75
    candidate[0] = 1e-13  # rounding
    found = changed_users(ids, baseline, candidate)
    assert [one.user_id for one in found[:4]] == ["u03", "u05", "u07", "u01"]
    assert (found[1].baseline, found[1].candidate, found[1].difference) == (0.75, 0.25, -0.5)
    assert len(found) == MOST and "u00" not in {one.user_id for one in found}
    assert changed_users(["u"], np.zeros(1), np.zeros(1)) == []


def test_items_are_counted_up_to_the_cutoff_of_the_deciding_metric() -> None:
    rng = np.random.default_rng(4)
    items, users = [f"i{n}" for n in range(60)], [f"u{n}" for n in range(40)]
    before, after, truth = (
        {user: rng.permutation(items)[: int(rng.integers(low, 12))].tolist() for user in users}
        for low in (0, 0, 1)
    )
    before["stranger"] = items  # has no ground truth
    pairs = [(user, item) for user, taken in truth.items() for item in taken]
    config = CompareConfig(rounds=99, fail_if_worse=["recall@5"])
    found = compare_from_data(
        *(before, after, Interactions.from_columns(*zip(*pairs)), [2, 5, 10], config),
        extra_users="ignore",
    )
    expected: list[tuple[str, int, int, int, int]] = []
    for item in items:
        listed = [[u for u in users if item in side[u][:5]] for side in (before, after)]
        hits = [sum(item in truth[u] for u in some) for some in listed]
        expected.append((item, len(listed[0]), len(listed[1]), hits[0], hits[1]))
    expected.sort(key=lambda one: (-abs(one[2] - one[1]), one[0]))
    shown = [tuple(one.values()) for one in found.to_json()["items_changed_most"]]
    assert shown == expected[:MOST]
    by_hand = found.metrics["recall@5"]
    assert sum(by_hand.spread.users_better) == by_hand.users_better
    first, *_ = found.users_changed_most
    assert abs(first.difference) == max(abs(one.difference) for one in found.users_changed_most)

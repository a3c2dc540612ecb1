"""benchmarks.shapes: the data have the sizes and the distributions that they are named after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import shapes
from benchmarks.matrix import count_pairs
from benchmarks.options import PRESETS
from benchmarks.shapes import draw_pairs
from mlcore.errors import ConfigError
from mlcore.files.interactions import read_interactions
from mlcore.types import Int64Array

# The pairs that issue and documents state; the work of a kernel depends on them.
COUNTED_PAIRS = {"dense": 1.35e8, "middle": 4.9e8, "shop": 3.85e8}


def counts_of(numbers: Int64Array, length: int) -> Int64Array:
    return np.bincount(numbers, minlength=length)


@pytest.mark.parametrize(
    "shape",
    [
        "dense",
        pytest.param("middle", marks=pytest.mark.slow),
        pytest.param("shop", marks=pytest.mark.slow),
    ],
)
def test_a_shape_has_its_interactions_and_pairs(shape: str) -> None:
    size = PRESETS[shape]
    users, items = draw_pairs(size.users, size.items, size.interactions, seed=1)
    assert len(users) == len(items) == pytest.approx(size.interactions, rel=0.002)
    counts = counts_of(users, size.users)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    assert count_pairs(indptr) == pytest.approx(COUNTED_PAIRS[shape], rel=0.1)
    assert 1 == counts.min() < counts.max() <= 0.3 * size.items
    assert len(np.unique(items)) > 0.999 * size.items
    pairs = users * size.items + items
    assert (np.diff(pairs) > 0).all()


def test_activity_is_log_normal_and_popularity_falls_with_the_rank() -> None:
    users, _ = draw_pairs(2_000, 100_000, 200_000, seed=3)  # repeats are few
    activity = np.log(counts_of(users, 2_000))
    assert activity.std() == pytest.approx(1.2, abs=0.08)
    assert np.median(activity) == pytest.approx(activity.mean(), abs=0.08)
    _, items = draw_pairs(100_000, 60, 100_000, seed=3)  # each user draws once
    found = np.sort(counts_of(items, 60))[::-1]
    shares = 1 / (np.arange(60) + 40)
    expected = 100_000 * shares / shares.sum()
    assert (np.abs(found - expected) < 5 * np.sqrt(expected)).all()


def test_the_seed_decides_the_pairs() -> None:
    first, same, other = (draw_pairs(50, 40, 400, seed) for seed in (1, 1, 2))
    for one, another in zip(first, same):
        np.testing.assert_array_equal(one, another)
    assert not np.array_equal(first[1], other[1])
    counts = [np.sort(counts_of(users, 50)) for users, _ in (first, other)]
    assert not np.array_equal(counts[0], counts[1])  # repeats differ


@pytest.mark.parametrize("interactions", [9, 300])
def test_more_or_fewer_interactions_than_there_can_be_are_refused(interactions: int) -> None:
    message = f"^interactions: expected a number from 10 to [0-9]+, got {interactions}$"
    with pytest.raises(ConfigError, match=message):
        draw_pairs(10, 100, interactions, seed=0)


def test_the_file_holds_the_pairs_in_another_order(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    assert shapes.main(["120", "30", "500", "7", str(path)]) == 0
    lines = path.read_text().splitlines()
    users, items = draw_pairs(120, 30, 500, seed=7)
    expected = [f"u{user:03},i{item:02},1" for user, item in zip(users, items)]
    assert lines[0] == "user_id,item_id,weight"
    assert sorted(lines[1:]) == expected != lines[1:]
    assert len(read_interactions(path)) == len(expected)
    assert shapes.main(["10", "100", "9", "7", str(path)]) == 1

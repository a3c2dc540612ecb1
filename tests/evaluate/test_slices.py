"""mlcore.evaluate.slices: which users and which items belong together."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.evaluate.slices import POPULARITY_SLICES, slice_by_history, slice_by_popularity


def test_histories_are_sliced_where_their_length_doubles() -> None:
    lengths = np.array([0, 1, 2, 3, 4, 7, 8, 15, 16, 0, 100])
    names, slices = slice_by_history(lengths)
    assert names == ["0", "1", "2-3", "4-7", "8-15", "16-31", "32-63", "64-127"]
    assert slices.tolist() == [0, 1, 2, 2, 3, 3, 4, 4, 5, 0, 7]


@pytest.mark.parametrize(
    ("edges", "names", "slices"),
    [
        ([1, 5, 20], ["0", "1-4", "5-19", "20+"], [0, 1, 1, 2, 2, 3, 3]),
        ([5], ["0-4", "5+"], [0, 0, 0, 1, 1, 1, 1]),
        ([4, 5], ["0-3", "4", "5+"], [0, 0, 1, 2, 2, 2, 2]),
        ([1000], ["0-999", "1000+"], [0] * 7),
    ],
)
def test_histories_are_sliced_at_given_edges(
    edges: list[int], names: list[str], slices: list[int]
) -> None:
    found, of_user = slice_by_history(np.array([0, 1, 4, 5, 19, 20, 500]), edges)
    assert found == names
    assert of_user.tolist() == slices


@pytest.mark.parametrize("length", [0, 1, 2, 3, 2**20 - 1, 2**20])
def test_every_length_is_in_the_slice_that_names_it(length: int) -> None:
    names, slices = slice_by_history(np.array([length]))
    low, _, high = names[int(slices[0])].partition("-")
    assert int(low) <= length <= int(high or low)


def test_popularity_slices_are_what_the_hand_finds() -> None:
    # By popularity: 50, 30, 30, 9, 1, 0, of 120 in all. More popular than each: 0, 50, 50, 110,
    # 119, 120. Below 24 (20 %) is the head, below 96 (80 %) the middle.
    popularity = np.array([30, 0, 1, 50, 9, 30])
    names = [POPULARITY_SLICES[part] for part in slice_by_popularity(popularity)]
    assert names == ["mid", "new", "tail", "head", "tail", "mid"]
    # below 60 the head, below 119 the middle; the 1 has just 119 before it
    names = [POPULARITY_SLICES[part] for part in slice_by_popularity(popularity, (0.5, 119 / 120))]
    assert names == ["head", "new", "tail", "head", "mid", "head"]


def test_the_head_holds_its_share_and_no_less_popular_item_is_missing_from_it() -> None:
    popularity = np.random.default_rng(0).zipf(1.5, 500).clip(max=10**6) - 1
    for shares in ((0.2, 0.8), (0.5, 0.6), (0.01, 0.99)):
        slices = slice_by_popularity(popularity, shares)
        for number, share in enumerate(shares):
            up_to = popularity[slices <= number]
            assert up_to.sum() >= share * popularity.sum()
            without_its_last = up_to[up_to > up_to.min()]
            assert without_its_last.sum() < share * popularity.sum()
            rest = popularity[slices > number]
            assert up_to.min() > rest.max(initial=0)
    assert np.array_equal(slice_by_popularity(popularity) == 3, popularity == 0)


def test_equal_popularity_is_never_parted_and_order_changes_nothing() -> None:
    assert slice_by_popularity(np.array([3, 3, 3])).tolist() == [0, 0, 0]
    rng = np.random.default_rng(1)
    popularity = rng.integers(0, 6, 60)
    slices = slice_by_popularity(popularity)
    assert all(len(set(slices[popularity == count].tolist())) == 1 for count in range(6))
    assert set(slices.tolist()) == {0, 1, 2, 3}
    order = rng.permutation(60)
    assert np.array_equal(slice_by_popularity(popularity[order]), slices[order])


def test_a_catalogue_of_one_or_of_nothing_taken_is_sliced_too() -> None:
    assert slice_by_popularity(np.array([7])).tolist() == [0]
    assert slice_by_popularity(np.array([0, 0])).tolist() == [3, 3]

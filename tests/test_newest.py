"""The newest of each user, compared with a sort."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import DataError, Interactions
from mlcore.newest import mark_newest

EVENTS = st.dictionaries(
    st.tuples(st.sampled_from("uvw"), st.sampled_from("abcdefgh")), st.integers(-2, 3), min_size=1
)


@given(EVENTS, st.integers(1, 9))
def test_the_newest_are_the_first_of_a_sort_by_time_and_hash(
    events: dict[tuple[str, str], int], n: int
) -> None:
    def key(user: str, item: str) -> tuple[int, str]:
        return -events[user, item], hashlib.md5(f"{user},{item},ties".encode()).hexdigest()

    users, items = zip(*events)
    interactions = Interactions.from_columns(users, items, timestamps=list(events.values()))
    pairs = sorted(events)
    expected = [
        sorted(key(u, i) for u, i in pairs if u == user).index(key(user, item)) < n
        for user, item in pairs
    ]
    assert mark_newest(interactions, n).tolist() == expected


def test_without_timestamps_there_is_no_newest() -> None:
    with pytest.raises(DataError, match="^timestamp: expected a column to find the newest rows by"):
        mark_newest(Interactions.from_columns("u", "a"), 1)

"""mlcore.sequences: events by user, time and item, whatever their rows; and those of some pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlcore.sequences import Sequences
from tests import oracles

Row = tuple[int, int, int]  # user, time, item

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-2, 3), st.integers(0, 2)), min_size=1, max_size=30
)


def sequences_of(rows: list[Row]) -> Sequences:
    users, times, items = np.array(rows).T
    return Sequences.of(users, items.astype(np.int32), times, 4)


def rows_of(sequences: Sequences) -> list[Row]:
    users = np.repeat(np.arange(4), np.diff(sequences.indptr)).tolist()
    return list(zip(users, sequences.times.tolist(), sequences.items.tolist()))


@given(ROWS)
def test_events_are_sorted_by_user_time_and_item(rows: list[Row]) -> None:
    assert rows_of(sequences_of(rows)) == sorted(rows)


@given(ROWS, st.integers(0, 2**12 - 1))
def test_events_within_a_matrix_are_those_of_its_pairs(rows: list[Row], marks: int) -> None:
    stored = np.array([[marks >> (3 * user + item) & 1 for item in range(3)] for user in range(4)])
    found = sequences_of(rows).within(oracles.sparse(stored))
    assert rows_of(found) == sorted(row for row in rows if stored[row[0], row[2]])
    assert len(found) == found.indptr[-1]

"""mlcore.numeric.pairs: entries in order of row, column, time and weight; see tests/test_interactions.py for sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.aggregate import Aggregate
from mlcore.numeric.pairs import combine_pairs, sort_pairs, spans, take

ENTRIES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 2),
        st.integers(0, 3),
        st.just(1.0) | st.floats(2.0**-60, 2.0**60),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("with_times", [False, True])
@pytest.mark.parametrize(
    "size", [3, 2**29, 2**31 - 1]
)  # the entry fits beside the pair, or does not
@given(entries=ENTRIES)
def test_entries_are_put_in_order_of_row_column_time_and_weight(
    size: int, with_times: bool, entries: list[tuple[int, int, int, float]]
) -> None:
    # The positions are the greatest that there are.
    rows, columns, times, weights = zip(
        *(
            (size - 1 - row, size - 1 - column, time, weight)
            for row, column, time, weight in entries
        )
    )
    keys, found_weights, found_times = sort_pairs(
        np.array(rows, np.int32),
        np.array(columns, np.int32),
        (size, size),
        np.array(weights),
        np.array(times, np.int64) if with_times else None,
    )
    some_times = times if with_times else [0] * len(rows)
    expected = sorted(
        (row * size + column, time, weight)
        for row, column, time, weight in zip(rows, columns, some_times, weights)
    )
    shown_times = [0] * len(rows) if found_times is None else found_times.tolist()
    assert list(zip(keys.tolist(), shown_times, found_weights.tolist())) == expected


@pytest.mark.parametrize(("how", "weight"), [("sum", 7), ("max", 4), ("last", 1), ("count", 3)])
def test_entries_of_one_pair_are_combined(how: Aggregate, weight: float) -> None:
    keys, times = np.array([2, 5, 5, 5]), np.array([9, 1, 2, 3])
    found = combine_pairs(how, keys, np.array([1.0, 4, 2, 1]), times)
    assert [column.tolist() for column in found if column is not None] == [
        [2, 5],
        [1, weight],
        [9, 3],
    ]


def test_spans_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.numeric.pairs._SPAN_ENTRIES", 2)
    assert [(span.start, span.stop) for span in spans(5)] == [(0, 2), (2, 4), (4, 5)]
    assert take(np.array([7, 8, 9]), np.array([2, 2, 0, 1, 0])).tolist() == [9, 9, 7, 8, 7]


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize(
    "rows", [[0, 1, 2, 3, 4], [0, 1, 3, 2, 4], [0, 2, 1, 3, 4], [0, 1, 1, 2, 3]]
)
def test_entries_may_be_in_order_already(
    rows: list[int], equal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.numeric.pairs._SPAN_ENTRIES", 2)
    weights = np.ones(5) if equal else np.array([5.0, 4, 3, 2, 1])
    keys, found, _ = sort_pairs(np.array(rows), np.zeros(5, int), (5, 1), weights, None)
    assert list(zip(keys, found)) == sorted(zip(rows, weights))
    weights[:] = 9  # the caller's, who may go on with them
    assert 9 not in found

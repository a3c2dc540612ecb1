"""mlcore.numeric.ranges: rows cut into spans, and spans laid end to end."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlcore.numeric.ranges import offsets, ragged_arange, row_blocks


@given(
    st.lists(st.integers(0, 6), max_size=12),
    st.integers(1, 5),
    st.integers(0, 12),
    st.integers(0, 9),
)
def test_spans_hold_all_rows_and_as_many_as_they_may(
    lengths: list[int], max_rows: int, max_entries: int, start: int
) -> None:
    indptr = start + np.cumsum([0, *lengths])
    spans = list(row_blocks(indptr, max_rows, max_entries))
    assert [row for span in spans for row in range(*span)] == list(range(len(lengths)))
    for begin, end in spans:
        assert 0 < end - begin <= max_rows
        assert end - begin == 1 or sum(lengths[begin:end]) <= max_entries
        is_full = end - begin == max_rows or sum(lengths[begin : end + 1]) > max_entries
        assert is_full or end == len(lengths)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4)), max_size=6))
def test_spans_are_laid_end_to_end(spans: list[tuple[int, int]]) -> None:
    starts, lengths = np.array(spans, np.int64).reshape(-1, 2).T
    expected = [start + at for start, length in spans for at in range(length)]
    assert ragged_arange(starts, lengths).tolist() == expected


@given(st.lists(st.integers(0, 4), max_size=6))
def test_offsets_bound_each_row(lengths: list[int]) -> None:
    found = offsets(lengths)
    assert found.dtype == np.int64 and found[0] == 0
    assert np.diff(found).tolist() == lengths
    assert np.array_equal(offsets(np.array(lengths, np.int32)), found)

"""mlcore.numeric.ranges: rows cut into ranges, and ranges laid end to end."""

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


@given(st.lists(st.integers(0, 2**40), max_size=9))
def test_offsets_are_the_sums_of_all_lengths_before(lengths: list[int]) -> None:
    expected = [sum(lengths[:row]) for row in range(len(lengths) + 1)]
    for given_lengths in (lengths, np.array(lengths, np.int64)):
        found = offsets(given_lengths)
        assert found.tolist() == expected and found.dtype == np.int64
    mask = np.array(lengths, np.int64) % 2 == 1
    assert offsets(mask).tolist() == [int(mask[:row].sum()) for row in range(len(lengths) + 1)]

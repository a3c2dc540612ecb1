"""mlcore.numeric.topk: one total order, score descending, then index ascending, cut at k."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.numeric.topk import keep_best, top_k_per_row

Rows = list[list[tuple[int, float]]]


def top_k(rows: Rows, k: int) -> Rows:
    """Call it with plain lists of (index, score), and check what comes back but the order."""
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    indices = np.array([index for row in rows for index, _ in row], np.int32)
    scores = np.array([score for row in rows for _, score in row], np.float64)
    new_indptr, new_indices, new_scores = top_k_per_row(indptr, indices, scores, k)
    assert [array.dtype for array in (new_indptr, new_indices, new_scores)] == [
        "int64",
        "int32",
        "float64",
    ]
    assert new_indptr[0] == 0 and new_indptr[-1] == len(new_indices) == len(new_scores)
    assert np.diff(new_indptr).tolist() == [min(k, len(row)) for row in rows]
    pairs = list(zip(new_indices.tolist(), new_scores.tolist()))
    return [pairs[begin:end] for begin, end in zip(new_indptr, new_indptr[1:])]


def sorted_whole(rows: Rows, k: int) -> Rows:
    result: Rows = []
    for row in rows:
        indices = np.array([index for index, _ in row], np.int64)
        scores = np.array([score for _, score in row], np.float64)
        order: npt.NDArray[np.int64] = np.lexsort((indices, -scores))[:k]
        result.append([row[place] for place in order])
    return result


def test_ties_at_the_cut_go_to_the_smaller_index() -> None:
    # 0.9 is in; of the three with 0.5 two have room, items 1 and 4; 0.1 is out
    row = [(7, 0.5), (4, 0.5), (9, 0.9), (0, 0.1), (1, 0.5)]
    assert top_k([row], 3) == [[(9, 0.9), (1, 0.5), (4, 0.5)]]


@pytest.mark.parametrize("k", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("num_values", [1, 3, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_equals_a_full_sort_of_each_row(seed: int, num_values: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for length in [0, *rng.integers(0, 30, 20), 0, 1, 0]:
        indices = rng.permutation(60)[:length].tolist()
        scores = ((rng.integers(0, num_values, length) - num_values // 2) / 7).tolist()
        rows.append(list(zip(indices, scores)))
    assert top_k(rows, k) == sorted_whole(rows, k)


@given(
    st.lists(
        st.dictionaries(
            st.integers(0, 2**31 - 1),
            st.sampled_from([-1.5, -0.0, 0.0, 5e-324, 1.0, float(np.nextafter(1, 2))])
            | st.floats(allow_nan=False, allow_infinity=False),
            max_size=8,
        ),
        max_size=5,
    ),
    st.integers(1, 10),
)
def test_equals_a_full_sort_whatever_the_scores(rows: list[dict[int, float]], k: int) -> None:
    pairs = [list(row.items()) for row in rows]
    assert top_k(pairs, k) == sorted_whole(pairs, k)


def test_order_of_entries_within_a_row_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    row = [(index, float(score)) for index, score in enumerate(rng.integers(0, 4, 25))]
    results = {str(top_k([[row[place] for place in rng.permutation(25)]], 6)) for _ in range(20)}
    assert len(results) == 1


def test_both_zeros_are_one_score_and_each_keeps_its_sign() -> None:
    row = [(3, 0.0), (2, -0.0), (1, -1.0), (0, -0.0)]
    assert [index for index, _ in top_k([row], 2)[0]] == [0, 2]
    assert str(top_k([row], 3)) == "[[(0, -0.0), (2, -0.0), (3, 0.0)]]"


def test_rows_shorter_than_k_keep_all_and_no_row_borrows_from_its_neighbor() -> None:
    rows: Rows = [[(1, 1.0)], [], [(0, 9.0), (5, 8.0), (6, 7.0)], []]
    assert top_k(rows, 2) == [[(1, 1.0)], [], [(0, 9.0), (5, 8.0)], []]


@pytest.mark.parametrize("num_rows", [0, 3])
def test_nothing_in_gives_nothing_out(num_rows: int) -> None:
    assert top_k([[]] * num_rows, 5) == [[]] * num_rows


@pytest.mark.parametrize("k", [1, 3, 40])
def test_the_same_entries_are_kept_in_the_order_in_which_they_came(k: int) -> None:
    rng = np.random.default_rng(k)
    lengths = rng.integers(0, 30, 20)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate([rng.permutation(60)[:length] for length in lengths]).astype(np.int32)
    scores = rng.integers(0, 4, len(indices)).astype(np.float64)  # with many ties
    ranked, kept = (f(indptr, indices, scores, k) for f in (top_k_per_row, keep_best))
    assert ranked[0].tolist() == kept[0].tolist()
    for row, (begin, end) in enumerate(zip(kept[0], kept[0][1:])):
        whole = indices[indptr[row] : indptr[row + 1]].tolist()
        chosen = set(ranked[1][begin:end].tolist())
        assert kept[1][begin:end].tolist() == [index for index in whole if index in chosen]
        assert sorted(kept[2][begin:end], reverse=True) == ranked[2][begin:end].tolist()

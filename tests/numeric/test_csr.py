"""mlcore.numeric.csr: what a stored matrix may not hold."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.errors import CsrError
from mlcore.numeric.csr import check_ascending, check_positions, check_values
from mlcore.types import CsrMatrix


@pytest.mark.parametrize(("low", "high"), [(-1, 2), (0, 3), (-1, 3)])
def test_a_position_that_points_to_no_item_is_refused(low: int, high: int) -> None:
    with pytest.raises(CsrError) as caught:
        check_positions(np.array([1, high, low], np.int32), 3, "histories.npz")
    expected = f"histories.npz: indices.npy: expected positions from 0 to 2, got {low} to {high}"
    assert str(caught.value) == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(CsrError) as caught:
        check_values(np.array([1, value, -2], np.float32), "similarity.npz")
    assert str(caught.value) == f"similarity.npz: data.npy: expected finite numbers, got {value}"


def test_all_positions_and_all_finite_values_pass() -> None:
    check_positions(np.array([2, 0, 1], np.int32), 3, "similarity.npz")
    check_positions(np.empty(0, np.int32), 0, "similarity.npz")
    check_values(np.array([0, -1, 3.4e38], np.float32), "similarity.npz")


@pytest.mark.parametrize("row", [[2, 2], [2, 1]])
def test_positions_of_a_row_that_do_not_ascend_are_refused(row: list[int]) -> None:
    offsets, positions = np.array([0, 0, 1, 3]), np.array([2, *row], np.int32)
    with pytest.raises(CsrError) as caught:
        check_ascending(CsrMatrix(offsets, positions, np.ones(3), 3), "similarity.npz")
    expected = "an index above the one before it in the same row"
    place = "similarity.npz: indices.npy: element 2"
    assert str(caught.value) == f"{place}: expected {expected}, got {row[1]} after 2"


def test_rows_may_begin_below_the_last_one() -> None:
    offsets, positions = np.array([0, 2, 2, 3, 4]), np.array([1, 2, 2, 0], np.int32)
    check_ascending(CsrMatrix(offsets, positions, np.ones(4), 3), "similarity.npz")

"""mlcore.numeric.csr: what a stored matrix may not hold."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.errors import CsrError
from mlcore.numeric.csr import check_positions, check_values


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

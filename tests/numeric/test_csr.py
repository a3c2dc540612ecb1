"""mlcore.numeric.csr: what a stored matrix may not hold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mlcore.errors import CsrError
from mlcore.numeric.csr import check_ascending, check_rows, check_values
from mlcore.numeric.ranges import offsets
from mlcore.types import CsrMatrix

SOUND = [[0, 2], [], [], [2], [0, 1, 2], []]  # rows of three columns
RULE = "expected item positions that exist and ascend within a row, and finite"


def matrix_of(rows: list[list[int]], value: float = 1.0, place: int = 0) -> CsrMatrix:
    indices = np.array([column for row in rows for column in row], np.int32)
    data = np.ones(len(indices), np.float32)
    if len(data):
        data[place] = value
    return CsrMatrix(offsets(list(map(len, rows))), indices, data, 3)


def is_sound(matrix: CsrMatrix, weights: bool = False) -> bool:
    try:
        check_rows(matrix, "a.npz", weights)
        return True
    except CsrError as error:
        values = "weights above 0" if weights else "values"
        assert str(error) == f"a.npz: {RULE} {values}, got others"
        return False


@pytest.mark.parametrize("block", [1, 2, 3, 2**16])
def test_rows_are_sound_exactly_if_each_one_is(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.numeric.csr._BLOCK", block)
    few = [[], [0], [2], [0, 2], [0, 1, 2]]
    bad = [[1, 1], [2, 0], [-1], [3], [0, 2, 1], [-1, 0], [2, 3], [2**31 - 1], [-(2**31)]]
    for rows in itertools.product(few + bad, repeat=3):
        assert is_sound(matrix_of(list(rows))) == all(row in few for row in rows), rows


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0, -0.0, -1, 2.0**-149, 3.4e38])
@pytest.mark.parametrize("place", [0, 3, 5])
def test_values_are_finite_and_those_of_histories_above_0(value: float, place: int) -> None:
    matrix = matrix_of(SOUND, value, place)
    assert is_sound(matrix) == bool(np.isfinite(value))
    assert is_sound(matrix, weights=True) == (0 < value < np.inf)


def test_no_entries_are_sound() -> None:
    nothing: list[list[list[int]]] = [[], [[]], [[], []]]
    for rows in nothing:
        assert is_sound(matrix_of(rows)) and is_sound(matrix_of(rows), weights=True)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(CsrError) as caught:
        check_values(np.array([1, value, -2]), "item_norms.npz", "norms")
    assert str(caught.value) == f"item_norms.npz: norms.npy: expected finite numbers, got {value}"
    check_values(np.array([0, -1, 3.4e38]), "item_norms.npz")


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

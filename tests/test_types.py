"""mlcore.types: a sparse matrix whose dtypes stay."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mlcore.types import CsrMatrix

#      columns: 0    1    2
# row 0         .   0.5   2
# row 1         .    .    .
# row 2         1    .    .
MATRIX = CsrMatrix(
    np.array([0, 2, 2, 3]), np.array([1, 2, 0], np.int32), np.array([0.5, 2, 1], np.float32), 3
)


def test_sizes_and_rows_are_those_of_the_drawing() -> None:
    assert (MATRIX.num_rows, MATRIX.num_columns, MATRIX.num_entries) == (3, 3, 3)
    assert MATRIX.row_of_entry().tolist() == [0, 0, 2]
    rows = [(columns.tolist(), values.tolist()) for columns, values in map(MATRIX.row, range(3))]
    assert rows == [([1, 2], [0.5, 2.0]), ([], []), ([0], [1.0])]


def test_a_row_is_a_view() -> None:
    columns, values = MATRIX.row(0)
    assert np.shares_memory(columns, MATRIX.indices) and np.shares_memory(values, MATRIX.data)


def test_selected_entries_stay_in_their_rows() -> None:
    selected = MATRIX.select(np.array([False, True, True]))
    assert selected.indptr.dtype == np.int64
    assert selected.to_scipy().toarray().tolist() == [[0, 0, 2], [0, 0, 0], [1, 0, 0]]


def test_scipy_computes_in_float64_and_gives_the_dtypes_back() -> None:
    converted = MATRIX.to_scipy()
    assert converted.dtype == np.float64
    assert converted.toarray().tolist() == [[0, 0.5, 2], [0, 0, 0], [1, 0, 0]]
    back = CsrMatrix.from_scipy(converted.astype(np.float32))
    assert back.num_columns == 3
    for one, other in (
        (back.indptr, MATRIX.indptr),
        (back.indices, MATRIX.indices),
        (back.data, MATRIX.data),
    ):
        assert one.dtype == other.dtype and one.tolist() == other.tolist()


def test_an_empty_matrix_has_rows_and_columns() -> None:
    empty = CsrMatrix.from_scipy(sp.csr_matrix((2, 5)))
    assert (empty.num_rows, empty.num_columns, empty.num_entries) == (2, 5, 0)
    assert empty.row_of_entry().tolist() == []

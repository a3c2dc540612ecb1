"""Array types, and the letters that name axes everywhere.

======  =======================================================
letter  axis
======  =======================================================
U       users
I       items
E       interactions (stored entries of the users x items matrix)
K       neighbors kept per item
N       list length, the n of ``recall@n``
R, C    rows and columns of a matrix whose axes differ by use
P       stored entries of a matrix ("pairs" where both axes are items)
======  =======================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import scipy.sparse as sp

__all__ = [
    "BoolArray",
    "CsrMatrix",
    "Float32Array",
    "Float64Array",
    "FloatArray",
    "Int32Array",
    "Int64Array",
    "UInt32Array",
]

BoolArray: TypeAlias = npt.NDArray[np.bool_]
Int32Array: TypeAlias = npt.NDArray[np.int32]
Int64Array: TypeAlias = npt.NDArray[np.int64]
UInt32Array: TypeAlias = npt.NDArray[np.uint32]
Float32Array: TypeAlias = npt.NDArray[np.float32]
Float64Array: TypeAlias = npt.NDArray[np.float64]
FloatArray: TypeAlias = npt.NDArray[Any]  # float32 in a model, float64 while computing


@dataclass(frozen=True)
class CsrMatrix:
    """Compressed sparse rows with pinned dtypes; column indices strictly ascend within a row.

    Not a ``scipy.sparse.csr_array``, which widens ``indices`` to int64 if ``indptr`` is int64: that
    would copy a memory-mapped model.
    """

    indptr: Int64Array  # (R + 1,) int64
    indices: Int32Array  # (P,) int32
    data: FloatArray  # (P,) float32 or float64
    num_columns: int

    @property
    def num_rows(self) -> int:
        """R."""
        return len(self.indptr) - 1

    @property
    def num_entries(self) -> int:
        """P."""
        return len(self.indices)

    def row(self, index: int) -> tuple[Int32Array, FloatArray]:
        """Return column indices and values of one row, as views."""
        begin, end = self.indptr[index], self.indptr[index + 1]
        return self.indices[begin:end], self.data[begin:end]

    def select(self, keep: BoolArray) -> CsrMatrix:
        """Return the matrix with only the stored entries that ``keep``, (P,), marks."""
        indptr = np.concatenate([[0], np.cumsum(keep)])[self.indptr]  # (R + 1,) int64
        return CsrMatrix(indptr, self.indices[keep], self.data[keep], self.num_columns)

    def row_of_entry(self) -> Int64Array:
        """Return the row index of each stored entry, (P,) int64, ascending."""
        return np.repeat(np.arange(self.num_rows, dtype=np.int64), np.diff(self.indptr))

    def to_scipy(self) -> sp.csr_matrix[np.float64]:
        """Return the same matrix with float64 values, for scipy's products."""
        import scipy.sparse as sp  # takes longer than numpy: only where it is used

        matrix = sp.csr_matrix(
            (self.data.astype(np.float64), self.indices, self.indptr),
            shape=(self.num_rows, self.num_columns),
        )
        # True by construction; scipy would scan all entries to find out.
        matrix.has_sorted_indices = True
        matrix.has_canonical_format = True
        return matrix

    @classmethod
    def from_scipy(cls, matrix: Any) -> CsrMatrix:
        """Return a scipy CSR matrix with sorted indices in the pinned dtypes."""
        return cls(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int32),
            matrix.data,
            int(matrix.shape[1]),
        )

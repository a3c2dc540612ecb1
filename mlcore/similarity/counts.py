"""What the similarities of one matrix X share: the sums of its columns, and X' X in blocks of rows.

A block of rows of the product is formed, used and forgotten, so memory is bounded by the block,
never by the square of the catalogue. Each c_ij is summed in float64 over ascending users within one
row of the product; how rows are grouped into blocks and who computes them therefore changes no bit.

Who trains several models on one matrix, as a search does, lets the blocks be kept within a number
of bytes: a measure, its shrinkage and the number of neighbors then cost no counting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp

from mlcore.sums import sum_by_group
from mlcore.types import CsrMatrix, Float64Array

__all__ = ["MAX_BLOCK_ENTRIES", "Counts", "KeptBytes", "Products"]

# Changes speed and memory only: about 60 bytes of scratch for each entry and thread.
MAX_BLOCK_ENTRIES = 2**20

T = TypeVar("T")


@dataclass
class KeptBytes:
    """How many bytes of blocks may be kept, and how many are.

    >>> kept = KeptBytes(100)
    >>> kept.take(80), kept.take(80), kept.take(20), kept.used
    (True, False, True, 100)
    """

    limit: int
    used: int = 0
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def take(self, size: int) -> bool:
        """Reserve ``size`` bytes, and say whether they were left."""
        with self._lock:
            fits = self.used + size <= self.limit
            self.used += size if fits else 0
            return fits


class Products:
    """left @ right in blocks of rows.

    Args:
        left: (I, U) float64 CSR, indices ascending.
        right: (U, I) float64 CSR.
        kept: how many bytes of blocks may be kept.
        max_block_entries: size of a block. Changes speed and memory only.
    """

    def __init__(self, left: Any, right: Any, kept: KeptBytes, max_block_entries: int) -> None:
        self._left, self._right, self._kept = left, right, kept
        self._blocks: dict[tuple[int, int], Any] = {}
        self.blocks = self._plan(max_block_entries)  # ranges of rows, in order

    def _plan(self, max_entries: int) -> list[tuple[int, int]]:
        """Return ranges whose product has at most ``max_entries`` entries (or is one row)."""
        entries_of_user = np.diff(self._right.indptr).astype(np.float64)  # (U,)
        pattern = sp.csr_matrix(
            (np.ones(self._left.nnz), self._left.indices, self._left.indptr), self._left.shape
        )
        work = pattern @ entries_of_user  # (I,) multiply-adds of each row
        bounds = np.minimum(work, self._right.shape[1])  # (I,) most entries a row can have
        blocks, begin, entries = [], 0, 0.0
        for row, bound in enumerate(bounds.tolist()):
            if entries + bound > max_entries and row > begin:
                blocks.append((begin, row))
                begin, entries = row, 0.0
            entries += bound
        return [*blocks, (begin, len(bounds))]

    def rows(self, begin: int, end: int) -> Any:
        """Return rows ``begin`` to ``end`` of the product, a new or a kept CSR not to be changed.

        Args:
            begin: the first row.
            end: the row after the last.
        """
        block = self._blocks.get((begin, end))
        if block is None:
            block = self._left[begin:end] @ self._right  # (R, I) float64
            if self._kept.take(block.data.nbytes + block.indices.nbytes + block.indptr.nbytes):
                self._blocks[begin, end] = block
        return block


class Counts:
    """The columns of one matrix X, one by one and pair by pair.

    Args:
        user_items: (U, I) float32, so that a product of two values is exact in float64.
        kept: how many bytes of blocks may be kept for the next similarity; by default none.
        max_block_entries: size of a block, or None for the usual one. Changes speed and memory
            only.
    """

    def __init__(
        self,
        user_items: CsrMatrix,
        kept: KeptBytes | None = None,
        max_block_entries: int | None = None,
    ) -> None:
        self.user_items = user_items
        self.num_users, self.num_items = user_items.num_rows, user_items.num_columns
        self.kept = kept or KeptBytes(0)
        self._max_block_entries = max_block_entries or MAX_BLOCK_ENTRIES
        self._shared: dict[Hashable, Any] = {}

    @cached_property
    def norms(self) -> Float64Array:
        """n_i, the sum of the squares of each column, (I,) float64; on the binary X its users."""
        data = self.user_items.data.astype(np.float64)
        return sum_by_group(self.user_items.indices, data**2, self.num_items)

    @cached_property
    def sums(self) -> Float64Array:
        """The sum of each column, (I,) float64."""
        data = self.user_items.data.astype(np.float64)
        return sum_by_group(self.user_items.indices, data, self.num_items)

    @cached_property
    def users(self) -> Float64Array:
        """How many users have each item, (I,) float64."""
        return np.bincount(self.user_items.indices, minlength=self.num_items).astype(np.float64)

    @cached_property
    def products(self) -> Products:
        """X' X."""
        user_items = self.user_items.to_scipy()  # (U, I) float64
        return self.products_of(user_items.T.tocsr(), user_items)

    @property
    def binary(self) -> Counts:
        """The same of the binary X."""
        return self.shared("binary", lambda: self.with_values(np.ones_like(self.user_items.data)))

    def with_values(self, values: Any) -> Counts:
        """Return the same of a matrix with other values at the same places.

        Args:
            values: (E,) float32.
        """
        matrix = self.user_items
        new = CsrMatrix(matrix.indptr, matrix.indices, values, matrix.num_columns)
        return Counts(new, self.kept, self._max_block_entries)

    def products_of(self, left: Any, right: Any) -> Products:
        """Return the blocks of another product, kept within the same number of bytes.

        Args:
            left: (I, U) float64 CSR, indices ascending.
            right: (U, I) float64 CSR.
        """
        return Products(left, right, self.kept, self._max_block_entries)

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` made when it was first asked for under this key.

        Args:
            key: names what is made, with all parameters it depends on.
            make: called without arguments.
        """
        if key not in self._shared:
            self._shared[key] = make()
        made: T = self._shared[key]
        return made

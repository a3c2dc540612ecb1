"""What the similarities of one matrix X share: the sums of its columns, and X' X in blocks of rows.

A block of rows of the product is formed, used and dropped, so memory is bounded by the block, never
by the square of the catalogue. Each c_ij is summed in float64 over ascending users within one row of
the product, so neither blocks nor threads change a bit; counts are exact in any order.

A search, which trains several models on one matrix, keeps blocks within a number of bytes: another
measure, shrinkage or number of neighbors then costs no counting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from mlcore.lazy import LazyModule
from mlcore.memory.arrays import new_array
from mlcore.numeric.csr import cut_matrix
from mlcore.numeric.ranges import all_are, offsets, row_blocks
from mlcore.numeric.sums import sum_by_group
from mlcore.sequences import Sequences
from mlcore.similarity.products import CountProduct, WeightProduct, count_users
from mlcore.types import CsrMatrix, Float64Array

__all__ = ["MAX_BLOCK_ENTRIES", "GramBlocks", "CacheBudget", "Products"]

sp: Any = LazyModule("scipy.sparse")

# Changes speed and memory only: at most about 60 bytes of scratch for each entry and thread.
MAX_BLOCK_ENTRIES = 2**19

T = TypeVar("T")


@dataclass
class CacheBudget:
    """How many bytes of blocks may be kept, and how many are.

    >>> kept = CacheBudget(100)
    >>> kept.take(80), kept.take(80), kept.take(20), kept.used
    (True, False, True, 100)
    """

    limit: int
    used: int = 0
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def take(self, size: int) -> bool:
        """Reserve ``size`` bytes if they are left; return whether they were."""
        with self._lock:
            fits = self.used + size <= self.limit
            self.used += size if fits else 0
            return fits


class Products:
    """X' X in blocks of rows.

    Args:
        matrix: X, (U, I).
        max_block_entries: changes speed and memory only.

    Attributes:
        blocks: ranges of rows, in order, of at most so many entries or one row.
    """

    def __init__(self, matrix: CsrMatrix, kept: CacheBudget, max_block_entries: int) -> None:
        self._product: CountProduct | WeightProduct
        if all_are(matrix.data, lambda some: some == 1):
            self._product = CountProduct(matrix)
        else:
            self._product = WeightProduct(matrix)
        self._kept = kept
        self._blocks: dict[tuple[int, int], Any] = {}
        bounds = np.minimum(
            np.diff(self._product.work), matrix.num_columns
        )  # entries of a row, (I,)
        self.blocks = list(row_blocks(offsets(bounds), max(len(bounds), 1), max_block_entries))

    def rows(self, begin: int, end: int) -> Any:
        """Return rows ``begin`` to before ``end`` of the product, a CSR that must not change."""
        block = self._blocks.get((begin, end))
        if block is None:
            block = self._product.rows(begin, end)  # (R, I)
            size = block.data.nbytes + block.indices.nbytes + block.indptr.nbytes
            if self._kept.take(size):
                self._blocks[begin, end] = block
        return block


class GramBlocks:
    """The columns of one matrix X, one by one and pair by pair.

    Args:
        user_items: (U, I) float32, so that a product of two values is exact in float64.
        kept: of blocks for the next similarity; by default none.
        max_block_entries: None for ``MAX_BLOCK_ENTRIES``. Changes speed and memory only.
        sequences: the events behind X, for a similarity that uses their order.
        find_rows: finds the rows of w elsewhere, a ``rows.RowFinder``; by default this process does.
    """

    def __init__(
        self,
        user_items: CsrMatrix,
        kept: CacheBudget | None = None,
        max_block_entries: int | None = None,
        sequences: Sequences | None = None,
        find_rows: Callable[[Any], Any] | None = None,
    ) -> None:
        self.user_items, self.find_rows = user_items, find_rows
        self.num_users, self.num_items = user_items.num_rows, user_items.num_columns
        self.kept = kept or CacheBudget(0)
        self.max_block_entries = max_block_entries or MAX_BLOCK_ENTRIES
        self._sequences = sequences
        self._shared: dict[Hashable, Any] = {}

    @cached_property
    def is_binary(self) -> bool:
        """Whether all weights are 1."""
        return all_are(self.user_items.data, lambda some: some == 1)

    @cached_property
    def norms(self) -> Float64Array:
        """n_i, the sum of the squares of each column, (I,) float64; on the binary X its users."""
        if self.is_binary:
            return self.users
        matrix = self.user_items
        return sum_by_group(matrix.indices, matrix.data, self.num_items, squares=True)

    @cached_property
    def sums(self) -> Float64Array:
        """The sum of each column, (I,) float64."""
        return sum_by_group(self.user_items.indices, self.user_items.data, self.num_items)

    @cached_property
    def users(self) -> Float64Array:
        """How many users have each item, (I,) float64."""
        return count_users(self.user_items.indices, self.num_items).astype(np.float64)

    @cached_property
    def products(self) -> Products:
        """X' X."""
        return Products(self.user_items, self.kept, self.max_block_entries)

    @property
    def events(self) -> Sequences:
        """The events behind X, in order."""
        assert self._sequences is not None
        return self._sequences

    @property
    def binary(self) -> GramBlocks:
        """The same of the binary X."""
        if self.is_binary:
            return self
        return self.shared("binary", lambda: self.transformed(lambda part: np.ones_like(part.data)))

    def transformed(self, values_of: Callable[[CsrMatrix], Any]) -> GramBlocks:
        """Return the same of a matrix with other values at the same positions.

        Args:
            values_of: returns those of some users, (P,), from their rows of this one; rounded to float32.
        """
        matrix, values = self.user_items, new_array(self.user_items.num_entries, np.float32)  # (E,)
        for part, _, entries in cut_matrix(matrix):
            values[entries] = values_of(part)
        new = CsrMatrix(matrix.indptr, matrix.indices, values, matrix.num_columns)
        return GramBlocks(new, self.kept, self.max_block_entries, find_rows=self.find_rows)

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result of ``make``, called once for each key.

        Args:
            key: a name with all parameters that the result depends on.
        """
        if key not in self._shared:
            self._shared[key] = make()
        result: T = self._shared[key]
        return result

"""left' @ right in ranges of rows: sums of weights by scipy's product, counts of a binary X in cells.

Of X' X whose entries are seen once, scipy forms one half only: ``HalfProduct``.

scipy's product of two sparse matrices meets each multiply-add twice, to count entries and to add, and
lists the cells that it touches. To count, the lists of a row's users are copied one after the other,
which is fast, and added to a row of zeros: a matrix whose entries repeat does so when it is turned into
cells. Pairs of the most popular items come from a dense product, exact in float32. The order of addition
changes no count; weights, which are added over ascending users, would be twice as many bytes to copy.

The columns of the right matrix are ordered by popularity, so those that are met most lie together.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mlcore.lazy import LazyModule
from mlcore.numeric.ranges import offsets, row_blocks
from mlcore.types import CsrMatrix, Int32Array, Int64Array

__all__ = [
    "CELLS",
    "COPIED",
    "CountProduct",
    "DENSE_SPEED",
    "HEADS",
    "HalfProduct",
    "SPAN_ENTRIES",
    "WeightProduct",
    "count_users",
    "sum_over_users",
]

sp: Any = LazyModule("scipy.sparse")

# These change speed and memory only.
SPAN_ENTRIES = 2**20  # looked at together
DENSE = 2  # multiply-adds of weights for each pair of items
COPIED, CELLS = 2**21, 2**21  # entries and cells at work
CELLS_PER_COUNT = 8  # rows with more cells for each count touch few of them
DENSE_SPEED = 50  # multiply-adds of a dense product, its symmetric half, in the time of one count
HEADS = (128, 256, 512, 768, 1024, 1536)
SAMPLED_USERS = 1024
MAX_EXACT_COUNT = 2**24  # float32 holds every integer up to it

Cells: TypeAlias = npt.NDArray[Any]  # (R, I) counts


def count_users(indices: npt.NDArray[Any], num_items: int) -> Int64Array:
    """Return how many entries each column has, (I,) int64."""
    counts = np.zeros(num_items, np.int64)
    for begin in range(0, len(indices), SPAN_ENTRIES):  # bincount copies what is not int64
        counts += np.bincount(indices[begin : begin + SPAN_ENTRIES], minlength=num_items)
    return counts


def number_type(matrix: CsrMatrix) -> type[np.number[Any]]:
    """Return the smallest type whose sums of products are those of float64."""
    if not (matrix.data == 1).all():
        return np.float64
    most = count_users(matrix.indices, matrix.num_columns).max(initial=0)
    return np.uint16 if most < 2**16 else np.uint32


def by_popularity(matrix: Any) -> tuple[Int32Array, Any]:
    """Return the columns of a CSR, those with most entries first, (I,) int32, and it in that order."""
    met = count_users(matrix.indices, matrix.shape[1])
    order = np.argsort(-met, kind="stable").astype(np.int32)
    places = np.argsort(order).astype(matrix.indices.dtype)
    return order, sp.csr_matrix((matrix.data, places[matrix.indices], matrix.indptr), matrix.shape)


def sum_over_users(matrix: CsrMatrix, numbers: Int64Array) -> Int64Array:
    """Return the sum over the users of each item of a number of the user, (I,) int64.

    Args:
        matrix: (U, I), of which only the places of the entries matter.
        numbers: (U,).
    """
    lengths, num_items = np.diff(matrix.indptr), matrix.num_columns
    sums = np.zeros(num_items, np.int64)
    for begin, end in row_blocks(matrix.indptr, len(lengths), max(SPAN_ENTRIES, num_items)):
        items = matrix.indices[matrix.indptr[begin] : matrix.indptr[end]]
        of_entries = np.repeat(numbers[begin:end], lengths[begin:end])
        sums += np.bincount(items, of_entries, num_items).astype(np.int64)  # float64 is exact here
    return sums


class WeightProduct:
    """Sums over ascending users, in float64.

    Where most pairs of items have common users, X gets one more user, the first, who has all items: 1
    on the right, 0 on the left. That user adds 0 to each sum, and scipy drops sums of 0; but scipy
    meets the columns of a row in order. Otherwise it meets each column at an unpredictable address and
    lists them as they came, and the product takes up to half as long again.

    Args:
        matrix: X, (U, I).
    """

    def __init__(self, matrix: CsrMatrix) -> None:
        work = sum_over_users(matrix, np.diff(matrix.indptr))  # (I,) multiply-adds
        is_dense = bool(work.sum() >= DENSE * matrix.num_columns**2)
        right = to_scipy(matrix, np.float64, is_dense)  # (U, I), or (1 + U, I)
        self._left = right.T.tocsr()  # (I, U), or (I, 1 + U)
        self.order, self._right = by_popularity(right)
        if is_dense:
            self._left.data[self._left.indptr[:-1]] = 0  # of the first user in each row
            # Descending: scipy's product lists the columns it met last first.
            self._right.indices[: matrix.num_columns] = np.arange(matrix.num_columns)[::-1]
        self.work = offsets(work + matrix.num_columns * is_dense)

    def rows(self, begin: int, end: int) -> Any:
        """Return the rows ``begin`` to before ``end``, a CSR without zeros."""
        product = self._left[begin:end] @ self._right
        product.indices = self.order[product.indices]
        return product


def to_scipy(matrix: CsrMatrix, kind: type[np.number[Any]], is_dense: bool = False) -> Any:
    """Return the matrix; if dense, with one more user, the first, who has all items."""
    extra = matrix.num_columns if is_dense else 0
    data = np.ones(extra + matrix.num_entries, kind)
    data[extra:] = matrix.data
    indices, indptr = matrix.indices, matrix.indptr
    if is_dense:
        indices = np.concatenate([np.arange(extra, dtype=np.int32), indices])
        indptr = np.concatenate([[0], indptr + extra])
    return sp.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, matrix.num_columns))


class HalfProduct:
    """X' X below its diagonal, rows and columns by popularity: sums over ascending users.

    Row i takes from the list of each of its users the items before i. So each entry of row i has a row
    of the right matrix for itself: a range of a list, where it lies.

    Args:
        user_items: (U, I).
        max_block_entries: changes speed and memory only.

    Attributes:
        order: (I,) int32 item of each row and column.
        blocks: ranges of rows, in order, of at most so many entries or one row.
    """

    def __init__(self, user_items: CsrMatrix, max_block_entries: int) -> None:
        kind = number_type(user_items)
        self.order, self._right = by_popularity(to_scipy(user_items, kind))
        self._right.sort_indices()
        places = np.arange(self._right.nnz, dtype=self._right.indices.dtype)
        entries = (places, self._right.indices, self._right.indptr)
        self._entries = sp.csr_matrix(entries, self._right.shape).T.tocsr()  # (I, U)
        work = sum_over_users(user_items, np.diff(user_items.indptr))[self.order]  # (I,)
        bounds = offsets(np.minimum(work, np.arange(len(work))))
        self.blocks = list(row_blocks(bounds, max(len(work), 1), max_block_entries))

    def rows(self, begin: int, end: int) -> Any:
        """Return the rows ``begin`` to before ``end``, a CSR."""
        indptr = self._entries.indptr[begin : end + 1]
        entries = slice(indptr[0], indptr[-1])
        users, ends = self._entries.indices[entries], self._entries.data[entries]  # (P,)
        num_lists = 2 * len(users) + 1  # every other one is what lies between two ranges
        bounds = np.zeros(num_lists + 1, ends.dtype)
        bounds[1:-1:2], bounds[2:-1:2] = self._right.indptr[users], ends
        bounds[-1] = self._right.nnz
        lists = (self._right.data, self._right.indices, bounds)
        left = (
            self._right.data[ends],
            np.arange(1, num_lists, 2, dtype=ends.dtype),
            indptr - indptr[0],
        )
        # scipy reads a row from its bound to the next, wherever they are, and checks but first and last.
        right = sp.csr_matrix(lists, (num_lists, len(self.order)))
        return sp.csr_matrix(left, (end - begin, num_lists)) @ right

    def full_rows(self, rows: Int64Array) -> Any:
        """Return some rows with what is above the diagonal, and it, a CSR."""
        left = self._right[:, rows].T.tocsr()  # (S, U)
        return left @ self._right


class CountProduct:
    """The common users of pairs of items.

    Args:
        user_items: (U, I), of ones.
    """

    def __init__(self, user_items: CsrMatrix) -> None:
        ones = to_scipy(user_items, number_type(user_items))
        self._left = ones.T.tocsr()  # (I, U)
        self._left.data = ones.data  # all matrices share it
        self.order, self._right = by_popularity(ones)
        self._places = np.argsort(self.order)  # (I,) of items among the columns
        self._head = _choose_head(self._right)
        self._tail = _drop_head(self._right, self._head)
        self._counts = _count_head(self._right, self._head)  # (H, H)
        self.work = offsets(sum_over_users(user_items, np.diff(user_items.indptr)))

    def rows(self, begin: int, end: int) -> Any:
        """Return the rows ``begin`` to before ``end``, a CSR without zeros."""
        num_items = len(self.order)
        if (end - begin) * num_items > CELLS_PER_COUNT * (self.work[end] - self.work[begin]):
            product = self._left[begin:end] @ self._right
            product.indices = self.order[product.indices]
            return product
        entries: list[tuple[Any, Any]] = []
        step = max(CELLS // num_items, 1)
        for first in range(begin, end, step):
            cells = self._cells(first, min(first + step, end))
            entries += map(self._entries_of_row, cells)
        indptr = offsets([len(columns) for columns, _ in entries])
        columns, counts = (np.concatenate(arrays) for arrays in zip(*entries))
        return sp.csr_matrix((counts, columns, indptr), (end - begin, num_items))

    def _entries_of_row(self, cells: Cells) -> tuple[Any, Any]:
        """Return the items and counts of the cells that are not 0."""
        columns = np.flatnonzero(cells)
        return self.order[columns], cells[columns]

    def _cells(self, begin: int, end: int) -> Cells:
        """Return the rows ``begin`` to before ``end`` in all cells, (R, I)."""
        places, work = self._places[begin:end], np.diff(self.work[begin : end + 1])  # (R,)
        in_head = places < self._head
        cells: Cells = np.empty((end - begin, len(self.order)), self._right.dtype)
        for some, right in ((~in_head, self._right), (in_head, self._tail)):
            rows = np.flatnonzero(some)
            for first, last in row_blocks(offsets(work[rows]), end - begin, COPIED):
                cells[rows[first:last]] = _count(self._left[begin + rows[first:last]], right)
        if in_head.any():
            cells[in_head, : self._head] = self._counts[places[in_head]]
        return cells


def _count(left: Any, right: Any) -> Cells:
    """Return left @ right in all cells, (R, I); one row may have more work than is copied at once."""
    users, shape = left.indices, (left.shape[0], right.shape[1])
    if shape[0] > 1:
        return _add_lists(right[users], left.indptr, shape)
    cells: Cells = np.zeros(shape, right.dtype)
    lengths = right.indptr[users + 1] - right.indptr[users]
    for begin, end in row_blocks(offsets(lengths), len(users), max(COPIED, 4 * shape[1])):
        cells += _add_lists(right[users[begin:end]], np.array([0, end - begin]), shape)
    return cells


def _add_lists(lists: Any, bounds: Any, shape: tuple[int, int]) -> Cells:
    """Return the sum of each range of lists, (R, I)."""
    repeating = (lists.data, lists.indices, lists.indptr[bounds])
    cells: Cells = sp.csr_matrix(repeating, shape).toarray()
    return cells


def _choose_head(right: Any) -> int:
    """Return how many of the first columns to count densely: where it saves most time."""
    best, saved = 0, 0.0
    if right.shape[0] > MAX_EXACT_COUNT:
        return best
    sample = right[:: max(right.shape[0] // SAMPLED_USERS, 1)]
    users = np.repeat(np.arange(sample.shape[0]), np.diff(sample.indptr))  # (P,)
    for head in (head for head in HEADS if head <= right.shape[1]):
        lengths = np.bincount(users[sample.indices < head], minlength=1).astype(np.float64)
        gain = (lengths**2).sum() - sample.shape[0] * head**2 / DENSE_SPEED
        if gain > saved:
            best, saved = head, gain
    return best


def _drop_head(right: Any, head: int) -> Any:
    """Return the matrix without the entries of the first columns."""
    if not head:
        return right
    tail = right[:, head:]
    tail.indices += head
    return sp.csr_matrix((right.data[: tail.nnz], tail.indices, tail.indptr), right.shape)


def _count_head(right: Any, head: int) -> Cells:
    """Return X' X of the first columns, (H, H) counts."""
    sums = np.zeros((head, head), np.float32)
    step = max(CELLS // 4 // max(head, 1), 1)
    for begin in range(0, right.shape[0] if head else 0, step):
        dense = right[begin : begin + step, :head].toarray().astype(np.float32)
        sums += dense.T @ dense
    return sums.astype(right.dtype)

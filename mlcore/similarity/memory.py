"""How much memory the kernels take: one function for each, of numbers alone.

The factors are bytes of the arrays that are there at the same time, counted in the code that each
function names; the tests compare them with what is really taken. Who changes an array changes its
factor here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlcore.memory.plan import Part, Steps, add_parts, scratch_part
from mlcore.similarity.base import NeighborSettings
from mlcore.similarity.gram import DENSE, MAX_BLOCK_ENTRIES, GramBlocks
from mlcore.similarity.selection import PART_ENTRIES
from mlcore.numeric.ranges import row_blocks
from mlcore.numeric.sums import sum_by_group
from mlcore.types import Float64Array, Int64Array

__all__ = [
    "CompiledNeed",
    "Shape",
    "compiled_kernel",
    "gather_pairs",
    "scipy_kernel",
    "scipy_products",
    "shape_of",
]

SPAN_ENTRIES = 2**20  # of X, looked at together
BEST_BYTES = 12  # of each kept pair: pairs.BestOfRows
# Of each kept pair, to join the blocks, sort by source and make the indices int32; what to sort once
# more takes, where rows are sources.
GATHER_BLOCKS, GATHER_LISTS, SORT_AGAIN = 40, 28, 8
# Of an entry of a block, to count common users besides; of one that may be among the best.
COMMON_BYTES, CANDIDATE_BYTES = 40, 60
# A list of the head is never longer than where its bits cost as much as all counts one by one:
# head^2 / 2 x U / 64 words of WORD_COST = W counts of COUNT_COST.
COUNTS_PER_WORD = 6
TILE = 64
RANGE_ENTRIES, ENTRIES_PER_ITEM = 2**18, 4


@dataclass(frozen=True)
class Shape:
    """What a plan is computed from: where X has entries, whatever they are.

    Attributes:
        num_users: U.
        lengths: (U,) int64 items of each user.
        reach: (I,) float64 pairs of a user and another item that each item has.
        is_binary: whether all entries are 1.
        most_users: of an item.
    """

    num_users: int
    lengths: Int64Array
    reach: Float64Array
    is_binary: bool
    most_users: int

    @property
    def num_items(self) -> int:
        """I."""
        return len(self.reach)

    @property
    def num_entries(self) -> int:
        """E."""
        return int(self.lengths.sum())

    @cached_property
    def work(self) -> float:
        """Pairs of two items of one user, each of which must be counted."""
        return float(self.reach.sum()) / 2

    @cached_property
    def row_entries(self) -> Float64Array:
        """The most entries that each row of X' X can have, (I,) float64."""
        return np.minimum(self.reach + 1, self.num_items)

    @property
    def is_dense(self) -> bool:
        """Whether X gets a user more, who has all items: ``gram.Products``."""
        lengths = self.lengths.astype(np.float64)
        return bool((lengths**2).sum() >= DENSE * self.num_items**2)

    @property
    def index_bytes(self) -> int:
        """Of an index in scipy's matrices of X: int32 as long as that does."""
        return 4 if self.num_entries < 2**31 else 8

    def kept_pairs(self, k: int | None) -> int:
        """Return the most pairs that are kept.

        Args:
            k: of each item; None for all.
        """
        others = np.minimum(self.reach, self.num_items - 1)  # (I,)
        return int((others if k is None else np.minimum(others, k)).sum())


def shape_of(gram: GramBlocks) -> Shape:
    """Return the shape of X, found once for all plans of it.

    Args:
        gram: of X; of its weights only those are looked at that tell whether all are 1.

    >>> from mlcore.types import CsrMatrix
    >>> x = CsrMatrix(np.array([0, 2, 3]), np.array([0, 1, 1]), np.ones(3, np.float32), 2)
    >>> shape_of(GramBlocks(x)).reach.tolist()
    [1.0, 1.0]
    """
    shape: Shape = gram.shared("shape", lambda: _find_shape(gram))
    return shape


def _find_shape(gram: GramBlocks) -> Shape:
    matrix = gram.user_items
    lengths = np.diff(matrix.indptr)  # (U,) int64
    reach = np.zeros(gram.num_items)
    users = np.zeros(gram.num_items, np.int64)
    most = max(SPAN_ENTRIES, 4 * gram.num_items)
    for begin, end in row_blocks(matrix.indptr, len(lengths), most):
        items = matrix.indices[matrix.indptr[begin] : matrix.indptr[end]]
        others = np.repeat(lengths[begin:end] - 1.0, lengths[begin:end])
        reach += sum_by_group(items, others, gram.num_items)
        users += np.bincount(items, minlength=gram.num_items)
    return Shape(gram.num_users, lengths, reach, gram.is_binary, int(users.max(initial=0)))


def scipy_products(shape: Shape, number_bytes: int) -> Part:
    """Return X and X' as ``gram.Products`` multiplies them.

    Args:
        shape: of X.
        number_bytes: 4 where both are binary and count in float32, else 8.
    """
    index = shape.index_bytes
    own_indices = index if shape.is_dense or index == 8 else 0
    entry = 2 * number_bytes + index + own_indices
    return Part("matrices to multiply", entry * shape.num_entries + index * shape.num_users)


def scipy_kernel(
    shape: Shape,
    number_bytes: int,
    value_bytes: int,
    settings: NeighborSettings,
    threads: int,
    needs_cooccurrences: bool = False,
) -> Steps:
    """Return what ``selection.best_of_rows`` takes: X, X', blocks of their product, kept pairs.

    Args:
        shape: of X.
        number_bytes: of an entry of X and of the product.
        value_bytes: of scratch for each entry whose value is computed.
        settings: which pairs are kept.
        threads: how many.
        needs_cooccurrences: whether common users of weighted items are counted besides.
    """
    matrices, k = [scipy_products(shape, number_bytes)], settings.num_neighbors
    if needs_cooccurrences:
        matrices.append(scipy_products(shape, 4)._replace(name="matrices of common users"))
    rows, total = shape.row_entries, max(float(shape.row_entries.sum()), 1.0)
    block = min(max(MAX_BLOCK_ENTRIES, rows.max(initial=0)), total)
    candidates = block if k is None else block / total * float(np.minimum(rows, k + 1).sum())
    scratch = (4 + number_bytes) * (block + shape.num_entries * block / total)
    scratch += COMMON_BYTES * block if needs_cooccurrences else 0
    scratch += CANDIDATE_BYTES * candidates + value_bytes * min(
        max(PART_ENTRIES, shape.num_items), total
    )
    steps = {
        "lay out the matrices": [Part("their pattern", 8 * shape.num_entries)],
        "compare items": [
            scratch_part(threads, scratch),
            Part("best pairs", BEST_BYTES * shape.kept_pairs(k)),
        ],
        "gather pairs": [gather_pairs(shape.kept_pairs(k), settings)],
    }
    return add_parts(matrices, steps)


def gather_pairs(pairs: int, settings: NeighborSettings, pair_bytes: int = GATHER_BLOCKS) -> Part:
    """Return the kept pairs while they are put in order: ``pairs.stack_rows``, ``pairs.by_source``.

    Args:
        pairs: how many.
        settings: whose rows they stand in.
        pair_bytes: of each, until they are sorted once.
    """
    again = SORT_AGAIN if settings.neighborhood == "source" else 0
    return Part("best pairs", (pair_bytes + again) * pairs)


@dataclass(frozen=True)
class CompiledNeed:
    """What decides how much the compiled kernel takes, besides the shape of X.

    Attributes:
        settings: which pairs are kept.
        room: entries of a list of the best, at most.
        needs_cooccurrences: whether common users are counted besides.
    """

    settings: NeighborSettings
    room: int
    needs_cooccurrences: bool = False


def compiled_kernel(shape: Shape, is_binary: bool, need: CompiledNeed, threads: int) -> Steps:
    """Return what ``compiled`` takes: its layout, bits of the head, lists of the best.

    Args:
        shape: of X.
        is_binary: whether it is counted as if all entries were 1.
        need: what decides besides.
        threads: how many.
    """
    num_items, entries = shape.num_items, shape.num_entries
    pairs = shape.kept_pairs(need.settings.num_neighbors)
    layout_bytes = 4 + _index_bytes(num_items) + _index_bytes(int(shape.lengths.max(initial=0)))
    layout = Part("items by popularity", (layout_bytes + (0 if is_binary else 8)) * entries)
    ranges = max(entries // max(RANGE_ENTRIES, ENTRIES_PER_ITEM * max(num_items, 1)), 1)
    head = _longest_head(shape) if is_binary else 0
    counter = 8 if not is_binary else _index_bytes(shape.most_users)
    lists = BEST_BYTES * float(np.minimum(shape.reach, need.room).sum()) + 16 * num_items
    scratch = num_items * (counter + (4 if need.needs_cooccurrences else 0)) + TILE * head * counter
    at_work = [
        Part("items as bits", head * -(-shape.num_users // 64) * 8),
        Part("lists of the best", int(threads * lists)),
        scratch_part(threads, scratch),
    ]
    steps = {
        "lay out the items": [Part("users of each item", 32 * ranges * num_items)],
        "compare items": at_work,
        "gather pairs": [*at_work, gather_pairs(pairs, need.settings, GATHER_LISTS)],
    }
    return add_parts([layout, Part("numbers of each item", 64 * num_items)], steps)


def _index_bytes(limit: int) -> int:
    return 2 if limit <= 2**16 else 4


def _longest_head(shape: Shape) -> int:
    most = np.sqrt(2 * shape.work * 64 * COUNTS_PER_WORD / max(shape.num_users, 1))
    return min(shape.num_items, -(-int(most) // TILE) * TILE)

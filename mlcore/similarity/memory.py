"""What the kernels allocate at most: one estimate for each, from the shape of X alone.

The factors are bytes of the arrays that exist together, counted in the code that each function names;
tests compare the estimates with what is taken. If you change an array, change its factor here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlcore.memory.plan import LARGER_MACHINE, Allocation, peak, per_thread
from mlcore.similarity.base import NeighborSettings
from mlcore.similarity.compiled import (
    ENTRIES_PER_ITEM,
    RANGE_ENTRIES,
    TILE_USERS,
    list_capacity,
    num_candidates,
)
from mlcore.similarity.compiled.plan import BINARY, WEIGHTED
from mlcore.similarity.gram import MAX_BLOCK_ENTRIES, GramBlocks
from mlcore.similarity.products import CELLS, COPIED, DENSE_SPEED, HEADS, sum_over_users
from mlcore.similarity.selection import PART_ENTRIES, WAITING
from mlcore.types import Float64Array, Int64Array

__all__ = [
    "FEWER_ITEMS",
    "GATHER_BYTES",
    "OTHER_SIMILARITY",
    "PAIR_BYTES",
    "Shape",
    "compiled_kernel",
    "compiled_kernel_on_disk",
    "count_matrices",
    "half_kernel",
    "kept_pairs",
    "matrices",
    "scipy_kernel",
    "shape_of",
]

FEWER_NEIGHBORS = "keep fewer neighbors, --set num_neighbors=N for train"
FEWER_ITEMS = (
    "drop rare items or users (cli.preprocess --min-item-interactions, --min-user-interactions), "
    f"or {LARGER_MACHINE}"
)
OTHER_SIMILARITY = (
    "use --similarity rp3beta, or drop rare items or users "
    "(cli.preprocess --min-item-interactions, --min-user-interactions)"
)

PAIR_BYTES = 12  # of a kept pair: selection.BestOfRows, and the lists of the compiled kernel
RESULT_BYTES = 8  # of a kept pair of the compiled kernel, and of the model
# Of a kept pair, to join the blocks and sort by source: selection.stack_rows, selection.by_source.
GATHER_BYTES = 48
# Of an entry of a half product: as the best of its column, twice; of one of X, the bounds of its list.
BOTH_BYTES, LIST_BYTES = 24, 36
JOIN_BYTES = 40  # of an entry that is joined: laid together, its place, its limit
# Of an entry of a block: the product; co-occurrence counts besides; one that may be among the best;
# one whose value is computed by a quotient, or by the measure that takes most, the log-likelihood ratio.
PRODUCT_BYTES, COOCCURRENCE_BYTES, CANDIDATE_BYTES = 12, 40, 60
QUOTIENT_BYTES, VALUE_BYTES = 76, 130


@dataclass(frozen=True)
class Shape:
    """What an estimate is computed from: where X has entries, whatever they are.

    Attributes:
        num_users: U.
        lengths: (U,) int64 items of each user.
        reach: (I,) float64 pairs of a user and another item that each item has.
        is_binary: whether all entries are 1.
    """

    num_users: int
    lengths: Int64Array
    reach: Float64Array
    is_binary: bool

    @property
    def num_items(self) -> int:
        """I."""
        return len(self.reach)

    @property
    def num_entries(self) -> int:
        """E."""
        return int(self.lengths.sum())

    @cached_property
    def row_entries(self) -> Float64Array:
        """The most entries that each row of X' X can have, (I,) float64."""
        return np.minimum(self.reach + 1, self.num_items)

    def num_pairs(self, k: int | None) -> int:
        """Return the most pairs that are kept, ``k`` of each item or all."""
        others = np.minimum(self.reach, self.num_items - 1)  # (I,)
        return int((others if k is None else np.minimum(others, k)).sum())


def shape_of(gram: GramBlocks) -> Shape:
    """Return the shape of X, found once.

    >>> from mlcore.types import CsrMatrix
    >>> x = CsrMatrix(np.array([0, 2, 3]), np.array([0, 1, 1]), np.ones(3, np.float32), 2)
    >>> shape_of(GramBlocks(x)).reach.tolist()
    [1.0, 1.0]
    """
    shape: Shape = gram.shared("shape", lambda: _find_shape(gram))
    return shape


def _find_shape(gram: GramBlocks) -> Shape:
    lengths = np.diff(gram.user_items.indptr)  # (U,) int64
    reach = sum_over_users(gram.user_items, lengths - 1).astype(np.float64)
    return Shape(gram.num_users, lengths, reach, gram.is_binary)


def kept_pairs(num_pairs: int, pair_bytes: int) -> Allocation:
    """Return the kept pairs, ``pair_bytes`` each."""
    return Allocation("best pairs", pair_bytes * num_pairs, FEWER_NEIGHBORS)


def matrices(shape: Shape, number_bytes: int, more_bytes: int = 4) -> Allocation:
    """Return X and X' as ``gram.Products`` lays them out, and the weights of the formula.

    Args:
        shape: of X.
        number_bytes: 8, or 4 for counts at most.
        more_bytes: of each entry besides.
    """
    index = 4 if shape.num_entries < 2**31 else 8
    entry = 2 * (number_bytes + index) + 8 + more_bytes  # 8: the pattern that bounds the blocks
    num_bytes = entry * shape.num_entries + index * shape.num_users
    return Allocation("matrices to multiply", num_bytes, FEWER_ITEMS)


def count_matrices(shape: Shape, more_bytes: int = 4) -> Allocation:
    """Return X, X' and X without its densely counted items, which share their ones; the counts of these."""
    index, count = 4 if shape.num_entries < 2**31 else 8, _count_bytes(shape)
    entry = 3 * index + 2 * count + more_bytes  # the data of X without them is a copy at first
    head = (8 + count) * _longest_dense_head(shape) ** 2
    num_bytes = entry * shape.num_entries + 3 * index * shape.num_users + head
    return Allocation("matrices to multiply", num_bytes, FEWER_ITEMS)


def _count_bytes(shape: Shape) -> int:
    """Return the size of ``products.number_type`` at most: no item has more users than there are."""
    return 2 if shape.num_users < 2**16 else 4


def _longest_dense_head(shape: Shape) -> int:
    """Return the largest head that ``products.CountProduct`` can choose."""
    squares = float((shape.lengths.astype(np.float64) ** 2).sum()) / max(shape.num_users, 1)
    most = min(np.sqrt(DENSE_SPEED * squares), shape.num_items)
    return max((head for head in HEADS if head <= most), default=0)


def scipy_kernel(
    shape: Shape,
    products: Allocation,
    settings: NeighborSettings,
    threads: int,
    *,
    otherwise: str = LARGER_MACHINE,
    are_counts: bool = False,
    counts_users: bool = False,
    gather_bytes: int = GATHER_BYTES,
) -> Sequence[Allocation]:
    """Return what ``selection.best_of_rows`` takes, and what follows it.

    Args:
        shape: of X.
        products: the matrices it multiplies.
        settings: which pairs are kept.
        threads: how many.
        otherwise: what makes the scratch of one thread smaller.
        are_counts: whether the products are counts of a binary X.
        counts_users: whether common users of weighted items are counted besides.
        gather_bytes: of each kept pair, to put them in order.
    """
    k, rows = settings.num_neighbors, shape.row_entries
    pairs, total = shape.num_pairs(k), max(float(rows.sum()), 1.0)
    block = min(max(MAX_BLOCK_ENTRIES, rows.max(initial=0)), total)
    candidates = block if k is None else block / total * float(np.minimum(rows, k + 1).sum())
    scratch = PRODUCT_BYTES * (block + shape.num_entries * block / total)
    scratch += COOCCURRENCE_BYTES * block if counts_users else 0
    scratch += CANDIDATE_BYTES * candidates
    scratch += VALUE_BYTES * min(max(PART_ENTRIES, shape.num_items), total)
    if are_counts:
        count, num_rows = _count_bytes(shape), block / total * shape.num_items
        cells = min(max(CELLS, shape.num_items), num_rows * shape.num_items)
        work = float(shape.reach.sum()) + shape.num_entries
        adding = (4 + count) * min(max(COPIED, 4 * shape.num_items), work) + count * cells
        finding = 2.0 * (4 + count) * block
        scratch = max(scratch, count * cells + max(adding, cells + finding))
    return peak(
        [products, per_thread(threads, scratch, otherwise), kept_pairs(pairs, PAIR_BYTES)],
        [products, kept_pairs(pairs, gather_bytes)],
    )


def half_kernel(
    shape: Shape,
    is_binary: bool,
    settings: NeighborSettings,
    threads: int,
    suggestion: str,
    is_quotient: bool,
) -> Sequence[Allocation]:
    """Return what ``products.HalfProduct`` and ``selection.best_of_half`` take.

    Args:
        shape: of X.
        is_binary: whether it is counted as if all entries were 1.
        settings: which pairs are kept.
        threads: how many.
        suggestion: what takes less.
        is_quotient: whether values are a ``formula.Quotient``.
    """
    index = 4 if shape.num_entries < 2**31 else 8
    number = _count_bytes(shape) if is_binary else 8
    entry = 4 * index + number + 4  # two matrices, places in the making, the weights of the formula
    products = Allocation("matrices to multiply", entry * shape.num_entries, suggestion)
    pairs, rows = shape.num_pairs(settings.num_neighbors), shape.row_entries
    total = max(float(rows.sum()), 1.0)
    block = min(max(MAX_BLOCK_ENTRIES, rows.max(initial=0)), total / 2)
    scratch = (4 + number) * block + LIST_BYTES * shape.num_entries * block / total
    value = QUOTIENT_BYTES if is_quotient else VALUE_BYTES
    part = value * min(max(PART_ENTRIES, shape.num_items), total / 2)
    # A part's values, and the best of the parts before; then the best of all parts, put together.
    scratch += max(part + BOTH_BYTES // 2 * block, BOTH_BYTES * block)
    # Those that wait, as they came, by row and by column; or the best before and after, and these.
    # What the last block adds is its scratch.
    waiting = min(max(WAITING, pairs // 2), total)
    kept = PAIR_BYTES * (pairs + max(3 * waiting, pairs + waiting))
    kept += (
        JOIN_BYTES * min(WAITING, pairs + waiting) if threads > 1 else 0
    )  # else no block is at work then
    return peak(
        [products, per_thread(threads, scratch, suggestion), kept_pairs(1, int(kept))],
        [products, kept_pairs(pairs, GATHER_BYTES)],
    )


def _of_items(shape: Shape, is_binary: bool, k: int) -> tuple[Allocation, Allocation, int]:
    """Return what the compiled kernel takes that grows with items and users alone; the last by thread."""
    num_items = shape.num_items
    ranges = max(shape.num_entries // max(RANGE_ENTRIES, ENTRIES_PER_ITEM * num_items), 1)
    tile = (
        BINARY.user_bytes * shape.num_users
        if is_binary
        else WEIGHTED.user_bytes * TILE_USERS + (8 + 8 * WEIGHTED.width) * num_items
    )
    return (
        Allocation("numbers of items", 120 * num_items + 12 * shape.num_users, FEWER_ITEMS),
        Allocation("users of each item", 32 * ranges * num_items, FEWER_ITEMS),
        24 * num_items + PAIR_BYTES * num_candidates(k) + tile,
    )


def compiled_kernel_on_disk(
    shape: Shape, is_binary: bool, settings: NeighborSettings, threads: int
) -> Sequence[Allocation]:
    """Return what ``compiled`` takes whose layout, lists and result are mapped: see ``memory.arrays``.

    Args:
        shape: of X.
        is_binary: whether it is counted as if all entries were 1.
        settings: which pairs are kept.
        threads: how many.
    """
    k = min(settings.num_neighbors or shape.num_items, shape.num_items)
    numbers, counting, scratch = _of_items(shape, is_binary, k)
    tiles = per_thread(threads, scratch, FEWER_ITEMS, "rows of a tile")
    return peak([numbers, counting], [numbers, tiles])


def compiled_kernel(
    shape: Shape, is_binary: bool, settings: NeighborSettings, threads: int
) -> Sequence[Allocation]:
    """Return what ``compiled`` takes: its layout, lists, rows of a tile, the result.

    Args:
        shape: of X.
        is_binary: whether it is counted as if all entries were 1.
        settings: which pairs are kept.
        threads: how many.
    """
    num_items, entries = shape.num_items, shape.num_entries
    k = min(settings.num_neighbors or num_items, num_items)
    index = 2 if num_items <= 2**16 else 4
    layout_bytes = 4 + 2 * index + (0 if is_binary else 8)
    numbers, counting, scratch = _of_items(shape, is_binary, k)
    layout = Allocation("items by popularity", layout_bytes * entries, FEWER_ITEMS)
    lists = PAIR_BYTES * int(np.minimum(shape.reach, list_capacity(k)).sum())
    pairs = shape.num_pairs(k)
    found = kept_pairs(pairs, RESULT_BYTES)
    return peak(
        [numbers, layout, counting],
        [
            numbers,
            layout,
            Allocation("lists", lists, FEWER_NEIGHBORS),
            found,
            per_thread(threads, scratch, FEWER_ITEMS, "rows of a tile"),
        ],
        [
            numbers,
            found,
            kept_pairs(pairs, RESULT_BYTES + 1),
            per_thread(threads, 24 * num_items, FEWER_ITEMS),
        ],
    )

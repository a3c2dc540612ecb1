"""Score and rank users in compiled code, with the same bits as ``mlcore.recommend.scoring``.

Takes users one by one: adds up the stored pairs of the history in scratch as long as the catalogue,
and keeps the best candidates in a heap. Where the pairs are fewer than the items, it notes which are
touched and visits only these. In a model of the best sources of each target, popular items have pairs
with most items: such rows are added as a whole, without positions. A call writes to its own scratch and
result only and releases the interpreter lock, so threads run in parallel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlcore.native import call
from mlcore.recommend.ranking import RowItems
from mlcore.types import (
    BoolArray,
    CsrMatrix,
    Float32Array,
    Float64Array,
    Int32Array,
    Int64Array,
)

__all__ = ["WideRows", "make_wide_rows", "rank_rows", "wide_items"]

# A row is wide if it has a pair with at least one of so many items. Changes speed only.
WIDE_SHARE = 4
# Of all wide rows, the longest first. Changes speed and memory only.
MAX_WIDE_CELLS = 2**22


class WideRows(NamedTuple):
    """Rows of a similarity with a value for each item, the longest ones.

    Attributes:
        places: (I,) int32, the row of each item, or -1.
        values: (W, I) float32, -0.0 where there is no pair: added to a sum, it leaves every bit.
    """

    places: Int32Array
    values: Float32Array


def wide_items(similarity: CsrMatrix) -> Int64Array:
    """Return the items with wide rows in an (I, I) similarity, by descending length."""
    num_items = similarity.num_columns
    lengths = np.diff(similarity.indptr)  # (I,)
    wide = np.flatnonzero(WIDE_SHARE * lengths >= num_items)
    longest: Int64Array = wide[np.argsort(-lengths[wide], kind="stable")]
    return longest[: MAX_WIDE_CELLS // max(1, num_items)]


def make_wide_rows(similarity: CsrMatrix) -> WideRows | None:
    """Return the wide rows of a checked (I, I) similarity; None if it has none.

    >>> pairs = np.array([0, 1, 1]), np.array([1], np.int32), np.array([0.5], np.float32)
    >>> make_wide_rows(CsrMatrix(*pairs, num_columns=2)).values.tolist()
    [[-0.0, 0.5]]
    """
    wide = wide_items(similarity)
    if not len(wide):
        return None
    places = np.full(similarity.num_rows, -1, np.int32)
    places[wide] = np.arange(len(wide))
    values = np.full((len(wide), similarity.num_columns), -0.0, np.float32)
    for row, item in zip(values, wide.tolist()):
        columns, stored = similarity.row(item)
        row[columns] = stored + np.float32(0)  # a stored -0.0 is a pair, too
    return WideRows(places, values)


def rank_rows(
    similarity: CsrMatrix,
    histories: CsrMatrix,
    n: int,
    allowed: BoolArray | None = None,
    include_seen: bool = False,
    rows: RowItems | None = None,
    wide: WideRows | None = None,
) -> tuple[Int64Array, Int32Array, Float64Array]:
    """Return the best ``n`` candidates of each history, best first.

    score(j) is the sum over the history, in ascending item order, of float64(w_i) * float64(s_ij),
    added from +0; ties go to the smaller position. Equals ``mlcore.recommend.scoring.Scorer.rank``.

    Args:
        similarity: (I, I) float32, source items as rows; of those of the histories, all checked.
        histories: (R, I) float32, checked.
        n: list length, >= 1.
        allowed: (I,) items that may be listed; None for all.
        include_seen: also list items of the history.
        rows: of each history, what it may list besides.
        wide: of ``similarity``. Changes speed only.

    Returns:
        Offsets (R + 1,), item positions and scores (P,).

    >>> pairs = np.array([0, 2, 2, 2]), np.array([1, 2], np.int32), np.array([0.5, 2], np.float32)
    >>> history = np.array([0, 1]), np.array([0], np.int32), np.array([1], np.float32)
    >>> rank_rows(CsrMatrix(*pairs, num_columns=3), CsrMatrix(*history, num_columns=3), n=5)[1:]
    (array([2, 1], dtype=int32), array([2. , 0.5]))
    """
    num_items = similarity.num_rows
    length = min(n, num_items)
    indptr = np.zeros(histories.num_rows + 1, np.int64)
    items = np.empty(histories.num_rows * length, np.int32)
    scores = np.empty(histories.num_rows * length, np.float64)
    if rows is None:
        nothing = np.zeros(histories.num_rows + 1, np.int64), np.empty(0, np.int32)
        rows = RowItems(*nothing, are_included=False)
    scratch: list[npt.NDArray[Any]] = [
        np.full(num_items, -0.0),  # totals
        np.empty(num_items + 1, np.int32),  # what is touched
        np.empty(2 * length, np.float64),  # the heap: a score and a position of 16 bytes together
    ]
    arrays: list[npt.NDArray[Any]] = [*_arrays(similarity), *_arrays(histories)]
    may_list = None if allowed is None else np.ascontiguousarray(allowed, bool)
    limits: list[npt.NDArray[Any]] = [
        np.ascontiguousarray(rows.indptr, np.int64),
        np.ascontiguousarray(rows.items, np.int32),
    ]
    call(
        "rank_rows",
        *(*arrays[:3], *(wide or (None, None)), num_items),
        *(*arrays[3:], histories.num_rows),
        *(length, may_list, include_seen),
        *(*limits, rows.are_included),
        *scratch,
        *(indptr, items, scores),
    )
    return indptr, items[: indptr[-1]], scores[: indptr[-1]]


def _arrays(matrix: CsrMatrix) -> list[npt.NDArray[Any]]:
    return [
        np.ascontiguousarray(matrix.indptr, np.int64),
        np.ascontiguousarray(matrix.indices, np.int32),
        np.ascontiguousarray(matrix.data, np.float32),
    ]

"""Explanations on arrays: what each item of a history contributes to the score of a listed item.

share(i, j) = float64(w_i) * float64(s_ij) for each item i of the history with a stored pair (i, j).
These are the terms of score(j) in the order of addition, so they sum to the score bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlcore.numeric.ranges import offsets, ragged_arange, row_blocks
from mlcore.types import CsrMatrix, Float64Array, Int32Array, Int64Array

__all__ = ["Contributions", "explain_lists"]

# Stored pairs examined together, each of which takes up to 40 bytes of scratch in each thread.
# Changes speed and memory only.
MAX_CHUNK_PAIRS = 2**17


@dataclass(frozen=True)
class Contributions:
    """The terms of the scores of the P listed items of some users.

    Attributes:
        indptr: (P + 1,) int64 offsets of the contributions to each listed item.
        items: (Q,) int32 item positions of histories, ascending for each listed item.
        shares: (Q,) float64; added one by one in this order from +0 they are the score.
    """

    indptr: Int64Array
    items: Int32Array
    shares: Float64Array


class _Found(NamedTuple):
    """Some contributions, and the listed item that each belongs to."""

    listed: Int32Array
    items: Int32Array
    shares: Float64Array


def explain_lists(
    similarity: CsrMatrix, histories: CsrMatrix, indptr: Int64Array, items: Int32Array
) -> Contributions:
    """Return the contributions to each listed item, of either sign.

    Reads the same stored pairs as scoring, so longer lists cost nothing. An item that no stored
    pair touches has no contributions.

    Args:
        similarity: (I, I) float32, source items as rows; those of the histories are checked.
        histories: (R, I) float32 weights above 0, checked.
        indptr: (R + 1,) offsets of each list.
        items: (P,) int32 positions of the listed items, each at most once in a list.

    >>> pairs = np.array([0, 1, 2, 2]), np.array([2, 2]), np.array([0.5, 0.25])
    >>> similarity = CsrMatrix(*pairs, num_columns=3)
    >>> history = CsrMatrix(np.array([0, 2]), np.array([0, 1]), np.array([1.0, 2.0]), 3)
    >>> explain_lists(similarity, history, np.array([0, 1]), np.array([2])).shares.tolist()
    [0.5, 0.5]
    """
    num_items = similarity.num_rows
    lists = np.repeat(np.arange(histories.num_rows, dtype=np.int64), np.diff(indptr))  # (P,)
    place = np.zeros(histories.num_rows * num_items, np.int32)  # (R * I,) 1 + place among listed
    place[lists * num_items + items] = np.arange(1, len(items) + 1)
    parts = [_find(similarity, histories, place, *span) for span in _chunks(similarity, histories)]
    found = _Found(*(np.concatenate(columns) for columns in zip(_NOTHING, *parts)))
    # Stable: the contributions to an item stay in the order of the history.
    order = np.argsort(found.listed, kind="stable")
    counts = np.bincount(found.listed, minlength=len(items))
    return Contributions(offsets(counts), found.items[order], found.shares[order])


_NOTHING = _Found(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))


def _chunks(similarity: CsrMatrix, histories: CsrMatrix) -> Iterator[tuple[int, int]]:
    """Yield spans of history entries whose rows of the similarity fit the scratch, or one alone."""
    lengths = similarity.indptr[histories.indices + 1] - similarity.indptr[histories.indices]
    yield from row_blocks(offsets(lengths), max(1, len(lengths)), MAX_CHUNK_PAIRS)


def _find(
    similarity: CsrMatrix, histories: CsrMatrix, place: Int32Array, begin: int, end: int
) -> _Found:
    """Return the contributions of a span of history entries, in the order of the entries."""
    sources = histories.indices[begin:end]  # (H,) int32
    users = np.searchsorted(histories.indptr, np.arange(begin, end), side="right") - 1  # (H,)
    starts = similarity.indptr[sources]
    lengths = similarity.indptr[sources + 1] - starts
    pairs = ragged_arange(starts, lengths)  # (P,)
    columns = similarity.indices[pairs]  # (P,) int32
    listed = place[np.repeat(users * similarity.num_rows, lengths) + columns]  # (P,) int32
    hits = np.flatnonzero(listed)
    values = similarity.data[pairs[hits]]  # (Q,) float32
    entries = np.searchsorted(np.cumsum(lengths), hits, side="right")  # (Q,) position in the span
    weights = histories.data[begin:end][entries].astype(np.float64)
    return _Found(listed[hits] - 1, sources[entries], weights * values.astype(np.float64))

"""Entries of a sparse matrix in order, and the several of one place as one.

Work goes in spans that stay in the cache: large temporaries in fresh memory are slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlcore.aggregate import Aggregate
from mlcore.memory.arrays import new_array
from mlcore.numeric.sums import sum_by_group
from mlcore.types import BoolArray, CsrMatrix, Float64Array, Int32Array, Int64Array

__all__ = ["are_stored", "combine_pairs", "sort_pairs", "spans", "take"]

_SPAN_ENTRIES = 2**18  # changes speed only


def spans(num_entries: int) -> Iterator[slice]:
    """Yield slices that cover the entries."""
    for begin in range(0, num_entries, _SPAN_ENTRIES):
        yield slice(begin, min(begin + _SPAN_ENTRIES, num_entries))


def take(values: Any, order: Any) -> Any:
    """Return ``values[order]``, in spans."""
    taken = new_array(len(order), values.dtype)
    for span in spans(len(order)):
        taken[span] = values[order[span]]
    return taken


def sort_pairs(
    rows: Int32Array,
    columns: Int32Array,
    shape: tuple[int, int],
    weights: Float64Array,
    times: Int64Array | None,
) -> tuple[Int64Array, Float64Array, Int64Array | None]:
    """Return row * C + column of each entry in ascending order, with weights and times.

    Entries of one pair go by time, then weight: floating-point sums must not depend on their order.

    Args:
        rows: (E,) below R.
        columns: (E,) below C.
        shape: R and C.
    """
    num_rows, num_columns = shape
    keys = rows.astype(np.int64)  # (E,)
    keys *= num_columns
    keys += columns
    if _ascend(keys):
        return keys, weights.copy(), None if times is None else times.copy()
    if times is None and (weights == weights[0]).all():
        keys.sort()
        return keys, weights.copy(), None
    entry_bits = len(keys).bit_length()
    order: Any  # (E,)
    if num_rows * num_columns <= 2 ** (63 - entry_bits):
        # Sorting integers is several times faster than argsort, so pack the entry into the key.
        keys <<= entry_bits
        for span in spans(len(keys)):
            keys[span] |= np.arange(span.start, span.stop)
        keys.sort()
        order = np.empty(len(keys), np.uint32 if entry_bits <= 32 else np.int64)
        for span in spans(len(keys)):
            order[span] = keys[span] & (2**entry_bits - 1)
        keys >>= entry_bits
    else:
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
    repeats = np.flatnonzero(keys[1:] == keys[:-1])
    if len(repeats):
        among_equals = np.zeros(len(keys), bool)
        among_equals[repeats] = among_equals[repeats + 1] = True
        entries = order[among_equals]
        by = [weights[entries]] if times is None else [weights[entries], times[entries]]
        order[among_equals] = entries[np.lexsort((*by, keys[among_equals]))]
    return keys, take(weights, order), None if times is None else take(times, order)


def _ascend(keys: Int64Array) -> bool:
    """Return whether each key is above the one before, as in files that our commands write."""
    parts = (keys[span.start : span.stop + 1] for span in spans(len(keys)))
    return all((part[1:] > part[:-1]).all() for part in parts)


def combine_pairs(
    how: Aggregate, keys: Int64Array, weights: Float64Array, times: Int64Array | None
) -> tuple[Int64Array, Float64Array, Int64Array | None]:
    """Combine entries of the same key, which are adjacent and end with the newest.

    Args:
        how: ``last`` is the weight of the newest, ``count`` their number.
        keys: (E,) ascending.
    """
    is_first = np.ones(len(keys), bool)
    is_first[1:] = keys[1:] != keys[:-1]
    if is_first.all():
        return keys, np.ones(len(keys)) if how == "count" else weights, times
    firsts = np.flatnonzero(is_first)
    lasts = np.append(firsts[1:], len(keys)) - 1
    if how == "last":
        weights = weights[lasts]
    elif how == "max":
        weights = np.maximum.reduceat(weights, firsts)
    elif how == "count":
        weights = (lasts - firsts + 1).astype(np.float64)
    else:
        weights = sum_by_group(np.cumsum(is_first) - 1, weights, len(firsts))
    return keys[firsts], weights, None if times is None else times[lasts]


def are_stored(rows: Int32Array | Int64Array, columns: Int32Array, matrix: CsrMatrix) -> BoolArray:
    """Return which of N entries have a place that a matrix stores, (N,) bool.

    >>> matrix = CsrMatrix(np.array([0, 1, 1]), np.array([1], np.int32), np.ones(1), 2)
    >>> are_stored(np.array([0, 0, 1]), np.array([0, 1, 1], np.int32), matrix).tolist()
    [False, True, False]
    """
    num_columns = np.int64(matrix.num_columns)
    stored = matrix.row_of_entry() * num_columns + matrix.indices  # (P,) ascending
    keys = rows * num_columns + columns  # (N,)
    found: BoolArray = np.append(stored, -1)[np.searchsorted(stored, keys)] == keys
    return found

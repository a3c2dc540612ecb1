"""Lines of ranked lists in compiled code, from arrays: the bytes of the writers in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlcore.native import call
from mlcore.numeric.utf8 import Utf8, utf8_of
from mlcore.types import BoolArray, Float64Array, Int32Array, Int64Array

__all__ = ["MOST_AROUND", "ListArrays", "format_lists", "growth"]

# The most bytes of a list or an entry besides its ids: 92, of a filled item with reasons and a number
# of 25 bytes.
MOST_AROUND = 96


class ListArrays(NamedTuple):
    """R lists of P items.

    Attributes:
        user_ids: R of them.
        bounds: (R + 1,) int64 offsets of each list.
        items: (P,) int32 positions.
        scores: (P,) float64.
        filled: (P,) bool, whether popularity filled in the item.
        reasons: what contributes to each item: (P + 1,) int64 offsets, (Q,) int32 positions and (Q,)
            float64 shares; None to omit it.
    """

    user_ids: Sequence[str]
    bounds: Int64Array
    items: Int32Array
    scores: Float64Array
    filled: BoolArray
    reasons: tuple[Int64Array, Int32Array, Float64Array] | None = None


def growth(texts: Utf8) -> int:
    """Return the most bytes that one byte of some texts takes when it is written.

    Six as \\u001f; two as a doubled quote, or escaped.

    >>> [growth(utf8_of([text])) for text in ("a", 'a"', "a\\n")]
    [1, 2, 6]
    """
    return call("growth", *texts, len(texts.begins))


def format_lists(
    lists: ListArrays, items: Utf8, delimiter: str | None, item_growth: int | None = None
) -> bytes:
    """Return the lines of some lists in UTF-8.

    Equals ``format_predictions``, or ``format_list_rows`` with a delimiter, after the ids are quoted.

    Args:
        lists: of finite scores and shares.
        items: ids of all items.
        delimiter: None for JSON Lines.
        item_growth: ``growth(items)``; None to look.
    """
    users = utf8_of(lists.user_ids)
    arrays: list[npt.NDArray[Any]] = [
        np.ascontiguousarray(lists.bounds, np.int64),
        np.ascontiguousarray(lists.items, np.int32),
        np.ascontiguousarray(lists.scores, np.float64),
        np.ascontiguousarray(lists.filled, bool),
    ]
    reasons: list[npt.NDArray[Any]] = []
    if lists.reasons is not None:
        dtypes = np.int64, np.int32, np.float64
        reasons = [np.ascontiguousarray(a, dtype) for a, dtype in zip(lists.reasons, dtypes)]
    item_growth = growth(items) if item_growth is None else item_growth
    most = _most_bytes(lists, users, items, item_growth, delimiter is not None)
    out = np.empty(most, np.uint8)
    size = call(
        "format_lists",
        *(users.data, users.begins, users.ends),
        *(items.data, items.begins, items.ends),
        *(len(lists.user_ids), *arrays),
        *(reasons or (None,) * 3),
        ord(delimiter or "\0"),
        out,
    )
    return out[:size].tobytes()


def _most_bytes(
    lists: ListArrays, users: Utf8, items: Utf8, item_growth: int, are_rows: bool
) -> int:
    lengths = np.diff(lists.bounds)
    of_users = users.sizes @ (lengths if are_rows else np.ones_like(lengths))
    listed = [lists.items] if lists.reasons is None else [lists.items, lists.reasons[1]]
    of_items = sum(int(items.sizes[some].sum()) for some in listed)
    around = MOST_AROUND * (len(lengths) + sum(map(len, listed)))
    return growth(users) * int(of_users) + item_growth * of_items + around

"""Predictions from and to JSON Lines: one list a line, best item first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mlcore.errors import DataError, shorten, shorten_json
from mlcore.files.inputs import Place, place_name
from mlcore.files.tables import BadValue, read_json_lines
from mlcore.files.values import IdEncoder
from mlcore.jsontext import format_number
from mlcore.predictions import Predictions
from mlcore.progress import Progress, silent

__all__ = ["format_prediction", "read_predictions"]


def format_prediction(user: str, items: Iterable[tuple[str, float, bool]]) -> str:
    """Return one line.

    Args:
        user: the user's id as a JSON string.
        items: each item's id as a JSON string, its score, and whether popularity filled it in.

    >>> format_prediction('"u"', [('"a"', 0.75, False)])
    '{"user_id": "u", "items": [{"item_id": "a", "score": 0.75}]}\\n'
    """
    parts = [
        f'{{"item_id": {item}, "score": {format_number(score)}'
        + (', "source": "popularity"}' if filled else "}")
        for item, score, filled in items
    ]
    return f'{{"user_id": {user}, "items": [{", ".join(parts)}]}}\n'


def read_predictions(path: Place, progress: Progress = silent) -> Predictions:
    """Return the lists of a file; the order within a list is the ranking, scores are not read.

    Args:
        path: JSON Lines, perhaps ``.gz``, or ``-``.
        progress: told how many bytes are read.

    Raises:
        DataError: a user or, within a list, an item twice, or a line of another form.
    """
    name = place_name(path)
    user_ids: dict[str, int] = {}
    items = IdEncoder()
    codes: list[int] = []
    lengths: list[int] = []
    for line, value in read_json_lines(path, progress):
        place = f"{name}:{line}"
        user_id = value.get("user_id")
        if not isinstance(user_id, str):
            raise DataError(f"{place}: user_id: expected a string, got {_got(value, 'user_id')}")
        if user_id in user_ids:
            raise DataError(
                f"{place}: user_id: expected each user once, got {shorten(user_id)} again "
                f"(first in line {user_ids[user_id]})"
            )
        user_ids[user_id] = line
        row = _item_codes(value, items, place)
        codes += row
        lengths.append(len(row))
    if not user_ids:
        raise DataError(f"{name}: expected at least one JSON object, got an empty file")
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Predictions(
        list(user_ids),
        list(items),
        indptr,
        np.array(codes, np.int32),
        name,
        list(user_ids.values()),
    )


def _item_codes(value: dict[str, Any], items: IdEncoder, place: str) -> Sequence[int]:
    entries = value.get("items")
    if not isinstance(entries, list):
        raise DataError(f"{place}: items: expected an array, got {_got(value, 'items')}")
    try:
        row = [items.encode_json(entry["item_id"]) for entry in entries]
    except (BadValue, KeyError, TypeError, IndexError):
        raise _bad_entry(entries, place) from None
    if len(set(row)) < len(row):
        seen: set[int] = set()
        for entry, code in zip(entries, row):
            if code in seen:
                raise DataError(
                    f"{place}: items: expected each item once, "
                    f"got {shorten(entry['item_id'])} again"
                )
            seen.add(code)
    return row


def _bad_entry(entries: list[Any], place: str) -> DataError:
    for position, entry in enumerate(entries):
        where = f"{place}: items[{position}]"
        if not isinstance(entry, dict):
            return DataError(f"{where}: expected an object, got {shorten_json(entry)}")
        try:
            if "item_id" not in entry:
                raise BadValue("expected a string, got no such key")
            IdEncoder().encode_json(entry["item_id"])
        except BadValue as fault:
            return DataError(f"{where}: item_id: {fault}")
    raise AssertionError("a list failed as a whole but in no entry")


def _got(value: dict[str, Any], key: str) -> str:
    return shorten_json(value[key]) if key in value else "no such key"

"""Interactions from and to CSV and JSON Lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from mlcore.errors import DataError
from mlcore.files.inputs import Format, Place, find_format, place_name
from mlcore.files.tables import Column, read_columns
from mlcore.files.values import (
    IdEncoder,
    Memo,
    format_timestamp,
    parse_timestamp,
    timestamp_from_json,
    weight_from_json,
    weight_from_text,
)
from mlcore.interactions import Events, Interactions, sort_codes
from mlcore.jsontext import format_number, format_string
from mlcore.progress import Progress, silent

__all__ = ["ColumnNames", "quote_csv", "read_events", "read_interactions", "write_interactions"]

_ROWS_PER_WRITE = 10_000


@dataclass(frozen=True)
class ColumnNames:
    """How the columns are called in a file."""

    user: str = "user_id"
    item: str = "item_id"
    weight: str = "weight"
    timestamp: str = "timestamp"


def read_events(
    path: Place,
    *,
    names: ColumnNames = ColumnNames(),
    format: Format | None = None,
    progress: Progress = silent,
) -> Events:
    """Return the rows of a file.

    Args:
        path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, or ``-``. Columns: user and item (strings),
            weight (finite, above 0; 1 if there is no such column), timestamp (integer seconds or
            RFC 3339; may be missing). Others are passed over.
        names: how the columns are called.
        format: ``csv`` or ``jsonl``, or None to go by the name.
        progress: told how many bytes are read.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    users, items = IdEncoder(), IdEncoder()
    columns = [
        Column(names.user, users.__getitem__, users.encode_json),
        Column(names.item, items.__getitem__, items.encode_json),
        Column(names.weight, Memo(weight_from_text).__getitem__, weight_from_json, False, 1.0),
        Column(names.timestamp, parse_timestamp, timestamp_from_json, False),
    ]
    dtypes = (np.int32, np.int32, np.float64, np.int64)
    parts = [
        [
            None if values is None else np.array(values, dtype)
            for values, dtype in zip(chunk, dtypes)
        ]
        for chunk in read_columns(path, columns, format, progress)
    ]
    joined = [None if part[0] is None else np.concatenate(part) for part in zip(*parts)]
    user_codes, item_codes, weights, timestamps = joined
    assert user_codes is not None and item_codes is not None
    user_ids, user_codes = sort_codes(users, user_codes)
    item_ids, item_codes = sort_codes(items, item_codes)
    if weights is None:
        weights = np.ones(len(user_codes))
    return Events(user_ids, item_ids, user_codes, item_codes, weights, timestamps)


def read_interactions(
    path: Place,
    *,
    names: ColumnNames = ColumnNames(),
    format: Format | None = None,
    progress: Progress = silent,
) -> Interactions:
    """Return the interactions of a file: equal (user, item) rows are one, their weights add up.

    Args:
        path: as for ``read_events``.
        names: how the columns are called.
        format: ``csv`` or ``jsonl``, or None to go by the name.
        progress: told how many bytes are read.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    events = read_events(path, names=names, format=format, progress=progress)
    try:
        return events.aggregate("sum")
    except DataError as error:
        raise DataError(f"{place_name(path)}: {error}", error.hint) from None


def write_interactions(
    stream: TextIO, interactions: Interactions, path: Place, format: Format | None = None
) -> None:
    """Write interactions in order of user, then item.

    Columns: ``user_id``, ``item_id``, ``weight`` and, where there are timestamps, ``timestamp``:
    integer seconds if all are whole, else RFC 3339.

    Args:
        stream: takes the text.
        interactions: what to write.
        path: where the stream leads to, for its format.
        format: ``csv`` or ``jsonl``, or None to go by the name.

    Raises:
        DataError: the format is not known.
    """
    times = interactions.timestamps
    if find_format(path, format) == "csv":
        stream.write("user_id,item_id,weight" + ("" if times is None else ",timestamp") + "\n")
        lines = _csv_lines(interactions)
    else:
        lines = _json_lines(interactions)
    buffer: list[str] = []
    for line in lines:
        buffer.append(line)
        if len(buffer) == _ROWS_PER_WRITE:
            stream.write("".join(buffer))
            buffer.clear()
    stream.write("".join(buffer))


def quote_csv(text: str) -> str:
    """Return a CSV field, quoted only if it must be.

    Args:
        text: the value.

    >>> quote_csv('a,"b')
    '"a,""b"'
    """
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _csv_lines(interactions: Interactions) -> Iterator[str]:
    users = [quote_csv(id_) for id_ in interactions.user_ids]
    items = [quote_csv(id_) for id_ in interactions.item_ids]
    for user, item, weight, time in _rows(interactions):
        end = "\n" if time is None else f",{time}\n"
        yield f"{users[user]},{items[item]},{weight}{end}"


def _json_lines(interactions: Interactions) -> Iterator[str]:
    users = [format_string(id_) for id_ in interactions.user_ids]
    items = [format_string(id_) for id_ in interactions.item_ids]
    for user, item, weight, time in _rows(interactions):
        shown = time if time is None or "T" not in time else f'"{time}"'
        end = "}\n" if shown is None else f', "timestamp": {shown}}}\n'
        yield f'{{"user_id": {users[user]}, "item_id": {items[item]}, "weight": {weight}{end}'


def _rows(interactions: Interactions) -> Iterator[tuple[int, int, str, str | None]]:
    matrix, times = interactions.user_items, interactions.timestamps
    number = Memo(format_number).__getitem__
    in_seconds = times is not None and not (times % 1_000_000).any()
    users, items = matrix.row_of_entry().tolist(), matrix.indices.tolist()
    weights = matrix.data.tolist()
    for row in range(len(interactions)):
        time = None if times is None else format_timestamp(int(times[row]), in_seconds)
        yield users[row], items[row], number(weights[row]), time

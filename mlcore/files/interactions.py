"""Interactions from and to CSV and JSON Lines."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice
from typing import Literal, TextIO, TypeAlias

import numpy as np

from mlcore.errors import at
from mlcore.files.database import has_duckdb
from mlcore.files.duckdb_input import read_events_by_duckdb
from mlcore.files.inputs import display_name, find_format
from mlcore.files.options import Format, InputOptions, PathLike
from mlcore.files.parquet import is_parquet, read_parquet_events
from mlcore.files.tables import ColumnReader, read_columns
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
from mlcore.progress import Progress, no_progress

__all__ = [
    "Reader",
    "quote_csv",
    "read_events",
    "read_interactions",
    "write_interactions",
]

Reader: TypeAlias = Literal["auto", "standard", "duckdb"]

_ROWS_PER_WRITE = 10_000
_DUCKDB_FROM_BYTES = 2**22  # the standard reader takes half a second for them


def read_events(
    path: PathLike,
    *,
    input_options: InputOptions = InputOptions(),
    threads: int | None = None,
    progress: Progress = no_progress,
    reader: Reader = "auto",
) -> Events:
    """Return the rows of a file, in no particular order.

    Args:
        path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, or ``-``; or ``.parquet``. Columns: user and
            item (strings), weight (finite, above 0; 1 if there is no such column), timestamp
            (integer seconds or RFC 3339; may be missing). Others are ignored.
        threads: of DuckDB; None for one per core. Changes speed only.
        progress: called with the bytes read.
        reader: ``standard`` for the standard library; ``duckdb`` to try DuckDB first, even for a
            small file; ``auto`` for DuckDB where it is installed and the file is large. Changes
            speed and memory only.

    Raises:
        DataError: the first fault of the file, with its line and column.
        MlcoreError: DuckDB is needed and not installed.
    """
    if is_parquet(path):
        return read_parquet_events(path, input_options, threads, progress)
    if reader == "duckdb" or (reader == "auto" and _is_large(path) and has_duckdb()):
        events = read_events_by_duckdb(path, input_options, threads, progress)
        if events is not None:
            return events
    return _read_by_standard_library(path, input_options, progress)


def _is_large(path: PathLike) -> bool:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # the standard reader says what is wrong with it
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size >= _DUCKDB_FROM_BYTES


def _read_by_standard_library(
    path: PathLike, input_options: InputOptions, progress: Progress
) -> Events:
    names = input_options.columns
    users, items = IdEncoder(), IdEncoder()
    columns = [
        ColumnReader(names.user, users.__getitem__, users.encode_json),
        ColumnReader(names.item, items.__getitem__, items.encode_json),
        ColumnReader(
            names.weight, Memo(weight_from_text).__getitem__, weight_from_json, False, 1.0
        ),
        ColumnReader(names.timestamp, parse_timestamp, timestamp_from_json, False),
    ]
    dtypes = (np.int32, np.int32, np.float64, np.int64)
    parts = [
        [
            None if values is None else np.array(values, dtype)
            for values, dtype in zip(chunk, dtypes)
        ]
        for chunk in read_columns(path, columns, input_options, progress)
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
    path: PathLike,
    *,
    input_options: InputOptions = InputOptions(),
    threads: int | None = None,
    progress: Progress = no_progress,
    reader: Reader = "auto",
) -> Interactions:
    """Return the interactions of a file: rows of one user and item become one, with their sum.

    Takes and raises what ``read_events`` does.
    """
    events = read_events(
        path, input_options=input_options, threads=threads, progress=progress, reader=reader
    )
    with at(display_name(path)):
        return events.aggregate("sum")


def write_interactions(
    stream: TextIO, interactions: Interactions, path: PathLike, format: Format | None = None
) -> None:
    """Write interactions in order of user, then item.

    Columns: ``user_id``, ``item_id``, ``weight`` and, if there are timestamps, ``timestamp``:
    integer seconds if all are whole, else RFC 3339.

    Args:
        path: the file behind the stream, whose name gives the format.

    Raises:
        DataError: the format is not known.
    """
    if find_format(path, format) == "csv":
        times = interactions.timestamps
        stream.write("user_id,item_id,weight" + ("" if times is None else ",timestamp") + "\n")
        lines = _csv_lines(interactions)
    else:
        lines = _json_lines(interactions)
    while buffer := list(islice(lines, _ROWS_PER_WRITE)):
        stream.write("".join(buffer))


def quote_csv(text: str) -> str:
    """Return a CSV field, quoted only if it must be.

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

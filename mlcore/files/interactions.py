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
from mlcore.files.formats import ROW_FORMATS, RowFormat
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
from mlcore.jsontext import format_number
from mlcore.progress import Progress, no_progress

__all__ = [
    "Reader",
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
            (integer seconds or RFC 3339; may be missing). Only columns called by their default
            names may be missing. Others are ignored.
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
            names.weight,
            Memo(weight_from_text).__getitem__,
            weight_from_json,
            names.weight in names.required(),
            1.0,
        ),
        ColumnReader(
            names.timestamp,
            parse_timestamp,
            timestamp_from_json,
            names.timestamp in names.required(),
        ),
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
    rows = ROW_FORMATS[find_format(path, format)]
    names = ["user_id", "item_id", "weight", "timestamp"]
    names = names[:3] if interactions.timestamps is None else names
    stream.write(rows.header(names))
    lines = _lines(interactions, rows, rows.around(names))
    while buffer := list(islice(lines, _ROWS_PER_WRITE)):
        stream.write("".join(buffer))


def _lines(interactions: Interactions, rows: RowFormat, around: list[str]) -> Iterator[str]:
    begin, after_user, after_item, *after_weight = around
    users = [f"{begin}{rows.quote(id_)}{after_user}" for id_ in interactions.user_ids]
    items = [f"{rows.quote(id_)}{after_item}" for id_ in interactions.item_ids]
    matrix, times = interactions.user_items, interactions.timestamps
    pairs = zip(matrix.row_of_entry().tolist(), matrix.indices.tolist(), matrix.data.tolist())
    number = Memo(format_number).__getitem__
    if times is None:
        for user, item, weight in pairs:
            yield f"{users[user]}{items[item]}{number(weight)}{after_weight[0]}"
        return
    in_seconds = not (times % 1_000_000).any()
    quote = str if in_seconds else rows.quote
    for (user, item, weight), time in zip(pairs, times.tolist()):
        shown = quote(format_timestamp(time, in_seconds))
        yield f"{users[user]}{items[item]}{number(weight)}{after_weight[0]}{shown}{after_weight[1]}"

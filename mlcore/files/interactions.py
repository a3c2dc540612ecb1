"""Interactions from and to CSV and JSON Lines."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Literal, TextIO, TypeAlias

import numpy as np

from mlcore.aggregate import Aggregate
from mlcore.errors import DataError, DataWarning, at
from mlcore.files.array_input import read_events_by_numpy
from mlcore.files.columns import read_columns
from mlcore.files.database import has_duckdb
from mlcore.files.duckdb_input import read_events_by_duckdb
from mlcore.files.formats import RowFormat, find_row_format
from mlcore.files.inputs import display_name
from mlcore.files.options import Format, InputOptions, PathLike
from mlcore.files.parquet import read_parquet_events
from mlcore.files.parts import Kind, has_parts, kind_of, read_parts
from mlcore.files.tables import ColumnReader
from mlcore.files.values import (
    IdEncoder,
    Memo,
    format_timestamp,
    id_column,
    parse_timestamp,
    timestamp_from_json,
    weight_from_json,
    weight_from_text,
)
from mlcore.interactions import Events, Interactions, sort_codes
from mlcore.jsontext import format_number
from mlcore.numeric.ranges import all_are
from mlcore.progress import Progress, no_progress
from mlcore.times import TimeRule
from mlcore.types import Int32Array, Int64Array

__all__ = [
    "Reader",
    "event_columns",
    "read_events",
    "read_interactions",
    "warn_of_dates",
    "write_interactions",
]

Reader: TypeAlias = Literal["auto", "standard", "numpy", "duckdb"]

_ROWS_PER_WRITE = 10_000
# Above these other readers are faster than the standard one, which takes half a second for 4 MiB.
_NUMPY_FROM_BYTES = 2**15
_DUCKDB_FROM_BYTES = 2**22


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
        path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, or ``-``; or ``.parquet``; or a folder or a
            pattern of such parts. Columns: user and item (strings), weight (finite, above 0; 1 if
            there is no such column), timestamp (integers or ``parse_time``; may be missing).
            Only columns
            called by their default names may be missing. Others are ignored.
        threads: of DuckDB; None for one per core. Changes speed only.
        progress: called with the bytes read.
        reader: ``standard`` for the standard library; ``numpy`` or ``duckdb`` to try that first,
            even for a small file; ``auto`` for numpy, and then DuckDB, if it is installed, where
            the file is large enough. Changes speed and memory only.

    Raises:
        DataError: the first fault of the file, with its line and column.
        MlcoreError: DuckDB is needed and not installed.
    """
    format = input_options.format

    def read(part: PathLike, kind: Kind) -> Iterator[Events]:
        yield _read_file(part, kind, input_options, threads, progress, reader)

    if has_parts(path):
        events = _join(display_name(path), list(read_parts(path, format, read)))
    else:
        (events,) = read(path, kind_of(path, format))
    if events.timestamps is not None:
        warn_of_dates(path, input_options, events.timestamps)
    return events


def warn_of_dates(path: PathLike, input_options: InputOptions, times: Int64Array) -> None:
    """Warn if all times of a file, in microseconds, look like dates that were taken for seconds."""
    if len(times) and all_are(times, _are_dates):
        warnings.warn(
            f"{display_name(path)}: {input_options.columns.timestamp}: took dates such as "
            f"{times[0] // 1_000_000} for seconds of 1970; as 2026-03-01, with "
            "--timezone, they are read as dates",
            DataWarning,
            stacklevel=3,
        )


def _are_dates(times: Int64Array) -> bool:
    """Return whether all times are whole seconds that look like 20260301, of 1900 to 2100."""
    if times.min() < 19_000_101_000_000 or times.max() > 21_001_231_000_000:
        return False
    seconds, fractions = np.divmod(times, 1_000_000)
    months, days = seconds // 100 % 100, seconds % 100
    fine = (fractions == 0) & (1 <= months) & (months <= 12) & (1 <= days) & (days <= 31)
    return bool(fine.all())


def _read_file(
    path: PathLike,
    kind: Kind,
    input_options: InputOptions,
    threads: int | None,
    progress: Progress,
    reader: Reader,
) -> Events:
    events = None
    if kind == "parquet":
        columns = event_columns(input_options, IdEncoder(), IdEncoder())
        events = read_parquet_events(path, columns, input_options, threads, progress)
    else:
        input_options = replace(input_options, format=kind)
        size = _size_of(path) if reader == "auto" else 0
        if reader == "numpy" or size >= _NUMPY_FROM_BYTES:
            events = read_events_by_numpy(path, input_options, threads, progress)
        # Gzip, quotes and JSON Lines among others; it needs more time and memory.
        if reader == "duckdb" or (events is None and size >= _DUCKDB_FROM_BYTES and has_duckdb()):
            events = read_events_by_duckdb(path, input_options, threads, progress)
    return events or _read_by_python(path, input_options, progress)


def _size_of(path: PathLike) -> int:
    """Return the size of a regular file, else 0."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # the standard reader says what is wrong with it
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def event_columns(
    input_options: InputOptions, users: IdEncoder, items: IdEncoder
) -> list[ColumnReader]:
    """Return the readers of user, item, weight and time, whose ids become the codes of encoders."""
    names, rule = input_options.columns, input_options.time_rule()
    return [
        id_column(names.user, "user", users),
        id_column(names.item, "item", items),
        ColumnReader(
            names.weight,
            Memo(weight_from_text).__getitem__,
            weight_from_json,
            names.weight in names.required(),
            1.0,
            kind="number",
        ),
        ColumnReader(
            names.timestamp,
            parse_timestamp if rule == TimeRule() else partial(parse_timestamp, rule=rule),
            partial(timestamp_from_json, rule=rule),
            names.timestamp in names.required(),
            kind="time",
        ),
    ]


def _read_by_python(path: PathLike, input_options: InputOptions, progress: Progress) -> Events:
    users, items = IdEncoder(), IdEncoder()
    columns = event_columns(input_options, users, items)
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


def _join(name: str, parts: list[Events]) -> Events:
    """Return the rows of several files."""
    times = [part.timestamps for part in parts if part.timestamps is not None]
    if len(times) not in (0, len(parts)):
        raise DataError(
            f"{name}: timestamp: expected the column in all parts or in none, got some without"
        )
    user_ids, users = _join_ids([(part.user_ids, part.users) for part in parts])
    item_ids, items = _join_ids([(part.item_ids, part.items) for part in parts])
    weights = np.concatenate([part.weights for part in parts])  # (E,) float64
    return Events(
        user_ids, item_ids, users, items, weights, np.concatenate(times) if times else None
    )


def _join_ids(parts: list[tuple[Sequence[str], Int32Array]]) -> tuple[list[str], Int32Array]:
    """Return all ids in ascending order, and the codes of all parts renumbered to match."""
    ids = sorted(set().union(*(ids for ids, _ in parts)))
    positions = {id_: position for position, id_ in enumerate(ids)}
    renumbered = [
        np.fromiter(map(positions.__getitem__, ids), np.int32, len(ids))[codes]
        for ids, codes in parts
    ]
    return ids, np.concatenate(renumbered)


def read_interactions(
    path: PathLike,
    *,
    aggregate: Aggregate = "sum",
    input_options: InputOptions = InputOptions(),
    threads: int | None = None,
    progress: Progress = no_progress,
    reader: Reader = "auto",
    keep_events: bool = False,
) -> Interactions:
    """Return the interactions of a file: rows of one user and item become one.

    Takes and raises what ``read_events`` and ``Events.aggregate`` do.
    """
    events = read_events(
        path, input_options=input_options, threads=threads, progress=progress, reader=reader
    )
    with at(display_name(path)):
        return events.aggregate(aggregate, keep_events=keep_events)


def write_interactions(
    stream: TextIO, interactions: Interactions, path: PathLike, format: Format | None = None
) -> None:
    """Write interactions in order of user, then item; or the events they keep, by user, then time.

    Columns: ``user_id``, ``item_id``, ``weight`` and, if there are timestamps, ``timestamp``:
    integer seconds if all are whole, else RFC 3339.

    Args:
        path: the file behind the stream, whose name gives the format.

    Raises:
        DataError: the format is not known.
    """
    rows = find_row_format(path, format)
    names = ["user_id", "item_id", "weight", "timestamp"]
    names = names[:3] if interactions.timestamps is None else names
    stream.write(rows.header(names))
    events = interactions.events
    events = Events.of(interactions) if events is None else events.in_order()
    lines = _lines(events, rows, rows.around(names))
    while buffer := list(islice(lines, _ROWS_PER_WRITE)):
        stream.write("".join(buffer))


def _lines(events: Events, rows: RowFormat, around: list[str]) -> Iterator[str]:
    begin, after_user, after_item, *after_weight = around
    users = [f"{begin}{rows.quote(id_)}{after_user}" for id_ in events.user_ids]
    items = [f"{rows.quote(id_)}{after_item}" for id_ in events.item_ids]
    times = events.timestamps
    pairs = zip(events.users.tolist(), events.items.tolist(), events.weights.tolist())
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

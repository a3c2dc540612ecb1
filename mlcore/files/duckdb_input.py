"""Interactions from CSV and JSON Lines by DuckDB: the arrays of the standard reader, or "not sure".

DuckDB only splits lines, casts numbers and numbers the ids. It reads files that every reader splits
alike (``mlcore.files.plain``), and its result counts only if each value keeps its rule and no row is
missing. Otherwise the standard reader reads the file and says what is wrong with it.
"""

from __future__ import annotations

import operator
import os
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.files.csv_layout import CsvLayout
from mlcore.files.database import Database, import_duckdb
from mlcore.files.inputs import display_name, find_input_format, opened
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.plain import LONGEST_LINE, sniff
from mlcore.files.rows_sql import TableSql, csv_rows, json_rows
from mlcore.ids import id_fault
from mlcore.interactions import Events
from mlcore.progress import Progress, no_progress
from mlcore.times import MAX_SECONDS, MIN_SECONDS

__all__ = [
    "GREATEST_TIME",
    "LEAST_TIME",
    "count_valid",
    "encode",
    "find_rows",
    "number_ids",
    "read_events_by_duckdb",
]

# Microseconds since 1970 UTC.
LEAST_TIME, GREATEST_TIME = MIN_SECONDS * 1_000_000, MAX_SECONDS * 1_000_000 + 999_999

_BOUNDS = {"weight": (5e-324, np.finfo(np.float64).max), "time": (LEAST_TIME, GREATEST_TIME)}
_DTYPES = {"user_id": np.int32, "item_id": np.int32, "weight": np.float64, "time": np.int64}
_ROWS_PER_FETCH = 2**21  # fetching all rows at once would hold them twice


def read_events_by_duckdb(
    path: PathLike,
    input_options: InputOptions,
    threads: int | None = None,
    progress: Progress = no_progress,
) -> Events | None:
    """Return the rows of a CSV or JSON Lines file in any order, or None if not sure of them.

    Args:
        threads: None for one per core.
        progress: called with the bytes sniffed, then with the rows encoded.

    Raises:
        MlcoreError: DuckDB is not installed.
        DataError: the file is missing, or the format is not known.
    """
    duckdb = import_duckdb()
    try:
        rows = find_rows(path, input_options, progress)
        if rows is None:
            return None
        with Database(threads) as database:
            events = encode(database, rows, f"encode {display_name(path)}", progress)
    except (duckdb.Error, UnicodeError):  # not enough memory, or a path not in UTF-8
        return None
    except (OSError, EOFError, zlib.error):
        return None
    if rows.layout is not None and events is not None:
        rows.layout.say(display_name(path))
    return events


def find_rows(path: PathLike, input_options: InputOptions, progress: Progress) -> TableSql | None:
    """Return SQL of the rows of a CSV or JSON Lines file, or None if not sure of them.

    Raises:
        OSError: the file cannot be read; or it is damaged, as ``zlib`` and ``EOFError`` say.
    """
    if os.fspath(path) == "-" or not os.path.isfile(path) or not input_options.is_utf_8():
        return None  # a pipe can be read once only
    layout = _find_layout(path, input_options)
    rows = _rows_of(path, layout, input_options, progress)
    return None if rows is None else replace(rows, layout=layout)


def _find_layout(path: PathLike, input_options: InputOptions) -> CsvLayout | None:
    """Return how fields are separated, or None for JSON Lines."""
    if find_input_format(path, input_options.format) != "csv":
        return None
    required = input_options.columns.in_order()[:2]
    with opened(path) as (_, stream):
        return CsvLayout.of_first_line(
            lambda: stream.readline(LONGEST_LINE).decode(), required, input_options
        )


def _rows_of(
    path: PathLike, layout: CsvLayout | None, input_options: InputOptions, progress: Progress
) -> TableSql | None:
    if layout is not None and (layout.skipped or len(layout.delimiter) > 1):
        return None
    with opened(path) as (raw, stream):
        size = os.fstat(raw.fileno()).st_size

        def on_block() -> None:
            progress(f"read {display_name(path)}", raw.tell(), size)

        dialect = sniff(stream, '"' if layout is None else layout.delimiter, on_block)
        if dialect is None:
            return None
        rows_of = json_rows if layout is None else csv_rows
        return rows_of(path, dialect, stream is not raw, input_options)


def encode(
    database: Database, rows: TableSql, step: str, progress: Progress = no_progress
) -> Events | None:
    """Return rows with ids as positions, or None if any value breaks its rule.

    Args:
        database: an empty one; tables stay in it.
        step: for ``progress``, which is called with the rows encoded.

    Raises:
        duckdb.Error: the rows cannot be read.
    """
    values = {"user_id": rows.user, "item_id": rows.item, "weight": rows.weight, "time": rows.time}
    present = {name: sql for name, sql in values.items() if sql is not None}
    selected = ", ".join(f"{sql} AS {name}" for name, sql in present.items())
    database.rows(f"CREATE TEMP TABLE events AS SELECT {selected} FROM {rows.table}")
    num_rows = count_valid(database, list(present))
    if num_rows == 0 or rows.count not in (None, num_rows):
        return None
    user_ids, item_ids = number_ids(database, "user_id"), number_ids(database, "item_id")
    if user_ids is None or item_ids is None:
        return None
    columns = {name: np.empty(num_rows, _DTYPES[name]) for name in present}  # (E,) each
    for begin in range(0, num_rows, _ROWS_PER_FETCH):
        end = min(begin + _ROWS_PER_FETCH, num_rows)
        for name, part in _fetch(database, list(present), begin, end).items():
            columns[name][begin:end] = part
        progress(step, end, num_rows)
    weights = columns["weight"] if "weight" in columns else np.ones(num_rows)  # (E,) float64
    return Events(
        user_ids, item_ids, columns["user_id"], columns["item_id"], weights, columns.get("time")
    )


def count_valid(database: Database, present: list[str]) -> int:
    """Return the number of rows, or 0 if a value breaks its rule."""
    bounded = [name for name in _BOUNDS if name in present]
    measures = ["count(*)", *(f"count({name})" for name in present)]
    measures += [f"{extreme}({name})" for name in bounded for extreme in ("min", "max")]
    (found,) = database.rows(f"SELECT {', '.join(measures)} FROM events")
    num_rows, counts, extremes = found[0], found[1 : len(present) + 1], found[len(present) + 1 :]
    if set(counts) != {num_rows} or num_rows == 0:
        return 0
    for name, least, greatest in zip(bounded, extremes[0::2], extremes[1::2]):
        if not _BOUNDS[name][0] <= least <= greatest <= _BOUNDS[name][1]:
            return 0
    return int(num_rows)


def number_ids(database: Database, name: str) -> list[str] | None:
    """Number the ids of a column in ascending order; return them, or None if one breaks the rule."""
    database.rows(
        f"CREATE TEMP TABLE {name}s AS "
        "SELECT id, CAST(row_number() OVER (ORDER BY id) - 1 AS INTEGER) AS code "
        f"FROM (SELECT DISTINCT {name} AS id FROM events)"
    )
    ids: list[str] = database.arrays(f"SELECT id FROM {name}s ORDER BY code")["id"].tolist()
    if any(id_fault(id_) is not None for id_ in ids):
        return None
    if not all(map(operator.lt, ids, ids[1:])):  # the order of DuckDB must be that of UTF-8 bytes
        return None
    return ids


def _fetch(
    database: Database, present: list[str], begin: int, end: int
) -> dict[str, npt.NDArray[Any]]:
    """Return some rows, with codes for ids."""
    codes = {"user_id": "user_ids.code", "item_id": "item_ids.code"}
    selected = ", ".join(f"{codes.get(name, name)} AS {name}" for name in present)
    return database.arrays(
        f"SELECT {selected} FROM events JOIN user_ids ON events.user_id = user_ids.id "
        "JOIN item_ids ON events.item_id = item_ids.id "
        f"WHERE events.rowid >= {begin} AND events.rowid < {end}"
    )

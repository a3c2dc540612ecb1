"""Interactions and other columns from Parquet by DuckDB. Its columns have types: ids must be text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timezone
from functools import partial
from typing import Any

from mlcore.errors import DataError, MlcoreError, NoRowsError, at, shorten
from mlcore.files.database import Database, import_duckdb
from mlcore.files.duckdb_input import encode
from mlcore.files.inputs import display_name, opened
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.rows_sql import (
    TableSql,
    quote_name,
    quote_path,
    time_from_integer,
    time_from_text,
)
from mlcore.files.tables import ColumnReader, convert
from mlcore.files.values import NO_DECIMALS, NO_ZONE
from mlcore.interactions import Events
from mlcore.progress import Progress, no_progress
from mlcore.times import UNITS

__all__ = [
    "has_integers_or_moments",
    "is_text",
    "parquet_column_names",
    "parquet_rows",
    "read_parquet_columns",
    "read_parquet_events",
]

_INTEGERS = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)
_INSTANT, _INSTANT_NS = "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"
_CURE = "write the column as text, as CAST(... AS VARCHAR) gives it"
_ROWS_PER_FETCH = 2**16


def read_parquet_events(
    path: PathLike,
    columns: Sequence[ColumnReader],
    input_options: InputOptions = InputOptions(),
    threads: int | None = None,
    progress: Progress = no_progress,
) -> Events | None:
    """Return the rows of a Parquet file in any order, or None if ``read_parquet_columns`` must read it.

    Args:
        columns: user, item, weight and timestamp.
        threads: None for one per core.
        progress: called with the rows encoded.

    Raises:
        MlcoreError: DuckDB is not installed.
        DataError: the file is not Parquet, or lacks a column or its type.
    """
    with _opened(path, threads) as (database, _):
        rows = parquet_rows(database, path, columns, input_options)
        return encode(database, rows, f"encode {display_name(path)}", progress)


def parquet_rows(
    database: Database,
    path: PathLike,
    columns: Sequence[ColumnReader],
    input_options: InputOptions = InputOptions(),
) -> TableSql:
    """Return SQL of the rows of a Parquet file.

    Args:
        columns: user, item, weight and timestamp.

    Raises:
        DataError: the file lacks a column or its type.
        duckdb.Error: it is not Parquet.
    """
    table = _table(path)
    types = _types(database, table, display_name(path), columns, input_options)
    user, item, weight, time = (
        None if column.name not in types else quote_name(column.name) for column in columns
    )
    return TableSql(
        table,
        f"CAST({user} AS VARCHAR)",
        f"CAST({item} AS VARCHAR)",
        weight and f"CAST({weight} AS DOUBLE)",
        time and _time(time, types[columns[3].name], input_options),
    )


def read_parquet_columns(
    path: PathLike, columns: Sequence[ColumnReader], input_options: InputOptions = InputOptions()
) -> Iterator[list[list[Any] | None]]:
    """Yield the converted columns of a Parquet file, as ``read_columns`` does.

    Text may be of any type that is text, also UUID and ENUM. Times are integers, text, or times of
    Parquet; those without a zone, and dates, need the option.

    Raises:
        MlcoreError: DuckDB is not installed.
        DataError: the first fault of the file, with its row, counted from 1, and column.
    """
    name = display_name(path)
    with _opened(path, threads=1, ordered=True) as (database, table):  # for the numbers of rows
        types = _types(database, table, name, columns, input_options)
        present = [column.name in types for column in columns]
        shown = [_shown(column.name, types) for column in columns if column.name in types]
        database.rows(f"CREATE TEMP TABLE wanted AS SELECT {', '.join(shown)} FROM {table}")
        ((num_rows,),) = database.rows("SELECT count(*) FROM wanted")
        if not num_rows:
            raise NoRowsError(f"{name}: expected rows, got none")
        for begin in range(0, num_rows, _ROWS_PER_FETCH):
            end = begin + _ROWS_PER_FETCH
            found = database.rows(
                f"SELECT * FROM wanted WHERE rowid >= {begin} AND rowid < {end} ORDER BY rowid"
            )
            values = iter(zip(*found))
            raw = [next(values) if there else None for there in present]
            converters = [column.from_json for column in columns]
            yield convert(columns, raw, converters, partial(_place, name, begin))


def has_integers_or_moments(path: PathLike, name: str) -> tuple[bool, bool] | None:
    """Return whether a column of a Parquet file has integers, and whether it has moments.

    Moments are times with a zone, in microseconds. None if there is no such column.

    Raises:
        MlcoreError: DuckDB is not installed.
        DataError: the file is not Parquet.
    """
    types = _described_file(path)
    return (types[name] in _INTEGERS, types[name] == _INSTANT) if name in types else None


def parquet_column_names(path: PathLike) -> list[str]:
    """Return the names of the columns of a Parquet file.

    Raises:
        MlcoreError: DuckDB is not installed.
        DataError: the file is not Parquet.
    """
    return list(_described_file(path))


def _described_file(path: PathLike) -> dict[str, str]:
    with _opened(path, threads=1) as (database, table):
        return _described(database, table)


def _described(database: Database, table: str) -> dict[str, str]:
    """Return the type of each column."""
    found = database.rows(f"DESCRIBE SELECT * FROM {table}")
    return {column: str(type_) for column, type_, *_ in found}


def _table(path: PathLike) -> str:
    return f"read_parquet({quote_path(path)}, hive_partitioning=false)"


def _place(name: str, begin: int, row: int) -> str:
    return f"{name}: row {begin + row + 1}"


@contextmanager
def _opened(
    path: PathLike, threads: int | None, ordered: bool = False
) -> Iterator[tuple[Database, str]]:
    """Give a database, and the SQL that reads the file."""
    name = display_name(path)
    with opened(path):
        pass  # says what is wrong with a path as for any other file
    with at(name, MlcoreError):
        duckdb = import_duckdb()
    try:
        with Database(threads, paths=[path], ordered=ordered) as database:
            yield database, _table(path)
    except duckdb.OutOfMemoryException:
        raise DataError(f"{name}: expected enough memory to read it, got too little") from None
    except UnicodeEncodeError:
        raise DataError(f"{name!a}: expected a path in UTF-8, got another") from None
    except duckdb.Error:
        raise DataError(
            f"{name}: expected a whole Parquet file, got a damaged one or another format",
            "rename a file that is another format: its name says what it is",
        ) from None


def _types(
    database: Database,
    table: str,
    name: str,
    columns: Sequence[ColumnReader],
    input_options: InputOptions,
) -> dict[str, str]:
    """Return the types of the columns that the file has; refuse those that do not fit."""
    types = _described(database, table)
    for column in columns:
        column.on_names(list(types))
        if column.name in types:
            with at(f"{name}: {column.name}"):
                _check_type(column, types[column.name], input_options)
        elif column.required:
            shown = ", ".join(map(shorten, list(types)[:10]))
            raise DataError(
                f"{name}: {column.name}: expected a column of this name, got {shown}",
                column.hint_at(list(types)),
            )
    return types


def _check_type(column: ColumnReader, type_: str, input_options: InputOptions) -> None:
    if column.kind == "text" and not is_text(type_):
        hint = f"ids are strings: as numbers, 007 and 7 would be one; {_CURE}"
        raise DataError(f"expected strings, got {type_}", hint)
    if column.kind == "value" and not (is_text(type_) or type_ in (*_INTEGERS, "BOOLEAN")):
        raise DataError(f"expected strings, integers or truth values, got {type_}", _CURE)
    if column.kind == "number" and not _is_number(type_):
        raise DataError(f"expected numbers, got {type_}", "CAST(... AS DOUBLE) makes numbers")
    if column.kind == "time":
        instants = (_INSTANT, _INSTANT_NS)
        has_no_zone = type_ == "DATE" or (type_.startswith("TIMESTAMP") and type_ not in instants)
        if has_no_zone and input_options.timezone is not None:
            return
        if type_ not in (*_INTEGERS, *instants, "VARCHAR"):
            raise DataError(
                f"expected integer {UNITS[input_options.timestamp_unit].name}, RFC 3339 or "
                f"timestamps with a time zone, got {type_}",
                NO_ZONE if has_no_zone else NO_DECIMALS if _is_number(type_) else None,
            )


def is_text(type_: str) -> bool:
    """Return whether a type of DuckDB is text: ids may be of it.

    >>> is_text("UUID"), is_text("BIGINT")
    (True, False)
    """
    return type_ in ("VARCHAR", "UUID") or type_.startswith("ENUM(")


def _is_number(type_: str) -> bool:
    return type_ in (*_INTEGERS, "FLOAT", "DOUBLE") or type_.startswith("DECIMAL(")


def _time(value: str, type_: str, input_options: InputOptions) -> str:
    """Return SQL for microseconds, or for NULL if only Python can tell."""
    if type_ in _INTEGERS:
        return time_from_integer(f"TRY_CAST({value} AS BIGINT)", input_options.timestamp_unit)
    if type_ == _INSTANT_NS:  # a fraction is cut, not rounded; before 1970 by Python
        return f"CASE WHEN epoch_ns({value}) >= 0 THEN epoch_ns({value}) // 1000 END"
    if type_ == _INSTANT:
        return f"CASE WHEN isfinite({value}) THEN epoch_us({value}) END"
    if type_ == "TIMESTAMP" and input_options.time_rule().zone is timezone.utc:
        return f"CASE WHEN isfinite({value}) THEN epoch_us({value}) END"
    return time_from_text(value, input_options.timestamp_unit) if type_ == "VARCHAR" else "NULL"


def _shown(column: str, types: dict[str, str]) -> str:
    """Return SQL for what Python checks: text, integers, or float64."""
    value, type_ = quote_name(column), types[column]
    if type_ in _INTEGERS or type_ in ("VARCHAR", "BOOLEAN"):
        return value
    return f"CAST({value} AS {'DOUBLE' if _is_number(type_) else 'VARCHAR'})"

"""Interactions from Parquet by DuckDB. Its columns have types: those of ids must be strings."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

from mlcore.errors import DataError, MlcoreError, at, shorten
from mlcore.files.database import Database, import_duckdb
from mlcore.files.duckdb_input import GREATEST_TIME, LEAST_TIME, encode
from mlcore.files.inputs import display_name, opened
from mlcore.files.options import ColumnNames, InputOptions, PathLike
from mlcore.files.rows_sql import TableSql, quote_path, time_from_text
from mlcore.files.values import IdEncoder, timestamp_from_json, weight_from_json
from mlcore.ids import MAX_ID_BYTES
from mlcore.interactions import Events
from mlcore.progress import Progress, no_progress
from mlcore.times import MAX_SECONDS, MIN_SECONDS

__all__ = ["is_parquet", "read_parquet_events"]

_INTEGERS = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)
_INSTANT = "TIMESTAMP WITH TIME ZONE"
_NO_ZONE = "a timestamp without a time zone does not say which moment it is"


def is_parquet(path: PathLike) -> bool:
    """Return whether a file is Parquet, by its name.

    >>> is_parquet("events.parquet"), is_parquet("-")
    (True, False)
    """
    return os.fspath(path).endswith(".parquet")


def read_parquet_events(
    path: PathLike,
    input_options: InputOptions = InputOptions(),
    threads: int | None = None,
    progress: Progress = no_progress,
) -> Events:
    """Return the rows of a Parquet file, in no particular order.

    Columns: user and item (strings), weight (numbers, finite, above 0; 1 if there is no such
    column), timestamp (integer seconds, RFC 3339, or timestamps with a time zone; may be missing).
    Others are ignored.

    Args:
        threads: None for one per core.
        progress: called with the rows encoded.

    Raises:
        MlcoreError: DuckDB is not installed.
        DataError: the first fault of the file, with its row, counted from 1, and column.
    """
    name = display_name(path)
    with opened(path):
        pass  # says what is wrong with a path as for any other file
    with at(name, MlcoreError):
        duckdb = import_duckdb()
    try:
        with Database(threads) as database:
            return _read(database, path, input_options.columns, progress)
    except duckdb.OutOfMemoryException:
        raise DataError(f"{name}: expected enough memory to read it, got too little") from None
    except UnicodeEncodeError:
        raise DataError(f"{name!a}: expected a path in UTF-8, got another") from None
    except duckdb.Error:
        raise DataError(
            f"{name}: expected a whole Parquet file, got a damaged one or another format"
        ) from None


def _read(database: Database, path: PathLike, names: ColumnNames, progress: Progress) -> Events:
    name = display_name(path)
    table = f"read_parquet({quote_path(path)}, file_row_number=true, hive_partitioning=false)"
    described = database.rows(f"DESCRIBE SELECT * FROM {table}")
    types = {column: str(type_) for column, type_, *_ in described}
    for column in names.required():
        if column not in types:
            shown = ", ".join(map(shorten, list(types)[:-1][:10]))  # the last one is ours
            raise DataError(f"{name}: {column}: expected a column of this name, got {shown}")
    for column in (names.user, names.item):
        if types[column] != "VARCHAR":
            raise DataError(
                f"{name}: {column}: expected strings, got {types[column]}",
                "ids are strings: as numbers, 007 and 7 would be one",
            )
    rows = TableSql(
        table,
        _identifier(names.user),
        _identifier(names.item),
        _weight(name, names.weight, types),
        _time(name, names.timestamp, types),
    )
    events = encode(database, rows, f"encode {name}", progress)
    if events is None:
        _raise_first_fault(database, rows, names, types, name)
    return events


def _weight(name: str, column: str, types: dict[str, str]) -> str | None:
    if column not in types:
        return None
    type_ = types[column]
    if type_ in (*_INTEGERS, "FLOAT", "DOUBLE") or type_.startswith("DECIMAL("):
        return f"CAST({_identifier(column)} AS DOUBLE)"
    raise DataError(f"{name}: {column}: expected numbers, got {type_}")


def _time(name: str, column: str, types: dict[str, str]) -> str | None:
    if column not in types:
        return None
    value, type_ = _identifier(column), types[column]
    if type_ in _INTEGERS:
        within = f"{value} BETWEEN {MIN_SECONDS} AND {MAX_SECONDS}"
        return f"CASE WHEN {within} THEN CAST({value} AS BIGINT) * 1000000 END"
    if type_ == _INSTANT:
        return f"CASE WHEN isfinite({value}) THEN epoch_us({value}) END"
    if type_ == "VARCHAR":
        return time_from_text(value)
    raise DataError(
        f"{name}: {column}: expected integer seconds, RFC 3339 or timestamps with a time zone, "
        f"got {type_}",
        _NO_ZONE if type_.startswith("TIMESTAMP") else None,
    )


def _raise_first_fault(
    database: Database, rows: TableSql, names: ColumnNames, types: dict[str, str], name: str
) -> NoReturn:
    """Raise the error for the first row that breaks a rule, in the words of the other readers."""
    checks = [check for check in _checks(rows, names) if check.keeps_rule is not None]
    columns = ", ".join(_shown(check.column, types[check.column]) for check in checks)
    fine = " AND ".join(f"({check.keeps_rule})" for check in checks)
    found = database.rows(
        f"SELECT file_row_number, {columns} FROM {rows.table} "
        f"WHERE ({fine}) IS NOT TRUE ORDER BY file_row_number LIMIT 1"
    )
    if not found:
        raise DataError(f"{name}: expected rows, got none")
    row, *values = found[0]
    for check, value in zip(checks, values):
        with at(f"{name}: row {row + 1}: {check.column}"):
            check.convert(value)
    raise AssertionError("SQL finds a fault, Python does not")


class _Check(NamedTuple):
    """The rule of a column, for SQL and for Python."""

    column: str
    keeps_rule: str | None  # None if there is no such column
    convert: Callable[[Any], object]


def _checks(rows: TableSql, names: ColumnNames) -> list[_Check]:
    ids = [
        f"strlen({id_}) BETWEEN 1 AND {MAX_ID_BYTES} AND NOT regexp_matches({id_}, '[\\x00\\n\\r]')"
        for id_ in (rows.user, rows.item)
    ]
    weight = rows.weight and f"{rows.weight} > 0 AND isfinite({rows.weight})"
    time = rows.time and f"{rows.time} BETWEEN {LEAST_TIME} AND {GREATEST_TIME}"
    return [
        _Check(names.user, ids[0], IdEncoder().encode_json),
        _Check(names.item, ids[1], IdEncoder().encode_json),
        _Check(names.weight, weight, _weight_from),
        _Check(names.timestamp, time, timestamp_from_json),
    ]


def _weight_from(value: Any) -> float:
    return weight_from_json(float(value) if isinstance(value, Decimal) else value)


def _shown(column: str, type_: str) -> str:
    # DuckDB needs another package to return a time with its zone; for the message, text will do.
    return f"CAST({_identifier(column)} AS VARCHAR)" if type_ == _INSTANT else _identifier(column)


def _identifier(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'

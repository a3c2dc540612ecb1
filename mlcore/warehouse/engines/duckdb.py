"""DuckDB: an engine within this process, of the extra ``[local]``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.errors import ConfigError, DataError, from_os_error, shorten
from mlcore.files.database import Database, import_duckdb
from mlcore.files.parquet import is_text
from mlcore.files.parts import find_parts, has_parts
from mlcore.files.rows_sql import quote_path, quote_sql
from mlcore.memory.available import format_bytes
from mlcore.numeric.threads import resolve_threads
from mlcore.warehouse.engines.base import (
    BoundQuery,
    Engine,
    Result,
    Rows,
    check_columns,
    default_of,
    rewrite_placeholders,
)
from mlcore.warehouse.engines.options import DuckDbOptions
from mlcore.warehouse.query import Column, SqlType

__all__ = ["DuckDb"]

_TYPES: dict[SqlType, str] = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_SUMS = "HUGEINT"  # of BIGINT; ours stay far below 2^63, and beyond it the cast fails
_RESULT = "mlcore_result"
_ROWS_PER_PART = 2**20
_LEAST_MEMORY = 2**20  # below, DuckDB does not start


class DuckDb(Engine):
    """DuckDB, in memory, with a folder to spill to.

    >>> with DuckDb() as engine:
    ...     int(engine.version.split(".")[0]) >= 1
    True
    """

    name = "duckdb"

    def __init__(self, options: DuckDbOptions = DuckDbOptions()) -> None:
        self._duckdb = import_duckdb()
        if options.memory_limit is not None and options.memory_limit < _LEAST_MEMORY:
            raise ConfigError(
                f"memory_limit: expected at least {format_bytes(_LEAST_MEMORY)}, "
                f"got {options.memory_limit} bytes"
            )
        resolve_threads(options.threads)  # before there is a folder
        try:
            self._spill = tempfile.TemporaryDirectory(prefix="mlcore-", dir=options.temp_directory)
        except OSError as error:
            place = options.temp_directory or tempfile.gettempdir()
            raise from_os_error(error, place, "a folder to spill to") from error
        self._database = Database(options.threads, options.memory_limit, self._spill.name)
        # The only function that differs: md5 already gives hexadecimal digits.
        self._database.rows("CREATE TEMP MACRO to_hex(digest) AS digest")

    def close(self) -> None:
        """Stop the query that runs, and remove what was spilled."""
        self._database.__exit__()
        self._spill.cleanup()

    @property
    def version(self) -> str:
        """Of the package."""
        return str(self._duckdb.__version__)

    def load(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> None:
        """Make a table of rows."""
        declared = ", ".join(f"{column.name} {_TYPES[column.type]}" for column in columns)
        with self._faults(table):
            self._drop(table)
            self._database.rows(f"CREATE TEMP TABLE {table} ({declared})")
            for part in parts:
                arrays, selected = _without_objects(columns, part)
                self._database.append(table, arrays, selected)

    def attach_parquet(self, table: str, columns: Sequence[Column], path: str) -> None:
        """Make a Parquet file, or the parts of a folder or a pattern, readable as a table."""
        quoted = quote_sql(path) if "*" in path else quote_path(path)
        if has_parts(path):
            quoted = f"[{', '.join(map(quote_path, find_parts(path, None)))}]"
        source = f"read_parquet({quoted}, hive_partitioning=false)"
        with self._faults(path):
            described = self._database.rows(f"DESCRIBE SELECT * FROM {source}")
        found = {name: str(type_) for name, type_, *_ in described}
        selected = ", ".join(_expression(column, found, path) for column in columns)
        self._refuse_faults(columns, found, source, path)
        self._drop(table)
        self._database.rows(f"CREATE TEMP VIEW {table} AS SELECT {selected} FROM {source}")

    def _run(self, bound: BoundQuery, order: Sequence[str]) -> Result:
        self._check(bound)
        writes = bound.query.writes
        selected = ", ".join(
            f"CAST({column.name} AS {_TYPES[column.type]}) AS {column.name}" for column in writes
        )
        text = f"SELECT {selected} FROM (\n{rewrite_placeholders(bound.query.text, '$')}\n)"
        text += f"\nORDER BY {', '.join(order)}" if order else ""
        self._drop(_RESULT)
        with self._faults(bound.place):
            self._database.rows(
                f"CREATE TEMP TABLE {_RESULT} AS {text}",
                bound.values or None,
                lambda percent: bound.progress("run query", max(0, int(percent)), 100),
            )
        return Result(writes, self._parts(writes))

    def _materialize(self, bound: BoundQuery, table: str) -> int:
        self._run(bound, ())
        self._drop(table)
        self._database.rows(f"ALTER TABLE {_RESULT} RENAME TO {table}")
        return int(self._value(f"SELECT count(*) FROM {table}"))

    def _estimate(self, bound: BoundQuery) -> str:
        self._check(bound)
        threads, limit = (
            self._value(f"SELECT current_setting('{name}')") for name in ("threads", "memory_limit")
        )
        return (
            f"duckdb {self.version} would run it in this process: {threads} threads, "
            f"at most {limit} of memory, the rest in temporary files"
        )

    def _value(self, text: str) -> Any:
        ((value,),) = self._database.rows(text)
        return value

    def _check(self, bound: BoundQuery) -> None:
        with self._faults(bound.place):
            text = f"DESCRIBE {rewrite_placeholders(bound.query.text, '$')}"
            described = self._database.rows(text, bound.values or None)
        found = [(name, _type_of(str(type_))) for name, type_, *_ in described]
        check_columns(bound.query, found)

    def _parts(self, columns: Sequence[Column]) -> Iterator[Rows]:
        count = self._value(f"SELECT count(*) FROM {_RESULT}")
        names = ", ".join(column.name for column in columns)
        for begin in range(0, count, _ROWS_PER_PART):
            with self._faults("result"):
                found = self._database.arrays(
                    f"SELECT {names} FROM {_RESULT} "
                    f"WHERE rowid >= {begin} AND rowid < {begin + _ROWS_PER_PART} ORDER BY rowid"
                )
            yield {name: _with_none(values) for name, values in found.items()}

    def _refuse_faults(
        self, columns: Sequence[Column], found: Mapping[str, str], source: str, place: str
    ) -> None:
        """Refuse values that break the rules of their columns, as ``read_rows`` does."""
        rules = [
            (one.name, wrong, expected)
            for one in columns
            if one.name in found
            for wrong, expected in _rules_of(one)
        ]
        if not rules:
            return
        counts = ", ".join(f"count(*) FILTER (WHERE {wrong})" for _, wrong, _ in rules)
        with self._faults(place):
            (numbers,) = self._database.rows(f"SELECT {counts} FROM {source}")
        for (name, _, expected), number in zip(rules, numbers):
            if number:
                raise DataError(f"{place}: {name}: expected {expected}, got {number} others")

    def _drop(self, table: str) -> None:
        for kind in ("TABLE", "VIEW"):
            found = self._database.rows(
                f"SELECT 1 FROM duckdb_{kind.lower()}s() WHERE temporary AND "
                f"{kind.lower()}_name = '{table}'"
            )
            if found:
                self._database.rows(f"DROP {kind} {table}")

    @contextmanager
    def _faults(self, place: str) -> Iterator[None]:
        duckdb = self._duckdb
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise DataError(
                f"{place}: expected enough memory and room to spill to, "
                f"got {shorten(_first_line(error), 200)}",
                "raise --memory-limit, or name a larger --temp-directory",
            ) from None
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise DataError(
                f"{place}: expected what duckdb can run, got {shorten(_first_line(error), 300)}"
            ) from None


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def _type_of(found: str) -> SqlType | None:
    """Return the type of a header that a type of DuckDB is, or None."""
    if found == _SUMS or found in _INTEGERS:
        return "INT64"
    names: dict[str, SqlType] = {name: type_ for type_, name in _TYPES.items()}
    return names.get(found)


def _expression(column: Column, found: Mapping[str, str], place: str) -> str:
    """Return the SQL for a column of a query, from those of a Parquet file."""
    declared = _TYPES[column.type]
    if column.name not in found:
        default = default_of(column, found, place)
        value = "NULL" if default is None else repr(default)
        return f"CAST({value} AS {declared}) AS {column.name}"
    type_ = found[column.name]
    fits = _type_of(type_) == column.type
    if column.type == "FLOAT64":
        fits = fits or type_ in (*_INTEGERS, "FLOAT", "DOUBLE")
    elif column.type == "STRING":
        fits = is_text(type_)
    if not fits:
        raise DataError(f"{place}: {column.name}: expected {column.type}, got {type_}")
    return f"CAST({column.name} AS {declared}) AS {column.name}"


def _rules_of(column: Column) -> list[tuple[str, str]]:
    """Return what is wrong in a Parquet file, as SQL, and what is expected, in words."""
    rules = []
    if not column.nullable:
        rules.append((f"{column.name} IS NULL", "values in all rows"))
    if column.name.endswith("_id") and column.type == "STRING" and not column.nullable:
        rules.append((f"CAST({column.name} AS VARCHAR) = ''", "ids of at least one character"))
    if column.name == "weight":
        number = f"CAST({column.name} AS DOUBLE)"
        rules.append((f"NOT ({number} > 0 AND isfinite({number}))", "finite numbers above 0"))
    return rules


def _without_objects(
    columns: Sequence[Column], part: Rows
) -> tuple[dict[str, npt.NDArray[Any]], str]:
    """Return arrays whose types DuckDB need not guess, and what to select from them."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    selected: list[str] = []
    for column in columns:
        values = part[column.name]
        arrays[column.name] = values
        if values.dtype == object and column.type != "STRING":
            missing = np.array([value is None for value in values.tolist()], bool)
            dtype = {"INT64": np.int64, "FLOAT64": np.float64, "BOOL": bool}[column.type]
            arrays[column.name] = np.where(missing, 0, values).astype(dtype)
            arrays[f"{column.name}__missing"] = missing
            selected.append(f"CASE WHEN NOT {column.name}__missing THEN {column.name} END")
        else:
            selected.append(column.name)
    return arrays, ", ".join(selected)


def _with_none(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array with None where a masked one has a mask."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if not np.ma.getmaskarray(values).any():
        return values.data
    found = values.data.astype(object)
    found[np.ma.getmaskarray(values)] = None
    return found

"""DuckDB: an engine within this process, of the extra ``[local]``."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.errors import ConfigError, DataError, from_os_error, shorten
from mlcore.files.database import Database, import_duckdb
from mlcore.files.options import PathLike
from mlcore.files.parquet import is_text
from mlcore.files.parts import find_parts, has_parts, partition_names
from mlcore.files.rows_sql import quote_name, quote_path, quote_sql
from mlcore.memory.available import available_bytes, format_bytes
from mlcore.numeric.threads import resolve_threads
from mlcore.warehouse.engines.base import (
    BoundQuery,
    Engine,
    Kind,
    Result,
    Rows,
    check_columns,
    check_kind,
    default_of,
    has_ranks,
    rewrite_placeholders,
    rules_of,
)
from mlcore.warehouse.engines.duckdb_text import find_foreign, parsed_query
from mlcore.warehouse.engines.options import DuckDbOptions
from mlcore.warehouse.query import Column, Query, SqlType

__all__ = ["DuckDb"]

_TYPES: dict[SqlType, str] = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_PARTITION = "a name of a folder"  # no type of DuckDB
_WIDE = ("UBIGINT", "HUGEINT", "UHUGEINT")
_SUMS = "HUGEINT"  # of BIGINT; ours stay far below 2^63, and beyond it the cast fails
_RESULT = "mlcore result"  # no name of a header
_ROWS_PER_PART = 2**18
_LEAST_MEMORY = 2**20  # below, DuckDB does not start


class DuckDb(Engine):
    """DuckDB, in memory, with a folder to spill to.

    From the first query on it reads no other files than the Parquet given before.

    >>> with DuckDb() as engine:
    ...     int(engine.version.split(".")[0]) >= 1
    True
    """

    name = "duckdb"
    materializes = True
    seconds_per_joined_row = 1e-6  # 0.9 on two cores, 46 million rows

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
        self._memory = options.memory_limit or available_bytes() or 0
        self._parquet: list[str] = []
        self._is_confined = False
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

    @property
    def room(self) -> int | None:
        """Its limit of memory, and what is free where it spills to."""
        return self._memory + shutil.disk_usage(self._spill.name).free

    def load(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> None:
        """Make a table of rows."""
        declared = ", ".join(
            f"{quote_name(column.name)} {_TYPES[column.type]}" for column in columns
        )
        with self._faults(table):
            self._drop(table)
            self._database.rows(f"CREATE TEMP TABLE {quote_name(table)} ({declared})")
            for part in parts:
                arrays, selected = _without_objects(columns, part)
                self._database.append(table, arrays, selected)

    def write_parquet(self, columns: Sequence[Column], rows: Rows, path: Path) -> None:
        """Write rows to a Parquet file, in their order."""
        self.load(_RESULT, columns, [rows])
        with self._faults(str(path)):
            self._database.rows(
                f"COPY (SELECT * FROM {quote_name(_RESULT)} ORDER BY rowid) TO "
                f"{quote_sql(str(path))} (FORMAT parquet, USE_TMP_FILE false)"
            )

    def attach_parquet(self, table: str, columns: Sequence[Column], path: str) -> None:
        """Make a Parquet file, or the parts of a folder or a pattern, readable as a table.

        In place, or as a copy in memory once a query has run.
        """
        if "://" in path:
            raise DataError(
                f"{table}: expected a path of this machine, as duckdb reads no other, got {path}",
                "--engine spark reads s3a://, gs://, abfss:// and hdfs://, bigquery gs://; or copy it",
            )
        parts = find_parts(path, None) if has_parts(path) else [path]
        if self._is_confined:
            with self._faults(path), Database(paths=parts) as other:
                rows = other.arrays(self._selection(other, columns, parts, path))
            self.load(table, columns, [{name: _with_none(rows[name]) for name in rows}])
            return
        text = self._selection(self._database, columns, parts, path)
        self._drop(table)
        self._database.rows(f"CREATE TEMP VIEW {quote_name(table)} AS {text}")
        self._parquet += map(os.path.abspath, parts)

    def _selection(
        self, database: Database, columns: Sequence[Column], parts: Sequence[PathLike], path: str
    ) -> str:
        """Return the SELECT of a Parquet table, whose values keep the rules of their columns."""
        names = partition_names(path, parts) if has_parts(path) else []
        options = f"hive_partitioning={bool(names)}, hive_types_autocast=false"
        with self._faults(path):
            source = f"read_parquet([{', '.join(map(quote_path, parts))}], {options})"
            described = database.rows(f"DESCRIBE SELECT * FROM {source}")
        found = {name: str(type_) for name, type_, *_ in described}
        if has_ranks(columns, found):
            found["position"] = found["rank"]
            source = f"(SELECT *, rank AS position FROM {source})"
        found |= dict.fromkeys(names, _PARTITION)
        selected = ", ".join(_expression(column, found, path) for column in columns)
        self._refuse_faults(database, columns, found, source, path)
        return f"SELECT {selected} FROM {source}"

    def _find_foreign(self, query: Query) -> str | None:
        text = rewrite_placeholders(query.text, "$")
        with self._faults(query.place):
            serialized = self._value("SELECT json_serialize_sql($text)", {"text": text})
        try:
            return find_foreign(parsed_query(serialized), query.reads)
        except ValueError as error:
            raise DataError(f"{query.place}: {error}") from None

    def _run(self, bound: BoundQuery, order: Sequence[str]) -> Result:
        self._check(bound)
        writes = bound.query.writes
        names = {column.name: quote_name(column.name) for column in writes}
        selected = ", ".join(
            f"CAST({names[column.name]} AS {_TYPES[column.type]}) AS {names[column.name]}"
            for column in writes
        )
        text = f"SELECT {selected} FROM {_source(bound)}"
        text += f"\nORDER BY {', '.join(map(quote_name, order))}" if order else ""
        self._drop(_RESULT)
        with self._faults(bound.place):
            self._database.rows(
                f"CREATE TEMP TABLE {quote_name(_RESULT)} AS {text}",
                bound.values or None,
                lambda percent: bound.progress("run query", max(0, int(percent)), 100),
            )
        return Result(writes, self._parts(writes))

    def _materialize(self, bound: BoundQuery, table: str) -> int:
        self._run(bound, ())
        self._drop(table)
        self._database.rows(f"ALTER TABLE {quote_name(_RESULT)} RENAME TO {quote_name(table)}")
        return int(self._value(f"SELECT count(*) FROM {quote_name(table)}"))

    def _estimate(self, bound: BoundQuery) -> str:
        self._check(bound)
        threads, limit = (
            self._value(f"SELECT current_setting('{name}')") for name in ("threads", "memory_limit")
        )
        return (
            f"duckdb {self.version} would run it in this process: {threads} threads, "
            f"at most {limit} of memory, the rest in temporary files"
        )

    def _value(self, text: str, values: Mapping[str, Any] | None = None) -> Any:
        ((value,),) = self._database.rows(text, values)
        return value

    def _check(self, bound: BoundQuery) -> None:
        """Refuse a query with other columns; the first to run may not do more than its tree shows."""
        if not self._is_confined:
            self._database.confine(self._parquet)
            self._is_confined = True
        with self._faults(bound.place):
            text = f"DESCRIBE SELECT * FROM {_source(bound)}"
            described = self._database.rows(text, bound.values or None)
        found = [(name, _type_of(str(type_))) for name, type_, *_ in described]
        check_columns(bound.query, found)

    def _parts(self, columns: Sequence[Column]) -> Iterator[Rows]:
        result = quote_name(_RESULT)
        count = self._value(f"SELECT count(*) FROM {result}")
        names = ", ".join(quote_name(column.name) for column in columns)
        for begin in range(0, count, _ROWS_PER_PART):
            with self._faults("result"):
                found = self._database.arrays(
                    f"SELECT {names} FROM {result} "
                    f"WHERE rowid >= {begin} AND rowid < {begin + _ROWS_PER_PART} ORDER BY rowid"
                )
            yield {name: _with_none(values) for name, values in found.items()}

    def _refuse_faults(
        self,
        database: Database,
        columns: Sequence[Column],
        found: Mapping[str, str],
        source: str,
        place: str,
    ) -> None:
        """Refuse values that break the rules of their columns, as ``read_rows`` does."""
        rules = [
            (one.name, wrong, expected)
            for one in columns
            if one.name in found
            for wrong, expected in _rules_of(one, found[one.name])
        ]
        if not rules:
            return
        counts = ", ".join(f"count(*) FILTER (WHERE {wrong})" for _, wrong, _ in rules)
        with self._faults(place):
            (numbers,) = database.rows(f"SELECT {counts} FROM {source}")
        for (name, _, expected), number in zip(rules, numbers):
            if number:
                raise DataError(f"{place}: {name}: expected {expected}, got {number} others")

    def _drop(self, table: str) -> None:
        for kind in ("TABLE", "VIEW"):
            found = self._database.rows(
                f"SELECT 1 FROM duckdb_{kind.lower()}s() WHERE temporary AND "
                f"{kind.lower()}_name = {quote_sql(table)}"
            )
            if found:
                self._database.rows(f"DROP {kind} {quote_name(table)}")

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
        except UnicodeEncodeError:
            raise DataError(f"{place!a}: expected a path in UTF-8, got another") from None
        except duckdb.Error as error:
            raise DataError(
                f"{place}: expected what duckdb can run, got {shorten(_first_line(error), 300)}"
            ) from None


def _source(bound: BoundQuery) -> str:
    # The line break ends a comment that the text may end with.
    return f"(\n{rewrite_placeholders(bound.query.text, '$')}\n)"


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
    declared, name = _TYPES[column.type], quote_name(column.name)
    if column.name not in found:
        default = default_of(column, found, place)
        value = "NULL" if default is None else repr(default)
        return f"CAST({value} AS {declared}) AS {name}"
    kind = _kind_of(found[column.name])
    check_kind(column, kind, found[column.name], place)
    if kind == "moment":
        # Towards the past, as floor does; / would round.
        micros, second = f"epoch_us({name})", 10**6
        value = f"({micros} - (({micros} % {second}) + {second}) % {second}) // {second}"
        return f"{value} AS {name}"
    if kind == "number" and found[column.name].startswith("DECIMAL"):
        name_as_text = f"CAST({name} AS VARCHAR)"  # DuckDB rounds long decimals twice
        return f"CAST({name_as_text} AS {declared}) AS {name}"
    return f"CAST({name} AS {declared}) AS {name}"


def _kind_of(type_: str) -> Kind | None:
    """Return what a column of a type of DuckDB holds, or None for what no query reads."""
    if type_ == _PARTITION:
        return "partition"
    if is_text(type_):
        return "text"
    if type_ in _INTEGERS:
        return "integer"
    if type_ in ("FLOAT", "DOUBLE", *_WIDE) or type_.startswith("DECIMAL"):
        return "number"
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return "moment"
    if type_ == "DATE" or type_.startswith("TIMESTAMP"):
        return "local time"
    return "boolean" if type_ == "BOOLEAN" else None


def _rules_of(column: Column, type_: str) -> list[tuple[str, str]]:
    name = quote_name(column.name)
    value = f"CAST({name} AS DOUBLE)" if column.name == "weight" else name
    rules = rules_of(column, value, "'inf'::DOUBLE")
    if _kind_of(type_) == "moment":
        rules.append((f"NOT isfinite({name})", "finite times"))
    return rules


def _without_objects(
    columns: Sequence[Column], part: Rows
) -> tuple[dict[str, npt.NDArray[Any]], str]:
    """Return arrays whose types DuckDB need not guess, and what to select from them."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    selected: list[str] = []
    for column in columns:
        values, name = part[column.name], quote_name(column.name)
        arrays[column.name] = values
        if values.dtype == object and column.type != "STRING":
            missing = np.array([value is None for value in values.tolist()], bool)
            dtype = {"INT64": np.int64, "FLOAT64": np.float64, "BOOL": bool}[column.type]
            arrays[column.name] = np.where(missing, 0, values).astype(dtype)
            mask = f"{column.name} (missing)"  # no name of a header
            arrays[mask] = missing
            name = f"CASE WHEN NOT {quote_name(mask)} THEN {name} END"
        selected.append(name)
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

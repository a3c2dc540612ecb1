"""BigQuery's dialect without BigQuery: GoogleSQL's own analyzer and reference engine.

They come compiled to WebAssembly in the package zetasql, of the extra ``[test]``. The first run on a
machine compiles that code, about 15 s; wasmtime keeps the result in its cache. The reference engine
is made to be right, not fast: tables should be tiny.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import wasmtime
from zetasql.__version__ import __version__ as ZETASQL_VERSION
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public_options
from zetasql.wasi._pb2.zetasql.public import type_pb2

from mlcore.errors import DataError
from mlcore.warehouse.engines.base import BoundQuery, Engine, Result, Rows, check_columns
from mlcore.warehouse.query import Column, SqlType, Value

__all__ = ["GoogleSql", "GoogleSqlError", "analyze", "execute"]

Cell: TypeAlias = Value | None
# The columns of a table, and its rows with a cell for each.
Table: TypeAlias = tuple[Sequence[Column], Iterable[Sequence[Cell]]]

# What BigQuery has had for years, and no more: the wheel knows far more than BigQuery does, so a text
# must also pass with these alone.
CAUTIOUS_FEATURES = [
    "FEATURE_ANALYTIC_FUNCTIONS",
    "FEATURE_WITH_ON_SUBQUERY",  # the engine wraps a text to order its rows
]
_KINDS: dict[SqlType, int] = {
    "STRING": type_pb2.TYPE_STRING,
    "INT64": type_pb2.TYPE_INT64,
    "FLOAT64": type_pb2.TYPE_DOUBLE,
    "BOOL": type_pb2.TYPE_BOOL,
}
_TYPES: dict[int, SqlType] = {kind: type_ for type_, kind in _KINDS.items()}
_DTYPES = {"INT64": np.int64, "FLOAT64": np.float64, "BOOL": np.bool_, "STRING": np.object_}


class GoogleSqlError(Exception):
    """GoogleSQL refuses a text, or fails while running it."""


def execute(
    sql: str, tables: Mapping[str, Table], values: Mapping[str, Value]
) -> tuple[list[tuple[str, SqlType | None]], list[tuple[Cell, ...]]]:
    """Analyze a query twice, run it, and give its columns and rows.

    Args:
        sql: one SELECT; parameters as ``@name``.
        tables: by name. A name may have dots and dashes: the text then has it whole in backticks, as
            in FROM `project.dataset.table`.
        values: of the parameters; their types decide those of SQL.

    Returns:
        Name and type of each column, None for a type that mlcore does not use; the rows, in the order
        of the outermost ORDER BY.

    Raises:
        GoogleSqlError: the text is refused with the features of BigQuery, or the run fails.
    """
    columns_of = {name: columns for name, (columns, _) in tables.items()}
    analyze(sql, columns_of, values)
    options = _options(_all_features(), values)
    request = service.PrepareQueryRequest(sql=sql, options=options)
    request.simple_catalog.CopyFrom(_catalog(options, columns_of))
    for name, (columns, rows) in tables.items():
        content = request.table_content[name].table_data
        content.SetInParent()
        for row in rows:
            made = content.row.add()
            for column, cell in zip(columns, row, strict=True):
                _set_cell(made.cell.add(), column.type, cell)
    prepared = _prepare(request.SerializeToString(deterministic=True))
    run = service.EvaluateQueryRequest(prepared_query_id=prepared.prepared_query_id)
    for name, value in values.items():
        _set_cell(run.params.add(name=name).value, _type_of(value), value)
    data = _call("EvaluateQuery", run, service.EvaluateQueryResponse).content.table_data
    found = [(column.name, _TYPES.get(column.type.type_kind)) for column in prepared.columns]
    return found, [tuple(_cell(cell) for cell in row.cell) for row in data.row]


def analyze(sql: str, tables: Mapping[str, Sequence[Column]], values: Mapping[str, Value]) -> None:
    """Check a query, with all features of GoogleSQL and with few of them.

    Args:
        sql: one SELECT.
        tables: the columns of each.
        values: of the parameters.

    Raises:
        GoogleSqlError: it is refused.
    """
    few = [public_options.LanguageFeature.Value(name) for name in CAUTIOUS_FEATURES]
    for features in (_all_features(), few):
        options = _options(features, values)
        request = service.AnalyzeRequest(sql_statement=sql, options=options)
        request.simple_catalog.CopyFrom(_catalog(options, tables))
        _analyze(request.SerializeToString(deterministic=True))


# Most of the time of a tiny query goes into its analysis, and many cases differ in their parameters
# alone. What is prepared is never let go: a test run has a few hundred.
@cache
def _prepare(request: bytes) -> Any:
    parsed = service.PrepareQueryRequest.FromString(request)
    return _call("PrepareQuery", parsed, service.PrepareQueryResponse).prepared


@cache
def _analyze(request: bytes) -> None:
    _call("Analyze", service.AnalyzeRequest.FromString(request), service.AnalyzeResponse)


@cache
def _client() -> Any:
    class Client(wasm_client.WasmClient):  # type: ignore[misc]
        # The package's own go byte by byte.
        def write_bytes(self, ptr: int, data: bytes) -> None:
            ctypes.memmove(ctypes.addressof(self.memory.data_ptr().contents) + ptr, data, len(data))

        def read_bytes(self, ptr: int, size: int) -> bytes:
            return ctypes.string_at(ctypes.addressof(self.memory.data_ptr().contents) + ptr, size)

    def cached_config() -> Any:
        config = wasmtime.Config()
        config.cache = True
        return config

    own_config, wasm_client.Config = wasm_client.Config, cached_config
    try:
        return Client(get_wasm_path())
    finally:
        wasm_client.Config = own_config


def _call(method: str, request: Any, response: Any) -> Any:
    try:
        return _client().call_grpc_func(f"ZetaSqlLocalService_{method}", request, response)
    except ServerError as error:
        raise GoogleSqlError(error.raw_error.partition("Message: ")[2]) from None


@cache
def _all_features() -> tuple[int, ...]:
    request = service.LanguageOptionsRequest(maximum_features=True)
    options = _call("GetLanguageOptions", request, options_pb2.LanguageOptionsProto)
    return tuple(options.enabled_language_features)


def _options(features: Iterable[int], values: Mapping[str, Value]) -> Any:
    language = options_pb2.LanguageOptionsProto(
        product_mode=public_options.PRODUCT_EXTERNAL,  # FLOAT64, not DOUBLE, as in BigQuery
        enabled_language_features=features,
        reserved_keywords=["QUALIFY"],  # as in BigQuery
    )
    options = options_pb2.AnalyzerOptionsProto(
        language_options=language,
        error_message_mode=public_options.ERROR_MESSAGE_ONE_LINE,
    )
    for name, value in values.items():
        options.query_parameters.add(name=name).type.type_kind = _KINDS[_type_of(value)]
    return options


def _catalog(options: Any, tables: Mapping[str, Sequence[Column]]) -> Any:
    catalog = simple_catalog_pb2.SimpleCatalogProto(name="tests")
    catalog.builtin_function_options.language_options.CopyFrom(options.language_options)
    for name, columns in tables.items():
        table = catalog.table.add(name=name)
        for column in columns:
            table.column.add(name=column.name).type.type_kind = _KINDS[column.type]
    return catalog


def _type_of(value: Value) -> SqlType:
    if isinstance(value, bool):  # before int, which it is too
        return "BOOL"
    if isinstance(value, int):
        return "INT64"
    return "FLOAT64" if isinstance(value, float) else "STRING"


def _set_cell(cell: Any, type_: SqlType, value: Cell) -> None:
    if value is None:
        return
    elif type_ == "STRING":
        cell.string_value = value
    elif type_ == "INT64":
        cell.int64_value = value
    elif type_ == "FLOAT64":
        cell.double_value = value
    else:
        cell.bool_value = value


def _cell(cell: Any) -> Any:
    kind = cell.WhichOneof("value")
    return None if kind is None else getattr(cell, kind)


class GoogleSql(Engine):
    """The reference engine, with tables that are lists."""

    name = "googlesql"

    def __init__(self) -> None:
        self._tables: dict[str, tuple[Sequence[Column], list[tuple[Cell, ...]]]] = {}
        self._stored: dict[str, tuple[Sequence[Column], list[tuple[Cell, ...]]]] = {}

    def close(self) -> None:
        self._tables.clear()
        self._stored.clear()

    @property
    def version(self) -> str:
        return str(ZETASQL_VERSION)

    def load(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> None:
        rows = [
            row
            for part in parts
            for row in zip(*(part[column.name].tolist() for column in columns), strict=True)
        ]
        self._tables[table] = columns, rows

    def attach(self, table: str, columns: Sequence[Column], stored: str) -> None:
        if stored not in self._stored:
            raise DataError(f"{stored}: expected a table that was stored, got none")
        has, rows = self._stored[stored]
        places = [[column.name for column in has].index(column.name) for column in columns]
        self._tables[table] = columns, [tuple(row[place] for place in places) for row in rows]

    def attach_parquet(self, table: str, columns: Sequence[Column], path: str) -> None:
        raise DataError(
            f"{path}: expected rows, got Parquet, which the reference engine cannot read"
        )

    def _run(self, bound: BoundQuery, order: Sequence[str]) -> Result:
        query, text = bound.query, bound.query.text
        if order:
            text = f"SELECT * FROM (\n{text}\n) ORDER BY {', '.join(order)}"
        tables = {name: self._tables[name] for name in query.reads}
        try:
            found, rows = execute(text, tables, bound.values)
        except GoogleSqlError as error:
            raise DataError(f"{query.place}: {error}") from None
        check_columns(query, found)
        return Result(query.writes, _parts(query.writes, rows))

    def _store(
        self, bound: BoundQuery, stored: str, append: bool, partition: str | None
    ) -> tuple[int, Mapping[str, Value]]:
        writes = bound.query.writes
        part = next(self._run(bound, ()).parts)
        rows = list(zip(*(part[column.name].tolist() for column in writes), strict=True))
        self._stored[stored] = writes, rows
        return len(rows), {}

    def _estimate(self, bound: BoundQuery) -> str:
        try:
            analyze(bound.query.text, bound.query.reads, bound.values)
        except GoogleSqlError as error:
            raise DataError(f"{bound.place}: {error}") from None
        return "nothing: the reference engine runs in this process"


def _parts(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> Iterator[Rows]:
    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    part: dict[str, Any] = {}
    for column, cells in zip(columns, by_column, strict=True):
        dtype = np.object_ if None in cells else _DTYPES[column.type]
        part[column.name] = np.array(cells, dtype)  # (R,)
    yield part

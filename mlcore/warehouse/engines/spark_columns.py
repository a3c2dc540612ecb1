"""Columns of Spark: types, and rows to and from Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.errors import DataError
from mlcore.warehouse.engines.base import Kind, Rows, check_kind, default_of, rules_of
from mlcore.warehouse.query import Column, SqlType

__all__ = [
    "BATCH_ROWS",
    "PARTITION",
    "TYPES",
    "batch_rows",
    "quote_name",
    "read_batches",
    "select_column",
    "select_result",
    "to_arrow",
    "to_parts",
    "type_of",
]

TYPES: dict[SqlType, str] = {
    "STRING": "string",
    "INT64": "bigint",
    "FLOAT64": "double",
    "BOOL": "boolean",
}
# ROW_NUMBER gives int. A decimal has no type of a header: the query or the table must CAST it.
_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_FLOATS = ("float", "double")
PARTITION: Kind = "partition"  # no type of Spark
BATCH_ROWS = 2**17
_BATCH_BYTES = 2**23  # a task carries its batch, and Spark refuses tasks of 2^27 bytes


def type_of(found: str) -> SqlType | None:
    """Return the type of a header that holds every value of a type of Spark, or None.

    >>> type_of("int"), type_of("decimal(2,1)")
    ('INT64', None)
    """
    if found in _INTEGERS:
        return "INT64"
    if found in _FLOATS:
        return "FLOAT64"
    names: dict[str, SqlType] = {name: type_ for type_, name in TYPES.items()}
    return names.get(found)


def quote_name(name: str) -> str:
    """Return the name of a table or a column, whatever is in it, as SQL of Spark.

    >>> quote_name("a `b`")
    '`a ``b```'
    """
    return "`" + name.replace("`", "``") + "`"


def _quote_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def select_column(column: Column, found: Mapping[str, str], place: str) -> str:
    """Return the SQL for a column of a query, from those of a stored table.

    Args:
        found: the types of the stored columns by name; ``PARTITION`` for names of folders.
        place: the table, for messages.

    Raises:
        DataError: the column is missing, or as ``check_kind``. A value that breaks a rule of its
            column stops the query.

    >>> select_column(Column("n", "INT64", nullable=True), {"n": "int"}, "shop.events")
    'CAST(`n` AS bigint) AS `n`'
    """
    declared, name = TYPES[column.type], quote_name(column.name)
    if column.name not in found:
        default = default_of(column, found, place)
        # From a text, since a number with a point is a decimal.
        value = "NULL" if default is None else f"CAST('{default!r}' AS double)"
        return f"CAST({value} AS {declared}) AS {name}"
    kind = PARTITION if found[column.name] == PARTITION else _kind_of(found[column.name])
    check_kind(column, kind, found[column.name], place)
    value = f"unix_seconds({name})" if kind == "moment" else f"CAST({name} AS {declared})"
    for wrong, expected in rules_of(column, name, "double('infinity')"):
        message = _quote_text(f"{place}: {column.name}: expected {expected}, got ")
        got = f"concat({message}, coalesce(nullif(string({name}), ''), 'none'))"
        value = f"CASE WHEN {wrong} THEN {_stop(column, got)} ELSE {value} END"
    return f"{value} AS {name}"


def _kind_of(type_: str) -> Kind | None:
    """Return what a column of a type of Spark holds, or None for what no query reads."""
    kinds: dict[str, Kind] = {
        **{"string": "text", "varchar": "text", "char": "text", "boolean": "boolean"},
        **{"float": "number", "double": "number", "decimal": "number"},
        **{"timestamp": "moment", "timestamp_ntz": "local time", "date": "local time"},
        **{name: "integer" for name in _INTEGERS},
    }
    return kinds.get(type_.partition("(")[0])


def _stop(column: Column, message: str) -> str:
    """Return the SQL of a value that stops the query; so is the message."""
    return f"CAST(raise_error({message}) AS {TYPES[column.type]})"


def select_result(column: Column, table: str) -> str:
    """Return the SQL for a column of a result, in which a missing value stops the query if none may be.

    Args:
        table: its name, for the message.

    >>> select_result(Column("n", "INT64"), "t")
    "coalesce(`n`, CAST(raise_error('t: n: expected a value, got NULL') AS bigint)) AS `n`"
    """
    name = quote_name(column.name)
    if column.nullable:
        return name
    stop = _stop(column, _quote_text(f"{table}: {column.name}: expected a value, got NULL"))
    return f"coalesce({name}, {stop}) AS {name}"


def to_arrow(table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> Any:
    """Return rows as a table of Arrow.

    Args:
        table: its name, for messages.

    Raises:
        DataError: a value is missing in a column where none may.

    >>> to_arrow("t", [Column("n", "INT64")], [{"n": np.array([1, 2])}]).to_pydict()
    {'n': [1, 2]}
    """
    import pyarrow

    schema = _arrow_schema(columns)
    batches = []
    for part in parts:
        # Not from_pandas: NaN is a number here, only None is missing.
        arrays = [
            pyarrow.array(part[field.name], field.type, from_pandas=False) for field in schema
        ]
        for field, array in zip(schema, arrays):
            if array.null_count and not field.nullable:
                raise DataError(f"{table}: {field.name}: expected a value in every row, got NULL")
        batches.append(pyarrow.record_batch(arrays, schema))
    # Many small parts would be as many tasks.
    return pyarrow.Table.from_batches(batches, schema).combine_chunks()


def batch_rows(rows: Any) -> int:
    """Return how many rows of a table of Arrow go into one task.

    >>> batch_rows(to_arrow("t", [Column("n", "INT64")], [{"n": np.arange(9)}]))
    131072
    """
    bytes_per_row = max(1, int(rows.nbytes) // max(1, int(rows.num_rows)))
    return max(1, min(BATCH_ROWS, _BATCH_BYTES // bytes_per_row))


def to_parts(columns: Sequence[Column], batches: Iterable[Any]) -> Iterator[Rows]:
    """Yield batches of Arrow as arrays.

    >>> rows = to_arrow("t", [Column("n", "INT64", nullable=True)], [{"n": np.array([1, None])}])
    >>> parts = to_parts([Column("n", "INT64", nullable=True)], rows.to_batches())
    >>> [part["n"].tolist() for part in parts]
    [[1, None]]
    """
    for batch in batches:
        yield {
            column.name: _to_numpy(values) for column, values in zip(columns, batch.columns)
        }  # (B,) each


def read_batches(context: Any, columns: Sequence[Column], batches: Any) -> Iterator[Any]:
    """Yield batches of Arrow that workers have, one partition of them at a time.

    Args:
        context: of Spark.
        columns: of the batches.
        batches: RDD of serialized batches in Java, as ``toArrowBatchRdd`` gives it.
    """
    import pyarrow
    from pyspark.serializers import NoOpSerializer
    from pyspark.util import _local_iterator_from_socket

    schema = _arrow_schema(columns)
    served = context._jvm.PythonRDD.toLocalIteratorAndServe(batches, False)
    for batch in _local_iterator_from_socket(served, NoOpSerializer()):
        yield pyarrow.ipc.read_record_batch(pyarrow.py_buffer(batch), schema)


def _arrow_schema(columns: Sequence[Column]) -> Any:
    import pyarrow

    types = {
        "STRING": pyarrow.string(),
        "INT64": pyarrow.int64(),
        "FLOAT64": pyarrow.float64(),
        "BOOL": pyarrow.bool_(),
    }
    return pyarrow.schema(
        [pyarrow.field(column.name, types[column.type], column.nullable) for column in columns]
    )


def _to_numpy(values: Any) -> npt.NDArray[Any]:
    if not values.null_count:
        return np.asarray(values.to_numpy(zero_copy_only=False))
    # Arrow would make floats of integers, and NaN of what is missing.
    found = np.empty(len(values), object)
    found[:] = values.to_pylist()
    return found

"""The text that BigQuery gets: a query as in its file, after a WITH that names the stored tables.

    WITH `events` AS (SELECT ... FROM `project.dataset.table`) SELECT * FROM (<text>) ORDER BY ...

The text begins on the first line, so that BigQuery's messages count the lines of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlcore.errors import DataError
from mlcore.times import MAX_SECONDS, MIN_SECONDS
from mlcore.warehouse.engines.base import Kind, check_kind, default_of, has_ranks, rules_of
from mlcore.warehouse.query import Column, Query, SqlType, Value

__all__ = ["Found", "Source", "make_source", "type_of", "wrap"]

# By their names in the API, old and new.
_TYPES: dict[str, SqlType] = {
    **{"STRING": "STRING", "INTEGER": "INT64", "INT64": "INT64", "FLOAT": "FLOAT64"},
    **{"FLOAT64": "FLOAT64", "BOOLEAN": "BOOL", "BOOL": "BOOL"},
}
_KINDS: dict[str, Kind] = {
    **{name: "integer" for name in ("INTEGER", "INT64")},
    **{name: "number" for name in ("FLOAT", "FLOAT64", "NUMERIC", "BIGNUMERIC")},
    **{"STRING": "text", "BOOLEAN": "boolean", "BOOL": "boolean", "TIMESTAMP": "moment"},
    **{"DATETIME": "local time", "DATE": "local time"},
}


@dataclass(frozen=True)
class Found:
    """A column of a stored table.

    Attributes:
        type: as the API calls it.
        mode: ``NULLABLE``, ``REQUIRED`` or ``REPEATED``.
    """

    type: str
    mode: str = "NULLABLE"


@dataclass(frozen=True)
class Source:
    """How a query's table is read from a stored one.

    Attributes:
        select: the SELECT, without a WHERE.
        has_moments: whether its ``timestamp`` is stored as a TIMESTAMP.
    """

    select: str
    has_moments: bool


def type_of(found: str) -> SqlType | None:
    """Return the type of a header for a type of the API, or None.

    >>> type_of("INTEGER"), type_of("GEOGRAPHY")
    ('INT64', None)
    """
    return _TYPES.get(found)


def quote_name(name: str) -> str:
    """Return the name of a table or a column, whatever is in it, as SQL of BigQuery.

    >>> quote_name("a b")
    '`a b`'
    """
    return f"`{_escape(name)}`"


def _escape(text: str) -> str:
    return re.sub(r"[\\'`]", r"\\\g<0>", text).replace("\n", "\\n")


def make_source(
    table: str,
    columns: Sequence[Column],
    stored: str,
    found: Mapping[str, Found],
    *,
    place: str,
    fill_defaults: bool = False,
    has_rules: bool = True,
) -> Source:
    """Return how a query reads its columns from a stored table.

    A value that breaks a rule of its column, or misses where the query needs one, stops the query, with
    the names of table and column. Types fit as ``check_kind`` says.

    Args:
        table: its name in queries.
        columns: those the query reads.
        stored: project, dataset and table, checked.
        found: the columns of the table, by name in lower case.
        place: the table as the user knows it, for messages.
        fill_defaults: whether a missing value becomes the default of its column.
        has_rules: whether its values must keep the rules of columns, as those of others; see ``rules_of``.

    Raises:
        DataError: a column is missing or of another type.

    >>> column, found = Column("n", "INT64"), {"n": Found("INTEGER", "REQUIRED")}
    >>> make_source("events", [column], "p.d.t", found, place="d.t").select
    'SELECT `n` FROM `p.d.t`'
    """
    items, source = [], f"`{stored}`"
    if has_ranks(columns, found):
        found = {**found, "position": found["rank"]}
        source = f"(SELECT *, rank AS position FROM {source})"
    for column in columns:
        value = _value(table, column, found, place, fill_defaults)
        items.append(_item(column, _checked(place, column, value) if has_rules else value))
    time = found.get("timestamp")
    has_moments = time is not None and time.type == "TIMESTAMP"
    return Source(f"SELECT {', '.join(items)} FROM {source}", has_moments)


def _item(column: Column, value: str) -> str:
    quoted = quote_name(column.name)
    return quoted if value == quoted else f"{value} AS {quoted}"


def _value(
    table: str, column: Column, found: Mapping[str, Found], place: str, fill_defaults: bool
) -> str:
    at = found.get(column.name)
    if at is None:
        return _constant(column, default_of(column, found, place))
    value = _converted(place, column, at)
    if at.mode == "REQUIRED" or column.nullable:
        return value
    if fill_defaults and column.default is not None:
        return f"IFNULL({value}, {_constant(column, column.default)})"
    return _required(table, column, value)


def _checked(place: str, column: Column, value: str) -> str:
    """Return SQL that stops the query at a value that breaks a rule of its column."""
    rules = rules_of(column, value, "CAST('inf' AS FLOAT64)")
    for wrong, expected in rules[not column.nullable :]:  # the first is what _required says
        message = _escape(f"{place}: {column.name}: expected {expected}, got another")
        value = f"IF({wrong}, ERROR('{message}'), {value})"
    return value


def _required(table: str, column: Column, value: str) -> str:
    place = _escape(f"{table}: {column.name}")
    return f"IFNULL({value}, ERROR('{place}: expected a value, got NULL'))"


def _constant(column: Column, value: float | None) -> str:
    if value is None:
        return f"CAST(NULL AS {column.type})"
    number = repr(value) if column.type == "FLOAT64" else str(int(value))
    return f"CAST({number} AS {column.type})"


def _converted(place: str, column: Column, at: Found) -> str:
    is_array = at.mode == "REPEATED"
    kind, shown = (None, f"ARRAY of {at.type}") if is_array else (_KINDS.get(at.type), at.type)
    check_kind(column, kind, shown, place)
    quoted = quote_name(column.name)
    if kind == "moment":
        return f"UNIX_SECONDS({quoted})"
    return quoted if type_of(at.type) == column.type else f"CAST({quoted} AS {column.type})"


def wrap(
    query: Query,
    values: Mapping[str, Value],
    sources: Mapping[str, Source],
    order: Iterable[str],
    refuses_null: bool = False,
) -> str:
    """Return the text that BigQuery gets: the tables, the text of the query, the order of rows.

    A query with the parameters ``begin_time`` and ``end_time`` reads rows of that span only. Where
    the timestamps are stored as TIMESTAMP the stored column is restricted, too: else BigQuery reads,
    and bills, all partitions of a table that has them by that column.

    Args:
        sources: of all the tables it reads.
        order: names of columns; none for any order.
        refuses_null: whether a missing value in a column of the result that needs one stops the query.

    Raises:
        DataError: a table is missing.
    """
    tables: list[str] = []
    for name in query.reads:
        if name not in sources:
            raise DataError(f"{query.place}: {name}: expected a table to be given, got none")
        source = sources[name]
        span = _span(query, values) if source.has_moments else []
        where = f" WHERE {' AND '.join(span)}" if span else ""
        tables.append(f"{quote_name(name)} AS ({source.select}{where})")
    before = f"WITH {', '.join(tables)} " if tables else ""
    columns = ", ".join(map(quote_name, order))
    selected = "*"
    if refuses_null:
        names = [(one, quote_name(one.name)) for one in query.writes]
        selected = ", ".join(
            _item(one, name if one.nullable else _required(query.table, one, name))
            for one, name in names
        )
    # The line break ends a comment that the text may end with.
    text = f"{before}SELECT {selected} FROM ({query.text}\n)"
    return text + (f" ORDER BY {columns}" if columns else "")


def _span(query: Query, values: Mapping[str, Value]) -> list[str]:
    if not {"begin_time", "end_time"} <= query.parameters.keys():
        return []
    bounds = {"begin_time": ">=", "end_time": "<"}
    # Beyond the years that a TIMESTAMP can have, the conversion of the bound would fail.
    return [
        f"`timestamp` {sign} TIMESTAMP_SECONDS(@{name})"
        for name, sign in bounds.items()
        if MIN_SECONDS <= int(values[name]) <= MAX_SECONDS
    ]

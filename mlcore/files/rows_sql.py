"""Rows of users and items as SQL of DuckDB: a function that reads a file, an expression per value.

An expression gives NULL for a value that breaks a rule of ``mlcore.files.values``. It may also give
NULL for a rare spelling that keeps the rules: then the standard reader reads the file.
"""

from __future__ import annotations

import csv
import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlcore.files.csv_layout import CsvLayout
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.plain import Dialect
from mlcore.files.values import INTEGER, JSON_INTEGER, JSON_NUMBER, NUMBER
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.limits import MAX_COLUMNS
from mlcore.times import UNITS, TimeUnit

__all__ = [
    "TableSql",
    "csv_rows",
    "json_rows",
    "quote_name",
    "quote_path",
    "quote_sql",
    "time_from_integer",
    "time_from_text",
]

_JSON_FIELD = re.compile(rf'"([^"]*)"(\s*:\s*)(?:"[^"]*"|({JSON_NUMBER}))')
_MOST_DIGITS = 1000  # Python refuses integers of more than 4300
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"  # DuckDB reads 24:00 as the next day
_RFC_3339 = rf"\d{{4}}-\d\d-\d\d[Tt ]{_CLOCK}:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-]{_CLOCK})"


@dataclass(frozen=True)
class TableSql:
    """A table as SQL.

    Attributes:
        table: the text after FROM.
        user: VARCHAR, or NULL for a row that is not as expected.
        item: VARCHAR.
        weight: DOUBLE, or None if there is no such column.
        time: BIGINT microseconds since 1970 UTC, or None if there is no such column.
        count: the number of rows, or None if not known.
        names: of the columns of the file.
        layout: of CSV.
    """

    table: str
    user: str
    item: str
    weight: str | None
    time: str | None
    count: int | None = None
    names: Sequence[str] = ()
    layout: CsvLayout | None = None


def csv_rows(
    path: PathLike, dialect: Dialect, is_gzip: bool, options: InputOptions
) -> TableSql | None:
    """Return the rows of a CSV file, or None if its header or its counts are not as expected.

    >>> from mlcore.files.options import ColumnNames
    >>> dialect = Dialect("user_id,item_id,stars", 5, 10, "\\n", False)
    >>> rows = csv_rows("a.csv", dialect, False, InputOptions(ColumnNames(weight="stars")))
    >>> rows.count, rows.user, rows.time
    (4, 'c0', None)
    """
    names, header = options.columns, list(options.field_names or ())
    skipped = 0 if header else 1
    try:
        line = [dialect.first_line]
        header = header or next(csv.reader(line, delimiter=dialect.delimiter, strict=True), [])
    except csv.Error:
        return None
    found = [header.count(name) for name in names.in_order()]
    if max(found) > 1 or not set(names.required()) <= set(header) or len(header) > MAX_COLUMNS:
        return None
    if dialect.lines <= skipped or dialect.delimiters != dialect.lines * (len(header) - 1):
        return None
    user, item, weight, time = (
        f"c{header.index(name)}" if name in header else None for name in names.in_order()
    )
    assert user is not None and item is not None
    return TableSql(
        _lines(path, dialect, is_gzip, len(header), dialect.delimiter, skipped),
        user,
        item,
        weight and _number(f"regexp_full_match({weight}, '{NUMBER}')", weight, "DOUBLE"),
        time and time_from_text(time, options.timestamp_unit),
        dialect.lines - skipped,
        header,
    )


def json_rows(
    path: PathLike, dialect: Dialect, is_gzip: bool, options: InputOptions
) -> TableSql | None:
    """Return the rows of a JSON Lines file whose lines differ in their values only, else None.

    Each line splits at its quotes, none of which is escaped: every other piece is a key or a
    string, the pieces between are numbers and punctuation. Keys and punctuation must be those of
    the first line, which is parsed strictly.

    >>> from mlcore.files.options import ColumnNames
    >>> dialect = Dialect('{"u": "ann", "i": "tea"}', 5, 40, "\\n", False)
    >>> rows = json_rows("a.jsonl", dialect, False, InputOptions(ColumnNames("u", "i")))
    >>> rows.item
    'c7'
    """
    pieces = dialect.first_line.split('"')
    fields = _json_fields(dialect.first_line, pieces)
    if fields is None or dialect.delimiters != dialect.lines * (len(pieces) - 1):
        return None
    names, keys = options.columns, list(fields)
    if not set(names.required()) <= fields.keys():
        return None
    user, item, weight, time = (fields.pop(name, None) for name in names.in_order())
    if not (user and user.is_text and item and item.is_text):
        return None
    if weight and weight.is_text:
        return None
    known = [field for field in (user, item, weight, time) if field]
    others = [field for field in fields.values() if not field.is_text]
    varying = {field.column for field in (*known, *fields.values())}
    conditions = [
        f"c{column} = {quote_sql(piece)}"
        for column, piece in enumerate(pieces)
        if column not in varying
    ]
    conditions += [
        f"{field.matches(JSON_NUMBER)} AND length(c{field.column}) < {_MOST_DIGITS}"
        for field in others
    ]
    return TableSql(
        _lines(path, dialect, is_gzip, len(pieces), delimiter='"', skip=0),
        f"CASE WHEN {' AND '.join(conditions)} THEN {user.text} END",
        item.text,
        weight and _number(weight.matches(JSON_NUMBER), weight.text, "DOUBLE"),
        time and _json_time(time, options.timestamp_unit),
        dialect.lines,
        keys,
    )


class _JsonField(NamedTuple):
    """The piece of a line that holds a value: a string, or a number with punctuation around it."""

    column: int
    is_text: bool
    before: str = ""
    after: str = ""

    @property
    def text(self) -> str:
        if self.is_text:
            return f"c{self.column}"
        return f"c{self.column}[{len(self.before) + 1}:-{len(self.after) + 1}]"

    def matches(self, number: str) -> str:
        pattern = f"{re.escape(self.before)}{number}{re.escape(self.after)}"
        return f"regexp_full_match(c{self.column}, {quote_sql(pattern)})"


def _json_fields(line: str, pieces: list[str]) -> dict[str, _JsonField] | None:
    try:
        values = parse_json(line)
    except JsonTextError:
        return None
    if not isinstance(values, dict) or "" in values:  # DuckDB takes "" for NULL
        return None
    if {type(value) for value in values.values()} - {str, int, float}:
        return None
    fields: dict[str, _JsonField] = {}
    for match in _JSON_FIELD.finditer(line):
        key, before, number = match.groups()
        column = line.count('"', 0, match.start(2))
        if number is None:
            fields[key] = _JsonField(column + 1, True)
        else:
            after = pieces[column].removeprefix(before + number)
            fields[key] = _JsonField(column, False, before, after)
    return fields


def _json_time(field: _JsonField, unit: TimeUnit) -> str:
    if field.is_text:
        return time_from_text(field.text, unit)
    return time_from_integer(_number(field.matches(JSON_INTEGER), field.text, "BIGINT"), unit)


def time_from_integer(number: str, unit: TimeUnit = "s") -> str:
    """Return SQL for the microseconds of a number, or NULL outside of the years that are taken.

    >>> time_from_integer("n", "us")
    'CASE WHEN n BETWEEN 31536000000000 AND 4133980799999999 THEN n * 1 END'
    """
    known = UNITS[unit]
    factor = f"* {1_000_000 // known.per_second}"
    if known.per_second > 1_000_000:
        factor = f"// {known.per_second // 1_000_000}"
    return (
        f"CASE WHEN {number} BETWEEN {known.least} AND {known.greatest} THEN {number} {factor} END"
    )


def time_from_text(text: str, unit: TimeUnit = "s") -> str:
    """Return SQL for the microseconds that ``parse_timestamp`` gives for a VARCHAR, or NULL.

    NULL also for times that only databases write so, as without a zone.

    >>> time_from_text("c3").startswith("CASE WHEN regexp_full_match(c3, ")
    True
    """
    date_and_time = f"TRY_CAST(replace(upper({text}[:19]), 'T', ' ') AS TIMESTAMP)"
    fraction = f"TRY_CAST(rpad(left(regexp_extract({text}, '\\.(\\d+)', 1), 6), 6, '0') AS BIGINT)"
    minutes = f"TRY_CAST({text}[-5:-4] AS BIGINT) * 60 + TRY_CAST({text}[-2:] AS BIGINT)"
    ahead = f"CASE {text}[-6] WHEN '+' THEN {minutes} WHEN '-' THEN -({minutes}) ELSE 0 END"
    return (
        f"CASE WHEN regexp_full_match({text}, {quote_sql(INTEGER)}) "
        f"THEN {time_from_integer(f'TRY_CAST({text} AS BIGINT)', unit)} "
        f"WHEN regexp_full_match({text}, {quote_sql(_RFC_3339)}) "
        f"THEN epoch_us({date_and_time}) + {fraction} - ({ahead}) * 60000000 END"
    )


def quote_sql(text: str) -> str:
    """Return a string literal of SQL.

    >>> quote_sql("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """Return the name of a table or a column, whatever is in it, as SQL of DuckDB.

    >>> print(quote_name('a "b" c'))
    "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def quote_path(path: PathLike) -> str:
    """Return a path as a string literal of SQL that means this file, never a pattern or address.

    Raises:
        UnicodeEncodeError: it is not in UTF-8.

    >>> quote_path("/data/a*.csv")
    "'/data/a[*].csv'"
    """
    absolute = os.path.abspath(path)
    absolute.encode()
    return quote_sql(glob.escape(absolute))


def _number(condition: str, text: str, type_: str) -> str:
    return f"CASE WHEN {condition} THEN TRY_CAST({text} AS {type_}) END"


def _lines(
    path: PathLike, dialect: Dialect, is_gzip: bool, num_columns: int, delimiter: str, skip: int
) -> str:
    """Return the table of a file's lines, split at the delimiter, with columns c0, c1 ..."""
    columns = ", ".join(f"c{column}: 'VARCHAR'" for column in range(num_columns))
    quote = '"' if dialect.quoted else ""
    line_break = dialect.line_break.replace("\r", "\\r").replace("\n", "\\n")
    return (
        f"read_csv({quote_path(path)}, auto_detect=false, "
        f"columns={{{columns}}}, header=false, skip={skip}, delim={quote_sql(delimiter)}, quote='{quote}', "
        f"escape='{quote}', new_line='{line_break}', hive_partitioning=false, "
        f"compression='{'gzip' if is_gzip else 'none'}')"
    )

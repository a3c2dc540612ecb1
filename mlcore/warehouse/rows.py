"""Rows of a query's tables, read from and written to CSV and JSON Lines, by the types of its header."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any, Literal, TextIO, TypeAlias

import numpy as np
import numpy.typing as npt

from mlcore.errors import DataError, NoHeaderError, NoRowsError, shorten, shorten_json
from mlcore.files.columns import read_columns
from mlcore.files.formats import RowFormat, find_row_format
from mlcore.files.options import ColumnNames, Format, InputOptions, PathLike
from mlcore.files.tables import BadValue, ColumnReader
from mlcore.files.values import (
    Memo,
    finite_from_json,
    id_from_json,
    parse_integer,
    parse_number,
    parse_timestamp,
    timestamp_from_json,
    weight_from_json,
    weight_from_text,
)
from mlcore.ids import id_fault
from mlcore.jsontext import format_numbers
from mlcore.progress import Progress, no_progress
from mlcore.times import TimeRule
from mlcore.warehouse.query import Column, SqlType

__all__ = ["Rows", "checked_rows", "column_array", "num_rows", "read_rows", "write_rows"]

# Some rows of a table by column, each (R,): INT64 as int64, FLOAT64 as float64, BOOL as bool, STRING
# as objects; with missing values any of them as objects, with None.
Rows: TypeAlias = Mapping[str, npt.NDArray[Any]]
_Convert: TypeAlias = Callable[[Any], Any]

_DTYPES: dict[SqlType, Any] = {
    "STRING": object,
    "INT64": np.int64,
    "FLOAT64": np.float64,
    "BOOL": bool,
}
_ROWS_PER_PART = 2**16
_ROWS_PER_WRITE = 10_000
_MAX_INT64 = 2**63 - 1
_BOOLEANS = {"true": True, "false": False}


def num_rows(part: Rows) -> int:
    """Return R.

    >>> num_rows({"n": np.arange(3)})
    3
    """
    return len(next(iter(part.values())))


def read_rows(
    path: PathLike,
    columns: Sequence[Column],
    input_options: InputOptions = InputOptions(),
    progress: Progress = no_progress,
) -> Iterator[Rows]:
    """Yield the rows of a file in parts.

    Ids (columns ending in ``_id``) follow the rules of ids, ``weight`` is finite and above 0,
    ``timestamp`` a time, read as the second that it lies in. Where a column may be NULL, a value may
    be missing: an empty field of CSV, ``null`` or no such key in JSON Lines. Other columns are
    ignored. A table without rows gives no parts; a CSV file without a header line is refused.

    Args:
        path: as for ``read_columns``.
        input_options: names of columns are those of the query.
        progress: called with the bytes read.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    wanted = [_file_column(column, input_options.time_rule()) for column in columns]
    pending: list[list[list[Any] | None]] = []
    count = 0
    for chunk in _chunks(path, wanted, input_options, progress):
        pending.append(chunk)
        count += next(len(values) for values in chunk if values is not None)
        if count >= _ROWS_PER_PART:
            yield _part(columns, pending, count)
            pending, count = [], 0
    if pending:
        yield _part(columns, pending, count)


def _chunks(
    path: PathLike, wanted: Sequence[ColumnReader], options: InputOptions, progress: Progress
) -> Iterator[list[list[Any] | None]]:
    try:
        yield from read_columns(path, wanted, options, progress)
    except NoHeaderError:
        raise
    except NoRowsError:
        pass


def _part(columns: Sequence[Column], chunks: list[list[list[Any] | None]], count: int) -> Rows:
    part: dict[str, npt.NDArray[Any]] = {}
    for column, lists in zip(columns, zip(*chunks)):
        values: list[Any] = []
        for some in lists:
            values += some or []
        if not values:  # the file has no such column
            values = [column.default] * count
        part[column.name] = column_array(column, values)
    return part


def column_array(column: Column, values: Sequence[Any]) -> npt.NDArray[Any]:
    """Return the values of a column as ``Rows`` has them, (R,).

    >>> column_array(Column("n", "INT64", nullable=True), [1, None])
    array([1, None], dtype=object)
    """
    has_none = column.nullable and None in values
    return np.array(values, object if has_none else _DTYPES[column.type])


def _file_column(column: Column, rule: TimeRule) -> ColumnReader:
    from_text, from_json = _converters(column, rule)
    if column.nullable:
        is_id = column.name.endswith("_id")
        missing = (None, "") if is_id else (None,)  # an empty id is none
        from_text, from_json = _unless(from_text, ("",)), _unless(from_json, missing)
    return ColumnReader(
        column.name,
        from_text,
        from_json,
        required=not column.nullable and column.default is None,
        json_default=column.default,
        json_missing=column.nullable,
        kind=_kind_of(column),
        hint=_hint_at_name(column.name),
    )


def _hint_at_name(name: str) -> str:
    """Return where a table of another's names gets those of a query, which no option renames."""
    own = f"a query of your own reads any names: SELECT NAME AS {name}"
    option = {"user_id": "user", "item_id": "item"}.get(name, name)
    if name not in ColumnNames().in_order():
        return own
    return f"cli.preprocess --{option}-column NAME --out NEW.csv writes it so; or {own}"


def _kind_of(column: Column) -> Literal["text", "number", "time"]:
    if column.name == "timestamp":
        return "time"
    return "number" if column.type in ("INT64", "FLOAT64") else "text"


def _unless(convert: _Convert, missing: Sequence[str | None]) -> _Convert:
    return lambda value: None if value in missing else convert(value)


def _converters(column: Column, rule: TimeRule) -> tuple[_Convert, _Convert]:
    """Return the converters of a CSV field and of a JSON value."""
    if column.name.endswith("_id"):
        return Memo(_id_from_text).__getitem__, _id_from_json
    if column.name == "weight":
        return Memo(weight_from_text).__getitem__, weight_from_json
    if column.name == "timestamp":
        return (
            _second(partial(parse_timestamp, rule=rule)),
            _second(partial(timestamp_from_json, rule=rule)),
        )
    by_type: dict[SqlType, tuple[_Convert, _Convert]] = {
        "STRING": (str, _string_from_json),
        "INT64": (_integer_from_text, _integer_from_json),
        "FLOAT64": (_number_from_text, _number_from_json),
        "BOOL": (_boolean_from_text, _boolean_from_json),
    }
    return by_type[column.type]


def _id_from_text(text: str) -> str:
    fault = id_fault(text)
    if fault is not None:
        raise BadValue(fault)
    return text


def _id_from_json(value: Any) -> str:
    return _id_from_text(id_from_json(value))


def _string_from_json(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(f"expected a string, got {shorten_json(value)}")
    return value


def _second(convert: Callable[[Any], int]) -> _Convert:
    """Return a converter to the second that a time lies in."""
    return lambda value: convert(value) // 1_000_000


def _integer_from_text(text: str) -> int:
    number = parse_integer(text)
    if number is None or abs(number) > _MAX_INT64:
        raise BadValue(f"expected a 64-bit integer, got {shorten(text)}")
    return number


def _integer_from_json(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_INT64:
        return value
    raise BadValue(f"expected a 64-bit integer, got {shorten_json(value)}")


def _number_from_text(text: str) -> float:
    number = parse_number(text)
    if number is None:
        raise BadValue(f"expected a finite number, got {shorten(text)}")
    return number


def _number_from_json(value: Any) -> float:
    number = finite_from_json(value)
    if number is None:
        raise BadValue(f"expected a finite number, got {shorten_json(value)}")
    return number


def _boolean_from_text(text: str) -> bool:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    raise BadValue(f"expected true or false, got {shorten(text)}")


def _boolean_from_json(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise BadValue(f"expected true or false, got {shorten_json(value)}")


def write_rows(
    stream: TextIO,
    columns: Sequence[Column],
    parts: Iterable[Rows],
    path: PathLike,
    format: Format | None = None,
) -> int:
    """Write rows; return their number.

    JSON Lines omit missing values. CSV omits a column whose values are all missing.

    Args:
        path: of the stream, for its format and for messages.
        format: None to go by the name.

    Raises:
        DataError: the format is unknown, a column that must not be NULL or some rows of a CSV column
            lack a value, or a number is not finite.
    """
    name = "standard output" if os.fspath(path) == "-" else os.fspath(path)
    sound = checked_rows(columns, parts, name)
    rows = find_row_format(path, format)
    if rows.has_keys:
        return _write_with_keys(stream, columns, sound, rows)
    return _write_with_header(stream, columns, sound, rows, name)


def checked_rows(columns: Sequence[Column], parts: Iterable[Rows], name: str) -> Iterator[Rows]:
    """Yield the same rows in small parts; refuse a value that is missing or infinite where none may be.

    Args:
        name: of the output, for messages.

    Raises:
        DataError: there is such a value.
    """
    for part in _pieces(parts):
        for column in columns:
            values = part[column.name]
            is_full = column.nullable or values.dtype != object
            missing = [] if is_full else [value is None for value in values.tolist()]
            if True in missing:
                row = missing.index(True)
                raise DataError(
                    f"{name}: {column.name}: expected a value in every row, as the header of the "
                    f"query says, got NULL{_of_ids(columns, part, row)}",
                    "the comment at the top of the query may say why",
                )
            if column.type == "FLOAT64":
                numbers = np.array([value for value in values.tolist() if value is not None])
                strange = numbers[~np.isfinite(numbers)] if len(numbers) else numbers
                if len(strange):
                    raise DataError(
                        f"{name}: {column.name}: expected finite numbers, got {strange[0]}",
                        "a division by 0? CASE before it is the same in all engines",
                    )
        yield part


def _of_ids(columns: Sequence[Column], part: Rows, row: int) -> str:
    """Return the ids of a row, for a message."""
    ids = {one.name: part[one.name][row] for one in columns if one.name.endswith("_id")}
    shown = [f"{name} {shorten(id_)}" for name, id_ in ids.items() if id_ is not None]
    return f" for {', '.join(shown)}" if shown else ""


def _write_with_keys(
    stream: TextIO, columns: Sequence[Column], parts: Iterable[Rows], rows: RowFormat
) -> int:
    count = 0
    around_of = cache(rows.around)
    for part in parts:
        texts = [_texts(column, part[column.name], rows.quote) for column in columns]
        for row in zip(*texts):
            present = [index for index, text in enumerate(row) if text is not None]
            around = around_of(tuple(columns[index].name for index in present))
            stream.write(rows.row(around, [row[index] for index in present]))
        count += num_rows(part)
    return count


def _write_with_header(
    stream: TextIO, columns: Sequence[Column], parts: Iterable[Rows], rows: RowFormat, name: str
) -> int:
    count = 0
    kept: list[Column] | None = None
    for part in parts:
        texts = {column.name: _texts(column, part[column.name], rows.quote) for column in columns}
        if kept is None:
            kept = [column for column in columns if texts[column.name][0] is not None]
            stream.write(rows.header([column.name for column in kept]))
        for column in columns:
            number_missing = texts[column.name].count(None)
            if number_missing != (0 if column in kept else len(texts[column.name])):
                raise DataError(
                    f"{name}: {column.name}: expected values in all rows of a CSV file or in none, "
                    f"got some missing",
                    "JSON Lines can leave single values out",
                )
        around = rows.around([column.name for column in kept])
        for row in zip(*(texts[column.name] for column in kept)):
            stream.write(rows.row(around, row))
        count += num_rows(part)
    if kept is None:
        stream.write(rows.header([column.name for column in columns]))
    return count


def _pieces(parts: Iterable[Rows]) -> Iterator[Rows]:
    """Yield the same rows in parts that need little memory as text."""
    for part in parts:
        for begin in range(0, num_rows(part), _ROWS_PER_WRITE):
            yield {name: values[begin : begin + _ROWS_PER_WRITE] for name, values in part.items()}


def _texts(
    column: Column, values: npt.NDArray[Any], quote: Callable[[str], str]
) -> list[str | None]:
    items = values.tolist()
    present = [item for item in items if item is not None]
    texts: Iterator[str]
    if column.type == "STRING":
        texts = map(Memo(quote).__getitem__, present)
    elif column.type == "FLOAT64":
        texts = iter(format_numbers(present))
    elif column.type == "BOOL":
        texts = iter(["true" if item else "false" for item in present])
    else:
        texts = map(str, map(int, present))
    if len(present) == len(items):
        return list(texts)
    return [None if item is None else next(texts) for item in items]

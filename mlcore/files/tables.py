"""Tables in CSV or JSON Lines: chosen columns, checked value by value, in chunks of rows.

The fast path converts a chunk column by column. Only if that fails is the chunk searched row by
row for the first fault, so the message is the one a slow reader would give.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TypeVar

from mlcore.errors import DataError, NoRowsError, at, shorten, shorten_json
from mlcore.files.inputs import TextChunk, display_name, find_format, text_chunks
from mlcore.files.options import Format, InputOptions, PathLike
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.progress import Progress, no_progress

__all__ = [
    "BadValue",
    "ColumnReader",
    "json_member",
    "no_objects",
    "parse_json_object",
    "read_columns",
    "read_json_lines",
]

T = TypeVar("T")

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_BATCH_ROWS = 1024  # larger ones give the garbage collector more to look through
_MISSING = object()
_JSON_KINDS: dict[type[Any], str] = {dict: "an object", list: "an array", str: "a string"}


class BadValue(DataError):
    """A value breaks the rule of its column, which only the caller knows the place of."""


@dataclass(frozen=True)
class ColumnReader:
    """A column to read.

    Attributes:
        name: its name in the file.
        from_text: converts a CSV field; raises BadValue.
        from_json: converts a JSON value; raises BadValue.
        required: whether the file must have it. If not, all rows have it or none.
        json_default: the value of a JSON object without the key, or None to require the key. If the
            column is required, one object at least must have it.
        json_missing: whether the value of a JSON object without the key is None.
    """

    name: str
    from_text: Callable[[str], Any]
    from_json: Callable[[Any], Any]
    required: bool = True
    json_default: Any = None
    json_missing: bool = False


def read_columns(
    path: PathLike,
    columns: Sequence[ColumnReader],
    input_options: InputOptions = InputOptions(),
    progress: Progress = no_progress,
) -> Iterator[list[list[Any] | None]]:
    """Yield the converted columns of a table, chunk by chunk.

    Other columns and blank lines are ignored.

    Args:
        progress: called with the bytes read.

    Returns:
        For each chunk one list per column, or None for an optional column the file lacks.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    read = _READERS[find_format(path, input_options.format)]
    yield from read(display_name(path), columns, text_chunks(path, progress))


def _convert(
    name: str,
    columns: Sequence[ColumnReader],
    raw: Sequence[Sequence[Any] | None],
    converters: Sequence[Callable[[Any], Any]],
    line_of_row: Callable[[int], int],
) -> list[list[Any] | None]:
    try:
        return [
            None if values is None else list(map(convert, values))
            for values, convert in zip(raw, converters)
        ]
    except BadValue:
        pass
    num_rows = next(len(values) for values in raw if values is not None)
    for row in range(num_rows):
        for column, values, convert in zip(columns, raw, converters):
            if values is not None:
                with at(f"{name}:{line_of_row(row)}: {column.name}"):
                    convert(values[row])
    raise AssertionError("a column failed as a whole but in no row")


def _read_csv_table(
    name: str, columns: Sequence[ColumnReader], chunks: Iterator[TextChunk]
) -> Iterator[list[list[Any] | None]]:
    positions: list[int | None] = []
    width = 0
    any_rows = False
    for first_line, records in _csv_batches(name, chunks):
        if not positions:
            width, positions = len(records[0]), _find_columns(name, columns, records[0])
            first_line, records = first_line + _lines_of(records[0]), records[1:]

        def line_of_row(row: int) -> int:
            return first_line + sum(map(_lines_of, records[:row]))

        filled: Sequence[int] = range(len(records))
        ragged: DataError | None = None
        if set(map(len, records)) - {width}:
            filled, ragged = _filled_rows(name, records, width, line_of_row)
        fields = list(zip(*map(records.__getitem__, filled)))
        if fields:
            any_rows = True
            raw = [None if position is None else fields[position] for position in positions]
            converters = [column.from_text for column in columns]
            yield _convert(name, columns, raw, converters, lambda row: line_of_row(filled[row]))
        if ragged is not None:
            raise ragged
    if not positions:
        raise DataError(f"{name}: expected a header line, got an empty file")
    if not any_rows:
        raise NoRowsError(f"{name}: expected rows after the header, got none")


def _csv_batches(name: str, chunks: Iterator[TextChunk]) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield the records of a file in batches, each with the line its first record begins on."""
    lines = chain.from_iterable(io.StringIO(chunk.text, newline="") for chunk in chunks)
    reader = csv.reader(lines, strict=True)
    while True:
        first_line = reader.line_num + 1
        records: list[list[str]] = []
        error: csv.Error | DataError | None = None
        try:
            records.extend(islice(reader, _BATCH_ROWS))
        except (csv.Error, DataError) as caught:
            error = caught  # after the records before it, which may have faults of their own
        if records:
            yield first_line, records
        if isinstance(error, DataError):
            raise error
        if error is not None:
            raise _malformed(f"{name}:{first_line + sum(map(_lines_of, records))}", error)
        if not records:
            return


def _malformed(place: str, error: csv.Error) -> DataError:
    if "limit" in str(error):
        return DataError(
            f"{place}: expected fields of at most {csv.field_size_limit()} characters, "
            "got a longer one",
            "a quote that is never closed takes in the lines after it",
        )
    if "end of data" in str(error):
        return DataError(f"{place}: expected balanced quotes, got one that is never closed")
    return DataError(
        f"{place}: expected a comma or the end of the line after a closing quote, got other text"
    )


def _find_columns(
    name: str, columns: Sequence[ColumnReader], header: list[str]
) -> list[int | None]:
    positions: list[int | None] = []
    for column in columns:
        count = header.count(column.name)
        if count > 1:
            raise DataError(
                f"{name}:1: {column.name}: expected one column of this name, got {count}"
            )
        if count == 0 and column.required:
            raise _no_such_column(f"{name}:1: {column.name}", "column", header)
        positions.append(header.index(column.name) if count else None)
    return positions


def _no_such_column(place: str, noun: str, names: Sequence[str]) -> DataError:
    empty = "an empty line" if noun == "column" else "an empty object"
    shown = ", ".join(map(shorten, names[:10])) or empty
    return DataError(f"{place}: expected a {noun} of this name, got {shown}")


def _filled_rows(
    name: str, records: list[list[str]], width: int, line_of_row: Callable[[int], int]
) -> tuple[list[int], DataError | None]:
    """Return which records are not blank, up to the first of another width, and its fault."""
    filled: list[int] = []
    for row, record in enumerate(records):
        if record and len(record) != width:
            return filled, DataError(
                f"{name}:{line_of_row(row)}: expected {width} fields as in the header, "
                f"got {len(record)}"
            )
        if record:
            filled.append(row)
    return filled, None


def _lines_of(record: list[str]) -> int:
    return 1 + sum(len(_LINE_BREAK.findall(field)) for field in record)


def _read_json_table(
    name: str, columns: Sequence[ColumnReader], chunks: Iterator[TextChunk]
) -> Iterator[list[list[Any] | None]]:
    # Whether the file has an optional column is decided by its first row, as a CSV header does.
    present: list[bool] = []
    absent = {column.name for column in columns if column.required}
    first: Sequence[str] = ()
    for lines, values in _json_batches(name, chunks):
        if not present:
            first = list(values[0])
            _expect_keys(f"{name}:{lines[0]}", columns, first)
            present = [
                column.required
                or column.json_missing
                or column.json_default is not None
                or column.name in values[0]
                for column in columns
            ]
        raw = [[value.get(column.name, _MISSING) for value in values] for column in columns]
        converters = [
            _present(column) if there else _absent for column, there in zip(columns, present)
        ]
        converted = _convert(name, columns, raw, converters, lines.__getitem__)
        yield [values if there else None for values, there in zip(converted, present)]
        absent = {key for key in absent if not any(key in value for value in values)}
    if not present:
        raise no_objects(name)
    for key in absent:
        raise _no_such_column(f"{name}: {key}", "key", first)


def _expect_keys(place: str, columns: Sequence[ColumnReader], keys: Sequence[str]) -> None:
    """Refuse a first object that lacks what every object must have."""
    for column in columns:
        if column.required and column.json_default is None and column.name not in keys:
            raise _no_such_column(f"{place}: {column.name}", "key", keys)


def _present(column: ColumnReader) -> Callable[[Any], Any]:
    def convert_present(value: Any) -> Any:
        if value is not _MISSING:
            return column.from_json(value)
        if column.json_default is None and not column.json_missing:
            raise BadValue("expected a value, got no such key")
        return column.json_default

    return convert_present


def _absent(value: Any) -> None:
    if value is not _MISSING:
        raise BadValue(
            f"expected no such key, as the first object has none, got {shorten_json(value)}"
        )


def _json_batches(
    name: str, chunks: Iterator[TextChunk]
) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    for chunk in chunks:
        lines: list[int] = []
        values: list[dict[str, Any]] = []
        error: DataError | None = None
        for line, text in enumerate(chunk.text.split("\n"), chunk.first_line):
            if text.strip():
                try:
                    values.append(parse_json_object(text, f"{name}:{line}"))
                except DataError as caught:
                    error = caught
                    break
                lines.append(line)
        if values:
            yield lines, values
        if error is not None:
            raise error


def no_objects(name: str) -> NoRowsError:
    """Return the error for a JSON Lines file with nothing in it."""
    return NoRowsError(f"{name}: expected at least one JSON object, got an empty file")


def json_member(value: Mapping[str, Any], key: str, kind: type[T]) -> T:
    """Return the value of a key of a JSON object, which must be of one kind: dict, list or str.

    Raises:
        BadValue: it is missing or of another kind.

    >>> json_member({"history": []}, "history", list)
    []
    """
    found = value.get(key)
    if isinstance(found, kind):
        return found
    got = shorten_json(found) if key in value else "no such key"
    raise BadValue(f"{key}: expected {_JSON_KINDS[kind]}, got {got}")


_READERS: dict[Format, Callable[..., Iterator[list[list[Any] | None]]]] = {
    "csv": _read_csv_table,
    "jsonl": _read_json_table,
}


def parse_json_object(text: str, place: str) -> dict[str, Any]:
    """Return the object of one line of JSON Lines.

    Args:
        place: file and line, for the message.

    Raises:
        DataError: it is not a strict JSON object.

    >>> parse_json_object('{"item_id": "007"}', "items.jsonl:1")
    {'item_id': '007'}
    """
    try:
        value = parse_json(text)
    except JsonTextError as error:
        raise DataError(f"{place}: expected a JSON object, got {error}") from None
    if not isinstance(value, dict):
        raise DataError(f"{place}: expected a JSON object, got {shorten_json(value)}")
    return value


def read_json_lines(
    path: PathLike, progress: Progress = no_progress
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line number and object of each line of a JSON Lines file; skip blank lines.

    Args:
        progress: called with the bytes read.

    Raises:
        DataError: a line is not a JSON object, or the file cannot be read.
    """
    for lines, values in _json_batches(display_name(path), text_chunks(path, progress)):
        yield from zip(lines, values)

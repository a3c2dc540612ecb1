"""Files of CSV or JSON Lines: chosen columns, checked value by value, in chunks of rows.

The fast path converts a chunk column by column. Only if that fails is the chunk searched row by
row for the first fault, so the message is the one a slow reader would give.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Literal, NamedTuple, TypeVar

from mlcore.errors import DataError, DataWarning, NoRowsError, at, shorten, shorten_json
from mlcore.files.inputs import TextChunk, display_name, text_chunks
from mlcore.files.options import DELIMITERS, InputOptions, PathLike
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.progress import Progress, no_progress

__all__ = [
    "BadValue",
    "ColumnReader",
    "CsvLayout",
    "convert",
    "json_member",
    "no_objects",
    "parse_json_object",
    "read_csv_columns",
    "read_json_columns",
    "read_json_lines",
]

T = TypeVar("T")

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?", re.ASCII)
# What Excel writes before the header.
_DECLARED = re.compile(r'"?sep=(,|\t|;|\||::)"?(?:\r\n|\r|\n)?', re.IGNORECASE)
# A quote that is never closed takes in the lines after it, and is found by this limit.
MAX_FIELD = 2**24
# Of the whole process, as csv knows no other; never below what others have asked for.
csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
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
        kind: of its values in Parquet, whose columns have types.
        hint: what may help if the file lacks it.
    """

    name: str
    from_text: Callable[[str], Any]
    from_json: Callable[[Any], Any]
    required: bool = True
    json_default: Any = None
    json_missing: bool = False
    kind: Literal["text", "number", "time"] = "text"
    hint: str | None = None


def convert(
    columns: Sequence[ColumnReader],
    raw: Sequence[Sequence[Any] | None],
    converters: Sequence[Callable[[Any], Any]],
    place_of_row: Callable[[int], str],
) -> list[list[Any] | None]:
    """Return the values of some rows, converted column by column.

    Raises:
        DataError: the first fault, row by row.
    """
    try:
        return [
            None if values is None else list(map(convert_one, values))
            for values, convert_one in zip(raw, converters)
        ]
    except BadValue:
        pass
    num_rows = next(len(values) for values in raw if values is not None)
    for row in range(num_rows):
        for column, values, convert_one in zip(columns, raw, converters):
            if values is not None:
                with at(f"{place_of_row(row)}: {column.name}"):
                    convert_one(values[row])
    raise AssertionError("a column failed as a whole but in no row")


def read_csv_columns(
    name: str,
    columns: Sequence[ColumnReader],
    chunks: Iterator[TextChunk],
    options: InputOptions,
) -> Iterator[list[list[Any] | None]]:
    """Yield the converted columns of a CSV file, as ``read_columns`` does."""
    layout, lines = _open_csv(name, columns, chunks, options)
    positions: list[int | None] = []
    width = 0
    any_rows = False
    if options.field_names is not None:
        header = list(options.field_names)
        width, positions = len(header), _find_columns(name, columns, header, options)
    for first_line, records in _csv_batches(name, lines, layout):
        if not positions:
            width = len(records[0])
            positions = _find_columns(f"{name}:{first_line}", columns, records[0], options)
            first_line, records = first_line + _lines_of(records[0]), records[1:]

        def line_of_row(row: int) -> int:
            return first_line + sum(map(_lines_of, records[:row]))

        filled: Sequence[int] = range(len(records))
        ragged: DataError | None = None
        if set(map(len, records)) - {width}:
            filled, ragged = _filled_rows(records, width, lambda row: f"{name}:{line_of_row(row)}")
        fields = list(zip(*map(records.__getitem__, filled)))
        if fields:
            any_rows = True
            raw = [None if position is None else fields[position] for position in positions]
            converters = [column.from_text for column in columns]
            yield convert(
                columns, raw, converters, lambda row: f"{name}:{line_of_row(filled[row])}"
            )
        if ragged is not None:
            raise ragged
    if not positions:
        raise NoRowsError(f"{name}: expected a header line, got an empty file")
    if not any_rows:
        after = "" if options.field_names else " after the header"
        raise NoRowsError(f"{name}: expected rows{after}, got none")


def _open_csv(
    name: str,
    columns: Sequence[ColumnReader],
    chunks: Iterator[TextChunk],
    options: InputOptions,
) -> tuple[CsvLayout, Iterator[str]]:
    """Return how fields are separated, and the lines from the header on."""
    lines = chain.from_iterable(io.StringIO(chunk.text, newline="") for chunk in chunks)
    required = [column.name for column in columns if column.required]
    layout = CsvLayout.of_first_line(lambda: next(lines, ""), required, options)
    layout.say(name)
    return layout, chain([layout.line] if layout.line else [], lines)


class CsvLayout(NamedTuple):
    """How the fields of a CSV file are separated.

    Attributes:
        delimiter: one of ``DELIMITERS``.
        skipped: lines before the header, or before the rows if there is none: 0 or 1.
        line: the first one after them, with its line break.
        is_guess: whether nothing says what the delimiter is.
    """

    delimiter: str
    skipped: int
    line: str
    is_guess: bool

    def say(self, name: str) -> None:
        """Tell the user what delimiter was taken, unless a comma or the name of the file says it."""
        is_tsv = name.lower().removesuffix(".gz").endswith(".tsv")
        if self.is_guess and self.delimiter != ("\t" if is_tsv else ","):
            warnings.warn(
                f"{name}:1: took {DELIMITERS[self.delimiter]} to separate the fields; "
                "--delimiter names another",
                DataWarning,
                stacklevel=2,
            )

    @classmethod
    def of_first_line(
        cls, next_line: Callable[[], str], required: Sequence[str], options: InputOptions
    ) -> CsvLayout:
        """Return the layout by the option, by a line such as ``sep=;`` of Excel, or by the header.

        Args:
            next_line: gives one line of the file after the other, empty ones after the end.
            required: names of columns that the header must have.
        """
        line = next_line()
        declared = _DECLARED.fullmatch(line)
        if declared is not None:
            line = next_line()
        skipped = int(declared is not None)
        known = options.delimiter or (declared and declared[1])
        if known:
            return cls(known, skipped, line, False)
        delimiter = _guess_delimiter(line, required, options.field_names)
        return cls(delimiter, skipped, line, True)


def _guess_delimiter(line: str, required: Sequence[str], field_names: Sequence[str] | None) -> str:
    """Return the first delimiter with which the line has the columns; else that of most fields.

    A line with commas but without the columns is one of commas.
    """
    if line.count('"') % 2:  # it goes on within quotes
        return ","
    fields = {mark: _split(line, mark) for mark in DELIMITERS if mark in line}
    for mark, found in fields.items():
        if len(found) == len(field_names) if field_names else set(required) <= set(found):
            return mark
    if not fields or "," in fields:
        return ","
    return max(fields, key=lambda mark: len(fields[mark]))


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(iter(_records([line], delimiter, strict=False)), [])
    except csv.Error:  # a carriage return within
        return []


class _PlainRecords:
    """Fields between delimiters of two characters, which have no quotes."""

    def __init__(self, lines: Iterator[str], delimiter: str) -> None:
        self.line_num = 0
        self._lines, self._delimiter = lines, delimiter

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        text = next(self._lines).rstrip("\r\n")
        self.line_num += 1
        return text.split(self._delimiter) if text else []


def _records(lines: Iterable[str], delimiter: str, strict: bool = True) -> Any:
    """Return an iterator of records with the number of the last line, ``line_num``."""
    if len(delimiter) > 1:
        return _PlainRecords(iter(lines), delimiter)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _csv_batches(
    name: str, lines: Iterator[str], layout: CsvLayout
) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield the records of a file in batches, each with the line its first record begins on."""
    reader = _records(lines, layout.delimiter)
    while True:
        first_line = reader.line_num + 1 + layout.skipped
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
            place = f"{name}:{first_line + sum(map(_lines_of, records))}"
            raise _malformed(place, error, layout.delimiter)
        if not records:
            return


def _malformed(place: str, error: csv.Error, delimiter: str) -> DataError:
    if "limit" in str(error):
        return _too_long(place, "a quote that is never closed takes in the lines after it")
    if "end of data" in str(error):
        return DataError(f"{place}: expected balanced quotes, got one that is never closed")
    mark = "a comma" if delimiter == "," else "a delimiter"
    return DataError(
        f"{place}: expected {mark} or the end of the line after a closing quote, got other text"
    )


def _too_long(place: str, hint: str | None = None) -> DataError:
    return DataError(
        f"{place}: expected fields of at most {MAX_FIELD} characters, got a longer one", hint
    )


def _find_columns(
    place: str, columns: Sequence[ColumnReader], header: list[str], options: InputOptions
) -> list[int | None]:
    positions: list[int | None] = []
    for column in columns:
        count = header.count(column.name)
        if count > 1:
            raise DataError(
                f"{place}: {column.name}: expected one column of this name, got {count}",
                column.hint,
            )
        if count == 0 and column.required:
            hint = _hint_at_header(column, header, options)
            raise _no_such_column(f"{place}: {column.name}", "column", header, hint)
        positions.append(header.index(column.name) if count else None)
    return positions


def _hint_at_header(column: ColumnReader, header: list[str], options: InputOptions) -> str | None:
    if options.field_names is None and any(map(_NUMBER.fullmatch, header)):
        return (
            "if this line is data: --no-header --columns user_id,item_id,weight,timestamp "
            "says what its fields are"
        )
    return column.hint


def _no_such_column(
    place: str, noun: str, names: Sequence[str], hint: str | None = None
) -> DataError:
    empty = "an empty line" if noun == "column" else "an empty object"
    shown = ", ".join(map(shorten, names[:10])) or empty
    return DataError(f"{place}: expected a {noun} of this name, got {shown}", hint)


def _filled_rows(
    records: list[list[str]], width: int, place_of_row: Callable[[int], str]
) -> tuple[list[int], DataError | None]:
    """Return which records are not blank, up to the first of another width, and its fault."""
    filled: list[int] = []
    for row, record in enumerate(records):
        if record and len(record) != width:
            return filled, DataError(
                f"{place_of_row(row)}: expected {width} fields as in the header, "
                f"got {len(record)}"
            )
        if record:
            filled.append(row)
    return filled, None


def _lines_of(record: list[str]) -> int:
    return 1 + sum(len(_LINE_BREAK.findall(field)) for field in record)


def read_json_columns(
    name: str, columns: Sequence[ColumnReader], chunks: Iterator[TextChunk]
) -> Iterator[list[list[Any] | None]]:
    """Yield the converted columns of a JSON Lines file, as ``read_columns`` does."""
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
        converted = convert(columns, raw, converters, lambda row: f"{name}:{lines[row]}")
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
            raise _no_such_column(f"{place}: {column.name}", "key", keys, column.hint)


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
    if len(text) > MAX_FIELD and any(
        isinstance(found, str) and len(found) > MAX_FIELD for found in value.values()
    ):
        raise _too_long(place)
    return value


def read_json_lines(
    path: PathLike, progress: Progress = no_progress, encoding: str | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line number and object of each line of a JSON Lines file; skip blank lines.

    Args:
        progress: called with the bytes read.
        encoding: see ``text_chunks``.

    Raises:
        DataError: a line is not a JSON object, or the file cannot be read.
    """
    for lines, values in _json_batches(display_name(path), text_chunks(path, progress, encoding)):
        yield from zip(lines, values)

"""Tables of CSV: chosen columns in batches of rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from mlcore.errors import DataError, NoHeaderError, NoRowsError
from mlcore.files.csv_hints import STRAY_QUOTES, hint_at_header, hint_at_width
from mlcore.files.csv_layout import CsvLayout, csv_records
from mlcore.files.inputs import TextChunk
from mlcore.files.options import InputOptions
from mlcore.files.tables import (
    ColumnReader,
    convert,
    field_too_long,
    no_such_column,
    too_many_columns,
)
from mlcore.limits import MAX_COLUMNS, MAX_ROW

__all__ = ["read_csv_columns", "read_csv_names"]

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_BATCH_ROWS = 1024  # larger ones give the garbage collector more to look through
_BATCH_CHARACTERS = 2**22
_UNCLOSED = "a quote that is never closed takes in the lines after it"


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
            filled, other = _filled_rows(records, width)
            if other is not None:
                row = records[other]
                ragged = DataError(
                    f"{name}:{line_of_row(other)}: expected {width} fields as in the header, "
                    f"got {len(row)}",
                    hint_at_width(row, width, layout.delimiter, options),
                )
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
        raise _no_header(name)
    if not any_rows:
        after = "" if options.field_names else " after the header"
        raise NoRowsError(f"{name}: expected rows{after}, got none")


def read_csv_names(
    name: str, columns: Sequence[ColumnReader], chunks: Iterator[TextChunk], options: InputOptions
) -> list[str]:
    """Return the names of all columns of a CSV file; an empty one in the option is none.

    Args:
        columns: which the file must have, by which its delimiter is found.

    Raises:
        NoHeaderError: the file is empty.
    """
    if options.field_names is not None:
        return [field for field in options.field_names if field]
    layout, lines = _open_csv(name, columns, chunks, options)
    for _, records in _csv_batches(name, lines, layout):
        return records[0]
    raise _no_header(name)


def _no_header(name: str) -> NoHeaderError:
    return NoHeaderError(f"{name}: expected a header line, got an empty file")


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


def _csv_batches(
    name: str, lines: Iterator[str], layout: CsvLayout
) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield the records of a file in batches, each with the line its first record begins on."""
    source = _Lines(lines)
    reader = csv_records(source, layout.delimiter)
    while True:
        first_line = reader.line_num + 1 + layout.skipped
        records: list[list[str]] = []
        error: csv.Error | DataError | None = None
        size = 0
        try:
            for record in islice(reader, _BATCH_ROWS):
                records.append(record)
                size += source.end_row()
                if size > _BATCH_CHARACTERS:
                    break
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


class _LongRow(csv.Error):
    """A row goes on after ``MAX_ROW`` characters."""


class _Lines:
    """The lines of a file, of which ``csv`` takes as many as a row has."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._taken = lines, 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if self._taken > MAX_ROW:
                raise _LongRow
            self._taken += len(line)
            yield line

    def end_row(self) -> int:
        """Return the characters of the row, and begin another."""
        size, self._taken = self._taken, 0
        return size


def _malformed(place: str, error: csv.Error, delimiter: str) -> DataError:
    if isinstance(error, _LongRow):
        return DataError(
            f"{place}: row: expected at most {MAX_ROW} characters, got more", _UNCLOSED
        )
    if "limit" in str(error):
        return field_too_long(place, _UNCLOSED)
    if "end of data" in str(error):
        message = f"{place}: expected balanced quotes, got one that is never closed"
        return DataError(message, STRAY_QUOTES)
    mark = "a comma" if delimiter == "," else "a delimiter"
    return DataError(
        f"{place}: expected {mark} or the end of the line after a closing quote, got other text",
        STRAY_QUOTES,
    )


def _find_columns(
    place: str, columns: Sequence[ColumnReader], header: list[str], options: InputOptions
) -> list[int | None]:
    if len(header) > MAX_COLUMNS:
        raise too_many_columns(place)
    counts = Counter(header)
    positions = {title: position for position, title in enumerate(header)}
    for column in columns:
        column.on_names(header)
        count = counts[column.name]
        if count > 1:
            raise DataError(
                f"{place}: {column.name}: expected one column of this name, got {count}",
                column.hint,
            )
        if count == 0 and column.required:
            hint = hint_at_header(column, header, options)
            raise no_such_column(f"{place}: {column.name}", "column", header, hint)
    return [positions.get(column.name) for column in columns]


def _filled_rows(records: list[list[str]], width: int) -> tuple[list[int], int | None]:
    """Return which records are not blank, up to the first of another width, and that one."""
    filled: list[int] = []
    for row, record in enumerate(records):
        if record and len(record) != width:
            return filled, row
        if record:
            filled.append(row)
    return filled, None


def _lines_of(record: list[str]) -> int:
    return 1 + sum(len(_LINE_BREAK.findall(field)) for field in record)

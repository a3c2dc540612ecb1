"""How the fields of a CSV file are separated, and its records by that."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from mlcore.errors import DataWarning
from mlcore.files.options import DELIMITERS, InputOptions
from mlcore.limits import MAX_FIELD

__all__ = ["CsvLayout", "csv_records"]

# What Excel writes before the header.
_DECLARED = re.compile(r'"?sep=(,|\t|;|\||::)"?(?:\r\n|\r|\n)?', re.IGNORECASE)
# Of the whole process, as csv knows no other; never below what others have asked for.
csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))


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
        return next(iter(csv_records([line], delimiter, strict=False)), [])
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
        fields = text.split(self._delimiter) if text else []
        if len(text) > MAX_FIELD and max(map(len, fields)) > MAX_FIELD:
            raise csv.Error(f"field larger than field limit ({MAX_FIELD})")  # in the words of csv
        return fields


def csv_records(lines: Iterable[str], delimiter: str, strict: bool = True) -> Any:
    """Return an iterator of records, whose ``line_num`` is the number of its last line."""
    if len(delimiter) > 1:
        return _PlainRecords(iter(lines), delimiter)
    return csv.reader(lines, delimiter=delimiter, strict=strict)

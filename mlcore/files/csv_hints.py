"""What helps with faulty CSV files: commands that mend them, options that read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlcore.files.options import DELIMITERS, ColumnNames, InputOptions
from mlcore.files.tables import ColumnReader

__all__ = ["STRAY_QUOTES", "hint_at_header", "hint_at_width"]

STRAY_QUOTES = "if quotes mean nothing in this file: tr -d '\"' < FILE > NEW"
_OTHER_LAYOUT = (
    "--columns holds for every table of the command; if they differ, give each a header line: "
    "sed '1i user_id,item_id' FILE > NEW"
)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?", re.ASCII)
_MARK = re.compile(r"[A-Za-z0-9]( +|[\x01-\x08\x0e-\x1f^~#*!%$=])[A-Za-z0-9]")


def hint_at_header(
    column: ColumnReader, header: Sequence[str], options: InputOptions
) -> str | None:
    """Return what helps with a header that lacks a column.

    >>> column = ColumnReader("item_id", str, str, hint="--item-column names another")
    >>> hint_at_header(column, ["7"], InputOptions())
    'if this line is data: --no-header --columns item_id says what its fields are'
    """
    if options.field_names is not None:
        return _OTHER_LAYOUT
    if not header:
        return "sed 1d FILE > NEW removes the first line, which is empty"
    if header[0].startswith("#"):
        cure = "1d" if len(header) == 1 else "'1s/^# *//'"
        return f"sed {cure} FILE > NEW removes the comment from the first line"
    hint = column.hint_at(header)
    if len(header) == 1 and hint == column.hint and (mark := _other_mark(header[0], options)):
        return mark
    if any(map(_NUMBER.fullmatch, header)):
        names = ColumnNames().in_order()[: len(header)]
        names += ("",) * (len(header) - len(names))
        shown = column.name if len(header) == 1 else ",".join(names)
        return f"if this line is data: --no-header --columns {shown} says what its fields are"
    return hint


def hint_at_width(
    record: Sequence[str], width: int, delimiter: str, options: InputOptions
) -> str | None:
    """Return what helps with a row that has another number of fields than the header.

    >>> hint_at_width(["ann", "tea", ""], 2, ";", InputOptions())
    "sed '2,$s/;$//' FILE > NEW removes the delimiters at the ends of lines"
    """
    if len(record) == 1 and (mark := _other_mark(record[0], options)):
        return mark
    if options.field_names is not None:
        return _OTHER_LAYOUT
    if len(record) == width + 1 and not record[-1]:
        shown = "\\t" if delimiter == "\t" else delimiter
        return f"sed '2,$s/{shown}$//' FILE > NEW removes the delimiters at the ends of lines"
    if len(record) > width and len(delimiter) == 1:
        return "a field that holds a delimiter stands in quotes"
    return None


def _other_mark(line: str, options: InputOptions) -> str | None:
    """Return what helps with a line that is one field, if it seems to be several."""
    if any(mark in line for mark in DELIMITERS):
        if options.delimiter is not None:
            return "another --delimiter than the one named, or none, may be right"
        return STRAY_QUOTES
    found = _MARK.search(line)
    if found is None:
        return None
    if found[1][0] == " ":
        return "if spaces separate the fields: tr -s ' ' , < FILE > NEW"
    shown = found[1] if found[1] > " " else f"\\{ord(found[1]):03o}"
    return f"if {shown} separates the fields: tr '{shown}' , < FILE > NEW"

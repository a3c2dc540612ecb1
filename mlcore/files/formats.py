"""How rows are written in each text format. Whatever writes a table takes the format from here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlcore.files.options import Format
from mlcore.jsontext import format_string

__all__ = ["ROW_FORMATS", "RowFormat", "quote_csv"]


def quote_csv(text: str) -> str:
    """Return a CSV field, quoted only if it must be.

    >>> quote_csv('a,"b')
    '"a,""b"'
    """
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


@dataclass(frozen=True)
class RowFormat:
    """The texts of a table: before the rows, around their fields, and for fields themselves.

    Attributes:
        header: the text before the first row, of the column names.
        around: the text before each field of a row, and after the last one, of the column names.
        quote: the field of a string; a number is its own field.
        missing: the field of a number that is missing.
        has_keys: whether a row names its fields, so that it may lack one.
    """

    header: Callable[[Sequence[str]], str]
    around: Callable[[Sequence[str]], list[str]]
    quote: Callable[[str], str]
    missing: str
    has_keys: bool

    def row(self, around: Sequence[str], fields: Sequence[str]) -> str:
        """Return the line of one row.

        >>> jsonl = ROW_FORMATS["jsonl"]
        >>> jsonl.row(jsonl.around(["id", "n"]), [jsonl.quote("a"), "1"])
        '{"id": "a", "n": 1}\\n'
        """
        return "".join([text for pair in zip(around, fields) for text in pair] + [around[-1]])


def _around_in_json(names: Sequence[str]) -> list[str]:
    keys = [f"{format_string(name)}: " for name in names]
    return ["{" + keys[0], *(f", {key}" for key in keys[1:]), "}\n"]


ROW_FORMATS: dict[Format, RowFormat] = {
    "csv": RowFormat(
        header=lambda names: ",".join(map(quote_csv, names)) + "\n",
        around=lambda names: ["", *[","] * (len(names) - 1), "\n"],
        quote=quote_csv,
        missing="",
        has_keys=False,
    ),
    "jsonl": RowFormat(
        header=lambda names: "",
        around=_around_in_json,
        quote=format_string,
        missing="null",
        has_keys=True,
    ),
}

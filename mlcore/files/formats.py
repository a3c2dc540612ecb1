"""How rows are written, by the name of their file. Whatever writes a table takes the format from here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from mlcore.errors import DataError
from mlcore.files.options import Format, PathLike
from mlcore.jsontext import format_string

__all__ = [
    "ROW_FORMATS",
    "RowFormat",
    "any_ending_of",
    "ending_of",
    "find_row_format",
    "quote_csv",
    "refuse_table_name",
]

# Of formats that no text is, or is only by another name; never overruled by an option.
_OTHER_ENDINGS = (
    *(".parquet", ".arrow", ".feather", ".avro", ".orc", ".xls", ".xlsx", ".ods", ".db", ".duckdb"),
    *(".sqlite", ".pkl", ".npy", ".npz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar"),
)


def quote_csv(text: str, delimiter: str = ",") -> str:
    """Return a CSV field, quoted only if it must be.

    >>> quote_csv('a,"b')
    '"a,""b"'
    """
    if any(mark in text for mark in (delimiter, '"', "\r", "\n")):
        return '"' + text.replace('"', '""') + '"'
    return text


@dataclass(frozen=True)
class RowFormat:
    """The texts of a table: before the rows, around their fields, and for fields themselves.

    Attributes:
        format: what reads them.
        header: the text before the first row, of the column names.
        around: the text before each field of a row, and after the last one, of the column names.
        quote: the field of a string; a number is its own field.
        missing: the field of a number that is missing.
        has_keys: whether a row names its fields, so that it may lack one.
    """

    format: Format
    header: Callable[[Sequence[str]], str]
    around: Callable[[Sequence[str]], list[str]]
    quote: Callable[[str], str]
    missing: str
    has_keys: bool

    def row(self, around: Sequence[str], fields: Sequence[str]) -> str:
        """Return the line of one row.

        >>> jsonl = ROW_FORMATS[".jsonl"]
        >>> jsonl.row(jsonl.around(["id", "n"]), [jsonl.quote("a"), "1"])
        '{"id": "a", "n": 1}\\n'
        """
        return "".join([text for pair in zip(around, fields) for text in pair] + [around[-1]])


def _around_in_json(names: Sequence[str]) -> list[str]:
    keys = [f"{format_string(name)}: " for name in names]
    return ["{" + keys[0], *(f", {key}" for key in keys[1:]), "}\n"]


def _delimited(delimiter: str) -> RowFormat:
    quote = partial(quote_csv, delimiter=delimiter)
    return RowFormat(
        format="csv",
        header=lambda names: delimiter.join(map(quote, names)) + "\n",
        around=lambda names: ["", *[delimiter] * (len(names) - 1), "\n"],
        quote=quote,
        missing="",
        has_keys=False,
    )


_JSON_LINES = RowFormat(
    format="jsonl",
    header=lambda names: "",
    around=_around_in_json,
    quote=format_string,
    missing="null",
    has_keys=True,
)
ROW_FORMATS = {
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
}


def ending_of(path: PathLike) -> str:
    """Return the ending of a name that says how a file is written, perhaps with ``.gz``, or nothing.

    >>> ending_of("a.csv.GZ"), ending_of("a.Parquet"), ending_of("a.parquet.gz"), ending_of("a.b")
    ('.csv', '.parquet', '.parquet.gz', '')
    """
    name = os.fspath(path).lower()
    for ending in (*ROW_FORMATS, *_OTHER_ENDINGS):
        if name.removesuffix(".gz").endswith(ending):
            return ending if ending in ROW_FORMATS or name.endswith(ending) else f"{ending}.gz"
    return ""


def any_ending_of(path: PathLike) -> str:
    """Return the ending of a name, known or not, perhaps with ``.gz``, or nothing.

    >>> any_ending_of("a.csv.gz"), any_ending_of("a.txt.gz"), any_ending_of("b/.a"), any_ending_of("a.gz")
    ('.csv', '.txt.gz', '', '')
    """
    name = os.path.basename(os.fspath(path)).lower()
    plain = name.removesuffix(".gz")
    stem, _, last = plain.rpartition(".")
    unknown = f".{last}" + name[len(plain) :] if stem.strip(".") and last else ""
    return ending_of(path) or unknown


def find_row_format(path: PathLike, given: Format | None = None) -> RowFormat:
    """Return how the rows of an output are written: by its name, else as given.

    Raises:
        DataError: the name does not show the format, and none is given, or it is of another format.

    >>> find_row_format("events.jsonl.gz").has_keys
    True
    """
    ending = ending_of(path)
    if given == "csv" and os.fspath(path).lower().endswith(".json"):
        ending = ".json"
    if ending in ROW_FORMATS:
        return ROW_FORMATS[ending]
    if given is not None and not ending:
        return ROW_FORMATS[f".{given}"]
    place = "standard output" if os.fspath(path) == "-" else os.fspath(path)
    raise DataError(
        f"{place}: expected a name that ends in .csv, .tsv or .jsonl (or one of them and .gz), "
        f"got {ending or 'another'}",
        (
            "write one of them; DuckDB and pandas read them"
            if ending
            else "--format csv or --format jsonl says what it is"
        ),
    )


def refuse_table_name(path: PathLike) -> None:
    """Refuse the name of a table for an output that is one JSON document.

    Raises:
        DataError: it ends as that of a table or of a packed file.

    >>> refuse_table_name("metrics.json")
    """
    if ending := ending_of(path):
        raise DataError(
            f"{os.fspath(path)}: expected a name for a JSON document, such as metrics.json, "
            f"got {ending}"
        )

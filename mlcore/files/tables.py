"""What tables of text have in common: columns to read, converted value by value.

The fast path converts a chunk column by column. Only if that fails is the chunk searched row by
row for the first fault, so the message is the one a slow reader would give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mlcore.errors import DataError, at, shorten
from mlcore.limits import MAX_COLUMNS, MAX_FIELD

__all__ = [
    "BadValue",
    "ColumnReader",
    "NoColumnError",
    "OnNames",
    "convert",
    "field_too_long",
    "hint_at_number",
    "no_such_column",
    "pass_over",
    "too_many_columns",
]


class BadValue(DataError):
    """A value breaks the rule of its column, which only the caller knows the place of."""


class NoColumnError(DataError):
    """A table lacks a column, or an object a key."""


OnNames: TypeAlias = Callable[[Sequence[str]], object]


def pass_over(names: Sequence[str]) -> None:
    """Do nothing."""


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
        kind: of its values in Parquet, whose columns have types; a value is a text, an integer or
            a truth value.
        hint: what may help if the file lacks it.
        on_names: called with all names that a file, or the first object of one, has.
    """

    name: str
    from_text: Callable[[str], Any]
    from_json: Callable[[Any], Any]
    required: bool = True
    json_default: Any = None
    json_missing: bool = False
    kind: Literal["text", "number", "time", "value"] = "text"
    hint: str | None = None
    on_names: OnNames = pass_over

    def hint_at(self, names: Sequence[str]) -> str | None:
        """Return the hint for a file that has these columns, with the likely one."""
        likely = [name for name in names if _letters(name) == _letters(self.name)]
        return f"{self.hint}, such as {shorten(likely[0])}" if self.hint and likely else self.hint


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


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


def hint_at_number(value: object) -> str | None:
    """Return what makes strings of ids in JSON, if one is a number.

    >>> hint_at_number(None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return (
        "ids are strings: "
        r"""sed -E 's/"(user_id|item_id)": *([0-9]+)/"\1": "\2"/g' FILE > NEW puts them in quotes"""
    )


def field_too_long(place: str, hint: str | None = None) -> DataError:
    """Return the error for a text of more than ``MAX_FIELD`` characters."""
    return DataError(
        f"{place}: expected fields of at most {MAX_FIELD} characters, got a longer one", hint
    )


def too_many_columns(place: str) -> DataError:
    """Return the error for a table of more than ``MAX_COLUMNS``."""
    return DataError(
        f"{place}: columns: expected at most {MAX_COLUMNS}, got more",
        "where each item has a column, pandas.melt, or UNPIVOT in SQL, makes rows of columns",
    )


def no_such_column(
    place: str, noun: str, names: Sequence[str], hint: str | None = None
) -> NoColumnError:
    """Return the error for a table that lacks a column, or, by another noun, an object a key."""
    empty = "an empty line" if noun == "column" else "an empty object"
    shown = ", ".join(map(shorten, names[:10])) or empty
    return NoColumnError(f"{place}: expected a {noun} of this name, got {shown}", hint)

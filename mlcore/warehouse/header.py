"""What the header of a query is made of: columns of tables, and parameters with their rules."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from mlcore.errors import DataError, shorten

__all__ = ["Column", "Parameter", "SqlType", "Value", "parse_parameter", "parse_table"]

SqlType: TypeAlias = Literal["STRING", "INT64", "FLOAT64", "BOOL"]
Value: TypeAlias = str | int | float | bool

_MAX_INT64 = 2**63 - 1
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_NAME = r"[a-z][a-z0-9_]*"
_COLUMN = re.compile(rf"({_NAME}) (STRING|INT64|FLOAT64|BOOL)( NULL)?(?: = ([0-9.]+))?")
_TABLE = re.compile(rf"({_NAME})\((.*)\)")
_PARAMETER = re.compile(
    rf"({_NAME}) (STRING|INT64|FLOAT64|BOOL|FRACTION)(?: \{{([a-z0-9_|]+)\}})?"
    r"(?: >= ([0-9]+))?(?: = ([^ :]+))?: (.+)"
)
_RULES = {
    "STRING": "a text",
    "INT64": "an integer",
    "FLOAT64": "a finite number",
    "BOOL": "true or false",
    "FRACTION": "a number above 0 and below 1",
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: lower case.
        type: of its values.
        nullable: whether values may be missing; a file may then lack the column.
        default: what a file without the column stands for, or None if it must have it.
    """

    name: str
    type: SqlType
    nullable: bool = False
    default: float | None = None


@dataclass(frozen=True)
class Parameter:
    """What a query is told.

    Attributes:
        name: written ``@name`` in the text.
        type: of the values the engine gets.
        is_fraction: whether it is given as a number from 0 to 1 and sent as hexadecimal digits.
        choices: the values there are, or none if any.
        minimum: the least value, or None.
        default: as text, or None if it must be given.
        help: what it does.
    """

    name: str
    type: SqlType
    help: str
    is_fraction: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    default: str | None = None

    def convert(self, given: Value, place: str) -> Value:
        """Return a value as the engine gets it.

        Args:
            given: the value, or a text that stands for it.
            place: the query, for messages.

        Raises:
            DataError: it breaks the rule.

        >>> Parameter("part", "STRING", "", is_fraction=True).convert("0.2", "")
        '33333333'
        """
        try:
            value = self._from_text(given if isinstance(given, str) else str(given).lower())
        except ValueError:
            value = None
        if value is None or (self.choices and value not in self.choices):
            got = shorten(given if isinstance(given, str) else str(given))
            raise DataError(f"{place}: {self.name}: expected {self.rule()}, got {got}")
        return value

    def _from_text(self, text: str) -> Value | None:
        if self.is_fraction:
            share = int(_number(text) * 2**32)
            return f"{share:08x}" if 0 < share < 2**32 else None
        if self.type == "STRING":
            return text
        if self.type == "BOOL":
            return {"true": True, "false": False}.get(text)
        number = _integer(text) if self.type == "INT64" else _number(text)
        fine = abs(number) <= _MAX_INT64 if self.type == "INT64" else math.isfinite(number)
        return number if fine and (self.minimum is None or number >= self.minimum) else None

    def rule(self) -> str:
        """Return what it may be, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        least = "" if self.minimum is None else f" >= {self.minimum:g}"
        return _RULES["FRACTION" if self.is_fraction else self.type] + least


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError
    return float(text)


def parse_table(path: Path, number: int, text: str) -> tuple[str, tuple[Column, ...]]:
    """Return the name and the columns of a table.

    Args:
        path: of the query, for messages.
        number: of the line, for messages.
        text: such as ``model(item_id STRING, n INT64 NULL)``.

    Raises:
        DataError: it is none.

    >>> parse_table(Path("q.sql"), 1, "t(n INT64)")[1]
    (Column(name='n', type='INT64', nullable=False, default=None),)
    """
    found = _TABLE.fullmatch(text)
    columns = [_COLUMN.fullmatch(part) for part in found[2].split(", ")] if found else [None]
    if found is None or None in columns:
        raise DataError(
            f"{path}:{number}: expected a table such as model(item_id STRING, n INT64 NULL), "
            f"got {shorten(text)}"
        )
    return found[1], tuple(
        Column(
            column[1],
            cast(SqlType, column[2]),
            column[3] is not None,
            None if column[4] is None else float(column[4]),
        )
        for column in columns
        if column is not None
    )


def parse_parameter(path: Path, number: int, text: str) -> Parameter:
    """Return a parameter.

    Args:
        path: of the query, for messages.
        number: of the line, for messages.
        text: such as ``k INT64 >= 1 = 50: how many``.

    Raises:
        DataError: it is none.

    >>> parse_parameter(Path("q.sql"), 1, "k INT64 >= 1 = 50: how many").default
    '50'
    """
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise DataError(
            f"{path}:{number}: param: expected one such as 'k INT64 >= 1 = 50: how many', "
            f"got {shorten(text)}"
        )
    name, type_, choices, minimum, default, help_ = found.groups()
    return Parameter(
        name,
        "STRING" if type_ == "FRACTION" else cast(SqlType, type_),
        help_,
        type_ == "FRACTION",
        tuple(choices.split("|")) if choices else (),
        None if minimum is None else float(minimum),
        default,
    )

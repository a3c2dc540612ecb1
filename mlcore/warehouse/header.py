"""Parts of the header of a query: columns of tables, and parameters with their rules."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

from mlcore.errors import DataError, shorten
from mlcore.files.values import parse_integer, parse_number
from mlcore.parameters import Rule, Value, boolean, condition, convert_value, integer, number

__all__ = ["Column", "Parameter", "SqlType", "Value", "parse_parameter", "parse_table"]

SqlType: TypeAlias = Literal["STRING", "INT64", "FLOAT64", "BOOL"]

_NAME = r"[a-z][a-z0-9_]*"
_DIGITS = "[0-9]{1,15}"  # float64 and INT64 hold every such number
_COLUMN = re.compile(
    rf"({_NAME}) (STRING|INT64|FLOAT64|BOOL)( NULL)?(?: = ({_DIGITS}(?:\.{_DIGITS})?))?"
)
_TABLE = re.compile(rf"({_NAME})\((.*)\)")
_PARAMETER = re.compile(
    rf"({_NAME}) (STRING|INT64|FLOAT64|BOOL|FRACTION)(?: \{{([a-z0-9_|]+)\}})?"
    rf"(?: >= ({_DIGITS}))?(?: = ([^ :]+))?: (.+)"
)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: lower case.
        type: of its values.
        nullable: whether values may be missing; then a file may lack the column.
        default: of every row of a file that lacks the column; None if it must not.
    """

    name: str
    type: SqlType
    nullable: bool = False
    default: float | None = None


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query.

    Attributes:
        name: written ``@name`` in the text.
        type: of the value that the engine gets.
        is_fraction: whether a number above 0 and below 1 is sent as 8 hexadecimal digits.
        choices: the values allowed; none if any.
        minimum: inclusive, or None.
        default: as text, or None if a value must be given.
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
            given: the value, or a text that spells it.
            place: the query, for messages.

        Raises:
            DataError: it breaks the rule.

        >>> Parameter("part", "STRING", "", is_fraction=True).convert("0.2", "")
        '33333333'
        """
        value = self._parse(given if isinstance(given, str) else str(given).lower())
        shown = shorten(given if isinstance(given, str) else str(given))
        result: Value = convert_value(
            self.rule(), value, f"{place}: {self.name}", lambda _: shown, DataError
        )
        return result

    def rule(self) -> Rule:
        """Return what the value may be."""
        if self.choices:
            return condition(f"one of {', '.join(self.choices)}", lambda one: one in self.choices)
        if self.is_fraction:
            return Rule("a number above 0 and below 1", _fraction_digits)
        if self.type == "INT64":
            return integer(minimum=None if self.minimum is None else int(self.minimum), below=2**63)
        if self.type == "FLOAT64":
            return number(minimum=-math.inf if self.minimum is None else self.minimum)
        return boolean() if self.type == "BOOL" else Rule("a text", str)

    def _parse(self, text: str) -> Value:
        """Return the value that a text spells, or the text, which then breaks the rule."""
        if self.type == "BOOL":
            return {"true": True, "false": False}.get(text, text)
        value: Value | None = None
        if self.type == "INT64":
            value = parse_integer(text)
        elif self.type == "FLOAT64" or self.is_fraction:
            value = parse_number(text)
        return text if value is None else value


def _fraction_digits(value: object) -> str:
    share = int(number(above=0, below=1).convert(value) * 2**32)
    if not share:
        raise ValueError
    return f"{share:08x}"


def parse_table(path: Path, line: int, text: str) -> tuple[str, tuple[Column, ...]]:
    """Return the name and the columns of a table.

    Args:
        path: of the query, for messages.
        line: its number, for messages.
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
            f"{path}:{line}: expected a table such as model(item_id STRING, n INT64 NULL), "
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


def parse_parameter(path: Path, line: int, text: str) -> Parameter:
    """Return a parameter.

    Args:
        path: of the query, for messages.
        line: its number, for messages.
        text: such as ``k INT64 >= 1 = 50: how many``.

    Raises:
        DataError: it is none.

    >>> parse_parameter(Path("q.sql"), 1, "k INT64 >= 1 = 50: how many").default
    '50'
    """
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise DataError(
            f"{path}:{line}: param: expected one such as 'k INT64 >= 1 = 50: how many', "
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

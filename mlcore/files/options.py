"""How to read tables: names of columns, formats. Loads no numpy, for the help of commands."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from mlcore.errors import ConfigError, shorten
from mlcore.parameters import time_rule
from mlcore.times import TimeRule, TimeUnit

__all__ = [
    "DELIMITERS",
    "FORMATS",
    "TIME_UNITS",
    "ColumnNames",
    "Format",
    "InputOptions",
    "PathLike",
]

Format: TypeAlias = Literal["csv", "jsonl"]
PathLike: TypeAlias = str | os.PathLike[str]
FORMATS: tuple[Format, ...] = get_args(Format)
TIME_UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)
# In the order in which they are tried, and what messages call them.
DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "pipes", "::": "::"}


@dataclass(frozen=True)
class ColumnNames:
    """The names of the columns of interactions in a file."""

    user: str = "user_id"
    item: str = "item_id"
    weight: str = "weight"
    timestamp: str = "timestamp"

    def in_order(self) -> tuple[str, str, str, str]:
        """Return the names: user, item, weight, timestamp."""
        return self.user, self.item, self.weight, self.timestamp

    def required(self) -> tuple[str, ...]:
        """Return the names a file must have: only a column called by its default name may be absent.

        >>> ColumnNames(weight="stars").required()
        ('user_id', 'item_id', 'stars')
        """
        named = [] if self.weight == ColumnNames.weight else [self.weight]
        named += [] if self.timestamp == ColumnNames.timestamp else [self.timestamp]
        return self.user, self.item, *named


@dataclass(frozen=True)
class InputOptions:
    """How to read the tables of a task: the same for all of them.

    Attributes:
        columns: of interactions; of lists of users and items, the first two.
        format: of inputs and outputs whose name does not show it, such as ``-``.
        delimiter: between the fields of CSV: one of ``DELIMITERS``; None to go by the first line.
        field_names: of CSV without a header line, in the order of its fields; None if it has one.
        encoding: of CSV and JSON Lines, by a name that Python knows.
        timezone: of times that name none: ``UTC``, ``+09:00`` or ``Europe/Berlin``; None to refuse
            them. An hour that the clock shows twice is the first one.
        timestamp_unit: of times that are numbers. Seconds are of the years 1 to 9999, other units of
            the years 1971 to 2100, so that a wrong unit is found.

    Raises:
        ConfigError: an attribute is not as above.
    """

    columns: ColumnNames = ColumnNames()
    format: Format | None = None
    delimiter: str | None = None
    field_names: tuple[str, ...] | None = None
    encoding: str = "utf-8"
    timezone: str | None = None
    timestamp_unit: TimeUnit = "s"

    def __post_init__(self) -> None:
        _expect(
            self.delimiter is None or self.delimiter in DELIMITERS,
            f"delimiter: expected {_shown(DELIMITERS)}, got {shorten(self.delimiter)}",
        )
        _expect(
            _is_text_encoding(self.encoding),
            f"encoding: expected one that Python knows, such as latin-1 or utf-16, "
            f"got {shorten(self.encoding)}",
        )
        self.time_rule()

    def time_rule(self) -> TimeRule:
        """Return how times are read."""
        return time_rule(self.timezone, self.timestamp_unit)

    def is_utf_8(self) -> bool:
        """Return whether the encoding is UTF-8, by any of its names."""
        return codecs.lookup(self.encoding).name == "utf-8"


def _expect(fine: bool, message: str) -> None:
    if not fine:
        raise ConfigError(message)


def _shown(values: object) -> str:
    return ", ".join(repr(value) for value in values)  # type: ignore[attr-defined]


def _is_text_encoding(name: str) -> bool:
    try:
        "a".encode(name)
    except (LookupError, ValueError):  # unknown, or from bytes to bytes
        return False
    return True

"""How to read tables: names of columns, formats. Loads no numpy, for the help of commands."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

__all__ = ["FORMATS", "ColumnNames", "Format", "InputOptions", "PathLike"]

Format: TypeAlias = Literal["csv", "jsonl"]
PathLike: TypeAlias = str | os.PathLike[str]
FORMATS: tuple[Format, ...] = get_args(Format)


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
    """How to read the tables of a task.

    Attributes:
        columns: of interactions; lists of users and items have ``user_id`` and ``item_id``.
        format: of inputs and outputs whose name does not show it, such as ``-``.
    """

    columns: ColumnNames = ColumnNames()
    format: Format | None = None

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


@dataclass(frozen=True)
class InputOptions:
    """How to read the tables of a task.

    Attributes:
        columns: of interactions; lists of users and items have ``user_id`` and ``item_id``.
        format: of inputs and outputs whose name does not show it, such as ``-``.
    """

    columns: ColumnNames = ColumnNames()
    format: Format | None = None

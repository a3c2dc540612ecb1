"""How rows of one user and item become one. Loads no numpy, for the help of commands."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

__all__ = ["AGGREGATES", "Aggregate"]

Aggregate: TypeAlias = Literal["sum", "max", "last", "count"]
AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)

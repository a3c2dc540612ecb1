"""How the columns of interactions are called in a file."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ColumnNames"]


@dataclass(frozen=True)
class ColumnNames:
    """How the columns are called in a file."""

    user: str = "user_id"
    item: str = "item_id"
    weight: str = "weight"
    timestamp: str = "timestamp"

    def in_order(self) -> tuple[str, str, str, str]:
        """Return the names: user, item, weight, timestamp."""
        return self.user, self.item, self.weight, self.timestamp

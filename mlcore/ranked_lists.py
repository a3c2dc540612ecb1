"""Predictions as data: ranked lists of users, as evaluation reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.types import Int32Array, Int64Array

__all__ = ["Predictions"]


@dataclass(frozen=True)
class Predictions:
    """Ranked lists, best item first.

    Attributes:
        user_ids: one for each list, in any order, each once.
        item_ids: the distinct items of all lists, in any order.
        indptr: (R + 1,) int64 offsets of each list.
        items: (P,) int32 positions into ``item_ids``, each at most once in a list.
        place: the file they come from, for messages.
        lines: the line of each list in that file, or empty.
    """

    user_ids: Sequence[str]
    item_ids: Sequence[str]
    indptr: Int64Array
    items: Int32Array
    place: str = ""
    lines: Sequence[int] = ()

    @property
    def longest(self) -> int:
        """Length of the longest list, 0 without any."""
        return int(np.diff(self.indptr).max(initial=0))

    def place_of(self, row: int) -> str:
        """Return the prefix of a message about one list: file and line, if known."""
        return f"{self.place}:{self.lines[row]}: " if self.lines else ""

"""How many rows the join of ``sql/train.sql`` has, and what they take, before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlcore.errors import DataError
from mlcore.memory.available import format_bytes
from mlcore.types import CsrMatrix, Int64Array
from mlcore.warehouse.engines import Engine
from mlcore.warehouse.query import Query, parse_query

__all__ = ["JoinedRows", "driver_bytes"]

_LENGTHS = """-- lengths: how many users have how many items.
-- reads: interactions(user_id STRING, item_id STRING)
-- writes: lengths(items INT64, users INT64, catalogue INT64)
-- order: items
WITH counted AS (
  SELECT user_id, COUNT(DISTINCT item_id) AS items
  FROM interactions
  GROUP BY user_id
)

SELECT
  counted.items,
  COUNT(*) AS users,
  MAX(known.items) AS catalogue
FROM counted
CROSS JOIN (SELECT COUNT(DISTINCT item_id) AS items FROM interactions) AS known
GROUP BY counted.items
"""

# A join that takes longer than this on one core is refused: a cluster of 200 has it in five hours.
MOST_CORE_HOURS = 1000
# Two positions, a count, and what a hash table or a shuffle has around them; measured.
BYTES_PER_PAIR = 50
# Of this process: a mapped column and the weights of a history; a text; a pair and its similarities.
BYTES_PER_INTERACTION, BYTES_PER_ID, BYTES_PER_NEIGHBOR = 20, 150, 80
_CAPS = (5000, 2000, 1000, 500, 200, 100, 50, 20, 10)


class JoinedRows(NamedTuple):
    """The pairs of items that each user has, J = sum of h (h - 1) / 2.

    Attributes:
        lengths: (L,) int64 numbers of items of a user, distinct.
        users: (L,) int64 how many have so many.
        num_items: I.
    """

    lengths: Int64Array
    users: Int64Array
    num_items: int

    @classmethod
    def of(cls, user_items: CsrMatrix) -> JoinedRows:
        """Return those of a matrix.

        >>> matrix = CsrMatrix(np.array([0, 3, 5]), np.array([0, 1, 2, 0, 1], np.int32), np.ones(5), 3)
        >>> JoinedRows.of(matrix).total
        4
        """
        lengths, users = np.unique(np.diff(user_items.indptr), return_counts=True)
        return cls(lengths.astype(np.int64), users.astype(np.int64), user_items.num_columns)

    @classmethod
    def of_table(cls, engine: Engine) -> JoinedRows:
        """Return those of the table ``interactions`` that an engine has, by counts of its own."""
        query = parse_query(Path("lengths.sql"), _LENGTHS.encode())
        nothing = {column.name: np.empty(0, np.int64) for column in query.writes}
        parts = [nothing, *engine.run(query, {}).parts]
        lengths, users, known = (np.concatenate([part[name] for part in parts]) for name in nothing)
        return cls(lengths, users, int(known.max(initial=0)))

    def at_most(self, most: int) -> JoinedRows:
        """Return those of histories that are cut to so many items."""
        return self._replace(lengths=np.minimum(self.lengths, most))

    @property
    def num_interactions(self) -> int:
        """E, distinct pairs of a user and an item."""
        return int((self.lengths * self.users).sum())

    @property
    def total(self) -> int:
        """J."""
        # As Python integers, which do not overflow.
        return sum(
            length * (length - 1) // 2 * count
            for length, count in zip(self.lengths.tolist(), self.users.tolist())
        )

    def num_bytes(self, rows: int) -> int:
        """Return what counting so many joined rows may take: each pair of items at most once."""
        return min(rows, self.num_items * (self.num_items - 1) // 2) * BYTES_PER_PAIR

    def check(self, engine: Engine, query: Query) -> None:
        """Refuse a join that is beyond what the engine can do.

        Raises:
            DataError: the hint names the cap of histories that would fit.
        """
        most, room = int(MOST_CORE_HOURS * 3600 / engine.seconds_per_joined_row), engine.room

        def fits(rows: int) -> bool:
            return rows <= most and (room is None or self.num_bytes(rows) <= room)

        total = self.total
        if fits(total):
            return
        expected = f"at most {most:.2g}"
        got = f"{total:.2g}"
        if total <= most:
            assert room is not None
            expected = f"at most what {format_bytes(room)} of memory and room to spill to hold"
            got = f"{total:.2g}, which may take {format_bytes(self.num_bytes(total))}"
        hint = None
        for cap in (cap for cap in _CAPS if fits(self.at_most(cap).total)):
            hint = (
                f"cap histories to {cap}: {self.at_most(cap).total:.2g} rows: --set "
                f"heavy_users.name=sample --set heavy_users.max_interactions={cap}, or "
                "sql/cap_history.sql"
            )
            break
        raise DataError(f"{query.place}: joined rows: expected {expected}, got {got}", hint)

    def words(self, engine: Engine) -> str:
        """Return J and what it takes, for an estimate."""
        total = self.total
        hours = total * engine.seconds_per_joined_row / 3600
        size = format_bytes(self.num_bytes(total))
        return (
            f"{total:,}, some {hours:.2g} core-hours; at most {size} of pairs to shuffle or spill"
        )


def driver_bytes(joined: JoinedRows, num_neighbors: int | None) -> int:
    """Return what a training of a table takes in this process, in bytes.

    Args:
        num_neighbors: K, or None for all.
    """
    pairs = min(2 * joined.total, joined.num_items * (num_neighbors or joined.num_items))
    ids = int(joined.users.sum()) + joined.num_items
    rows = joined.num_interactions * BYTES_PER_INTERACTION
    return rows + ids * BYTES_PER_ID + pairs * BYTES_PER_NEIGHBOR

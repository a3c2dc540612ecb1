"""Items of some users: the candidates of each, or what each must not get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.errors import DataError, shorten
from mlcore.ids import IdMap, check_all_asked, check_asked
from mlcore.numeric.ranges import offsets, ragged_arange
from mlcore.recommend.ranking import RowItems
from mlcore.types import Int32Array, Int64Array

__all__ = ["UserItems", "limit_rows"]


@dataclass(frozen=True)
class UserItems:
    """Positions of the items of some users.

    Attributes:
        rows: the row of each user.
        indptr: (R + 1,) int64 offsets of each row.
        items: (E,) int32, ascending and each once in a row.
    """

    rows: Mapping[str, int]
    indptr: Int64Array
    items: Int32Array

    @classmethod
    def from_codes(
        cls, user_ids: Sequence[str], users: Int32Array, items: Int32Array, num_items: int
    ) -> UserItems:
        """Return the items of pairs in any order, some perhaps twice.

        Args:
            users: (P,) positions into ``user_ids``.
            items: (P,) positions below ``num_items``.

        >>> UserItems.from_codes(["u"], np.zeros(3, int), np.array([2, 0, 2]), 3).items.tolist()
        [0, 2]
        """
        width = max(1, num_items)
        of_rows, columns = np.divmod(np.unique(users.astype(np.int64) * width + items), width)
        counts = np.bincount(of_rows, minlength=len(user_ids))
        rows = {user_id: row for row, user_id in enumerate(user_ids)}
        return cls(rows, offsets(counts), columns.astype(np.int32))

    @classmethod
    def from_mapping(cls, name: str, by_user: object, items: IdMap) -> UserItems:
        """Return the items of a mapping from a user to ids; unknown ones are skipped.

        Args:
            name: of the argument, for messages.

        Raises:
            DataError: it is no mapping, or something in it is no id.

        >>> UserItems.from_mapping("x", {"ann": ["b", "z"]}, IdMap.from_ids(["a", "b"])).items.tolist()
        [1]
        """
        if not isinstance(by_user, Mapping):
            raise DataError(
                f"{name}: expected a mapping from user ids to item ids, got {shorten(by_user)}",
                'such as {"ann": ["tea", "milk"]}',
            )
        users: list[int] = []
        positions: list[int] = []
        for row, (user_id, item_ids) in enumerate(by_user.items()):
            place = f"{name}[{shorten(check_asked(f'{name}: user', user_id))}]"
            found = (items.position(item_id) for item_id in check_all_asked(place, item_ids))
            known = [position for position in found if position is not None]
            positions += known
            users += [row] * len(known)
        codes = np.array(users, np.int32), np.array(positions, np.int32)
        return cls.from_codes(list(by_user), *codes, len(items))

    def take(self, user_ids: Iterable[str]) -> tuple[Int64Array, Int32Array]:
        """Return offsets and items of some users, in their order; others have none.

        >>> some = UserItems({"u": 0}, np.array([0, 2]), np.array([3, 5]))
        >>> [part.tolist() for part in some.take(["v", "u"])]
        [[0, 0, 2], [3, 5]]
        """
        indptr = np.append(self.indptr, self.indptr[-1])  # the last row, -1, is empty
        rows = np.array([self.rows.get(user_id, -1) for user_id in user_ids], np.int64)
        starts, lengths = indptr[rows], np.diff(indptr)[rows]
        return offsets(lengths), self.items[ragged_arange(starts, lengths)]


def limit_rows(
    include: UserItems | None, exclude: UserItems | None, user_ids: Sequence[str], num_items: int
) -> RowItems | None:
    """Return what the lists of some users are limited to, or must not hold; None for no limits.

    Args:
        include: a user without a row has no candidates.

    >>> some = UserItems({"u": 0}, np.array([0, 2]), np.array([3, 5], np.int32))
    >>> limit_rows(some, UserItems({"u": 0}, np.array([0, 1]), np.array([5])), ["u"], 6).items.tolist()
    [3]
    """
    if include is None:
        return None if exclude is None else RowItems(*exclude.take(user_ids), are_included=False)
    indptr, items = include.take(user_ids)
    if exclude is not None:
        barred = _cells(*exclude.take(user_ids), num_items)
        keep = ~np.isin(_cells(indptr, items, num_items), barred, assume_unique=True)  # (P,) bool
        indptr, items = offsets(keep)[indptr], items[keep]
    return RowItems(indptr, items, are_included=True)


def _cells(indptr: Int64Array, items: Int32Array, num_items: int) -> Int64Array:
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    cells: Int64Array = rows * num_items + items
    return cells

"""Predictions as data: ranked lists of users, as evaluation reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.errors import DataError, shorten
from mlcore.ids import check_id, refuse_text
from mlcore.numeric.ranges import offsets, row_blocks
from mlcore.types import Int32Array, Int64Array

__all__ = ["LIST_COLUMNS", "Predictions", "source_of"]

# Of a list as rows, one an item; ranks begin at 1.
LIST_COLUMNS = ("user_id", "item_id", "rank", "score", "source")

_ORDER_HINT = "sorted(scores, key=scores.get, reverse=True) is the list of scores by item"
_ENTRY_HINT = "a list has ids as strings, or entries as Recommender.predict returns them"
_BLOCK_ENTRIES = 2**20  # to sort at once; changes speed and memory only


def source_of(is_filled: bool) -> str:
    """Return what an item of a list comes from.

    >>> source_of(True)
    'popularity'
    """
    return "popularity" if is_filled else "similarity"


@dataclass(frozen=True, repr=False)
class Predictions:
    """Ranked lists, best item first.

    Attributes:
        user_ids: one for each list, in any order, each once.
        item_ids: the distinct items of all lists, in any order.
        indptr: (R + 1,) int64 offsets of each list.
        items: (P,) int32 positions into ``item_ids``, each at most once in a list.
        place: the file they come from, for messages.
        lines: the line of each list in that file, or empty if it has one for each item.
    """

    user_ids: Sequence[str]
    item_ids: Sequence[str]
    indptr: Int64Array
    items: Int32Array
    place: str = ""
    lines: Sequence[int] = ()

    @classmethod
    def from_lists(
        cls, lists: Mapping[str, Iterable[object]], name: str = "predictions"
    ) -> Predictions:
        """Return the lists of each user as data.

        Args:
            lists: ids, or entries with an ``item_id`` as ``Recommender.predict`` returns them, best
                first.
            name: of the lists, for messages.

        Raises:
            DataError: a value is no id, or ids have no order; ``check`` refuses the rest.

        >>> Predictions.from_lists({"u": ["b", "a"], "v": ["b"]}).items.tolist()
        [0, 1, 0]
        """
        index: dict[str, int] = {}
        codes: list[int] = []
        lengths = []
        for user_id, entries in lists.items():
            place = f"{name}: user {shorten(user_id)}"
            refuse_text(place, entries)
            if isinstance(entries, (set, frozenset, Mapping)):
                got = type(entries).__name__
                raise DataError(f"{place}: expected a list, best first, got a {got}", _ORDER_HINT)
            row = [getattr(entry, "item_id", entry) for entry in entries]
            codes += [
                index.setdefault(check_id(place, item_id, _ENTRY_HINT), len(index))
                for item_id in row
            ]
            lengths.append(len(row))
        return cls(list(lists), list(index), offsets(lengths), np.array(codes, np.int32))

    def check(self, name: str = "predictions") -> None:
        """Refuse what ``read_predictions`` refuses in a file.

        Args:
            name: of the lists, for messages.

        Raises:
            DataError: a user or, within a list, an item twice, or a value that is no id.

        >>> Predictions.from_lists({"u": ["a"], "v": ["a"]}).check()
        """
        for axis, ids in (("user_ids", self.user_ids), ("item_ids", self.item_ids)):
            first: dict[str, int] = {}
            for place, id_ in enumerate(ids):
                if first.setdefault(check_id(f"{name}: {axis}[{place}]", id_), place) < place:
                    raise DataError(f"{name}: {axis}: expected each once, got {shorten(id_)} again")
        for begin, end in row_blocks(self.indptr, len(self.indptr), _BLOCK_ENTRIES):
            self._check_items(name, begin, end)

    def _check_items(self, name: str, begin: int, end: int) -> None:
        items = self.items[self.indptr[begin] : self.indptr[end]]  # (P,)
        rows = np.repeat(np.arange(begin, end), np.diff(self.indptr[begin : end + 1]))  # (P,)
        keys = np.sort(rows * len(self.item_ids) + items)
        again = np.flatnonzero(keys[1:] == keys[:-1])
        if len(again):
            row, item = divmod(int(keys[again[0]]), len(self.item_ids))
            raise DataError(
                f"{self.place_of(row)}{name}: user {shorten(self.user_ids[row])}: "
                f"expected each item once, got {shorten(self.item_ids[item])} again"
            )

    def __repr__(self) -> str:
        return f"Predictions({len(self.user_ids)} lists of at most {self.longest} items)"

    @property
    def longest(self) -> int:
        """Length of the longest list, 0 without any."""
        return int(np.diff(self.indptr).max(initial=0))

    def place_of(self, row: int) -> str:
        """Return the prefix of a message about one list: file and line, as far as known."""
        line = f":{self.lines[row]}" if self.lines else ""
        return f"{self.place}{line}: " if self.place else ""

"""Ranked lists as Python has them: entries with their scores, and rows for data frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, SupportsIndex, overload

from mlcore.notebook import SHOWN_ROWS, html_table
from mlcore.ranked_lists import LIST_COLUMNS, source_of

__all__ = ["Contribution", "RankedList", "RankedLists", "Recommendation"]


class Contribution(NamedTuple):
    """One item of the history, and what it adds to a score."""

    item_id: str
    share: float


class Recommendation(NamedTuple):
    """One item of a list.

    Attributes:
        item_id: of the recommended item.
        score: sum over the history of weight times similarity; 0 for a filled item.
        source: ``similarity``, or ``popularity`` for a filled item.
        because: with ``explain``, contributions by ascending id, which sum to the score bit for bit
            in this order; empty for a filled item.
    """

    item_id: str
    score: float
    source: str = source_of(False)
    because: tuple[Contribution, ...] = ()


class RankedList(list[Recommendation]):
    """The list of one user, best first.

    Args:
        user_id: None for the list of a history or an item.
    """

    def __init__(self, entries: Iterable[Recommendation] = (), user_id: str | None = None) -> None:
        super().__init__(entries)
        self.user_id = user_id

    @overload
    def __getitem__(self, place: SupportsIndex) -> Recommendation: ...
    @overload
    def __getitem__(self, place: slice) -> RankedList: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Recommendation | RankedList:
        if isinstance(place, slice):
            return RankedList(super().__getitem__(place), self.user_id)
        return super().__getitem__(place)

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a row for each item, as ``pandas.DataFrame`` and ``polars.DataFrame`` take them.

        They are the rows that ``cli.predict --out lists.csv`` writes: ``user_id``, if there is one,
        ``item_id``, ``rank`` from 1, ``score``, ``source``.

        >>> RankedList([Recommendation("tea", 0.5)], "ann").to_rows()
        [{'user_id': 'ann', 'item_id': 'tea', 'rank': 1, 'score': 0.5, 'source': 'similarity'}]
        """
        columns = LIST_COLUMNS if self.user_id is not None else LIST_COLUMNS[1:]
        user = () if self.user_id is None else (self.user_id,)
        return [
            dict(zip(columns, (*user, item_id, rank, score, source)))
            for rank, (item_id, score, source, _) in enumerate(self, 1)
        ]

    def _repr_html_(self) -> str:
        caption = (
            f"{len(self)} items" if self.user_id is None else f"{len(self)} for {self.user_id}"
        )
        return html_table(caption, self.to_rows(), len(self))


class RankedLists(list[RankedList]):
    """The lists of many users, in the order they were asked for."""

    @overload
    def __getitem__(self, place: SupportsIndex) -> RankedList: ...
    @overload
    def __getitem__(self, place: slice) -> RankedLists: ...
    def __getitem__(self, place: SupportsIndex | slice) -> RankedList | RankedLists:
        if isinstance(place, slice):
            return RankedLists(super().__getitem__(place))
        return super().__getitem__(place)

    def to_rows(self) -> list[dict[str, Any]]:
        """Return the rows of all lists, one list after the other, see ``RankedList.to_rows``.

        >>> [row["user_id"] for row in RankedLists([RankedList(user_id="ann")]).to_rows()]
        []
        """
        return [row for ranked in self for row in ranked.to_rows()]

    def _repr_html_(self) -> str:
        num_rows, shown = sum(map(len, self)), list[dict[str, Any]]()
        for ranked in self:
            shown += ranked.to_rows()
            if len(shown) >= SHOWN_ROWS:
                break
        return html_table(f"{len(self)} lists", shown, num_rows)

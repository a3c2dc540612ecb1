"""Ranked lists and ground truth as Python has them: lists and dictionaries of ids, or our own data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from mlcore.errors import DataError, at, shorten
from mlcore.ids import check_id, refuse_text
from mlcore.interactions import Interactions
from mlcore.ranked_lists import Predictions

__all__ = ["IdLists", "as_data"]

# Ids by user, or one row for each user in an order that all sides share.
IdLists: TypeAlias = Mapping[str, Iterable[object]] | Sequence[Iterable[object]]

_BY_USER = 'frame.groupby("user_id")["item_id"].agg(list) of pandas makes lists by user'


def as_data(
    sides: Mapping[str, Predictions | IdLists], ground_truth: Interactions | IdLists
) -> tuple[dict[str, Predictions], Interactions]:
    """Return the lists of each side and the ground truth as our own data, checked.

    Args:
        sides: by the name that messages call them.

    Raises:
        DataError: a value is no id, a user or, in a list, an item twice, or some sides are by user
            and others are not.

    >>> as_data({"candidate": [["a"], []]}, [["a"], ["b"]])[1].user_ids
    ['0', '1']
    """
    given: dict[str, Any] = {**sides, "ground_truth": ground_truth}
    given = {name: _by_user(name, side) for name, side in given.items()}
    rows = {name: side for name, side in given.items() if isinstance(side, list)}
    others = [name for name in given if name not in rows]
    if rows and others:
        raise DataError(
            f"{next(iter(rows))}: expected lists by user, as in {others[-1]}, got lists alone",
            '{"ann": ["tea", "milk"]} is a list by user',
        )
    given = _numbered(rows) if rows else given
    taken = given.pop("ground_truth")
    lists = {name: _listed(name, side) for name, side in given.items()}
    return lists, _taken(taken) if isinstance(taken, Mapping) else taken


def _by_user(name: str, side: Any) -> object:
    """Return a mapping or our own data as they are, the lists of ``predict_many`` by their users."""
    if isinstance(side, (Predictions, Interactions, Mapping)):
        return side
    refuse_text(name, side, _BY_USER)
    if hasattr(side, "to_dict"):  # a series of pandas, whose index has the users
        by_label = side.to_dict()
        if list(by_label) != list(range(len(by_label))):
            return by_label
    rows = list(side)
    if any(isinstance(row, Mapping) and "item_id" in row for row in rows):
        raise DataError(f"{name}: expected lists by user, got rows", _BY_USER)
    by_user = {getattr(row, "user_id", None): row for row in rows}
    return rows if None in by_user or len(by_user) < len(rows) else by_user


def _numbered(sides: Mapping[str, list[Any]]) -> dict[str, dict[str, Any]]:
    """Name the rows of each side 0, 1, 2 ..., padded so that the order of ids is theirs."""
    size = len(sides["ground_truth"])
    for name, rows in sides.items():
        if len(rows) != size:
            raise DataError(f"{name}: expected {size} lists as in ground_truth, got {len(rows)}")
    width = len(str(max(0, size - 1)))
    return {
        name: {f"{place:0{width}}": row for place, row in enumerate(rows)}
        for name, rows in sides.items()
    }


def _listed(name: str, lists: Predictions | Mapping[str, Iterable[object]]) -> Predictions:
    if isinstance(lists, Mapping):
        lists = Predictions.from_lists(lists, name)
    lists.check(name)
    return lists


def _taken(lists: Mapping[str, Iterable[object]]) -> Interactions:
    users, items = [], []
    for user_id, taken in lists.items():
        name = f"ground_truth: user {shorten(user_id)}"
        refuse_text(name, taken)
        ids = [check_id(name, item_id) for item_id in taken]
        users += [user_id] * len(ids)
        items += ids
    with at("ground_truth"):
        return Interactions.from_columns(users, items)

"""Requests to a recommender: histories, and the options of their lists."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, TypeAlias, get_args

import numpy as np

from mlcore.artifact.attributes import Attributes
from mlcore.errors import ConfigError, DataError, shorten
from mlcore.ids import IdMap, check_all_asked, check_asked, refuse_text
from mlcore.parameters import convert_value, integer
from mlcore.recommend.filter import ItemFilter
from mlcore.recommend.options import Fill
from mlcore.recommend.ranking import Filters
from mlcore.recommend.user_items import UserItems
from mlcore.types import BoolArray, Float32Array, Int32Array

__all__ = [
    "EncodedHistory",
    "ListOptions",
    "UserRequest",
    "encode_history",
    "make_filters",
]

EncodedHistory: TypeAlias = tuple[Int32Array, Float32Array]  # item positions ascending, weights


class UserRequest(NamedTuple):
    """One list to make: for whom, from which history, and whether popular items complete it."""

    user_id: str
    history: EncodedHistory
    fill: bool


@dataclass(frozen=True)
class ListOptions:
    """Options of a list.

    Attributes:
        n: list length, >= 1 and below 2^31.
        include: list these items only; None allows all; unknown ids are skipped.
        exclude: never list these items; unknown ids are skipped.
        include_seen: also list items of the history.
        fill: ``popularity`` completes short lists with the most popular unseen items.
        explain: return the contributions to each score.
        filter: on the catalogue of the model.
        include_by_user: list of each user these items only; users without any get an empty list.
        exclude_by_user: never list these of each user.
    """

    n: int = 10
    include: Iterable[str] | None = None
    exclude: Iterable[str] = ()
    include_seen: bool = False
    fill: Fill | None = None
    explain: bool = False
    filter: ItemFilter = ItemFilter()
    include_by_user: UserItems | None = None
    exclude_by_user: UserItems | None = None

    def __post_init__(self) -> None:
        convert_value(integer(minimum=1), self.n, "n")
        if self.include is not None:
            refuse_text("include", self.include)
        refuse_text("exclude", self.exclude)
        if self.fill is not None and not (
            isinstance(self.fill, str) and self.fill in get_args(Fill)
        ):
            raise ConfigError(f"fill: expected 'popularity' or None, got {shorten(self.fill)}")


def make_filters(
    options: ListOptions, items: IdMap, attributes: Attributes | None = None
) -> Filters:
    """Return the options' filters on item positions; unknown ids are skipped.

    Raises:
        DataError: the filter names a column that is not there.

    >>> items = IdMap.from_ids(["a", "b", "c"])
    >>> make_filters(ListOptions(include=["a", "b"], exclude=["b", "z"]), items).allowed.tolist()
    [True, False, False]
    """
    allowed: BoolArray | None = None
    if options.include is not None:
        allowed = np.zeros(len(items), bool)
        allowed[_positions("include", options.include, items)] = True
    excluded = _positions("exclude", options.exclude, items)
    if len(excluded):
        allowed = np.ones(len(items), bool) if allowed is None else allowed
        allowed[excluded] = False
    if attributes is not None and options.filter != ItemFilter():
        attributes.load_ids()
    admitted = options.filter.admitted(attributes)
    if admitted is not None:
        allowed = admitted if allowed is None else allowed & admitted
    return Filters(allowed, options.include_seen, options.filter.caps(attributes))


def _positions(name: str, item_ids: Iterable[str], items: IdMap) -> list[int]:
    found = (items.position(item_id) for item_id in check_all_asked(name, item_ids))
    return [position for position in found if position is not None]


def encode_history(pairs: Iterable[tuple[str, float]], items: IdMap) -> tuple[EncodedHistory, int]:
    """Return positions, ascending, and weights of a history, and the number of unknown items.

    Raises:
        DataError: an item twice, or a weight that is not finite and above 0 in float32.

    >>> encode_history([("b", 2.0), ("z", 1.0)], IdMap.from_ids(["a", "b"]))
    ((array([1], dtype=int32), array([2.], dtype=float32)), 1)
    """
    weights: dict[str, float] = {}
    for item_id, weight in pairs:
        check_asked("history: item_id", item_id)
        if item_id in weights:
            raise DataError(f"history: expected each item once, got {shorten(item_id)} twice")
        if not _fits_float32(weight):
            raise DataError(
                f"history: item {shorten(item_id)}: weight: expected a finite number above 0 "
                f"that float32 holds, got {shorten(weight)}"
            )
        weights[item_id] = float(weight)
    known = sorted(
        (position, weight)
        for item_id, weight in weights.items()
        if (position := items.position(item_id)) is not None
    )
    positions = np.array([position for position, _ in known], np.int32)
    rounded = np.array([weight for _, weight in known], np.float32)
    return (positions, rounded), len(weights) - len(known)


def _fits_float32(weight: object) -> bool:
    """Return whether a weight is a number that float32 rounds neither to 0 nor to infinity."""
    if isinstance(weight, bool) or not isinstance(weight, (numbers.Real, Decimal)):
        return False
    try:
        # Half the least float32 rounds to 0, half a step beyond the greatest to infinity.
        return 2.0**-150 < float(weight) < 2.0**128 - 2.0**103
    except OverflowError:
        return False

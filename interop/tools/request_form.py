"""The form of a request of the adapter protocol (CONFORMANCE.md), before any model is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["YEAR_1", "YEAR_10_000", "id_of", "is_request"]

YEAR_1, YEAR_10_000 = -62_135_596_800_000_000, 253_402_300_800_000_000  # as microseconds

Rule = Callable[[Any], bool]


def _is(type_: type) -> Rule:
    return lambda value: type(value) is type_  # True is an int to isinstance


def _from(low: int, high: int) -> Rule:
    """Return whether a value is an integer, written as one, of a range without its end."""
    return lambda value: type(value) is int and low <= value < high


def _each(rule: Rule) -> Rule:
    return lambda value: type(value) is list and all(map(rule, value))


def _by_column(rule: Rule) -> Rule:
    return lambda value: type(value) is dict and all(map(rule, value.values()))


_is_moment, _is_count = _from(YEAR_1, YEAR_10_000), _from(1, 2**31)
_are_ids = _each(_is(str))
_FILTER: Mapping[str, Rule] = {
    "any_of": _by_column(_are_ids),
    "none_of": _by_column(_are_ids),
    "available_at": _is_moment,
    "at_most": _by_column(_is_count),
}


def _is_filter(value: Any) -> bool:
    return type(value) is dict and all(
        key in _FILTER and _FILTER[key](part) for key, part in value.items()
    )


def _is_event(value: Any) -> bool:
    if type(value) is not list or len(value) not in (2, 3):
        return False
    item, weight, *time = value
    return type(item) is str and type(weight) in (int, float) and all(map(_is_moment, time))


_WHOM: Mapping[str, Rule] = {"user": _is(str), "item": _is(str), "history": _each(_is_event)}
_NEEDED: Mapping[str, Rule] = {"id": _is(str), "n": _is_count}
_OPTIONS: Mapping[str, Rule] = {
    "include": _are_ids,
    "exclude": _are_ids,
    "include_seen": _is(bool),
    "fill": _is(bool),
    "explain": _is(bool),
    "filter": _is_filter,
    "weights": lambda value: type(value) is str and value in ("events", "final"),
    "now": _is_moment,
}
_RULES = {**_WHOM, **_NEEDED, **_OPTIONS}


def is_request(value: Any) -> bool:
    """Return whether a JSON value is a request; unknown keys are passed over.

    Weights are numbers of any size here: what they may be is for section 9 to say.

    >>> is_request({"id": "r", "user": "ann", "n": 2}), is_request({"id": "r", "user": None, "n": 2})
    (True, False)
    """
    return (
        type(value) is dict
        and len(_WHOM.keys() & value.keys()) == 1
        and _NEEDED.keys() <= value.keys()
        and all(rule(value[key]) for key, rule in _RULES.items() if key in value)
    )


def id_of(value: Any) -> str | None:
    """Return the id of what may be a request, or None.

    >>> id_of({"id": "r", "n": 0}), id_of({"id": 7}), id_of([])
    ('r', None, None)
    """
    id_ = value.get("id") if type(value) is dict else None
    return id_ if type(id_) is str else None

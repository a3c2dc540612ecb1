"""What a JSON document must hold to be read as a result: rules as nested values, checked with their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from mlcore.errors import DataError, shorten, shorten_json

__all__ = ["NUMBER", "Optional", "Shape", "check_shape"]

# A type; [shape] for a list of it; (shape, ...) for as many; {key: shape} for these members;
# {str: shape} for members of any name; Optional for what may be absent or null.
Shape: TypeAlias = Any
NUMBER = (int, float)
_NAMES = {
    int: "an integer",
    str: "a text",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


class Optional:
    """A member that may be absent, or null."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


def check_shape(value: Any, shape: Shape, place: str) -> None:
    """Refuse a value of another shape; members that the shape does not name are passed over.

    Args:
        place: of the value, for messages.

    Raises:
        DataError: names the first place that is otherwise.

    >>> check_shape({"users": 3, "more": 1}, {"users": int, "slices": Optional({str: int})}, "a.json")
    """
    if isinstance(shape, Optional):
        if value is not None:
            check_shape(value, shape.shape, place)
    elif isinstance(shape, Mapping):
        _check_object(value, shape, place)
    elif isinstance(shape, list):
        for position, one in enumerate(_expect(value, list, place)):
            check_shape(one, shape[0], f"{place}: {position}")
    elif shape == NUMBER:
        if isinstance(value, bool) or not isinstance(value, NUMBER):
            raise DataError(f"{place}: expected a number, got {shorten_json(value)}")
    elif isinstance(shape, tuple):
        if len(_expect(value, list, place)) != len(shape):
            raise DataError(f"{place}: expected {len(shape)} values, got {len(value)}")
        for position, (one, rule) in enumerate(zip(value, shape)):
            check_shape(one, rule, f"{place}: {position}")
    else:
        _expect(value, shape, place)


def _check_object(value: Any, shape: Mapping[Any, Shape], place: str) -> None:
    members = _expect(value, dict, place)
    if str in shape:
        for key, one in members.items():
            check_shape(one, shape[str], f"{place}: {shorten(key)[1:-1]}")
        return
    for key, rule in shape.items():
        if key not in members and not isinstance(rule, Optional):
            raise DataError(f"{place}: {key}: expected to be there, got an object without")
        check_shape(members.get(key), rule, f"{place}: {key}")


def _expect(value: Any, kind: type, place: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise DataError(f"{place}: expected {_NAMES[kind]}, got {shorten_json(value)}")
    return value

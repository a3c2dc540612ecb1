"""Parts of a search space: fixed values, ranges and choices, nested like the configuration.

Each part builds a value from picked ones, and lists its boundary values, to check in advance.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Any, NamedTuple, TypeAlias

from mlcore.errors import ConfigError, shorten_json
from mlcore.limits import MAX_SPACE
from mlcore.parameters import boolean, check_keys, convert_value, integer

__all__ = [
    "Dimension",
    "Boundary",
    "FloatRange",
    "IntRange",
    "Node",
    "Options",
    "Pick",
    "parse_node",
]

# float64 holds every integer below; optimizers count in float64.
MAX_MAGNITUDE = 2**53


@dataclass(frozen=True)
class Options:
    """A position, 0 to ``count`` - 1."""

    count: int

    def validate(self, value: Any) -> int:
        """Return the position, or raise ValueError if it is out of range."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < self.count:
            raise ValueError
        return value


@dataclass(frozen=True)
class IntRange:
    """low, low + step ... high; with ``log`` uniform in the logarithm."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    def validate(self, value: Any) -> int:
        """Return the integer, or raise ValueError if it is not in the range."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError
        if not self.low <= value <= self.high or (value - self.low) % self.step:
            raise ValueError
        return value


@dataclass(frozen=True)
class FloatRange:
    """Numbers from low to high, both included; with ``log`` uniform in the logarithm."""

    low: float
    high: float
    log: bool = False

    def validate(self, value: Any) -> float:
        """Return the number as a float, or raise ValueError if it is not in the range."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError
        if not self.low <= value <= self.high:
            raise ValueError
        return float(value)


Dimension: TypeAlias = Options | IntRange | FloatRange
Pick: TypeAlias = Callable[[str, Dimension], int | float]


class Boundary(NamedTuple):
    """A value on the boundary of a space, and how messages name its choices, by path."""

    value: Any
    choices: dict[tuple[str, ...], str]


class Node(ABC):
    """One part of a space."""

    @abstractmethod
    def build(self, pick: Pick, name: str) -> Any:
        """Return a JSON value; ``pick`` returns the value of a dimension from its name."""

    @abstractmethod
    def boundaries(self, path: tuple[str, ...]) -> Iterator[Boundary]:
        """Yield values with each choice and both ends of each range.

        Args:
            path: keys that lead to this part in the configuration.
        """


@dataclass(frozen=True)
class _Fixed(Node):
    value: Any

    def build(self, pick: Pick, name: str) -> Any:
        return self.value

    def boundaries(self, path: tuple[str, ...]) -> Iterator[Boundary]:
        yield Boundary(self.value, {})


@dataclass(frozen=True)
class _Range(Node):
    dimension: IntRange | FloatRange

    def build(self, pick: Pick, name: str) -> Any:
        return pick(name, self.dimension)

    def boundaries(self, path: tuple[str, ...]) -> Iterator[Boundary]:
        yield Boundary(self.dimension.low, {})
        yield Boundary(self.dimension.high, {})


@dataclass(frozen=True)
class _Choice(Node):
    options: tuple[Node, ...]

    def build(self, pick: Pick, name: str) -> Any:
        name = _join(name, "choice")
        position = int(pick(name, Options(len(self.options))))
        return self.options[position].build(pick, f"{name}[{position}]")

    def boundaries(self, path: tuple[str, ...]) -> Iterator[Boundary]:
        for position, option in enumerate(self.options):
            for value, choices in option.boundaries(path):
                here = f": choice[{position}]{choices.get(path, '')}"
                yield Boundary(value, {**choices, path: here})


@dataclass(frozen=True)
class _Object(Node):
    children: Mapping[str, Node]

    def build(self, pick: Pick, name: str) -> Any:
        # In order of keys: how the object is written must not change what is picked.
        return {
            key: self.children[key].build(pick, _join(name, key)) for key in sorted(self.children)
        }

    def boundaries(self, path: tuple[str, ...]) -> Iterator[Boundary]:
        # Combines any two values of any two keys: no rule of a configuration ties three settings,
        # and all combinations would be too many.
        parts = {
            key: list(islice(child.boundaries((*path, key)), MAX_SPACE + 1))
            for key, child in self.children.items()
        }
        first = {key: found[0] for key, found in parts.items()}
        for keys in combinations(parts, min(2, len(parts))):
            for chosen in product(*(parts[key] for key in keys)):
                yield _merge({**first, **dict(zip(keys, chosen))})


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _merge(parts: Mapping[str, Boundary]) -> Boundary:
    choices: dict[tuple[str, ...], str] = {}
    for part in parts.values():
        choices.update(part.choices)
    return Boundary({key: part.value for key, part in parts.items()}, choices)


def parse_node(value: Any, place: str) -> Node:
    """Return the part of a space that a JSON value describes.

    Args:
        value: a plain value, an object, or one with the key ``choice``, ``int`` or ``float``.
        place: file and keys, for messages.

    Raises:
        ConfigError: a choice or range is invalid.

    >>> node = parse_node({"k1": {"float": [0, 2]}}, "space.json")
    >>> [boundary.value for boundary in node.boundaries(())]
    [{'k1': 0.0}, {'k1': 2.0}]
    """
    if not isinstance(value, Mapping):
        return _Fixed(value)
    for key, parse in (("choice", _parse_choice), ("int", _parse_int), ("float", _parse_float)):
        if key in value:
            return parse(value, place)
    return _Object({key: parse_node(item, f"{place}: {key}") for key, item in value.items()})


def _parse_choice(value: Mapping[str, Any], place: str) -> Node:
    check_keys(value, ["choice"], place)
    options = value["choice"]
    if not isinstance(options, list) or not options:
        raise ConfigError(
            f"{place}: choice: expected a list of at least one value, got {shorten_json(options)}"
        )
    parsed = (parse_node(option, f"{place}: choice[{i}]") for i, option in enumerate(options))
    return _Choice(tuple(parsed))


def _parse_int(value: Mapping[str, Any], place: str) -> Node:
    check_keys(value, ["int", "log", "step"], place)
    log = _parse_log(value, place)
    low, high = _bounds(value["int"], int, log, f"{place}: int: expected two integers")
    step = convert_value(integer(minimum=1), value.get("step", 1), f"{place}: step", shorten_json)
    if log and "step" in value:
        raise ConfigError(f"{place}: step: expected no such key beside log, got {step}")
    if (high - low) % step:
        raise ConfigError(
            f"{place}: step: expected a divisor of {high - low}, the width of the range, got {step}"
        )
    return _Range(IntRange(low, high, log, step))


def _parse_float(value: Mapping[str, Any], place: str) -> Node:
    check_keys(value, ["float", "log"], place)
    log = _parse_log(value, place)
    low, high = _bounds(value["float"], (int, float), log, f"{place}: float: expected two numbers")
    return _Range(FloatRange(float(low), float(high), log))


def _parse_log(value: Mapping[str, Any], place: str) -> bool:
    log: bool = convert_value(boolean(), value.get("log", False), f"{place}: log", shorten_json)
    return log


def _bounds(
    bounds: Any, kind: type | tuple[type, ...], log: bool, expected: str
) -> tuple[Any, Any]:
    def fits(bound: Any) -> bool:
        number = isinstance(bound, kind) and not isinstance(bound, bool)
        return number and abs(bound) < MAX_MAGNITUDE and (bound > 0 or not log)

    if not isinstance(bounds, list) or len(bounds) != 2 or not all(map(fits, bounds)):
        above = ", above 0 as log is true" if log else ""
        raise ConfigError(f"{expected} below 2^53{above}, got {shorten_json(bounds)}")
    if bounds[0] > bounds[1]:
        raise ConfigError(f"{expected}, the lower one first, got {shorten_json(bounds)}")
    return bounds[0], bounds[1]

"""Settings as frozen dataclasses whose fields carry their own rule, read from and written to JSON.

One rule per field serves a config file, a Python constructor and the help texts. Declare a field as
``shrinkage: float = parameter(0.0, number(minimum=0))``.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias, TypeVar

from mlcore.errors import ConfigError, MlcoreError, at, shorten, shorten_json
from mlcore.times import UNITS, TimeRule, find_zone

__all__ = [
    "Rule",
    "Value",
    "boolean",
    "check_keys",
    "check_parameters",
    "choice",
    "condition",
    "convert_value",
    "integer",
    "nearest",
    "number",
    "optional",
    "parameter",
    "parameters_from_json",
    "parameters_to_json",
    "time_rule",
]

T = TypeVar("T")
Value: TypeAlias = str | int | float | bool


@dataclass(frozen=True)
class Rule:
    """What a setting may be.

    Attributes:
        expected: the rule in words, as in an error message.
        convert: returns the value in its canonical type, or raises ValueError, whose text, if
            any, replaces ``expected``.
        schema: the rule as JSON Schema; empty where no configuration has it.
    """

    expected: str
    convert: Callable[[object], Any]
    schema: Mapping[str, Any] = field(default_factory=dict)


def condition(
    expected: str, allows: Callable[[Any], bool], schema: Mapping[str, Any] | None = None
) -> Rule:
    """Return the rule for the values that ``allows`` accepts, as they are.

    >>> condition("a text", lambda value: isinstance(value, str)).convert("a")
    'a'
    """

    def convert(value: object) -> object:
        if not allows(value):
            raise ValueError
        return value

    return Rule(expected, convert, schema or {})


def number(
    *,
    minimum: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    maximum: float = math.inf,
) -> Rule:
    """Return the rule for a finite float within bounds; integers become floats.

    Args:
        minimum: inclusive.
        above: exclusive.
        below: exclusive.
        maximum: inclusive.

    >>> number(minimum=0).convert(3)
    3.0
    """

    def convert(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise ValueError
        result = float(value)
        if not (math.isfinite(result) and minimum <= result <= maximum and above < result < below):
            raise ValueError
        return result

    bounds = [
        (f">= {minimum:g}", "minimum", minimum),
        (f"above {above:g}", "exclusiveMinimum", above),
        (f"below {below:g}", "exclusiveMaximum", below),
        (f"<= {maximum:g}", "maximum", maximum),
    ]
    finite = [bound for bound in bounds if math.isfinite(bound[2])]
    words = " ".join(["a finite number", " and ".join(word for word, *_ in finite)]).strip()
    return Rule(words, convert, {"type": "number"} | {key: bound for _, key, bound in finite})


def integer(*, minimum: int | None = None, below: int = 2**31) -> Rule:
    """Return the rule for an integer, at least ``minimum`` and less than ``below``.

    Args:
        minimum: None for ``1 - below``.

    >>> integer(minimum=1).convert(7)
    7
    """
    least = 1 - below if minimum is None else minimum

    def convert(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise ValueError
        if int(value) >= below:
            raise ValueError(f"an integer below {below}")
        if int(value) < least:
            raise ValueError
        return int(value)

    words = "an integer" if minimum is None else f"an integer >= {minimum}"
    return Rule(words, convert, {"type": "integer", "minimum": least, "maximum": below - 1})


def boolean() -> Rule:
    """Return the rule for true or false.

    >>> boolean().convert(True)
    True
    """
    return condition("true or false", lambda value: isinstance(value, bool), {"type": "boolean"})


def choice(*names: str) -> Rule:
    """Return the rule for one word of a closed list.

    >>> choice("target", "source").expected
    "'target' or 'source'"
    """
    return condition(
        " or ".join(map(repr, names)),
        lambda value: isinstance(value, str) and value in names,
        {"enum": list(names)},
    )


def optional(rule: Rule) -> Rule:
    """Return a rule that also allows null (None).

    >>> optional(integer(minimum=1)).expected
    'an integer >= 1 or null'
    """
    return Rule(
        f"{rule.expected} or null",
        lambda value: None if value is None else rule.convert(value),
        {"anyOf": [rule.schema, {"type": "null"}]},
    )


def parameter(default: T, rule: Rule) -> T:
    """Declare a dataclass field with a rule and its default, which is written nowhere else.

    >>> @dataclass(frozen=True)
    ... class Example:
    ...     alpha: float = parameter(0.5, number(minimum=0))
    >>> Example().alpha
    0.5
    """
    value: T = field(default=default, metadata={"rule": rule})
    return value


def convert_value(
    rule: Rule,
    value: object,
    place: str,
    show: Callable[[object], str] = shorten,
    error: type[MlcoreError] = ConfigError,
) -> Any:
    """Return ``value`` in its canonical type, or raise an error that names the place.

    Args:
        place: file and key.
        show: how the message writes the value.

    >>> convert_value(integer(minimum=1), 2, "config.json: num_neighbors")
    2
    """
    try:
        return rule.convert(value)
    except OverflowError:
        expected = rule.expected
    except ValueError as fault:
        expected = str(fault) or rule.expected
    raise error(f"{place}: expected {expected}, got {show(value)}")


def check_parameters(settings: Any) -> None:
    """Convert all fields that have a rule to their canonical type; call it from ``__post_init__``.

    Args:
        settings: a frozen dataclass instance.

    Raises:
        ConfigError: a field breaks its rule.
    """
    for item in fields(settings):
        rule = item.metadata.get("rule")
        if rule is not None:
            value = convert_value(rule, getattr(settings, item.name), item.name)
            object.__setattr__(settings, item.name, value)


def parameters_from_json(cls: type[T], values: Mapping[str, object], place: str) -> T:
    """Build a settings dataclass from a JSON object.

    Args:
        cls: a dataclass whose every field has a rule.
        values: missing keys take their defaults.
        place: file and key, for messages.

    Raises:
        ConfigError: a key is unknown, a value breaks its rule, or values do not fit together.

    >>> @dataclass(frozen=True)
    ... class Example:
    ...     alpha: float = parameter(0.5, number(minimum=0))
    >>> parameters_from_json(Example, {"alpha": 2}, "config.json")
    Example(alpha=2.0)
    """
    rules = {item.name: item.metadata["rule"] for item in _in_order(cls)}
    check_keys(values, list(rules), place)
    settings = {
        key: convert_value(rules[key], value, f"{place}: {key}", shorten_json)
        for key, value in values.items()
    }
    with at(place, ConfigError):
        return cls(**settings)


def check_keys(values: Mapping[str, object], known: Sequence[str], place: str) -> None:
    """Raise ConfigError if an object has a key that is not known.

    Args:
        place: file and key, for the message.

    >>> check_keys({"b": 0.75}, ["k1", "b"], "config.json: weighting")
    """
    for key in values:
        if key not in known:
            allowed = "one of " + ", ".join(known) if known else "no further key"
            raise ConfigError(
                f"{place}: expected {allowed}, got the key {shorten(key)}", nearest(key, known)
            )


def nearest(name: object, known: Iterable[str]) -> str | None:
    """Return a hint that names the known spelling nearest to a name, or None if none is near.

    >>> nearest("num_neighbours", ["num_neighbors", "shrinkage"])
    'did you mean num_neighbors?'
    """
    found = difflib.get_close_matches(name, known, n=1) if isinstance(name, str) else []
    return f"did you mean {found[0]}?" if found else None


def parameters_to_json(settings: Any) -> dict[str, object]:
    """Return all fields of a settings dataclass, defaults included, in its constructor's order.

    >>> @dataclass(frozen=True)
    ... class Example:
    ...     alpha: float = parameter(0.5, number(minimum=0))
    >>> parameters_to_json(Example())
    {'alpha': 0.5}
    """
    return {item.name: getattr(settings, item.name) for item in _in_order(settings)}


def _in_order(settings: Any) -> list[dataclasses.Field[Any]]:
    """Return the fields in the order of the constructor: those by keyword only, inherited, last."""
    return sorted(fields(settings), key=lambda item: item.kw_only is True)


def time_rule(timezone: object, timestamp_unit: object) -> TimeRule:
    """Return how times are read.

    Args:
        timezone: of times that name none, as ``find_zone`` takes it; None to refuse them.
        timestamp_unit: of numbers.

    Raises:
        ConfigError: there is no such zone or unit.

    >>> time_rule(None, "ms").unit
    'ms'
    """
    unit = next((name for name in UNITS if name == timestamp_unit), None)
    if unit is None:
        shown = ", ".join(map(repr, UNITS))
        raise ConfigError(f"timestamp_unit: expected {shown}, got {shorten(timestamp_unit)}")
    try:
        if timezone is None or isinstance(timezone, str):
            return TimeRule(None if timezone is None else find_zone(timezone), unit)
    except ValueError:
        pass
    raise ConfigError(
        "timezone: expected UTC, an offset such as +09:00, or a name such as Europe/Berlin, "
        f"got {shorten(timezone)}"
    )

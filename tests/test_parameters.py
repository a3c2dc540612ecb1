"""mlcore.parameters: each rule allows what its words say."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest

from mlcore.errors import ConfigError, DataError
from mlcore.parameters import (
    Rule,
    boolean,
    check_keys,
    check_parameters,
    choice,
    convert_value,
    integer,
    number,
    optional,
    parameter,
    parameters_from_json,
    parameters_to_json,
    time_rule,
)

EPSILON = 2.0**-50


def allows(rule: Rule, value: object) -> bool:
    try:
        rule.convert(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("rule", "words", "allowed", "refused"),
    [
        (number(), "a finite number", [-1e308, 0], [math.inf, -math.inf, math.nan]),
        (number(minimum=0), "a finite number >= 0", [0, 1], [-EPSILON]),
        (number(above=0), "a finite number above 0", [EPSILON], [0, -1]),
        (number(maximum=1), "a finite number <= 1", [1, -5], [1 + EPSILON]),
        (number(above=0, below=1), "a finite number above 0 and below 1", [0.5, EPSILON], [0, 1]),
        (number(minimum=0, maximum=1), "a finite number >= 0 and <= 1", [0, 1], [-1, 2]),
        (integer(minimum=1), "an integer >= 1", [1, 2**31 - 1], [0, 2**31, 1.0, "1"]),
        (boolean(), "true or false", [True, False], [0, 1, None, "true"]),
        (choice("a", "b"), "'a' or 'b'", ["a", "b"], ["c", "", None, ["a"]]),
        (optional(boolean()), "true or false or null", [None, True], [0]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_allows_what_its_words_say(
    rule: Rule, words: str, allowed: list[object], refused: list[object]
) -> None:
    assert rule.expected == words
    assert [value for value in allowed if not allows(rule, value)] == []
    assert [value for value in refused if allows(rule, value)] == []


@pytest.mark.parametrize("value", [True, "1", None, [1], 1j])
def test_what_is_no_number_is_refused_by_both_kinds(value: object) -> None:
    assert not allows(number(), value) and not allows(integer(minimum=0), value)


def test_values_become_plain_python() -> None:
    for value in (3, np.float32(3), np.int64(3), Fraction(6, 2)):
        assert type(number().convert(value)) is float
    assert type(integer(minimum=0).convert(np.int64(3))) is int


def test_the_message_names_place_rule_and_value() -> None:
    rule = integer(minimum=1)
    with pytest.raises(ConfigError, match="^k: expected an integer >= 1, got 'x'$"):
        convert_value(rule, "x", "k")
    with pytest.raises(
        ConfigError, match="^k: expected an integer below 2147483648, got 2147483648$"
    ):
        convert_value(rule, 2**31, "k")
    with pytest.raises(ConfigError, match="^x: expected a finite number, got 1000"):
        convert_value(number(), 10**400, "x")  # too large for a float
    with pytest.raises(DataError):
        convert_value(rule, 0, "k", error=DataError)


@dataclass(frozen=True)
class Settings:
    size: float = parameter(2, number(above=0))
    name: str = field(default="a", kw_only=True, metadata={"rule": choice("a", "b")})
    fast: bool = parameter(False, boolean())

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.fast and self.name == "b":
            raise ConfigError("fast: expected false", "b is slow")


def test_settings_are_checked_where_they_are_made() -> None:
    assert type(Settings().size) is float
    with pytest.raises(ConfigError, match="^size: expected a finite number above 0, got -1$"):
        Settings(-1)


def test_settings_go_to_json_and_back_in_the_order_of_the_constructor() -> None:
    settings = Settings(3, True)
    values = parameters_to_json(settings)
    assert list(values.items()) == [("size", 3.0), ("fast", True), ("name", "a")]
    assert parameters_from_json(Settings, values, "x.json") == settings
    assert parameters_from_json(Settings, {}, "x.json") == Settings()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sise": 1}, "x.json: expected one of size, fast, name, got the key 'sise'"),
        ({"size": None}, "x.json: size: expected a finite number above 0, got null"),
        ({"fast": True, "name": "b"}, "x.json: fast: expected false"),
    ],
)
def test_a_fault_of_json_names_its_file(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parameters_from_json(Settings, values, "x.json")
    assert str(caught.value) == message


def test_an_object_without_parameters_has_no_key() -> None:
    with pytest.raises(ConfigError, match="^x: expected no further key, got the key 'k'$"):
        check_keys({"k": 1}, [], "x")


@pytest.mark.parametrize(
    ("timezone", "unit", "message"),
    [
        ("Berlin", "s", "timezone: expected UTC, an offset such as +09:00, or a name such as Europe/Berlin, got 'Berlin'"),
        (7, "s", "timezone: expected UTC, an offset such as +09:00, or a name such as Europe/Berlin, got 7"),
        (None, "m", "timestamp_unit: expected 's', 'ms', 'us', 'ns', got 'm'"),
        (None, None, "timestamp_unit: expected 's', 'ms', 'us', 'ns', got None"),
    ],
)  # fmt: skip
def test_a_rule_of_times_that_there_is_not_is_refused(
    timezone: object, unit: object, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        time_rule(timezone, unit)
    assert str(caught.value) == message

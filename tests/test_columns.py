"""mlcore.columns: values of every kind, by the rules of a file."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from mlcore import DataError, Interactions
from mlcore.columns import times_of
from mlcore.parameters import time_rule
from mlcore.times import MAX_SECONDS, MIN_SECONDS, TimeRule

IN_UTC = time_rule("UTC", "s")


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [
        (7, 7_000_000),
        (np.int64(-1), -1_000_000),
        ("1970-01-01T01:00:00.5+01:00", 500_000),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
        (date(1970, 1, 2), 86_400_000_000),
        (np.datetime64("1970-01-01T00:00:01"), None),
        (1.5, None),
        (True, None),
        ("1970-01-02", 86_400_000_000),
        ("1970-01-01 00:00:01+00", 1_000_000),
        ("1970-01-01 00:00:01", 1_000_000),
        ("soon", None),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), None),  # in the year 0 UTC
        (1_700_000_000_000, None),  # milliseconds
    ],
)
def test_a_time_is_seconds_a_moment_or_a_text(value: Any, microseconds: int | None) -> None:
    if microseconds is not None:
        assert times_of("at", [value], IN_UTC).tolist() == [microseconds]
        return
    with pytest.raises(DataError, match=r"^at\[0\]: expected integer seconds, a datetime or"):
        times_of("at", [value], IN_UTC)


@pytest.mark.parametrize(
    "array",
    [
        np.array([0, MAX_SECONDS + 1]),
        np.array([0, MIN_SECONDS - 1]),
        np.array([0, 2**63 - 1]),
        np.ma.array([0, 1], mask=[False, True]),
        np.array(["1970-01-01", "NaT"], "datetime64[us]"),
        np.array(["1970-01-01", "9999-12-31"], "datetime64[us]") + np.timedelta64(1, "D"),
    ],
)
def test_a_fault_in_an_array_is_found_in_its_row(array: Any) -> None:
    with pytest.raises(DataError, match=r"^at\[1\]: expected integer seconds, a datetime or"):
        times_of("at", array, IN_UTC)
    assert times_of("at", array[:1], IN_UTC).tolist() in ([0], [86_400_000_000])


@pytest.mark.parametrize("unit", ["D", "s", "ms", "us", "ns"])
def test_arrays_of_datetimes_are_no_integers(unit: str) -> None:
    array = np.array(["1970-01-02", "1969-12-31"], f"datetime64[{unit}]")
    assert times_of("at", array, IN_UTC).tolist() == [86_400_000_000, -86_400_000_000]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_integers_are_of_the_unit_that_is_named_in_lists_and_arrays(unit: str) -> None:
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    numbers = [1_700_000_000 * factor, 1_700_000_001 * factor]
    for column in (numbers, np.array(numbers), np.array(numbers, object)):
        found = times_of("at", column, time_rule(None, unit))
        assert found.tolist() == [1_700_000_000_000_000, 1_700_000_001_000_000]


@pytest.mark.parametrize(
    ("number", "rule", "rule_text", "hint"),
    [
        (
            1_700_000_000_000,
            TimeRule(),
            "integer seconds",
            'seconds of the years 1 to 9999 are expected; timestamp_unit="ms" reads milliseconds',
        ),
        (
            1_700_000_000,
            TimeRule(unit="ms"),
            "integer milliseconds",
            'milliseconds of the years 1971 to 2100 are expected; timestamp_unit="s" reads seconds',
        ),
        (10**30, TimeRule(), "integer seconds", "seconds of the years 1 to 9999 are expected"),
    ],
)
def test_a_number_of_another_unit_is_refused_with_its_name(
    number: int, rule: TimeRule, rule_text: str, hint: str
) -> None:
    columns: list[Any] = [[number], np.array([number])]
    for column in columns:
        with pytest.raises(
            DataError, match=rf"^at\[0\]: expected {rule_text}, a datetime"
        ) as caught:
            times_of("at", column, rule)
        assert caught.value.hint == hint


def test_a_text_without_a_zone_is_refused_as_a_datetime_is() -> None:
    for value in ("1970-01-01", "1970-01-01 00:00:00", datetime(1970, 1, 1)):
        with pytest.raises(DataError, match=r"^at\[0\]: expected a time with its zone, ") as caught:
            times_of("at", [value])
        assert caught.value.hint and "timezone=" in caught.value.hint


def test_times_of_python_are_those_of_files() -> None:
    found = Interactions.from_columns(
        ["u", "u"], ["a", "b"], None, ["2026-03-01", 1_772_352_000_000],
        timezone="+09:00", timestamp_unit="ms",
    ).timestamps  # fmt: skip
    assert found is not None and found.tolist() == [1_772_290_800_000_000, 1_772_352_000_000_000]

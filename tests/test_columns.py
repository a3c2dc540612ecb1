"""mlcore.columns: values of every kind, by the rules of a file."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from mlcore import DataError, Interactions
from mlcore.columns import times_of
from mlcore.times import MAX_SECONDS, MIN_SECONDS


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
        ("1970-01-01", None),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), None),  # in the year 0 UTC
        (1_700_000_000_000, None),  # milliseconds
    ],
)
def test_a_time_is_seconds_a_moment_or_a_text(value: Any, microseconds: int | None) -> None:
    if microseconds is not None:
        assert times_of("at", [value], "UTC").tolist() == [microseconds]
        return
    with pytest.raises(DataError, match=r"^at\[0\]: expected integer seconds, a datetime or"):
        times_of("at", [value], "UTC")


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
        times_of("at", array, "UTC")
    assert times_of("at", array[:1], "UTC").tolist() in ([0], [86_400_000_000])


@pytest.mark.parametrize("unit", ["D", "s", "ms", "us", "ns"])
def test_arrays_of_datetimes_are_no_integers(unit: str) -> None:
    array = np.array(["1970-01-02", "1969-12-31"], f"datetime64[{unit}]")
    assert times_of("at", array, "UTC").tolist() == [86_400_000_000, -86_400_000_000]

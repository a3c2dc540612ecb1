"""mlcore.times: RFC 3339 to microseconds and back, within the years that can be written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.times import (
    MAX_SECONDS,
    MIN_SECONDS,
    UNITS,
    TimeUnit,
    find_zone,
    format_rfc_3339,
    parse_rfc_3339,
    parse_time,
    plausible_unit,
)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31 23:59:59.75z", -250_000),
        # 02:30 at +05:30 is 21:00 of the day before, which is 3 h before the epoch's day.
        ("1970-01-01t02:30:00+05:30", -3 * 3600 * 1_000_000),
        ("1970-01-02T00:00:00.1234569-00:01", 86_460_123_456),
        ("0001-01-01T00:00:00Z", MIN_SECONDS * 1_000_000),
        ("9999-12-31T23:59:59.999999Z", MAX_SECONDS * 1_000_000 + 999_999),
    ],
)
def test_a_time_is_microseconds_since_1970_utc(text: str, microseconds: int) -> None:
    assert parse_rfc_3339(text) == microseconds


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "0", "2024-01-01", "2024-01-01T00:00:00", "2024-1-1T00:00:00Z",
        "2024-02-30T00:00:00Z", "2024-01-01T24:00:01Z", "2024-01-01T00:00:60Z",
        "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00.Z", " 2024-01-01T00:00:00Z",
        "0000-12-31T23:59:59Z", "٢٠٢٤-01-01T00:00:00Z",
        # An offset leads out of the years 1 to 9999.
        "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rfc_3339(text)


@given(st.integers(MIN_SECONDS * 1_000_000, MAX_SECONDS * 1_000_000 + 999_999))
def test_what_is_written_is_read_back_and_is_what_datetime_says(microseconds: int) -> None:
    text = format_rfc_3339(microseconds)
    assert parse_rfc_3339(text) == microseconds
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)
    assert datetime.fromisoformat(text.replace("Z", "+00:00")) == moment
    assert len(text) == 27


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 09:00:00 UTC", "2026-03-01 09:00:00+00", "2026-03-01 18:00:00+0900",
        "2026-03-01T18:00:00.000+09:00", "2026-03-01 09:00:00 GMT", "2026-03-01 04:00:00 -0500",
        "2026-03-01 09:00:00.0000009Z",
    ],
)  # fmt: skip
def test_a_time_may_be_as_a_database_writes_it(text: str) -> None:
    # 59 days after the first of January, 20,454 days after 1970, it is nine o'clock.
    assert parse_time(text) == ((20_454 + 59) * 86_400 + 9 * 3600) * 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 09:00:00+9",
        "2026-03-01 09:00:00 CET",
        "09:00:00 UTC",
        "2026-03-01 09:00.5Z",
        "2026-03-01 09Z",
    ],
)
def test_other_offsets_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text, timezone.utc)


def test_a_time_without_a_zone_needs_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for text in ("2026-03-01 00:00:00", "2026-03-01T00:00:00", "2026-03-01 00:00", "2026-03-01"):
        with pytest.raises(ValueError):
            parse_time(text)
        midnight = parse_time(text, timezone.utc)
        assert parse_time(text, berlin) == midnight - 3600 * 1_000_000
    # The clock shows 02:30 twice; the first one is summer time, two hours ahead.
    assert parse_time("2026-10-25 02:30:00", berlin) == parse_time("2026-10-25 00:30:00Z")
    with pytest.raises(ValueError):  # before the year 1
        parse_time("0001-01-01", timezone(timedelta(hours=1)))


@pytest.mark.parametrize(("unit", "per_second"), [("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_a_number_of_a_unit_is_of_plausible_years(unit: TimeUnit, per_second: int) -> None:
    seconds = 1_700_000_000
    assert UNITS[unit].microseconds(seconds * per_second + 1) == (
        seconds * 1_000_000 + (1_000_000 // per_second)
    )
    for other in {1, 10**3, 10**6, 10**9} - {per_second}:
        assert UNITS[unit].microseconds(seconds * other) is None


@pytest.mark.parametrize("name", ["", "Berlin", "../etc", "+9:00", "+25:00", "/etc/passwd", "\0"])
def test_a_zone_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        find_zone(name)


@pytest.mark.parametrize("seconds", [31_536_000, 1_700_000_000, 4_133_980_799])
def test_the_unit_of_a_number_of_our_times_is_found(seconds: int) -> None:
    for name, unit in UNITS.items():
        assert plausible_unit(seconds * unit.per_second) == name
    assert plausible_unit(10**30) is None

"""Times as microseconds since 1970 UTC, and their text: by RFC 3339, and as databases write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Literal, NamedTuple, TypeAlias

__all__ = [
    "MAX_SECONDS",
    "MIN_SECONDS",
    "RFC_3339_PATTERN",
    "UNITS",
    "TimeRule",
    "TimeUnit",
    "find_zone",
    "format_rfc_3339",
    "parse_rfc_3339",
    "parse_time",
    "plausible_unit",
]

TimeUnit: TypeAlias = Literal["s", "ms", "us", "ns"]

# Years 1 to 9999, which RFC 3339 can write; milliseconds taken for seconds fall outside.
MIN_SECONDS, MAX_SECONDS = -62_135_596_800, 253_402_300_799
# Years 1971 to 2100: seconds or another unit taken for one of these fall outside.
_PLAUSIBLE_SECONDS = 31_536_000, 4_133_980_799

# As JSON Schema has it: a regular expression of ECMAScript, for the whole text.
RFC_3339_PATTERN = (
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3])(:[0-5][0-9]){2}"
    r"(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_RFC_3339 = re.compile(RFC_3339_PATTERN)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?:(:\d\d)(?:\.(\d+))?)? ?"
    r"(?:([Zz]|UTC|GMT)|([+-]\d\d)(?::?(\d\d))?)?)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


class Unit(NamedTuple):
    """A unit of times that are numbers.

    Attributes:
        name: in the plural.
        per_second: how many are a second.
        least: the least number of the years that are taken.
        greatest: the greatest one.
    """

    name: str
    per_second: int
    least: int
    greatest: int

    def microseconds(self, number: int) -> int | None:
        """Return microseconds since 1970 UTC, or None outside of the years that are taken."""
        if not self.least <= number <= self.greatest:
            return None
        return number * 1_000_000 // self.per_second


def _plausible(name: str, per_second: int) -> Unit:
    least, greatest = _PLAUSIBLE_SECONDS
    return Unit(name, per_second, least * per_second, (greatest + 1) * per_second - 1)


UNITS: dict[TimeUnit, Unit] = {
    "s": Unit("seconds", 1, MIN_SECONDS, MAX_SECONDS),
    "ms": _plausible("milliseconds", 1000),
    "us": _plausible("microseconds", 1_000_000),
    "ns": _plausible("nanoseconds", 1_000_000_000),
}


def plausible_unit(number: int) -> TimeUnit | None:
    """Return the unit of which a number is of the years 1971 to 2100, if any.

    >>> plausible_unit(1_700_000_000_000)
    'ms'
    """
    found: list[TimeUnit] = [
        name for name, unit in UNITS.items() if unit.microseconds(number) is not None
    ]
    return found[-1] if found else None


def find_zone(name: str) -> tzinfo:
    """Return the zone of a name: ``UTC``, ``+09:00`` or ``Europe/Berlin``.

    Raises:
        ValueError: there is none.

    >>> find_zone("+09:00").utcoffset(None)
    datetime.timedelta(seconds=32400)
    """
    from zoneinfo import ZoneInfo  # only where it is needed: commands start faster

    if re.fullmatch(r"[+-]\d\d:\d\d", name, re.ASCII):
        offset = datetime.fromisoformat(f"1970-01-01T00:00:00{name}").tzinfo
        assert offset is not None
        return offset
    try:
        return timezone.utc if name == "UTC" else ZoneInfo(name)
    except (OSError, LookupError):  # no such file, or a path to something else
        raise ValueError from None


class TimeRule(NamedTuple):
    """How the times of a file are read.

    Attributes:
        zone: of times that name none; None to refuse them.
        unit: of numbers.
    """

    zone: tzinfo | None = None
    unit: TimeUnit = "s"


def parse_rfc_3339(text: str) -> int:
    """Return microseconds since 1970 UTC.

    Args:
        text: date, time and offset, in the years 1 to 9999 UTC; digits after the sixth of a
            fraction are dropped.

    Raises:
        ValueError: it is anything else.

    >>> parse_rfc_3339("1970-01-01T01:00:00.5+01:00")
    500000
    """
    if _RFC_3339.fullmatch(text) is None:
        raise ValueError
    return parse_time(text)


def parse_time(text: str, zone: tzinfo | None = None) -> int:
    """Return microseconds since 1970 UTC of a time as RFC 3339 or a database writes it.

    Args:
        text: as for ``parse_rfc_3339``; the offset may also be ``+01``, ``+0100``, ``UTC`` or
            ``GMT``, with a space before it; seconds may lack. With ``zone`` the offset may lack, and
            so may the time, which is midnight then.
        zone: of a time without offset; None to refuse it.

    Raises:
        ValueError: it is anything else.

    >>> parse_time("1970-01-01 01:00:00+01"), parse_time("1970-01-02", timezone.utc)
    (0, 86400000000)
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError
    date, clock, seconds, fraction, utc, hours, minutes = match.groups()
    offset = f"{hours}:{minutes or '00'}" if hours else "+00:00" if utc else ""
    moment = datetime.fromisoformat(f"{date}T{clock or '00:00'}{seconds or ':00'}{offset}")
    if not offset:
        if zone is None:
            raise ValueError
        moment = moment.replace(tzinfo=zone)
    try:
        since = moment - _EPOCH
    except OverflowError:  # a zone at the ends of the calendar
        raise ValueError from None
    # Python calculates in whole microseconds: no rounding.
    result = since // _MICROSECOND + int((fraction or "").ljust(6, "0")[:6])
    if not MIN_SECONDS <= result // 1_000_000 <= MAX_SECONDS:
        raise ValueError  # an offset may lead out of the years that can be written
    return result


def format_rfc_3339(microseconds: int) -> str:
    """Return the time in UTC, with six digits of fraction.

    Args:
        microseconds: since 1970 UTC, in the years 1 to 9999.

    >>> format_rfc_3339(1_500_000)
    '1970-01-01T00:00:01.500000Z'
    """
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

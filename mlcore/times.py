"""Times as microseconds since 1970 UTC, and their text by RFC 3339."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

__all__ = ["MAX_SECONDS", "MIN_SECONDS", "format_rfc_3339", "parse_rfc_3339"]

# Years 1 to 9999, which RFC 3339 can write; milliseconds taken for seconds fall outside.
MIN_SECONDS, MAX_SECONDS = -62_135_596_800, 253_402_300_799

_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


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
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError
    date, time, fraction, offset = match.groups()
    moment = datetime.fromisoformat(f"{date}T{time}{offset.upper().replace('Z', '+00:00')}")
    # Python calculates in whole microseconds: no rounding.
    result = (moment - _EPOCH) // _MICROSECOND + int((fraction or "").ljust(6, "0")[:6])
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

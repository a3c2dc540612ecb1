"""The rules of single values in data files: numbers, ids, weights and timestamps. Loads no numpy."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import timezone
from typing import Any

from mlcore.errors import shorten, shorten_json
from mlcore.files.tables import BadValue, ColumnReader, hint_at_number
from mlcore.ids import id_fault
from mlcore.jsontext import format_number
from mlcore.times import UNITS, TimeRule, format_rfc_3339, parse_time, plausible_unit

__all__ = [
    "INTEGER",
    "IdEncoder",
    "JSON_INTEGER",
    "JSON_NUMBER",
    "Memo",
    "NO_DECIMALS",
    "NO_ZONE",
    "NUMBER",
    "finite_from_json",
    "format_timestamp",
    "id_column",
    "id_from_json",
    "parse_integer",
    "parse_number",
    "parse_timestamp",
    "string_from_json",
    "timestamp_from_json",
    "weight_from_json",
    "weight_from_text",
]

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
INTEGER = r"[+-]?\d{1,40}"
JSON_INTEGER = r"-?(?:0|[1-9][0-9]*)"
JSON_NUMBER = JSON_INTEGER + r"(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_NUMBER, _INTEGER = re.compile(NUMBER, re.ASCII), re.compile(INTEGER, re.ASCII)
NO_ZONE = (
    "a time without a zone does not say which moment it is; --timezone UTC, or another, says it"
)
# 1,500 may be 1.5 or 1500, so neither is read.
_NO_COMMAS = (
    "write decimal points, not commas; where commas are nothing else: sed 's/,/./g' FILE > NEW"
)
_DECIMAL_COMMA = re.compile(r"\d+,\d+", re.ASCII)
_NO_SPACES = "spaces are part of a field: sed 's/ *, */,/g' FILE > NEW"
_NO_ROW = (
    "leave rows without one out: awk -F, 'NR == 1 || $3 + 0 > 0' FILE > NEW, if it is the third "
    "field; WHERE weight > 0 in SQL; jq -c 'select(.weight > 0)' for JSON Lines"
)
_NO_QUOTES = "a number has no quotes: jq -c '.weight |= tonumber' FILE > NEW"
_EMPTY = frozenset(["", "nan", "nat", "null", "none", "na", "\\n"])
_NO_TIME = "each row has a time, or none: leave out those without one, or the column"
NO_DECIMALS = "cut the decimals: .astype('int64') in pandas, CAST(... AS BIGINT) in SQL"
_OTHER_TIMES = (
    "2026-03-01T09:00:00Z and 2026-03-01 09:00:00+01 are read; pandas.to_datetime and strptime of "
    "DuckDB make such times of others"
)
_MEMO_SIZE = 2**16


class Memo(dict[str, Any]):
    """Caches what a text was converted to; starts over when full."""

    def __init__(self, convert: Any) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, text: str) -> Any:
        if len(self) >= _MEMO_SIZE:
            self.clear()
        self[text] = value = self._convert(text)
        return value


class IdEncoder(dict[str, int]):
    """Numbers new ids 0, 1, 2 ... and checks each once.

    Args:
        check: raises BadValue for a well-formed id that is not allowed in this file.
    """

    def __init__(self, check: Callable[[str], object] | None = None) -> None:
        super().__init__()
        self._check = check

    def __missing__(self, text: str) -> int:
        fault = id_fault(text)
        if fault is not None:
            raise BadValue(fault)
        if self._check is not None:
            self._check(text)
        self[text] = code = len(self)
        return code

    def encode_json(self, value: Any) -> int:
        """Return the number of an id from JSON, which may be of any type.

        >>> IdEncoder().encode_json("a")
        0
        """
        return self[id_from_json(value)]


def id_column(name: str, axis: str, ids: IdEncoder) -> ColumnReader:
    """Return a column of ids to read.

    Args:
        name: in the file.
        axis: ``user`` or ``item``, for the hint at the option.
        ids: numbers them.

    >>> id_column("movieId", "item", IdEncoder()).hint
    '--item-column names another'
    """
    hint = f"--{axis}-column names another"
    return ColumnReader(name, ids.__getitem__, ids.encode_json, hint=hint)


def string_from_json(value: Any) -> str:
    """Return a JSON value that must be a string.

    Raises:
        BadValue: it is not.

    >>> string_from_json("a")
    'a'
    """
    if not isinstance(value, str):
        raise BadValue(f"expected a string, got {shorten_json(value)}")
    return value


def id_from_json(value: Any) -> str:
    """Return a JSON value that must be an id: a string.

    Raises:
        BadValue: it is not.

    >>> id_from_json("007")
    '007'
    """
    if not isinstance(value, str):
        raise BadValue(f"expected a string, got {shorten_json(value)}", hint_at_number(value))
    return value


def parse_number(text: str) -> float | None:
    """Return a finite decimal number, or None; no spaces, no underscores, no names such as ``inf``.

    >>> parse_number("-2.5e1"), parse_number("1_0")
    (-25.0, None)
    """
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def parse_integer(text: str) -> int | None:
    """Return an integer of at most 40 digits, or None.

    >>> parse_integer("+7"), parse_integer("7.0")
    (7, None)
    """
    return int(text) if _INTEGER.fullmatch(text) else None


def finite_from_json(value: Any) -> float | None:
    """Return the finite number that a JSON value is, or None.

    >>> finite_from_json(3), finite_from_json("3")
    (3.0, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def weight_from_text(text: str) -> float:
    """Return the weight that a CSV field holds.

    Raises:
        BadValue: not a finite number above 0.

    >>> weight_from_text("2.5")
    2.5
    """
    weight = parse_number(text)
    if weight is None or weight <= 0:
        raise BadValue(f"expected a finite number above 0, got {shorten(text)}", _hint_at(text))
    return weight


def _hint_at(weight: str) -> str | None:
    if weight != weight.strip(" "):
        return _NO_SPACES
    if _DECIMAL_COMMA.fullmatch(weight):
        return _NO_COMMAS
    return _NO_ROW if weight.lower() in _EMPTY or parse_number(weight) is not None else None


def weight_from_json(value: Any) -> float:
    """Return the weight that a JSON value holds.

    Raises:
        BadValue: not a finite number above 0.

    >>> weight_from_json(3)
    3.0
    """
    weight = finite_from_json(value)
    if weight is None or weight <= 0:
        is_text = isinstance(value, str) and parse_number(value) is not None
        is_none = value is None or weight is not None or value != value
        hint = _NO_QUOTES if is_text else _NO_ROW if is_none else None
        raise BadValue(f"expected a finite number above 0, got {shorten_json(value)}", hint)
    return weight


def parse_timestamp(text: str, rule: TimeRule = TimeRule()) -> int:
    """Return microseconds since 1970 UTC.

    Args:
        text: an integer in the unit of the rule, or a date and time as ``parse_time`` takes them;
            digits after the sixth of a fraction are dropped.

    Raises:
        BadValue: neither.

    >>> parse_timestamp("1970-01-01T01:00:00.5+01:00"), parse_timestamp("7")
    (500000, 7000000)
    """
    if rule.unit == "s" and len(text) < 12 and text.isdecimal() and text.isascii():
        return int(text) * 1_000_000  # nearly all, and much faster
    number = parse_integer(text)
    if number is not None:
        return _from_number(number, shorten(text), rule)
    try:
        return parse_time(text, rule.zone)
    except ValueError:
        raise BadValue(f"{_time_rule(rule)}, got {shorten(text)}", _hint_at_time(text)) from None


def _time_rule(rule: TimeRule) -> str:
    return f"expected integer {UNITS[rule.unit].name} or an RFC 3339 time"


def _hint_at_time(text: str) -> str:
    """Return what helps with a text that is no time without a zone named."""
    if text != text.strip(" "):
        return _NO_SPACES
    if text.lower() in _EMPTY:
        return _NO_TIME
    if parse_number(text) is not None and not text.isdecimal():
        return NO_DECIMALS
    try:
        parse_time(text, timezone.utc)
    except ValueError:
        return _OTHER_TIMES
    return NO_ZONE


def _from_number(number: int, shown: str, rule: TimeRule) -> int:
    microseconds = UNITS[rule.unit].microseconds(number)
    if microseconds is not None:
        return microseconds
    meant = plausible_unit(number)
    other = f" --timestamp-unit {meant} reads {UNITS[meant].name}" if meant else ""
    if rule.unit == "s":
        hint = "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds?"
    else:
        hint = f"{UNITS[rule.unit].name} of the years 1971 to 2100 are expected;"
    raise BadValue(f"{_time_rule(rule)}, got {shown}", hint + other)


def timestamp_from_json(value: Any, rule: TimeRule = TimeRule()) -> int:
    """Return microseconds since 1970 UTC.

    Args:
        value: an integer, or a text as for ``parse_timestamp``.

    Raises:
        BadValue: neither.

    >>> timestamp_from_json(7)
    7000000
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_number(value, shorten_json(value), rule)
    if isinstance(value, str):
        return parse_timestamp(value, rule)
    hint = _NO_TIME if value is None else NO_DECIMALS if finite_from_json(value) else None
    raise BadValue(f"{_time_rule(rule)}, got {shorten_json(value)}", hint)


def format_timestamp(microseconds: int, in_seconds: bool) -> str:
    """Return the text of a timestamp that ``parse_timestamp`` reads back.

    Args:
        microseconds: since 1970 UTC.
        in_seconds: write integer seconds; otherwise RFC 3339 in UTC with six digits of fraction.

    >>> format_timestamp(1_500_000, in_seconds=False)
    '1970-01-01T00:00:01.500000Z'
    """
    if in_seconds:
        return format_number(microseconds // 1_000_000)
    return format_rfc_3339(microseconds)

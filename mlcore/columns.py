"""Columns from Python as ids, weights and times: lists, arrays, and what ``frames`` takes out of frames."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from datetime import date, datetime, timezone, tzinfo
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import numpy as np

from mlcore.errors import DataError, shorten
from mlcore.ids import NUMBER_HINT, check_id, is_missing
from mlcore.times import MAX_SECONDS, MIN_SECONDS, UNITS, TimeRule, parse_time, plausible_unit
from mlcore.types import Float64Array, Int32Array, Int64Array

__all__ = [
    "Column",
    "Encoded",
    "Ids",
    "as_list",
    "encode_frame_ids",
    "encode_ids",
    "time_of",
    "times_of",
    "weights_of",
]

Ids: TypeAlias = Literal["as_text"]
# The number of each value, and the number of each id by first appearance.
Encoded: TypeAlias = tuple[Int32Array, dict[str, int]]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TEXT_HINT = 'ids="as_text" takes integers, categories and UUIDs by their text, 7 as "7"'
_TIME_HINT = 'such as 1767225600, datetime.now(timezone.utc) or "2026-01-01T00:00:00Z"'
_NO_TEXT_HINT = "make texts of other values before"
_CATEGORIES = ("category", "Categorical", "Enum", "dictionary", "ENUM")


class Column(NamedTuple):
    """Values of a frame, the type that its library names, and the zone of naive datetimes if known."""

    values: Iterable[Any]
    type: str
    zone: tzinfo | None = None


def encode_ids(name: str, column: Iterable[Any], hint: str = NUMBER_HINT) -> Encoded:
    """Return a number for each value, (E,) int32, and the number of each id by first appearance.

    Args:
        hint: how to make strings of other values.

    Raises:
        DataError: a value is no id; the message names column and row, counted from 0.

    >>> encode_ids("user_ids", ["b", "a", "b"])[0].tolist()
    [0, 1, 0]
    """
    values = as_list(column, name)
    index: dict[str, int] = {}
    for row, value in enumerate(values):
        if not isinstance(value, str) or value not in index:
            index[check_id(f"{name}[{row}]", value, hint)] = len(index)
    return np.fromiter(map(index.__getitem__, values), np.int32, len(values)), index


def encode_frame_ids(name: str, column: Column, ids: Ids | None) -> Encoded:
    """Do as ``encode_ids`` for a column of a frame.

    Args:
        ids: ``as_text`` takes integers, categories and UUIDs by their text.

    Raises:
        DataError: a value is no id, or the column has categories and nobody asked for their text.

    >>> encode_frame_ids("user", Column([7, 7], "int64"), "as_text")[1]
    {'7': 0}
    """
    if ids == "as_text":
        return encode_ids(name, map(_text_of, as_list(column.values)), _NO_TEXT_HINT)
    if column.type.startswith(_CATEGORIES):
        got = shorten(column.type, 20)[1:-1]
        raise DataError(f"{name}: expected a column of strings, got one of type {got}", _TEXT_HINT)
    return encode_ids(name, column.values, _TEXT_HINT)


def _text_of(value: object) -> object:
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(int(value))
    return str(value) if isinstance(value, UUID) else value


def weights_of(name: str, column: Iterable[Any]) -> Float64Array:
    """Return the weights, (E,) float64.

    Raises:
        DataError: a value is not a finite number above 0.

    >>> weights_of("weights", [1, 2.5]).tolist()
    [1.0, 2.5]
    """
    values = as_list(column, name)
    result = np.ones(len(values))
    for row, value in enumerate(values):
        try:
            if isinstance(value, (bool, np.bool_, str)):
                raise ValueError
            result[row] = value
        except (TypeError, ValueError, OverflowError):
            raise _bad_weight(f"{name}[{row}]", value) from None
    wrong = np.flatnonzero(~(np.isfinite(result) & (result > 0)))
    if len(wrong):
        raise _bad_weight(f"{name}[{wrong[0]}]", values[wrong[0]])
    return result


def _bad_weight(place: str, value: object) -> DataError:
    hint = None
    if is_missing(value):
        hint = "leave out rows without a weight, or fill them in"
    elif isinstance(value, str):
        hint = "make numbers of texts"
    return DataError(f"{place}: expected a finite number above 0, got {shorten(value)}", hint)


def times_of(name: str, column: Iterable[Any], rule: TimeRule = TimeRule()) -> Int64Array:
    """Return microseconds since 1970 UTC, (E,) int64.

    Args:
        column: integers in the unit of the rule, datetimes, dates, or texts as ``parse_time`` takes
            them; what is finer than a microsecond is dropped.
        rule: with the zone of times without one; of an hour that comes twice they are the first.

    Raises:
        DataError: a value is none of these, or has no zone and the rule names none.

    >>> times_of("timestamps", [7, "1970-01-01T00:00:01Z"]).tolist()
    [7000000, 1000000]
    """
    known = _known_times(column, rule)
    if known is not None:
        return known
    result: list[int] = []
    try:
        for value in as_list(column, name):
            result.append(_microseconds(value, rule))
    except DataError as fault:
        raise DataError(f"{name}[{len(result)}]: {fault}", fault.hint) from None
    return np.array(result, np.int64)


def time_of(name: str, value: Any) -> int:
    """Return microseconds since 1970 UTC.

    Args:
        value: integer seconds since 1970 UTC, a datetime with a zone, or a text of RFC 3339.

    Raises:
        DataError: anything else.

    >>> time_of("now", "1970-01-01T00:00:01Z")
    1000000
    """
    try:
        return int(times_of("", [value])[0])
    except DataError as fault:
        raise DataError(f"{name}: {str(fault).removeprefix('[0]: ')}", _TIME_HINT) from None


def _known_times(column: object, rule: TimeRule) -> Int64Array | None:
    """Return the times of an array without a fault, many times faster than one by one."""
    if not isinstance(column, np.ndarray) or np.ma.is_masked(column):
        return None
    if column.dtype.kind == "M" and rule.zone is timezone.utc and not np.isnat(column).any():
        times: Int64Array = column.astype("datetime64[us]").astype(np.int64)
        seconds = times // 1_000_000
        return times if ((seconds >= MIN_SECONDS) & (seconds <= MAX_SECONDS)).all() else None
    if column.dtype.kind != "i":
        return None
    unit, values = UNITS[rule.unit], column.astype(np.int64)
    if not ((values >= unit.least) & (values <= unit.greatest)).all():
        return None
    if unit.per_second > 1_000_000:
        return values // (unit.per_second // 1_000_000)
    return values * (1_000_000 // unit.per_second)


def _microseconds(value: Any, rule: TimeRule) -> int:
    result = None
    # Most are int, and asking for numbers.Integral is slow.
    if type(value) is int or isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return _from_number(int(value), rule)
    if isinstance(value, date) and value == value:  # pandas.NaT is a datetime too
        result = _since_epoch(value, rule.zone)
    elif isinstance(value, str):
        result = _from_text(value, rule.zone)
    if result is None or not MIN_SECONDS <= result // 1_000_000 <= MAX_SECONDS:
        raise _no_time(value, rule)
    return result


def _no_time(value: object, rule: TimeRule, hint: str | None = None) -> DataError:
    unit = UNITS[rule.unit].name
    if is_missing(value):
        hint = "leave out rows without a time"
    elif isinstance(value, float):
        hint = "make integers of floats"
    return DataError(
        f"expected integer {unit}, a datetime or an RFC 3339 time, got {shorten(value)}", hint
    )


def _from_number(number: int, rule: TimeRule) -> int:
    result = UNITS[rule.unit].microseconds(number)
    if result is None:
        meant = plausible_unit(number)
        years = "1 to 9999" if rule.unit == "s" else "1971 to 2100"
        hint = f"{UNITS[rule.unit].name} of the years {years} are expected"
        hint += f'; timestamp_unit="{meant}" reads {UNITS[meant].name}' if meant else ""
        raise _no_time(number, rule, hint)
    return result


def _from_text(text: str, zone: tzinfo | None) -> int | None:
    try:
        return parse_time(text, zone)
    except ValueError:
        pass
    try:
        parse_time(text, timezone.utc)
    except ValueError:
        return None
    raise _no_zone(text)


def _no_zone(value: object) -> DataError:
    return DataError(
        f"expected a time with its zone, got {value}",
        'timezone="UTC", or the name of another zone, says what times without one mean',
    )


def _since_epoch(value: date, zone: tzinfo | None) -> int:
    moment = value
    if not isinstance(moment, datetime):
        moment = datetime(value.year, value.month, value.day)
    if moment.utcoffset() is None:
        if zone is None:
            raise _no_zone(value)
        moment = moment.replace(tzinfo=zone)
    since = moment - _EPOCH  # // timedelta(microseconds=1), several times faster
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def as_list(column: Iterable[Any], name: str = "column") -> list[Any]:
    """Return Python objects: of numpy arrays and of columns of any library, faster than one by one.

    Raises:
        DataError: it is a single value, a frame, or nothing to iterate over.

    >>> as_list(np.array([1, 2]))
    [1, 2]
    """
    if hasattr(type(column), "columns"):  # a frame, which is an iterable of names
        raise DataError(f"{name}: expected a list or an array, got {type(column).__name__}")
    is_one = isinstance(column, bytes) or getattr(column, "ndim", 1) == 0
    if isinstance(column, np.ndarray) and column.dtype.kind == "M":
        column = column.astype("datetime64[us]")  # finer ones would become integers
    # numpy, pandas and polars convert to Python objects much faster than iteration.
    for method in ("to_pylist", "tolist", "to_list"):
        if hasattr(column, method) and not is_one:
            return list(getattr(column, method)())
    if is_one or not isinstance(column, Iterable):
        raise DataError(f"{name}: expected a list or an array, got {shorten(column)}")
    return list(column)

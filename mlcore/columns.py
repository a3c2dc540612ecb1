"""Columns from Python as ids, weights and times: lists, arrays, and what ``frames`` takes out of frames."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from datetime import date, datetime, timezone, tzinfo
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from mlcore.errors import ConfigError, DataError, shorten
from mlcore.ids import NUMBER_HINT, check_id
from mlcore.times import MAX_SECONDS, MIN_SECONDS, parse_rfc_3339
from mlcore.types import Float64Array, Int32Array, Int64Array

__all__ = [
    "Column",
    "Ids",
    "as_list",
    "encode_frame_ids",
    "encode_ids",
    "times_of",
    "weights_of",
]

Ids: TypeAlias = Literal["as_text"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TIME_RULE = "expected integer seconds, a datetime or an RFC 3339 time"
_TEXT_HINT = 'ids="as_text" takes integers, categories and UUIDs by their text, 7 as "7"'
_NO_TEXT_HINT = "leave out rows without an id; make integers of floats"
_CATEGORIES = ("category", "Categorical", "Enum", "dictionary", "ENUM")


class Column(NamedTuple):
    """Values of a frame, the type that its library names, and the zone of naive datetimes if known."""

    values: Iterable[Any]
    type: str
    zone: str | None = None


def encode_ids(
    name: str, column: Iterable[Any], hint: str = NUMBER_HINT
) -> tuple[Int32Array, dict[str, int]]:
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


def encode_frame_ids(
    name: str, column: Column, ids: Ids | None
) -> tuple[Int32Array, dict[str, int]]:
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
    return DataError(f"{place}: expected a finite number above 0, got {shorten(value)}")


def times_of(name: str, column: Iterable[Any], zone_name: str | None = None) -> Int64Array:
    """Return microseconds since 1970 UTC, (E,) int64.

    Args:
        column: integer seconds, datetimes, dates, or texts of RFC 3339; what is finer than a
            microsecond is dropped.
        zone_name: of datetimes and dates without a zone, such as ``Europe/Berlin``; of an hour that
            comes twice they are the first.

    Raises:
        DataError: a value is none of these, or has no zone and ``zone_name`` is None.
        ConfigError: there is no such zone.

    >>> times_of("timestamps", [7, datetime(1970, 1, 1, 1)], "Europe/Berlin").tolist()
    [7000000, 0]
    """
    zone = None if zone_name is None else _zone(zone_name)
    known = _known_times(column, zone)
    if known is not None:
        return known
    result: list[int] = []
    try:
        for value in as_list(column, name):
            result.append(_microseconds(value, zone))
    except DataError as fault:
        raise DataError(f"{name}[{len(result)}]: {fault}", fault.hint) from None
    return np.array(result, np.int64)


def _known_times(column: object, zone: tzinfo | None) -> Int64Array | None:
    """Return the times of an array without a fault, many times faster than one by one."""
    if not isinstance(column, np.ndarray) or np.ma.is_masked(column):
        return None
    seconds: Int64Array
    if column.dtype.kind == "M" and zone is timezone.utc and not np.isnat(column).any():
        times = column.astype("datetime64[us]").astype(np.int64)
        seconds = times // 1_000_000
    elif column.dtype.kind == "i":
        seconds = column.astype(np.int64)
        times = seconds * 1_000_000  # what overflows is out of range
    else:
        return None
    return times if ((seconds >= MIN_SECONDS) & (seconds <= MAX_SECONDS)).all() else None


def _zone(name: object) -> tzinfo:
    try:
        if isinstance(name, str):
            return timezone.utc if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder, no path within the folder, no such file
        pass
    raise ConfigError(f"timezone: expected a name such as 'Europe/Berlin', got {shorten(name)}")


def _microseconds(value: Any, zone: tzinfo | None) -> int:
    result = None
    if type(value) is int:  # most are, and asking for numbers.Integral is slow
        result = value * 1_000_000
    elif isinstance(value, date) and value == value:  # pandas.NaT is a datetime too
        result = _since_epoch(value, zone)
    elif isinstance(value, str):
        try:
            result = parse_rfc_3339(value)
        except ValueError:
            pass
    elif isinstance(value, numbers.Integral) and not isinstance(value, bool):
        result = int(value) * 1_000_000
    if result is None or not MIN_SECONDS <= result // 1_000_000 <= MAX_SECONDS:
        hint = "seconds of the years 1 to 9999 are expected; is this another unit?"
        raise DataError(f"{_TIME_RULE}, got {shorten(value)}", hint if result else None)
    return result


def _since_epoch(value: date, zone: tzinfo | None) -> int:
    moment = value
    if not isinstance(moment, datetime):
        moment = datetime(value.year, value.month, value.day)
    if moment.utcoffset() is None:
        if zone is None:
            raise DataError(
                f"expected a time with its zone, got {value}",
                'timezone="UTC", or the name of another zone, says what times without one mean',
            )
        moment = moment.replace(tzinfo=zone)
    since = moment - _EPOCH  # // timedelta(microseconds=1), several times faster
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def as_list(column: Iterable[Any], name: str = "column") -> list[Any]:
    """Return Python objects: of numpy arrays and of columns of any library, faster than one by one.

    Raises:
        DataError: it cannot be iterated over.

    >>> as_list(np.array([1, 2]))
    [1, 2]
    """
    if isinstance(column, np.ndarray) and column.dtype.kind == "M":
        column = column.astype("datetime64[us]")  # finer ones would become integers
    # numpy, pandas and polars convert to Python objects much faster than iteration.
    for method in ("to_pylist", "tolist", "to_list"):
        if hasattr(column, method):
            return list(getattr(column, method)())
    if not isinstance(column, Iterable):
        raise DataError(f"{name}: expected a list or an array, got {shorten(column)}")
    return list(column)

"""Columns from Python as ids, weights and times: lists, arrays, and the columns of data frames.

Values pass through Python objects, so that a frame of any library is read by the same rules, with
nothing but that library.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timezone, tzinfo
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from mlcore.errors import ConfigError, DataError, MlcoreError, shorten
from mlcore.ids import NUMBER_HINT, check_id
from mlcore.times import MAX_SECONDS, MIN_SECONDS, parse_rfc_3339
from mlcore.types import Float64Array, Int32Array, Int64Array

__all__ = [
    "Column",
    "Ids",
    "column_names",
    "encode_frame_ids",
    "encode_ids",
    "frame_columns",
    "open_frame",
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
    values = _as_list(column, name)
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
        return encode_ids(name, map(_text_of, _as_list(column.values)), _NO_TEXT_HINT)
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
    values = _as_list(column, name)
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
        for value in _as_list(column, name):
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


def open_frame(frame: Any) -> Any:
    """Return a frame whose columns can be read; of what only has an Arrow C stream, by pyarrow.

    Raises:
        DataError: it is no frame, or not in memory.
        MlcoreError: pyarrow is needed and not installed.
    """
    if _has(frame, "fetchnumpy"):  # of DuckDB
        return frame
    if _has(frame, "collect"):  # of polars' LazyFrame and Spark
        raise _no_frame(frame, "collect() reads a lazy frame, toPandas() one of Spark")
    if hasattr(frame, "columns") and _has(frame, "__getitem__"):
        return frame
    if not _has(frame, "__arrow_c_stream__"):
        raise _no_frame(frame, "Interactions.from_columns takes lists and arrays")
    try:
        import pyarrow
    except ImportError:
        raise MlcoreError(
            f"frame: expected pyarrow to read {type(frame).__name__}, got no such package",
            "pip install pyarrow",
        ) from None
    return pyarrow.table(frame)


def _has(frame: object, name: str) -> bool:
    # In pandas, any column is an attribute of the frame.
    return hasattr(type(frame), name)


def _no_frame(frame: object, hint: str) -> DataError:
    return DataError(
        "frame: expected a DataFrame of pandas or polars, a pyarrow.Table or a DuckDB relation, "
        f"got {shorten(type(frame).__name__)[1:-1]}",
        hint,
    )


def column_names(frame: Any) -> list[Any]:
    """Return the names of the columns of an opened frame."""
    # In pyarrow, ``columns`` are the data.
    return list(frame.column_names if _has(frame, "column_names") else frame.columns)


def frame_columns(frame: Any, names: Sequence[str]) -> list[Column]:
    """Return the named columns of a frame.

    Raises:
        DataError: there is no such column, or several.
    """
    there = column_names(frame)
    for name in names:
        if there.count(name) != 1:
            shown = ", ".join(map(repr, there)) or "none"
            hint = "user=, item=, weight= and time= name the columns"
            if name in getattr(getattr(frame, "index", None), "names", ()):
                hint = "reset_index() makes columns of an index"
            raise DataError(f"frame: expected one column {shorten(name)}, got {shown}", hint)
    if _has(frame, "fetchnumpy"):
        return _from_duckdb(frame, names)
    return [_from_series(frame[name]) for name in names]


def _from_duckdb(relation: Any, names: Sequence[str]) -> list[Column]:
    # One query: the order of rows may differ between two.
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    arrays = relation.project(", ".join(quoted)).fetchnumpy()
    types = dict(zip(relation.columns, map(str, relation.types)))
    return [
        Column(arrays[name], types[name], "UTC" if "WITH TIME ZONE" in types[name] else None)
        for name in names
    ]


def _from_series(series: Any) -> Column:
    # Of pyarrow or of others; in pandas, any label of the index is an attribute of the series.
    is_arrow = not hasattr(series, "dtype")
    kind = str(series.type if is_arrow else series.dtype)
    # As an array, in UTC if they have a zone: objects are slow, and have no nanoseconds.
    if kind.startswith("datetime64"):  # of pandas
        return Column(series.to_numpy("datetime64[us]"), kind, "UTC" if "," in kind else None)
    if kind.startswith("Datetime("):  # of polars
        return Column(series.to_numpy(), kind, "UTC" if series.dtype.time_zone else None)
    if is_arrow and kind.startswith("timestamp["):
        return Column(np.asarray(series), kind, "UTC" if series.type.tz else None)
    return Column(_as_list(series), kind)


def _as_list(column: Iterable[Any], name: str = "column") -> list[Any]:
    if isinstance(column, np.ndarray) and column.dtype.kind == "M":
        column = column.astype("datetime64[us]")  # finer ones would become integers
    # numpy, pandas and polars convert to Python objects much faster than iteration.
    for method in ("to_pylist", "tolist", "to_list"):
        if hasattr(column, method):
            return list(getattr(column, method)())
    if not isinstance(column, Iterable):
        raise DataError(f"{name}: expected a list or an array, got {shorten(column)}")
    return list(column)

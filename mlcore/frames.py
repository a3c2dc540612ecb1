"""Columns out of data frames of any library.

Values pass through Python objects, so that a frame of any library is read by the same rules, with
nothing but that library.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timezone
from typing import Any, NamedTuple

import numpy as np

from mlcore.columns import (
    Column,
    Encoded,
    Ids,
    as_list,
    encode_frame_ids,
    times_of,
    weights_of,
)
from mlcore.errors import ConfigError, DataError, MlcoreError, shorten
from mlcore.times import TimeRule
from mlcore.types import Float64Array, Int64Array

__all__ = ["FrameNames", "open_frame", "read_frame"]


class FrameNames(NamedTuple):
    """The columns of a frame; None for a column that may be absent, called by its default name."""

    user: str = "user_id"
    item: str = "item_id"
    weight: str | None = None
    time: str | None = None


def read_frame(
    frame: Any, names: FrameNames, rule: TimeRule, ids: Ids | None
) -> tuple[Encoded, Encoded, Float64Array, Int64Array | None]:
    """Return users, items, weights and times of a frame, checked; see ``Interactions.from_frame``."""
    if ids not in (None, "as_text"):
        raise ConfigError(f"ids: expected 'as_text' or None, got {shorten(ids)}")
    table = open_frame(frame)
    there = column_names(table)
    user, item, weight, time = names
    weight = "weight" if weight is None and "weight" in there else weight
    time = "timestamp" if time is None and "timestamp" in there else time
    wanted = [name for name in (user, item, weight, time) if name is not None]
    columns = dict(zip(wanted, frame_columns(table, wanted)))
    users = encode_frame_ids(user, columns[user], ids)
    items = encode_frame_ids(item, columns[item], ids)
    if not len(users[0]):
        raise DataError("frame: expected at least one row, got none")
    weights, times = np.ones(len(users[0])), None
    if weight is not None:
        weights = weights_of(weight, columns[weight].values)
    if time is not None:
        column = columns[time]
        rule = rule if column.zone is None else rule._replace(zone=column.zone)
        times = times_of(time, column.values, rule)
    return users, items, weights, times


def open_frame(frame: Any) -> Any:
    """Return a frame whose columns can be read; of what only has an Arrow C stream, by pyarrow.

    Raises:
        DataError: it is no frame, or not in memory.
        MlcoreError: pyarrow is needed and not installed.
    """
    if _has(frame, "fetchnumpy"):  # of DuckDB
        if not _has(frame, "columns"):
            raise _no_frame(frame, 'sql("SELECT ...") of a connection gives a relation')
        return frame
    if isinstance(frame, (str, os.PathLike)):
        raise _no_frame(frame, "train_from_path reads files")
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
    try:
        return pyarrow.table(frame)
    except (pyarrow.ArrowException, TypeError):  # a stream of one column
        raise _no_frame(frame, "Interactions.from_columns takes lists and arrays") from None


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
            hint = "Interactions.from_frame(frame, user=, item=, weight=, time=) names the columns"
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
        Column(arrays[name], types[name], timezone.utc if "WITH TIME ZONE" in types[name] else None)
        for name in names
    ]


def _from_series(series: Any) -> Column:
    # Of pyarrow or of others; in pandas, any label of the index is an attribute of the series.
    is_arrow = not hasattr(series, "dtype")
    kind = str(series.type if is_arrow else series.dtype)
    # As an array, in UTC if they have a zone: objects are slow, and have no nanoseconds.
    if kind.startswith("datetime64"):  # of pandas
        return Column(
            series.to_numpy("datetime64[us]"), kind, timezone.utc if "," in kind else None
        )
    if kind.startswith("Datetime("):  # of polars
        return Column(series.to_numpy(), kind, timezone.utc if series.dtype.time_zone else None)
    if is_arrow and kind.startswith("timestamp["):
        return Column(np.asarray(series), kind, timezone.utc if series.type.tz else None)
    return Column(as_list(series), kind)

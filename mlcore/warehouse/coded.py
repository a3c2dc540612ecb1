"""Interactions of an engine's table: the engine codes and sorts them, and they come here as a stream.

What grows with the interactions waits in files without a name, which the arrays map: the memory that
they take is the system's to take back.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.aggregate import Aggregate
from mlcore.errors import DataError, at, shorten
from mlcore.ids import id_fault
from mlcore.interactions import Events, Interactions, no_timestamps
from mlcore.numeric.pairs import combine_pairs, sort_pairs
from mlcore.numeric.ranges import offsets
from mlcore.progress import Progress, no_progress
from mlcore.times import MAX_SECONDS, MIN_SECONDS
from mlcore.types import CsrMatrix, Float64Array, Int32Array, Int64Array
from mlcore.warehouse.engines import Engine
from mlcore.warehouse.query import Query, bundled_query, parse_query
from mlcore.warehouse.rows import Rows, num_rows
from mlcore.warehouse.tables import provide_table

__all__ = ["interactions_of_parts", "read_coded", "read_coded_events"]

_READS = "-- reads: interactions(user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL)"
_IDS = """-- {axis}s: the ids of {axis}s, in the order of their bytes.
{reads}
-- writes: {axis}s({axis}_id STRING)
-- order: {axis}_id
SELECT DISTINCT {axis}_id
FROM interactions
"""
# ROW_NUMBER counts distinct ids, not rows: Spark numbers in one task.
_CODE = f"""-- code: the interactions, with the positions of ids in place of these.
{_READS}
-- writes: interactions(user_id INT64, item_id INT64, weight FLOAT64, timestamp INT64 NULL)
-- order: user_id, item_id
WITH users AS (
  SELECT user_id, ROW_NUMBER() OVER (ORDER BY user_id) - 1 AS code
  FROM (SELECT DISTINCT user_id FROM interactions) AS those
),

items AS (
  SELECT item_id, ROW_NUMBER() OVER (ORDER BY item_id) - 1 AS code
  FROM (SELECT DISTINCT item_id FROM interactions) AS those
)

SELECT
  users.code AS user_id,
  items.code AS item_id,
  interactions.weight,
  interactions.timestamp
FROM interactions
JOIN users ON interactions.user_id = users.user_id
JOIN items ON interactions.item_id = items.item_id
"""
_CHANGED = "the table has changed between two queries"


def _query(name: str, text: str) -> Query:
    return parse_query(Path(f"{name}.sql"), text.encode())


def read_coded(
    engine: Engine, stored: str, how: Aggregate, progress: Progress = no_progress
) -> tuple[Interactions, int]:
    """Return the interactions of a table of an engine, and the number of its rows.

    An engine that materializes then has, as ``interactions``, its rows with positions in place of ids.

    Args:
        stored: what the engine calls the table.
        how: see ``Events.aggregate``.

    Raises:
        DataError: there are no rows, or a value breaks the rules of interactions.
    """
    return interactions_of_parts(*_coded(engine, stored, progress), how, stored)


def read_coded_events(engine: Engine, stored: str, progress: Progress = no_progress) -> Events:
    """Return all rows of a table of an engine, in memory.

    Raises:
        DataError: as ``read_coded``.
    """
    parts, user_ids, item_ids = _coded(engine, stored, progress)
    with at(stored):
        found = [
            (
                _codes(part, "user_id", len(user_ids)),
                _codes(part, "item_id", len(item_ids)),
                _weights(part),
                _microseconds(part),
            )
            for part in parts
            if num_rows(part)
        ]
        if not found:
            raise _no_rows()
        users, items, weights = (np.concatenate([one[axis] for one in found]) for axis in range(3))
        times = [one[3] for one in found if one[3] is not None]
        if len(times) not in (0, len(found)):
            raise _some_missing()
    return Events(
        user_ids, item_ids, users, items, weights, np.concatenate(times) if times else None
    )


def _coded(
    engine: Engine, stored: str, progress: Progress
) -> tuple[Iterator[Rows], list[str], list[str]]:
    """Return the rows with positions in place of ids, and the ids."""
    code = _query("code", _CODE)
    provide_table(engine, "interactions", code.reads["interactions"], stored)
    user_ids, item_ids = (_ids(engine, axis, stored, progress) for axis in ("user", "item"))
    query = code
    if engine.materializes:
        engine.materialize(code, {}, "interactions", progress)
        query = replace(bundled_query("read_interactions").with_integer_ids(), order=code.order)
    return engine.run(query, {}, progress=progress).parts, user_ids, item_ids


def _ids(engine: Engine, axis: str, stored: str, progress: Progress) -> list[str]:
    query = _query(f"{axis}s", _IDS.format(axis=axis, reads=_READS))
    ids: list[str] = []
    for part in engine.run(query, {}, progress=progress).parts:
        ids += part[f"{axis}_id"].tolist()
    for id_ in ids:
        fault = "expected an id, got None" if id_ is None else id_fault(id_)
        if fault is not None:
            raise DataError(f"{stored}: {axis}_id: {fault}")
    return ids


def interactions_of_parts(
    parts: Iterable[Rows],
    user_ids: Sequence[str],
    item_ids: Sequence[str],
    how: Aggregate,
    place: str,
) -> tuple[Interactions, int]:
    """Return the interactions of rows that come in the order of users, and the number of rows.

    Args:
        parts: with the columns of ``sql/read_interactions.sql``, positions in place of ids.
        place: the table, for messages.

    Raises:
        DataError: there are no rows, or a value breaks the rules of interactions.

    >>> part = {"user_id": np.array([0, 0]), "item_id": np.array([1, 0])}
    >>> part |= {"weight": np.array([2.0, 1.0]), "timestamp": np.array([None, None])}
    >>> found, count = interactions_of_parts([part], ["u"], ["a", "b"], "sum", "shop.events")
    >>> found.user_items.data.tolist(), count
    ([1.0, 2.0], 2)
    """
    with ExitStack() as files:
        columns = [_Spilled(dtype, files) for dtype in (np.int32, np.float64, np.int64)]
        return _gathered(parts, user_ids, item_ids, how, place, columns)


def _gathered(
    parts: Iterable[Rows],
    user_ids: Sequence[str],
    item_ids: Sequence[str],
    how: Aggregate,
    place: str,
    columns: Sequence[_Spilled],
) -> tuple[Interactions, int]:
    shape = len(user_ids), len(item_ids)
    items, data, times = columns
    counts, count, known = np.zeros(shape[0], np.int64), 0, set[bool]()
    for part in _whole_users(parts):
        with at(place):
            keys, weights, latest = combine_pairs(how, *_sorted_pairs(part, shape, how))
            users = keys // shape[1]  # (R,) ascending
            wrong = np.flatnonzero(~np.isfinite(weights))
            if len(wrong):
                user = shorten(user_ids[int(users[wrong[0]])])
                raise DataError(f"weight: user {user}: expected a finite sum, got Infinity")
            known.add(latest is not None)
            if len(known) > 1:
                raise _some_missing()
        counts[users[0] : users[-1] + 1] += np.bincount(users - users[0])
        items.append(keys - users * shape[1])
        data.append(weights)
        if latest is not None:
            times.append(latest)
        count += num_rows(part)
    if not count:
        with at(place):
            raise _no_rows()
    if not counts.all():
        raise DataError(f"{place}: user_id: expected rows of every user, got none of one", _CHANGED)
    matrix = CsrMatrix(offsets(counts), items.mapped(), data.mapped(), shape[1])
    has_repeats = matrix.num_entries < count
    found = Interactions(
        user_ids,
        item_ids,
        matrix,
        times.mapped() if known == {True} else None,
        how if how == "count" or has_repeats else None,
        has_repeats=has_repeats,
    )
    return found, count


class _Spilled:
    """A column that grows in a file without a name, and is mapped when it is whole."""

    def __init__(self, dtype: type[np.generic], files: ExitStack) -> None:
        self._dtype = dtype
        self._file = files.enter_context(tempfile.TemporaryFile())

    def append(self, values: npt.NDArray[Any]) -> None:
        self._file.write(np.ascontiguousarray(values, self._dtype).data)

    def mapped(self) -> npt.NDArray[Any]:
        self._file.flush()
        return np.memmap(self._file, self._dtype, "r").view(np.ndarray)  # which keeps it open


def _whole_users(parts: Iterable[Rows]) -> Iterator[Rows]:
    """Yield the same rows in parts that end with a user."""
    rest: Rows | None = None
    for part in parts:
        if not num_rows(part):
            continue
        if rest is not None:
            part = {name: np.concatenate([rest[name], part[name]]) for name in part}
        users = part["user_id"]
        end = int(np.searchsorted(users, users[-1]))
        if end:
            yield {name: values[:end] for name, values in part.items()}
        rest = {name: values[end:] for name, values in part.items()}
    if rest is not None:
        yield rest


def _sorted_pairs(
    part: Rows, shape: tuple[int, int], how: Aggregate
) -> tuple[Int64Array, Float64Array, Int64Array | None]:
    users, items = (_codes(part, name, size) for name, size in zip(("user_id", "item_id"), shape))
    times = _microseconds(part)
    if how == "last" and times is None:
        raise no_timestamps("find the last row by", "take another aggregate: sum, max or count")
    return sort_pairs(users, items, shape, _weights(part), times)


def _codes(part: Rows, name: str, num_ids: int) -> Int32Array:
    values = part[name]
    if not 0 <= values.min() <= values.max() < num_ids:
        raise DataError(f"{name}: expected the ids that were read, got others", _CHANGED)
    return values.astype(np.int32)


def _weights(part: Rows) -> Float64Array:
    weights = part["weight"]
    wrong = [value for value in weights.tolist() if value is None or not 0 < value < math.inf]
    if wrong:
        raise DataError(f"weight: expected finite numbers above 0, got {shorten(wrong[0])}")
    return weights.astype(np.float64)


def _microseconds(part: Rows) -> Int64Array | None:
    values = part["timestamp"]
    if values.dtype == object:
        num_missing = sum(value is None for value in values.tolist())
        if num_missing == len(values):
            return None
        if num_missing:
            raise _some_missing()
    seconds = values.astype(np.int64)
    wrong = seconds[(seconds < MIN_SECONDS) | (seconds > MAX_SECONDS)]
    if len(wrong):
        raise DataError(
            f"timestamp: expected seconds of the years 1 to 9999, got {wrong[0]}",
            "is this another unit, as milliseconds?",
        )
    return seconds * 1_000_000


def _no_rows() -> DataError:
    return DataError("interactions: expected at least one row, got none")


def _some_missing() -> DataError:
    return DataError("timestamp: expected values in all rows or in none, got some missing")

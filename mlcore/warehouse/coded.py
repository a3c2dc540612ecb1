"""Interactions of an engine's table: the engine codes and sorts them, and they come here as a stream.

What grows with them is in arrays as ``new_array`` makes them, which may be files that are mapped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from mlcore.aggregate import Aggregate
from mlcore.errors import DataError, at, shorten
from mlcore.files.disk_input import Part, join_parts
from mlcore.ids import id_fault
from mlcore.interactions import Events, Interactions, no_timestamps
from mlcore.numeric.pairs import combine_pairs, sort_pairs
from mlcore.progress import Progress, no_progress
from mlcore.times import MAX_SECONDS, MIN_SECONDS
from mlcore.types import Float64Array, Int32Array, Int64Array
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
_SIZE = f"""-- size: how many rows there are.
{_READS}
-- writes: size(num_rows INT64)
SELECT COUNT(*) AS num_rows
FROM interactions
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
    parts, count, ids = _coded(engine, stored, progress)
    return interactions_of_parts(parts, count, ids, how, stored, progress), count


def read_coded_events(engine: Engine, stored: str, progress: Progress = no_progress) -> Events:
    """Return all rows of a table of an engine, in memory.

    Raises:
        DataError: as ``read_coded``.
    """
    parts, count, ids = _coded(engine, stored, progress)
    if not count:
        raise _no_rows(stored)
    sizes = len(ids[0]), len(ids[1])
    with at(stored):
        found = [(*_codes(part, sizes), _weights(part), _microseconds(part)) for part in parts]
        users, items, weights = (np.concatenate([one[axis] for one in found]) for axis in range(3))
        times = [one[3] for one in found if one[3] is not None]
        if len(times) not in (0, len(found)):
            raise _some_missing()
    return Events(*ids, users, items, weights, np.concatenate(times) if times else None)


def _coded(
    engine: Engine, stored: str, progress: Progress
) -> tuple[Iterator[Rows], int, tuple[list[str], list[str]]]:
    """Return the rows with positions in place of ids, their number, and the ids."""
    code = _query("code", _CODE)
    provide_table(engine, "interactions", code.reads["interactions"], stored)
    ids = _ids(engine, "user", stored, progress), _ids(engine, "item", stored, progress)
    if engine.materializes:
        count = engine.materialize(code, {}, "interactions", progress)
        query = replace(bundled_query("read_interactions").with_integer_ids(), order=code.order)
    else:
        query, (part, *_) = code, engine.run(_query("size", _SIZE), {}, progress=progress).parts
        count = int(part["num_rows"][0])
    parts = engine.run(query, {}, progress=progress).parts
    return (part for part in parts if num_rows(part)), count, ids


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
    num_rows: int,
    ids: tuple[Sequence[str], Sequence[str]],
    how: Aggregate,
    place: str,
    progress: Progress = no_progress,
) -> Interactions:
    """Return the interactions of rows that come in the order of users, in arrays as ``new_array`` makes.

    Args:
        parts: with the columns of ``sql/read_interactions.sql``, positions in place of ids.
        num_rows: of all parts.
        ids: of users and of items, ascending.
        place: the table, for messages.

    Raises:
        DataError: a value breaks the rules of interactions, or the rows are not those of the ids.

    >>> part = {"user_id": np.array([0, 0]), "item_id": np.array([1, 0])}
    >>> part |= {"weight": np.array([2.0, 1.0]), "timestamp": np.array([None, None])}
    >>> found = interactions_of_parts([part], 2, (["u"], ["a", "b"]), "sum", "shop.events")
    >>> found.user_items.data.tolist()
    [1.0, 2.0]
    """
    if not num_rows:
        raise _no_rows(place)
    found = _combined(_whole_users(parts), ids, how, place)
    first = next(found)
    table = join_parts(
        _alike(chain([first], found), place),
        num_rows,
        ids,
        how,
        first.times is not None,
        f"take {place}, rows",
        progress,
    )
    if not np.diff(table.user_items.indptr).all():
        raise DataError(f"{place}: user_id: expected rows of every user, got none of one", _CHANGED)
    return table


def _combined(
    parts: Iterable[Rows], ids: tuple[Sequence[str], Sequence[str]], how: Aggregate, place: str
) -> Iterator[Part]:
    shape = len(ids[0]), len(ids[1])
    for part in parts:
        with at(place):
            keys, weights, times = combine_pairs(how, *_sorted_pairs(part, shape, how))
            users = keys // shape[1]  # (P,) ascending
            wrong = np.flatnonzero(~np.isfinite(weights))
            if len(wrong):
                user = shorten(ids[0][int(users[wrong[0]])])
                raise DataError(f"weight: user {user}: expected a finite sum, got Infinity")
        first = int(users[0])
        items = (keys - users * shape[1]).astype(np.int32)
        yield Part(first, np.bincount(users - first), items, weights, times)


def _alike(parts: Iterator[Part], place: str) -> Iterator[Part]:
    """Yield the same parts; refuse times in some rows alone."""
    known = set()
    for part in parts:
        known.add(part.times is not None)
        if len(known) > 1:
            with at(place):
                raise _some_missing()
        yield part


def _whole_users(parts: Iterable[Rows]) -> Iterator[Rows]:
    """Yield the same rows in parts that end with a user."""
    rest: Rows | None = None
    for part in parts:
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
    users, items = _codes(part, shape)
    times = _microseconds(part)
    if how == "last" and times is None:
        raise no_timestamps("find the last row by", "take another aggregate: sum, max or count")
    return sort_pairs(users, items, shape, _weights(part), times)


def _codes(part: Rows, sizes: tuple[int, int]) -> tuple[Int32Array, Int32Array]:
    users, items = part["user_id"], part["item_id"]
    for name, values, size in zip(("user_id", "item_id"), (users, items), sizes):
        if not 0 <= values.min() <= values.max() < size:
            raise DataError(f"{name}: expected the ids that were read, got others", _CHANGED)
    return users.astype(np.int32), items.astype(np.int32)


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


def _no_rows(place: str) -> DataError:
    return DataError(f"{place}: interactions: expected at least one row, got none")


def _some_missing() -> DataError:
    return DataError("timestamp: expected values in all rows or in none, got some missing")

"""Interactions that exceed memory: DuckDB numbers ids and sorts rows on disk, the arrays are mapped."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlcore.aggregate import Aggregate
from mlcore.errors import DataError, shorten
from mlcore.files.columns import read_columns
from mlcore.files.database import Database, import_duckdb
from mlcore.files.duckdb_input import count_valid, find_rows, number_ids
from mlcore.files.inputs import display_name
from mlcore.files.interactions import event_columns, warn_of_dates
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.parquet import parquet_rows
from mlcore.files.parts import find_parts, has_parts, kind_of
from mlcore.files.values import IdEncoder
from mlcore.interactions import Events, Interactions, combine_rows, sort_codes
from mlcore.memory.arrays import new_array
from mlcore.numeric.ranges import offsets
from mlcore.progress import Progress, no_progress
from mlcore.types import CsrMatrix, Float64Array, Int32Array, Int64Array

__all__ = ["Part", "join_parts", "read_interactions_on_disk"]

_ROWS_PER_FETCH = 2**21
_TABLE = "events(user_id {0}, item_id {0}, weight DOUBLE, time BIGINT)"


def read_interactions_on_disk(
    path: PathLike,
    aggregate: Aggregate,
    input_options: InputOptions,
    *,
    folder: str,
    memory_limit: int,
    threads: int | None = None,
    progress: Progress = no_progress,
) -> tuple[Interactions, int]:
    """Return the interactions of a file, and how many rows they were: those of ``read_interactions``.

    Their arrays are as ``new_array`` makes them. Ids are in memory.

    Args:
        path: as for ``read_events``.
        folder: for what DuckDB cannot keep in memory.
        memory_limit: of DuckDB, in bytes.

    Raises:
        DataError: the first fault of the file, with its line and column.
        MlcoreError: DuckDB is not installed.
    """
    with (
        _faults(display_name(path)),
        Database(threads, memory_limit, folder, ordered=True) as database,
    ):
        loaded = _load(database, path, input_options, progress)
        interactions = _sorted(database, loaded, aggregate, display_name(path), progress)
    if interactions.timestamps is not None:
        warn_of_dates(path, input_options, interactions.timestamps)
    return interactions, loaded.num_rows


class _Loaded(NamedTuple):
    """The rows of ``events`` in a database, and the ids in order; ``user_ids`` and ``item_ids`` have codes."""

    num_rows: int
    user_ids: list[str]
    item_ids: list[str]
    has_times: bool


def _load(
    database: Database, path: PathLike, input_options: InputOptions, progress: Progress
) -> _Loaded:
    duckdb = import_duckdb()
    try:
        loaded = _load_by_duckdb(database, path, input_options, progress)
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, UnicodeError, EOFError, zlib.error):
        loaded = None  # the standard reader says what is wrong, if anything is
    return loaded or _load_by_python(database, path, input_options, progress)


def _load_by_duckdb(
    database: Database, path: PathLike, input_options: InputOptions, progress: Progress
) -> _Loaded | None:
    """Return the rows, or None if not sure of them."""
    format = input_options.format
    database.rows(f"CREATE OR REPLACE TEMP TABLE {_TABLE.format('VARCHAR')}")
    kind, num_rows, layouts = kind_of(path, format), 0, []
    for part in find_parts(path, format) if has_parts(path) else [path]:
        rows = find_rows(part, input_options, progress) if kind != "parquet" else None
        if kind == "parquet":
            columns = event_columns(input_options, IdEncoder(), IdEncoder())
            rows = parquet_rows(database, part, columns, input_options)
        if rows is None:
            return None
        layouts.append((rows.layout, display_name(part)))
        ((added,),) = database.rows(
            f"INSERT INTO events SELECT {rows.user}, {rows.item}, {rows.weight or '1'}, "
            f"{rows.time or 'NULL'} FROM {rows.table}",
            report=lambda percent: progress(
                f"load {display_name(part)}, percent", int(percent), 100
            ),
        )
        if rows.count not in (None, added):
            return None
        num_rows += added
    ((num_times,),) = database.rows("SELECT count(time) FROM events")
    present = ["user_id", "item_id", "weight", *(["time"] if num_times else [])]
    if num_rows == 0 or count_valid(database, present) != num_rows:
        return None
    user_ids, item_ids = number_ids(database, "user_id"), number_ids(database, "item_id")
    if user_ids is None or item_ids is None:
        return None
    for layout, name in layouts:
        if layout is not None:
            layout.say(name)
    return _Loaded(num_rows, user_ids, item_ids, num_times > 0)


def _load_by_python(
    database: Database, path: PathLike, input_options: InputOptions, progress: Progress
) -> _Loaded:
    database.rows(f"CREATE OR REPLACE TEMP TABLE {_TABLE.format('INTEGER')}")
    encoders, has_times, num_rows = (IdEncoder(), IdEncoder()), False, 0
    columns = event_columns(input_options, *encoders)
    for users, items, weights, times in read_columns(path, columns, input_options, progress):
        assert users is not None and items is not None
        has_times = times is not None
        part: dict[str, npt.NDArray[Any]] = {
            "user_id": np.array(users, np.int32),
            "item_id": np.array(items, np.int32),
            "weight": np.ones(len(users)) if weights is None else np.array(weights, np.float64),
            "time": np.zeros(len(users), np.int64) if times is None else np.array(times, np.int64),
        }
        database.append("events", part)
        num_rows += len(users)
    ids: list[list[str]] = []
    for name, encoder in zip(("user_ids", "item_ids"), encoders):
        sorted_ids, codes = sort_codes(encoder, np.arange(len(encoder), dtype=np.int32))
        database.rows(f"CREATE OR REPLACE TEMP TABLE {name}(id INTEGER, code INTEGER)")
        database.append(name, {"id": np.arange(len(codes), dtype=np.int32), "code": codes})
        ids.append(sorted_ids)
    return _Loaded(num_rows, ids[0], ids[1], has_times)


def _sorted(
    database: Database, loaded: _Loaded, aggregate: Aggregate, name: str, progress: Progress
) -> Interactions:
    """Return the interactions, sorted by DuckDB and combined user by user."""
    times = ", time" if loaded.has_times else ""
    database.rows(
        f"CREATE TEMP TABLE sorted AS SELECT user_ids.code AS u, item_ids.code AS i, weight{times} "
        "FROM events JOIN user_ids ON events.user_id = user_ids.id "
        "JOIN item_ids ON events.item_id = item_ids.id ORDER BY u, i",
        report=lambda percent: progress(f"sort {name}, percent", int(percent), 100),
    )
    database.rows("DROP TABLE events")
    ids = loaded.user_ids, loaded.item_ids
    parts = _combined(database, loaded, aggregate)
    num_rows, has_times = loaded.num_rows, loaded.has_times
    return join_parts(parts, num_rows, ids, aggregate, has_times, f"combine {name}, rows", progress)


def _combined(database: Database, loaded: _Loaded, aggregate: Aggregate) -> Iterator[Part]:
    for part in _whole_users(database, loaded.num_rows):
        first, last = int(part["u"][0]), int(part["u"][-1]) + 1
        users: Int32Array = part["u"] - np.int32(first)
        ids = loaded.user_ids[first:last], loaded.item_ids
        events = Events(*ids, users, part["i"], part["weight"], part.get("time"))
        yield Part(first, *combine_rows(events, aggregate))


class Part(NamedTuple):
    """The interactions of some users, one after the other.

    Attributes:
        first: position of the first user.
        lengths: (R,) interactions of each user.
        items: (P,) int32 ascending for each user.
        weights: (P,) float64.
        times: (P,) int64 microseconds, or None.
    """

    first: int
    lengths: Int64Array
    items: Int32Array
    weights: Float64Array
    times: Int64Array | None


def join_parts(
    parts: Iterable[Part],
    num_rows: int,
    ids: tuple[Sequence[str], Sequence[str]],
    aggregate: Aggregate,
    has_times: bool,
    step: str,
    progress: Progress,
) -> Interactions:
    """Return the interactions of all users, in arrays as ``new_array`` makes them.

    Args:
        parts: in order of users.
        num_rows: from which they were combined.
        ids: of users and of items, ascending.
        aggregate: how.
        has_times: whether they have times.
        step: for ``progress``, which is called with the interactions so far.
    """
    lengths, size = np.zeros(len(ids[0]), np.int64), 0
    items, weights = new_array(num_rows, np.int32), new_array(num_rows, np.float64)
    times = new_array(num_rows, np.int64) if has_times else None
    for part in parts:
        span = slice(size, size + len(part.items))
        lengths[part.first : part.first + len(part.lengths)] = part.lengths
        items[span], weights[span] = part.items, part.weights
        if times is not None:
            times[span] = part.times
        size = span.stop
        progress(step, size, num_rows)
    has_repeats = size < num_rows
    return Interactions(
        *ids,
        CsrMatrix(offsets(lengths), items[:size], weights[:size], len(ids[1])),
        None if times is None else times[:size],
        combined_by=aggregate if aggregate == "count" or has_repeats else None,
        has_repeats=has_repeats,
    )


def _whole_users(database: Database, num_rows: int) -> Iterator[dict[str, Any]]:
    """Yield the sorted rows, all of a user together."""
    rest: dict[str, Any] = {}
    for begin in range(0, num_rows, _ROWS_PER_FETCH):
        end = begin + _ROWS_PER_FETCH
        found = database.arrays(
            f"SELECT * FROM sorted WHERE rowid >= {begin} AND rowid < {end} ORDER BY rowid"
        )
        if rest:
            found = {name: np.concatenate([rest[name], some]) for name, some in found.items()}
        users = found["u"]
        whole = len(users) if end >= num_rows else int(np.searchsorted(users, users[-1]))
        if whole:
            yield {name: some[:whole] for name, some in found.items()}
        rest = {name: some[whole:] for name, some in found.items()}


@contextmanager
def _faults(name: str) -> Iterator[None]:
    """Make one line of what DuckDB lacks."""
    duckdb = import_duckdb()
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise DataError(
            f"{name}: expected enough memory to sort its rows on disk, got too little",
            "a larger --memory-limit, or more room on the disk: --temp-directory names another",
        ) from error
    except duckdb.IOException as error:
        reason = shorten(str(error).partition("\n")[0], 200)
        raise DataError(
            f"{name}: expected a disk with room to sort its rows, got {reason}",
            "--temp-directory names a folder elsewhere",
        ) from error

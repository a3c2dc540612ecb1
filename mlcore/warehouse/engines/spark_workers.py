"""What Spark's workers do in Python: the functions that they run, and what went wrong there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.aggregate import Aggregate
from mlcore.errors import DataError, MlcoreError, UnknownUserError, at
from mlcore.files.histories import histories_of
from mlcore.interactions import Events, combine_rows
from mlcore.native import is_available
from mlcore.ranked_lists import source_of
from mlcore.recommend.options import UnknownUser, Weights
from mlcore.recommend.predict import EVENTS_AT_ONCE, each_once, unknown_user_fault
from mlcore.recommend.recommender import Recommender
from mlcore.recommend.request import ListOptions, UserRequest
from mlcore.similarity.registry import open_rows
from mlcore.similarity.rows import Rows
from mlcore.version import VERSION

__all__ = [
    "combine_users",
    "find_ranges",
    "name_version",
    "version_here",
    "worker_error",
    "wrong_version",
]

PACK_ROWS = 2**17  # of the rows that go to the driver together
_ERROR = re.compile(r"^(?:mlcore\.errors\.)(\w+): (.*)$", re.MULTILINE)
_MISSING = re.compile(r"^(?:ModuleNotFoundError|ImportError): (.*)$", re.MULTILINE)
_CURE = (
    "install the same mlcore on every worker, where PYSPARK_PYTHON points, as pyspark's "
    "documentation says; or --kernel sql, whose workers need no Python"
)


def version_here() -> str:
    """Return what this process and a worker must have in common."""
    return f"mlcore {VERSION} {'with' if is_available() else 'without'} compiled kernels"


def name_version(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield the version of this worker, for each row."""
    import pyarrow

    for batch in batches:
        yield pyarrow.record_batch({"version": pyarrow.array([version_here()] * len(batch))})


def worker_error(error: Exception) -> MlcoreError | None:
    """Return the error that a worker met, if it is one for users."""
    text = str(error)
    if missing := _MISSING.search(text):
        got = f"spark: workers: expected Python with {version_here()}, got {missing[1]}"
        return MlcoreError(got, _CURE)
    found = _ERROR.findall(text)
    return DataError(found[-1][1]) if found else None


def wrong_version(found: Iterable[str]) -> MlcoreError | None:
    """Return the error of workers that differ from this process, or None."""
    others = sorted(set(found) - {version_here()})
    if not others:
        return None
    return MlcoreError(
        f"spark: workers: expected {version_here()}, as here, got {', '.join(others)}", _CURE
    )


def find_ranges(
    folder: str | None, name: str, ranges: Sequence[tuple[int, int]], batches: Iterable[Any]
) -> Iterator[Any]:
    """Yield what is kept of some ranges of rows.

    Args:
        folder: of the description, if workers share it; None for the files that Spark has sent.
        name: of the description.
        ranges: by number.
        batches: of numbers, in a column ``id``.
    """
    from pyspark import SparkFiles

    rows = _opened(str(Path(folder or SparkFiles.getRootDirectory()) / name))
    for batch in batches:
        for number in batch.column("id").to_pylist():
            kept = rows.find(*ranges[number])
            yield _record("id", number, kept._asdict())


@lru_cache(maxsize=1)
def _opened(path: str) -> Rows:
    return open_rows(Path(path))


def combine_users(aggregate: Aggregate, num_items: int, batches: Iterable[Any]) -> Iterator[Any]:
    """Yield the interactions of some users after the other, as bytes.

    Args:
        aggregate: how rows of one user and item become one.
        num_items: I.
        batches: rows in order of users, ``u``, ``i``, ``weight`` and, if there are times, ``time``.
    """
    waiting: list[dict[str, Any]] = []
    size = 0
    for batch in batches:
        waiting.append({name: values.to_numpy() for name, values in zip(batch.schema.names, batch)})
        size += batch.num_rows
        if size >= PACK_ROWS:
            rows = _joined(waiting)
            whole = int(np.searchsorted(rows["u"], rows["u"][-1]))
            if whole:
                yield _packed(aggregate, num_items, _part(rows, slice(0, whole)))
            waiting, size = [_part(rows, slice(whole, None))], size - whole
    if size:
        yield _packed(aggregate, num_items, _joined(waiting))


class _Positions(Sequence[str]):
    """The positions of items, as if they were ids."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, place: Any) -> Any:
        return f"at {place}"


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _part(rows: dict[str, Any], span: slice) -> dict[str, Any]:
    return {name: values[span] for name, values in rows.items()}


def _packed(aggregate: Aggregate, num_items: int, rows: dict[str, Any]) -> Any:
    first, last = int(rows["u"][0]), int(rows["u"][-1]) + 1
    users = (rows["u"] - first).astype(np.int32)
    # Ids are elsewhere; a message names positions.
    ids = [f"at {user}" for user in range(first, last)], _Positions(num_items)
    events = Events(*ids, users, rows["i"], rows["weight"], rows.get("time"))
    lengths, items, weights, times = combine_rows(events, aggregate)
    arrays: dict[str, npt.NDArray[Any]] = {"lengths": lengths, "items": items, "weights": weights}
    return _record("first", first, arrays if times is None else {**arrays, "times": times})


def _record(name: str, number: int, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Return a row of a number and the bytes of arrays."""
    import pyarrow

    columns = {key: pyarrow.array([a.tobytes()], pyarrow.binary()) for key, a in arrays.items()}
    return pyarrow.record_batch({name: pyarrow.array([number], pyarrow.int64()), **columns})


def rank_positions(
    folder: str | None, name: str, options: ListOptions, batches: Iterable[Any]
) -> Iterator[Any]:
    """Yield the lists of users by position, in rows.

    Args:
        folder: around the model, if workers share it; None for the files that Spark has sent.
        name: of the model directory, or what the names of its files begin with.
        options: of the lists.
        batches: of positions of users, in a column ``id``.
    """
    recommender = _recommender(folder, name)
    ids = recommender.user_ids()
    yield from _ranked(
        recommender, (ids[place] for batch in batches for place in _column(batch, "id")), options
    )


def rank_users(
    folder: str | None,
    name: str,
    options: ListOptions,
    unknown_user: UnknownUser,
    batches: Iterable[Any],
) -> Iterator[Any]:
    """Yield the lists of users by id, in rows; see ``rank_positions``.

    Args:
        unknown_user: as in ``PredictOptions``.
        batches: of ids, in a column ``user_id``.
    """
    ids = (user_id for batch in batches for user_id in _column(batch, "user_id"))
    yield from _ranked(_recommender(folder, name), ids, options, unknown_user)


def rank_events(
    folder: str | None,
    name: str,
    options: ListOptions,
    weights: Weights,
    now: int | None,
    batches: Iterable[Any],
) -> Iterator[Any]:
    """Yield the lists of the users of events, in rows; see ``rank_positions``.

    Args:
        weights: as in ``PredictOptions``.
        now: in microseconds, or None.
        batches: of events, those of a user one after the other.
    """
    recommender, fill = _recommender(folder, name), options.fill is not None
    combine = each_once(recommender.model, weights)

    def requests() -> Iterator[UserRequest]:
        for table in _whole_users(batches):
            histories = list(histories_of(Events.of(table), "events", combine))
            found = recommender.encode_histories(histories, weights, now)
            for history, (encoded, _) in zip(histories, found):
                yield UserRequest(history.user_id, encoded, fill)

    yield from _rows_of(recommender, requests(), options)


def _recommender(folder: str | None, name: str) -> Recommender:
    if folder is not None:
        return _loaded(os.path.join(folder, name))
    from pyspark import SparkFiles

    root = SparkFiles.getRootDirectory()
    model = os.path.join(root, name)
    os.makedirs(model, exist_ok=True)
    for file in os.listdir(root):
        if file.startswith(f"{name}-"):
            with suppress(FileExistsError):  # of another process, for the same model
                os.link(
                    os.path.join(root, file), os.path.join(model, file.removeprefix(f"{name}-"))
                )
    return _loaded(model)


@lru_cache(maxsize=1)
def _loaded(path: str) -> Recommender:
    return Recommender.load(path)


def _column(batch: Any, name: str) -> list[Any]:
    values: list[Any] = batch.column(name).to_pylist()
    return values


def _ranked(
    recommender: Recommender,
    user_ids: Iterable[str],
    options: ListOptions,
    unknown_user: UnknownUser = "error",
) -> Iterator[Any]:
    fill = options.fill is not None

    def requests() -> Iterator[UserRequest]:
        for user_id in user_ids:
            try:
                yield UserRequest(user_id, recommender.history_of(user_id), fill)
            except UnknownUserError:
                if unknown_user == "error":
                    with at("user_id"):
                        raise unknown_user_fault(recommender, user_id) from None
                if unknown_user == "fill":
                    yield UserRequest(user_id, recommender.encode_history([])[0], True)

    yield from _rows_of(recommender, requests(), options)


def _rows_of(
    recommender: Recommender, requests: Iterable[UserRequest], options: ListOptions
) -> Iterator[Any]:
    import pyarrow

    items = np.array(recommender.model.items.load(), object)
    sources = np.array([source_of(False), source_of(True)], object)
    for ranked in recommender.rank_requests(requests, options, threads=1):
        ranking = ranked.ranking
        lengths = np.diff(ranking.indptr)
        columns: dict[str, Any] = {
            "user_id": np.repeat(np.array(ranked.user_ids, object), lengths),
            "item_id": items[ranking.items],
            "rank": np.arange(len(ranking.items)) - np.repeat(ranking.indptr[:-1], lengths) + 1,
            "score": ranking.scores,
            "source": sources[ranking.filled.astype(np.int64)],
        }
        yield pyarrow.record_batch(
            {name: pyarrow.array(values) for name, values in columns.items()}
        )


def _whole_users(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield tables of events in order of users, all of a user together."""
    import pyarrow
    import pyarrow.compute

    rest: list[Any] = []
    size = 0
    for batch in batches:
        rest.append(pyarrow.Table.from_batches([batch]))
        size += batch.num_rows
        if size < EVENTS_AT_ONCE:
            continue
        table = pyarrow.concat_tables(rest)
        users = table.column("user_id")
        begin = pyarrow.compute.index(users, users[-1]).as_py()
        if begin:
            yield _with_times(table.slice(0, begin))
        rest, size = [table.slice(begin)], size - begin
    if size:
        yield _with_times(pyarrow.concat_tables(rest))


def _with_times(table: Any) -> Any:
    """Return events without the column of times where there are none."""
    times = table.column("timestamp")
    return table.drop_columns(["timestamp"]) if times.null_count == len(times) else table

"""What Spark's workers do in Python: the functions that they run, and what went wrong there."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mlcore.aggregate import Aggregate
from mlcore.errors import DataError, MlcoreError, at
from mlcore.files.histories import histories_of
from mlcore.interactions import Events, combine_rows
from mlcore.native import is_available
from mlcore.numeric.ranges import ragged_arange
from mlcore.ranked_lists import source_of
from mlcore.recommend.options import UnknownUser, Weights
from mlcore.recommend.predict import (
    EVENTS_AT_ONCE,
    MAX_EXAMPLES,
    each_once,
    unknown_user_fault,
)
from mlcore.recommend.ranker import RankedUsers
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
    "documentation says; cli.train --kernel sql needs none there"
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
    size, most = 0, PACK_ROWS
    for batch in batches:
        waiting.append({name: values.to_numpy() for name, values in zip(batch.schema.names, batch)})
        size += batch.num_rows
        if size >= most:
            rows = _joined(waiting)
            whole = int(np.searchsorted(rows["u"], rows["u"][-1]))
            if whole:
                yield _packed(aggregate, num_items, _part(rows, slice(0, whole)))
            waiting, size = [_part(rows, slice(whole, None))], size - whole
            most = max(PACK_ROWS, 2 * size)  # one user of many rows is not joined with each batch
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
        batches: of positions of users, one after the other, in a column ``id``.
    """
    recommender, to_rows = _opened_model(folder, name)
    for batch in batches:
        if batch.num_rows:
            first = batch.column("id")[0].as_py()
            users = first, first + batch.num_rows
            yield from recommender.map_all_users(to_rows, options, 1, users)


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
    recommender, to_rows = _opened_model(folder, name)
    find, fill = _finder(recommender, "user_id"), options.fill is not None

    def requests() -> Iterator[UserRequest]:
        for user_id in _values(batches, "user_id"):
            row = find(user_id)
            if row is not None:
                yield UserRequest(user_id, recommender.history_at(row), fill)
            elif unknown_user == "error":
                with at("user_id"):
                    raise unknown_user_fault(recommender, user_id)
            elif unknown_user == "fill":
                yield UserRequest(user_id, recommender.encode_history([])[0], True)

    yield from recommender.map_requests(to_rows, requests(), options, 1)


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
    recommender, to_rows = _opened_model(folder, name)
    combine, fill = each_once(recommender.model, weights), options.fill is not None

    def requests() -> Iterator[UserRequest]:
        for table in _whole_users(batches):
            histories = list(histories_of(Events.of(table), "events", combine))
            found = recommender.encode_histories(histories, weights, now)
            for history, (encoded, _) in zip(histories, found):
                yield UserRequest(history.user_id, encoded, fill)

    yield from recommender.map_requests(to_rows, requests(), options, 1)


def find_known(
    folder: str | None, name: str, column: Literal["user_id", "item_id"], batches: Iterable[Any]
) -> Iterator[Any]:
    """Yield an id that the model has, or some of those asked for if it has none; with whether it has.

    Args:
        column: which of the ids.
        batches: of ids in it.
    """
    import pyarrow

    find = _finder(_opened_model(folder, name)[0], column)
    others: dict[str, None] = {}
    known = None
    for id_ in _values(batches, column):
        if find(id_) is not None:
            known = id_
            break
        if len(others) < MAX_EXAMPLES:
            others[id_] = None
    ids = list(others) if known is None else [known]
    columns = {"id": pyarrow.array(ids, pyarrow.string()), "known": [known is not None] * len(ids)}
    yield pyarrow.record_batch(columns)


def is_seen(path: str, batches: Iterable[Any]) -> Iterator[Any]:
    """Yield whether this worker sees a folder, for each row."""
    import pyarrow

    for batch in batches:
        yield pyarrow.record_batch({"seen": pyarrow.array([os.path.isdir(path)] * len(batch))})


def _finder(recommender: Recommender, column: str) -> Callable[[str], int | None]:
    """Return what finds positions of ids: of users without a table of all, which may be many."""
    if column == "item_id":
        return recommender.model.items.position
    return partial(_position, recommender.users().load())


def _position(ids: Sequence[str], id_: str) -> int | None:
    place = bisect_left(ids, id_)
    return place if place < len(ids) and ids[place] == id_ else None


def _opened_model(
    folder: str | None, name: str
) -> tuple[Recommender, Callable[[RankedUsers], Any]]:
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
def _loaded(path: str) -> tuple[Recommender, Callable[[RankedUsers], Any]]:
    """Return a model, and what makes rows of its lists."""
    import pyarrow

    recommender = Recommender.load(path)
    items = pyarrow.array(recommender.model.items.load(), pyarrow.string())
    sources = pyarrow.array([source_of(False), source_of(True)])

    def to_rows(ranked: RankedUsers) -> Any:
        ranking = ranked.ranking
        lengths = np.diff(ranking.indptr)
        users = pyarrow.array(ranked.user_ids, pyarrow.string())
        columns: dict[str, Any] = {
            "user_id": users.take(pyarrow.array(np.repeat(np.arange(len(lengths)), lengths))),
            "item_id": items.take(pyarrow.array(ranking.items)),
            "rank": pyarrow.array(ragged_arange(np.ones_like(lengths), lengths)),
            "score": pyarrow.array(ranking.scores),
            "source": sources.take(pyarrow.array(ranking.filled.astype(np.int8))),
        }
        return pyarrow.record_batch(columns)

    return recommender, to_rows


def _values(batches: Iterable[Any], name: str) -> Iterator[str]:
    for batch in batches:
        yield from batch.column(name).to_pylist()


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

"""What Spark's workers do in Python: the functions that they run, and what went wrong there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.aggregate import Aggregate
from mlcore.errors import DataError, MlcoreError
from mlcore.interactions import Events, combine_rows
from mlcore.native import is_available
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

PACK_ROWS = 2**20  # of the rows that go to the driver together
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

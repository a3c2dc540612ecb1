"""Training on Spark whose workers run our kernel: the same model as without an engine.

Spark reads the table, numbers the ids and sorts the rows by user; its workers combine the rows of each
user and item. What comes of that goes to files that this process maps, and from them the layout that
the kernel reads. Workers map it, too, find ranges of rows of like work, and send back what is kept of
each. So nothing here is in memory that grows with interactions or pairs, and Spark joins no rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlcore.aggregate import Aggregate
from mlcore.errors import DataError, MlcoreError
from mlcore.files.disk_input import Part, join_parts
from mlcore.files.duckdb_input import GREATEST_TIME, LEAST_TIME
from mlcore.ids import id_fault
from mlcore.interactions import Interactions
from mlcore.progress import Progress, no_progress
from mlcore.similarity.rows import Kept, Rows, cut_rows, save_rows
from mlcore.warehouse.engines.spark import Spark
from mlcore.warehouse.engines.spark_workers import (
    combine_users,
    find_ranges,
    name_version,
    wrong_version,
)

__all__ = ["SparkRows", "check_interactions", "read_by_spark", "why_not_compiled"]

RANGES_PER_CORE = 8  # so that cores end at about the same time
RESULT_BYTES = 2**23  # of a range, at most: that much of a result is in memory
ROWS_PER_TASK = 2**20  # that are sorted and combined together
_MICROSECONDS = 1_000_000
_KEPT = "id bigint, sizes binary, columns binary, values binary"
_PACKED = "first bigint, lengths binary, items binary, weights binary"
_LOW_BITS = 33  # of monotonically_increasing_id: the row in its partition


def why_not_compiled(engine: Spark) -> MlcoreError | None:
    """Return why the workers cannot run our kernel, or None: each is asked."""
    session = engine.session
    number = 2 * session.sparkContext.defaultParallelism
    try:
        numbers = session.range(0, number, 1, number)
        frame = engine.on_workers(numbers, name_version, "version string")
        found = engine.job("spark: workers", "look for mlcore on the workers", frame.collect)
    except MlcoreError as error:
        return error
    return wrong_version(row["version"] for row in found)


class SparkRows:
    """Finds rows of w on the workers, range by range.

    A worker that is lost has its ranges found again by others. Results wait on the disks of the workers,
    and come here one by one.

    Args:
        folder: where the arrays are that this process maps.
        is_shared: whether workers see the folder by this path; else Spark sends them its files, once
            to each worker.
    """

    def __init__(
        self, engine: Spark, folder: str, is_shared: bool, progress: Progress = no_progress
    ) -> None:
        self._engine, self._folder, self._is_shared = engine, folder, is_shared
        self._progress = progress

    def __call__(self, rows: Rows) -> Iterator[Kept]:
        """Yield what is kept of all rows, in order."""
        session = self._engine.session
        names = save_rows(rows, Path(self._folder))
        if not self._is_shared:
            self._engine.send({name: os.path.join(self._folder, name) for name in names})
        work = rows.work()
        number = max(RANGES_PER_CORE * session.sparkContext.defaultParallelism, 1)
        number = max(number, len(work) * rows.most_kept() * 8 // RESULT_BYTES)
        ranges = cut_rows(work, number)
        find = partial(find_ranges, self._folder if self._is_shared else None, names[0], ranges)
        numbers = session.range(0, len(ranges), 1, len(ranges))
        frame = self._engine.on_workers(numbers, find, _KEPT)
        for expected, row in enumerate(
            self._engine.stored_rows(
                frame, "spark: workers", "compare items, ranges", self._progress
            )
        ):
            assert row["id"] == expected, f"range {row['id']} in place of {expected}"
            yield Kept(
                np.frombuffer(row["sizes"], np.int64),
                np.frombuffer(row["columns"], np.int32),
                np.frombuffer(row["values"], np.float32),
            )


class _Numbered(NamedTuple):
    """The ids of a column in order, and a frame of ids and their positions."""

    ids: list[str]
    frame: Any


def read_by_spark(
    engine: Spark, frame: Any, place: str, aggregate: Aggregate, progress: Progress = no_progress
) -> tuple[Interactions, int]:
    """Return the interactions of a table, and how many rows it has.

    Args:
        frame: with the columns of ``sql/read_interactions.sql``.
        place: of the table, for messages.
        aggregate: how rows of one user and item become one.

    Raises:
        DataError: there are no rows, or a value breaks the rules of interactions.
    """
    num_rows, has_times = check_interactions(engine, frame, place, progress)
    with ExitStack() as stack:
        users, items = (
            _number(engine, frame, name, place, stack) for name in ("user_id", "item_id")
        )
        return (
            _read(engine, frame, (users, items), num_rows, has_times, place, aggregate, progress),
            num_rows,
        )


def _read(
    engine: Spark,
    frame: Any,
    ids_of: tuple[_Numbered, _Numbered],
    num_rows: int,
    has_times: bool,
    place: str,
    aggregate: Aggregate,
    progress: Progress,
) -> Interactions:
    """Return the interactions of a frame whose ids are numbered."""
    users, items = ids_of
    time = [f"timestamp * {_MICROSECONDS} AS time"] if has_times else []
    coded = (
        frame.join(users.frame.selectExpr("id AS user_id", "code AS u"), "user_id")
        .join(items.frame.selectExpr("id AS item_id", "code AS i"), "item_id")
        .selectExpr("u", "i", "weight", *time)
    )
    number = max(num_rows // ROWS_PER_TASK, engine.session.sparkContext.defaultParallelism)
    users_each = len(users.ids) // number + 1
    coded = _by_range(coded, number, users_each).sortWithinPartitions("u", "i")
    combine = partial(combine_users, aggregate, len(items.ids))
    packed = engine.on_workers(coded, combine, _PACKED + (", times binary" if has_times else ""))
    found = engine.stored_rows(packed, place, "sort interactions, tasks", progress)
    step = f"take {place}, rows"
    ids = users.ids, items.ids
    parts = map(_part_of, found)
    return join_parts(parts, num_rows, ids, aggregate, has_times, step, progress)


def _by_range(frame: Any, number: int, users_each: int) -> Any:
    """Return a frame in partitions, each of the users after those of the one before."""
    if hasattr(frame, "repartitionById"):  # since Spark 4.1; it need not look for bounds first
        frame = frame.selectExpr("*", f"int(u DIV {users_each}) AS part")
        return frame.repartitionById(number, "part").drop("part")
    return frame.repartitionByRange(number, "u")


def _part_of(row: Any) -> Part:
    times = np.frombuffer(row["times"], np.int64) if "times" in row else None
    return Part(
        row["first"],
        np.frombuffer(row["lengths"], np.int64),
        np.frombuffer(row["items"], np.int32),
        np.frombuffer(row["weights"], np.float64),
        times,
    )


def _on_disk() -> Any:
    from pyspark import StorageLevel

    return StorageLevel.MEMORY_AND_DISK


def check_interactions(
    engine: Spark, frame: Any, place: str, progress: Progress = no_progress
) -> tuple[int, bool]:
    """Return the number of rows, and whether they have times.

    Raises:
        DataError: there are no rows, or a time breaks a rule.
    """
    measures = frame.selectExpr(
        "count(*) AS num_rows",
        "count(timestamp) AS times",
        "min(timestamp) AS least",
        "max(timestamp) AS greatest",
    )
    found = engine.job(place, "check interactions", measures.collect, progress)[0]
    if not found["num_rows"]:
        raise DataError(f"{place}: interactions: expected at least one row, got none")
    if found["times"] not in (0, found["num_rows"]):
        raise DataError(
            f"{place}: timestamp: expected values in all rows or in none, got some missing"
        )
    least, greatest = LEAST_TIME // _MICROSECONDS, GREATEST_TIME // _MICROSECONDS
    if found["times"] and not least <= found["least"] <= found["greatest"] <= greatest:
        wrong = found["least"] if found["least"] < least else found["greatest"]
        raise DataError(
            f"{place}: timestamp: expected seconds of the years 1 to 9999, got {wrong}",
            "is this another unit, as milliseconds?",
        )
    return found["num_rows"], found["times"] > 0


def _number(engine: Spark, frame: Any, name: str, place: str, stack: ExitStack) -> _Numbered:
    """Number the ids of a column in the order of their bytes; they are kept until ``stack`` ends."""
    ordered = frame.select(name).distinct().sort(name)
    ordered = ordered.selectExpr(name, "monotonically_increasing_id() AS at").persist(_on_disk())
    stack.callback(ordered.unpersist)
    step = f"number {name}s"
    sizes = engine.job(
        place,
        step,
        ordered.selectExpr(f"shiftright(at, {_LOW_BITS}) AS part").groupBy("part").count().collect,
    )
    counts = {row["part"]: row["count"] for row in sizes}
    firsts: dict[int, int] = {}
    for part in sorted(counts):
        firsts[part] = sum(counts[before] for before in firsts)
    pairs = ", ".join(f"{part}L, {first}L" for part, first in firsts.items())
    code = f"element_at(map({pairs}), shiftright(at, {_LOW_BITS})) + (at & {2**_LOW_BITS - 1})"
    numbered = ordered.selectExpr(f"{name} AS id", f"int({code}) AS code")
    table = engine.job(place, step, ordered.sort("at").select(name).toArrow)
    ids: list[str] = table.column(0).to_pylist()
    fault = next((fault for fault in map(id_fault, ids) if fault is not None), None)
    if fault is not None:
        raise DataError(f"{place}: {name}: {fault}")
    assert all(one < other for one, other in zip(ids, ids[1:])), "Spark sorts by bytes"
    return _Numbered(ids, numbered)

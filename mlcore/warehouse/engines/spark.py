"""Spark: an engine on this machine or on a cluster, of the extra ``[spark]``."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from mlcore.errors import DataError, MlcoreError, shorten
from mlcore.files.options import PathLike
from mlcore.files.parts import find_parts, fixed_folder, has_parts, partition_names
from mlcore.memory.available import format_bytes
from mlcore.progress import Progress, no_progress, waiting
from mlcore.warehouse.engines.base import (
    BoundQuery,
    Engine,
    Result,
    Rows,
    check_columns,
    has_ranks,
    rewrite_placeholders,
)
from mlcore.warehouse.engines.options import SparkOptions
from mlcore.warehouse.engines.spark_columns import (
    BATCH_ROWS,
    PARTITION,
    TYPES,
    batch_rows,
    quote_name,
    read_batches,
    select_column,
    select_result,
    to_arrow,
    to_parts,
    type_of,
)
from mlcore.warehouse.engines.spark_errors import quiet_errors, reason_of
from mlcore.warehouse.engines.spark_install import check_pandas, quiet_pandas
from mlcore.warehouse.engines.spark_session import take_session
from mlcore.warehouse.engines.spark_workers import worker_error
from mlcore.warehouse.query import Column, Query, Value

__all__ = ["Spark"]

T = TypeVar("T")

_BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"
# Let no text read a file as a table, as csv.`/etc/passwd` would, if it got so far.
_FILES = "spark.sql.runSQLOnFiles"
_TASKS = "spark.sql.shuffle.partitions"
_COALESCE = "spark.sql.adaptive.coalescePartitions.enabled"
_JOINED_ROWS_PER_TASK = 2**21  # some 20 seconds
_MOST_TASKS = 20_000  # more take the driver's memory, not time
_INFERENCE = "spark.sql.sources.partitionColumnTypeInference.enabled"  # 007 is no 7
# What a text of ours raises, see select_column.
_RAISED = re.compile(r"\[USER_RAISED_EXCEPTION\] (.*?)(?: SQLSTATE: \w+)?", re.DOTALL)
_SECONDS_TO_NOTICE = 0.2
_SECONDS_TO_END = 2
_UNKNOWN = 2**60  # statistics begin at 2^63 - 1 where Spark knows nothing


class Spark(Engine):
    """Spark, with the tables as temporary views.

    Uses the session that this process has, and leaves it open; otherwise Java starts with the engine
    and ends with it. Loaded rows are in the memory of the driver, 16 bytes for a pair of integer ids,
    and go to the workers with the tasks; for more use ``attach`` and ``attach_parquet``. The workers
    need no Python.

    Args:
        progress: called while Java starts.

    Raises:
        MlcoreError: Spark or Java is not installed, or does not start.
    """

    name = "spark"
    materializes = True
    seconds_per_joined_row = 1e-5  # an estimate: 80 core-hours for 2.8e10 rows

    def __init__(
        self, options: SparkOptions = SparkOptions(), progress: Progress = no_progress
    ) -> None:
        self._kept: dict[str, Any] = {}  # frames of results, by table
        self._checked: dict[str, str | None] = {}  # what is foreign in a text, which has the header
        with waiting(progress, "start Spark"):
            self._session, self._own = take_session(options)
            self._context = self._session.sparkContext
            # The only function that differs: md5 already gives hexadecimal digits.
            shim = "FUNCTION to_hex(digest STRING) RETURNS STRING RETURN digest"
            try:
                self._session.sql(f"CREATE OR REPLACE TEMPORARY {shim}")
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """End the session, if it is ours."""
        for table in list(self._kept if self._own is None else ()):
            self._forget(table)
        if self._own is not None:
            self._own.close()

    @property
    def version(self) -> str:
        """Of Spark."""
        return str(self._session.version)

    @property
    def session(self) -> Any:
        """The session in which queries run."""
        return self._session

    def check_catalog(self, stored: str) -> None:
        """Refuse to write a table that would be gone with the session.

        Raises:
            DataError: it would.
        """
        if self._own is not None and self._own.forgets_tables:
            raise DataError(
                f"{stored}: expected a catalog that lasts, got that of a session of our own",
                "name a catalog or a folder: --spark-conf spark.sql.warehouse.dir=..., see Spark",
            )

    def count_lists(self, name: str, is_parquet: bool) -> tuple[int, int]:
        """Return the numbers of items and of lists of a table, or of a folder of Parquet by its address."""
        read = self._session.read.parquet if is_parquet else self._session.table
        measures = "count(*)", "count_if(rank = 1)"
        row = self.job(name, "count lists", lambda: read(name).selectExpr(*measures).first())
        return int(row[0]), int(row[1])

    @property
    def is_local(self) -> bool:
        """Whether the workers are threads of this machine, which see its files."""
        return self._master_kind() == "local"

    def frame(self, query: Query) -> Any:
        """Return the data frame of a query without parameters, which has not run."""
        return self._analyzed(self._bind(query, {}))

    def typed(
        self, columns: Sequence[Column], place: str, frame: Any, partitions: Sequence[str] = ()
    ) -> Any:
        """Return a data frame with the columns of a query, whose values keep their rules.

        Args:
            place: of the rows, for messages.
            partitions: those of its columns that are names of folders.

        Raises:
            DataError: as ``attach``. A value that breaks a rule stops what uses the frame.
        """
        if has_ranks(columns, frame.columns):
            frame = frame.withColumnRenamed("rank", "position")
        found = dict(frame.dtypes) | dict.fromkeys(partitions, PARTITION)
        return frame.selectExpr(*(select_column(column, found, place) for column in columns))

    def send(self, files: Mapping[str, PathLike]) -> None:
        """Send files to the workers, once to each, who find them in ``SparkFiles`` by these names.

        They are here, as links, until this process ends: workers that come later ask for all of them.

        Args:
            files: by names that no other has in this application.
        """
        folder = tempfile.mkdtemp(prefix="mlcore-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for name, path in files.items():
            kept = os.path.join(folder, name)
            try:
                os.link(path, kept)  # of a symbolic link Spark would send the target's name
            except OSError:
                shutil.copyfile(path, kept)
            self._context.addFile(kept)

    def on_workers(
        self, frame: Any, function: Callable[[Iterable[Any]], Iterator[Any]], columns: str
    ) -> Any:
        """Return the data frame of what a function in Python makes of batches of Arrow, on the workers.

        Args:
            function: of a module that workers have, with arguments of its own bound.
            columns: as Spark's SQL has them.

        Raises:
            MlcoreError: pandas is missing, which pyspark asks for.
        """
        check_pandas()
        with quiet_pandas():
            return frame.mapInArrow(function, columns)

    def job(
        self,
        place: str,
        step: str,
        work: Callable[[], T],
        progress: Progress = no_progress,
    ) -> T:
        """Return the result of some work that Spark does. A signal cancels it.

        Args:
            place: for messages.
            step: for ``progress``, which is called with the tasks that are done.
        """
        return self._job(place, step, progress, work)[0]

    def stored_rows(
        self, frame: Any, place: str, step: str, progress: Progress = no_progress
    ) -> Iterator[Any]:
        """Yield the rows of a data frame by partition, all computed before the first comes.

        They wait on the disks of the workers, and those of a few partitions are in memory here.
        """
        from pyspark import StorageLevel

        stored = frame.persist(StorageLevel.DISK_ONLY)
        try:
            self.job(place, step, stored.count, progress)
            with self._faults(place):
                yield from stored.toLocalIterator(prefetchPartitions=True)
        finally:
            with self._faults(place):
                stored.unpersist()

    def load(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> None:
        """Make a table of rows; they go through Java as Arrow, without a file of ours."""
        rows = to_arrow(table, columns, parts)
        with self._faults(table):
            self._session.conf.set(_BATCH, batch_rows(rows))
            self._session.createDataFrame(rows).createOrReplaceTempView(quote_name(table))

    def attach(self, table: str, columns: Sequence[Column], stored: str) -> None:
        """Make a table or view of the catalog readable."""
        with self._faults(stored):
            # A view that an earlier call made would hide a table of the same name.
            self._session.catalog.dropTempView(table)
            self._view(table, columns, stored, self._session.table(stored))

    def attach_parquet(self, table: str, columns: Sequence[Column], path: str) -> None:
        """Make a Parquet file, a folder, a pattern or an address such as ``s3a://`` readable.

        On a cluster the workers read it, so it must be where they all see it.
        """
        reader, names = self._session.read, list[str]()
        parts = [path]
        if has_parts(path):  # Spark fails at a part without any bytes
            parts = list(map(str, find_parts(path, None)))
            names = partition_names(path, parts)
            reader = (
                reader.option("basePath", _escape(str(fixed_folder(path)))) if names else reader
            )
        named = [_escape(part) if os.path.exists(part) else part for part in parts]
        with self._faults(path), self._setting(_INFERENCE, "false"):
            frame = reader.parquet(*named)
            if "://" in path:
                names = _partitions_of(frame)
            self._view(table, columns, path, frame, names)

    def _find_foreign(self, query: Query) -> str | None:
        from mlcore.warehouse.engines.spark_text import find_foreign

        # Its parser answers call by call, and a query may run a thousand rounds.
        if query.text not in self._checked:
            with self._faults(query.place):
                text = rewrite_placeholders(query.text, ":")
                self._checked[query.text] = find_foreign(self._session, text, query.reads)
        return self._checked[query.text]

    def _run(self, bound: BoundQuery, order: Sequence[str]) -> Result:
        """Run a query; its rows stay with the workers, and come here a partition at a time."""
        frame = self._analyzed(bound)
        if order:
            frame = frame.orderBy(*map(quote_name, order))

        def compute() -> Any:
            batches = frame._jdf.toArrowBatchRdd()
            batches.persist(
                self._context._jvm.org.apache.spark.storage.StorageLevel.MEMORY_AND_DISK()
            )
            batches.count()
            return batches

        batches, statistics = self._run_query(bound, compute)
        return Result(bound.query.writes, self._parts(bound, batches), statistics)

    def _parts(self, bound: BoundQuery, batches: Any) -> Iterator[Rows]:
        writes = bound.query.writes
        with self._faults(bound.place):
            try:
                yield from to_parts(writes, read_batches(self._context, writes, batches))
            finally:
                batches.unpersist(False)

    def _materialize(self, bound: BoundQuery, table: str) -> int:
        """Keep the rows with the workers, who compute again what is lost."""
        from pyspark.sql.classic.dataframe import DataFrame

        def compute() -> tuple[Any, int]:
            # Without the plan: that of a query repeated on its own result would grow and grow.
            plan = self._analyzed(bound)._jdf
            rows = plan.queryExecution().toRdd()
            session = self._session._jsparkSession
            made = session.internalCreateDataFrame(rows, plan.schema(), False)
            frame = DataFrame(made, self._session).persist()
            return frame, frame.count()

        (frame, count), _ = self._run_query(bound, compute)
        self._forget(table)
        self._kept[table] = frame
        frame.createOrReplaceTempView(quote_name(table))
        return int(count)

    def _forget(self, table: str) -> None:
        if table in self._kept:
            self._kept.pop(table).unpersist()

    def _store(
        self, bound: BoundQuery, stored: str, append: bool, partition: str | None
    ) -> tuple[int, Mapping[str, Value]]:
        self.check_catalog(stored)
        columns = [select_result(column, bound.query.table) for column in bound.query.writes]
        frame = self._analyzed(bound).selectExpr(*columns)
        with self._faults(stored):
            before = 0
            if append and self._session.catalog.tableExists(stored):
                before = self._session.table(stored).count()
        writer = frame.write.mode("append" if append else "overwrite")
        writer = writer.partitionBy(partition) if partition else writer
        _, statistics = self._run_query(bound, lambda: writer.saveAsTable(stored))
        with self._faults(stored):
            return self._session.table(stored).count() - before, statistics

    def _estimate(self, bound: BoundQuery) -> str:
        """Return what Spark's optimizer knows of the run."""
        given = _size_of(self._analyzed(bound))
        sizes = {
            name: _size_of(self._session.table(quote_name(name))) for name in bound.query.reads
        }
        read = [f"{name} ({size})" for name, size in sizes.items()]
        executors = self._num_executors()
        return (
            f"spark {self.version} would run it on {self._master_kind()}, {executors} "
            f"executor{'' if executors == 1 else 's'}; by its statistics it reads "
            f"{', '.join(read) or 'nothing'} and gives {given}"
        )

    def _analyzed(self, bound: BoundQuery) -> Any:
        """Return the query as Spark has understood it, with the columns of the header."""
        from pyspark.sql.functions import col, expr

        query = bound.query
        # A literal with a type: Spark makes an int of an integer, and refuses a cast here.
        arguments = {
            name: expr(f"{value}L") if query.parameters[name].type == "INT64" else value
            for name, value in bound.values.items()
        }
        with self._faults(bound.place), self._setting(_FILES, "false"):
            self._session.conf.set(_BATCH, BATCH_ROWS)
            frame = self._session.sql(rewrite_placeholders(query.text, ":"), args=arguments)
            check_columns(query, [(name, type_of(type_)) for name, type_ in frame.dtypes])
            return frame.select(
                *(
                    col(quote_name(one.name)).cast(TYPES[one.type]).alias(one.name)
                    for one in query.writes
                )
            )

    @contextmanager
    def _setting(self, name: str, value: str) -> Iterator[None]:
        before = self._session.conf.get(name)
        self._session.conf.set(name, value)
        try:
            yield
        finally:
            self._session.conf.set(name, before)

    def _view(
        self,
        table: str,
        columns: Sequence[Column],
        place: str,
        frame: Any,
        partitions: Sequence[str] = (),
    ) -> None:
        typed = self.typed(columns, place, frame, partitions)
        typed.createOrReplaceTempView(quote_name(table))

    def _job(
        self, place: str, step: str, progress: Progress, work: Callable[[], T]
    ) -> tuple[T, dict[str, Value]]:
        """Do some work; return its result and its statistics. A signal cancels it."""
        group = f"mlcore-{uuid.uuid4().hex}"

        def grouped() -> T:
            self._context.setJobGroup(group, step, interruptOnCancel=True)
            return work()

        with self._faults(place), ThreadPoolExecutor(1) as pool:
            future = pool.submit(grouped)
            try:
                while not wait([future], _SECONDS_TO_NOTICE).done:
                    progress(step, self._count_tasks(group)["tasks"], 0)
            except BaseException:
                self._cancel(group, future)
                raise
            result = future.result()
            return result, {
                "application": str(self._context.applicationId),
                "master": self._master_kind(),
                "executors": self._num_executors(),
                **self._count_tasks(group),
            }

    def _run_query(self, bound: BoundQuery, work: Callable[[], T]) -> tuple[T, dict[str, Value]]:
        with self._tasks_for(bound):
            return self._job(bound.place, "run query, tasks", bound.progress, work)

    @contextmanager
    def _tasks_for(self, bound: BoundQuery) -> Iterator[None]:
        """Size tasks by the rows of a join: Spark sees only the bytes that go into it."""
        tasks = -(-bound.joined_rows // _JOINED_ROWS_PER_TASK)
        if tasks <= int(self._session.conf.get(_TASKS)):
            yield
            return
        with self._setting(_TASKS, str(min(tasks, _MOST_TASKS))), self._setting(_COALESCE, "false"):
            yield

    def _cancel(self, group: str, future: Future[Any]) -> None:
        # Again and again: between two jobs of a query there is none to cancel.
        while not wait([future], _SECONDS_TO_NOTICE).done:
            self._context.cancelJobGroup(group)

    def _count_tasks(self, group: str) -> dict[str, int]:
        tracker = self._context.statusTracker()
        jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
        numbers = {stage for job in jobs if job is not None for stage in job.stageIds}
        found = [tracker.getStageInfo(number) for number in numbers]
        stages = [stage for stage in found if stage is not None]
        return {
            "tasks": sum(stage.numCompletedTasks for stage in stages),
            "failed_tasks": sum(stage.numFailedTasks for stage in stages),
            "repeated_stages": sum(stage.currentAttemptId > 0 for stage in stages),
        }

    def _num_executors(self) -> int:
        infos = len(self._context._jsc.sc().statusTracker().getExecutorInfos())
        # The driver is listed among them, and is the only one on one machine.
        return infos if infos == 1 else infos - 1

    def _master_kind(self) -> str:
        return str(self._context.master).partition(":")[0].partition("[")[0]

    @contextmanager
    def _faults(self, place: str) -> Iterator[None]:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            with quiet_errors():
                yield
        except (Py4JError, PySparkException, OSError) as error:
            of_worker = worker_error(error)
            if of_worker is not None:
                raise of_worker from None
            reason = reason_of(error)
            if reason is not None:
                if own := _RAISED.fullmatch(reason):
                    raise DataError(own[1]) from None
                refusal = f"{place}: expected what spark can run, got {shorten(reason, 300)}"
                raise DataError(refusal) from None
            exit_code = self._own and self._own.exit_code(_SECONDS_TO_END)
            if exit_code is None:
                raise
            raise MlcoreError(
                f"{place}: expected Java to run until the end, got its exit code {exit_code}",
                "if memory was short: --spark-conf spark.driver.memory=8g",
            ) from None


def _escape(path: str) -> str:
    """Return a path that Spark does not take for a pattern."""
    return re.sub(r"[]{}\[*?\\]", r"\\\g<0>", path)


def _partitions_of(frame: Any) -> list[str]:
    """Return the columns that Spark found in the names of folders."""
    relation = frame._jdf.queryExecution().analyzed().relation()
    return list(relation.partitionSchema().fieldNames())


def _size_of(frame: Any) -> str:
    size = int(frame._jdf.queryExecution().optimizedPlan().stats().sizeInBytes())
    return f"at most {format_bytes(size)}" if size < _UNKNOWN else "an unknown amount"

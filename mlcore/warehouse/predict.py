"""Lists by Spark's workers: a model directory and a table of users or of events, lists in rows.

Each worker opens the model once, mapped, and ranks by the code of ``predict_from_path``: the same lists.
Memory of a task does not grow with its users, and nothing on the driver does.
"""

from __future__ import annotations

import os
import secrets
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mlcore.errors import ConfigError, DataError, DataWarning
from mlcore.files.inputs import display_name
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.parts import kind_of
from mlcore.lineage.command_run import CommandRun
from mlcore.progress import Progress, no_progress
from mlcore.recommend.filter import filter_path, note_filter, read_filter
from mlcore.recommend.limits import Limits, note_fault
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import (
    expect_histories,
    list_options,
    note_now,
    parse_now,
    unknown_users,
)
from mlcore.recommend.recommender import Recommender
from mlcore.references import none_known
from mlcore.warehouse.engines.spark import Spark
from mlcore.warehouse.engines.spark_workers import (
    find_known,
    is_seen,
    rank_events,
    rank_positions,
    rank_users,
)
from mlcore.warehouse.folders import replaced_parts
from mlcore.warehouse.query import Column, bundled_query
from mlcore.warehouse.spark_kernel import check_interactions, why_not_compiled
from mlcore.warehouse.tables import is_file, is_remote, local_path, provide_table, take_tables

__all__ = [
    "COLUMNS",
    "Asked",
    "check_options",
    "model_on_workers",
    "predict_by_spark_from_path",
    "rank_on_workers",
]

USERS_PER_TASK = 20_000
ROWS_PER_TASK = 2**20  # of events
_LISTS = "user_id string, item_id string, rank bigint, score double, source string"
_KNOWN = "id string, known boolean"
# What is read of those who are asked for.
COLUMNS = {
    "users": (Column("user_id", "STRING"),),
    "events": bundled_query("read_interactions").reads["interactions"],
}


class Asked(NamedTuple):
    """Whom the lists are for: all users of the model, or those of a data frame.

    Attributes:
        kind: of the frame, which has these of ``COLUMNS``; or ``all users`` in any frame of a session.
        place: of the frame, for messages.
    """

    kind: Literal["all users", "users", "events"]
    frame: Any
    place: str


def predict_by_spark_from_path(
    engine: Spark,
    model_dir: PathLike,
    requests: Requests,
    out: PathLike,
    options: PredictOptions = PredictOptions(),
    *,
    input_options: InputOptions = InputOptions(),
    temp_directory: PathLike | None = None,
    lineage_path: PathLike | None = None,
    progress: Progress = no_progress,
) -> str:
    """Rank on the workers, and write the lists in rows; return a summary.

    Args:
        requests: its paths are files, or what Spark calls tables.
        out: a folder of Parquet, ``lists.parquet`` or ``lists/``, which is replaced as a whole; or an
            address or a table, where nothing may be yet.
        temp_directory: a folder that workers see, where the model is; without one Spark sends it.

    Raises:
        ConfigError: rows are to explain scores, or an option is of other requests.
        DataError: a file or a table is faulty, no user is known or, if that is an error, one is not,
            workers do not see the folder, or something is at ``out``.
        MlcoreError: workers lack mlcore.
    """
    requests.check()
    expect_histories(requests, options)
    check_options(options)
    place = os.fspath(local_path(out))
    is_folder = place != os.fspath(out) or place.endswith((".parquet", "/", os.sep))
    is_folder = is_folder and not is_remote(place)
    if is_file(place) and not is_folder:
        raise DataError(
            f"{display_name(out)}: expected a table, or a folder of Parquet by a name that ends in "
            f".parquet or /, got a file",
            "without --engine cli.predict writes files",
        )
    if not is_folder and not is_remote(place):
        engine.check_catalog(place)
    if (reason := why_not_compiled(engine)) is not None:
        raise reason
    inputs: dict[str, PathLike | None] = {
        "--model-dir": model_dir,
        "--include-items": options.include_items_path,
        "--exclude-items": options.exclude_items_path,
        "--include-pairs": options.include_pairs_path,
        "--exclude-pairs": options.exclude_pairs_path,
        "--filter": filter_path(options.filter),
    }
    tables: dict[str, PathLike | None] = {
        "users": requests.users_path,
        "histories": requests.histories_path,
    }
    run = CommandRun(
        "predict", {"predictions": place} if is_folder else {}, lineage_path, engine.name
    )
    noted = options if filter_path(options.filter) is None else replace(options, filter=None)
    run.note(noted, input_options, all_users=requests.all_users)
    run.take_options(inputs)
    take_tables(run, tables, input_options.format)
    shared = model_on_workers(engine, model_dir, temp_directory)
    asked = _asked(engine, requests, input_options, progress)
    frame = rank_on_workers(engine, asked, model_dir, shared, options, input_options, progress)
    step = "recommend, tasks"
    if not is_folder:
        writer = frame.write.mode("errorifexists")
        save = writer.parquet if is_remote(place) else writer.saveAsTable
        engine.job(place, step, partial(save, place), progress)
        return _summary(engine, out, place, is_remote(place))
    read = {**inputs, **{f"--{role}": path for role, path in tables.items()}}
    with replaced_parts(Path(place), False, read, run.on_written) as folder:
        _expect_seen(engine, folder, place)
        write = frame.write.mode("append").parquet
        engine.job(place, step, partial(write, folder.resolve().as_uri()), progress)
    return _summary(engine, out, Path(place).resolve().as_uri(), True)


def _summary(engine: Spark, out: PathLike, place: str, is_parquet: bool) -> str:
    items, lists = engine.count_lists(place, is_parquet)
    shown = display_name(out)
    if not items:
        warnings.warn(f"{shown}: every list is empty", DataWarning, stacklevel=2)
    return f"{lists} lists with {items} items in {shown}"


def _expect_seen(engine: Spark, folder: Path, place: str) -> None:
    """Refuse a folder of this machine that workers of others would write elsewhere."""
    if engine.is_local:
        return
    number = 2 * engine.session.sparkContext.defaultParallelism
    numbers = engine.session.range(0, number, 1, number)
    path = str(folder.resolve())
    frame = engine.on_workers(numbers, partial(is_seen, path), "seen boolean")
    if not all(row["seen"] for row in engine.job(place, "look for the folder", frame.collect)):
        raise DataError(
            f"{place}: expected a folder that all workers see, got one that some do not",
            "name a shared folder, a table, or an address such as s3a://bucket/lists",
        )


def _asked(
    engine: Spark, requests: Requests, input_options: InputOptions, progress: Progress
) -> Asked:
    if requests.all_users:
        return Asked("all users", engine.session.range(0), "the model")
    kind: Literal["users", "events"] = "users" if requests.histories_path is None else "events"
    path = requests.users_path if requests.histories_path is None else requests.histories_path
    assert path is not None
    if kind == "events" and is_file(path) and kind_of(path, input_options.format) == "jsonl":
        raise DataError(
            f"{display_name(path)}: expected a table of events, CSV, Parquet or one of Spark, got JSON "
            "Lines",
            "without --engine cli.predict takes a history a line",
        )
    provide_table(engine, kind, COLUMNS[kind], path, input_options, progress)
    return Asked(kind, engine.session.table(kind), display_name(path))


def check_options(options: PredictOptions) -> None:
    """Refuse what rows, or workers, cannot do.

    Raises:
        ConfigError: it is asked for.

    >>> check_options(PredictOptions(top_n=3))
    """
    if options.explain:
        raise ConfigError(
            "explain: expected lists in JSON Lines with it, got rows",
            "without --engine, --explain writes JSON Lines",
        )
    if options.attributes_path is not None:
        raise ConfigError(
            "attributes: expected those of the model, as workers have it, got others",
            "cli.train --attributes keeps them in the model",
        )


def rank_on_workers(
    engine: Spark,
    asked: Asked,
    model_dir: PathLike,
    shared: tuple[str | None, str],
    options: PredictOptions,
    input_options: InputOptions = InputOptions(),
    progress: Progress = no_progress,
) -> Any:
    """Return a data frame of lists, which is computed when it is used, in the session of the one asked.

    Args:
        shared: as ``model_on_workers`` gives it.
        options: as ``check_options`` admits.

    Raises:
        DataError: there are no rows, none of the users is known, or the filter or a file of items is
            faulty.
    """
    recommender = Recommender.load(model_dir)
    wanted, now = read_filter(options.filter, input_options), parse_now(options, input_options)
    note_filter(wanted, recommender.model.attributes)
    limits = Limits(options, input_options, recommender.model.items)
    of_lists = list_options(options, limits, wanted)
    cores = engine.session.sparkContext.defaultParallelism
    frame, place = asked.frame, asked.place
    if asked.kind == "all users":
        limits.expect_users(recommender.users().load(), "the model")
        num_users = recommender.model.num_users
        number = max(num_users // USERS_PER_TASK, cores, 1)
        frame = frame.sparkSession.range(0, num_users, 1, number)
        return engine.on_workers(frame, partial(rank_positions, *shared, of_lists), _LISTS)
    if asked.kind == "users":
        count = engine.job(place, "count users", frame.count, progress)
        if not count:
            raise DataError(f"{place}: users: expected at least one row, got none")
        if options.unknown_user != "error":
            others = _none_known(engine, frame, "user_id", shared, progress)
            known = recommender.users().ids if others else []
            if fault := unknown_users(place, others, known, options.unknown_user):
                raise fault
        frame = frame.distinct().repartition(max(count // USERS_PER_TASK, cores, 1), "user_id")
        of_users = partial(rank_users, *shared, of_lists, options.unknown_user)
        return engine.on_workers(frame, of_users, _LISTS)
    note_now(recommender.model, options)
    count, has_times = check_interactions(engine, frame, place, progress)
    rule = recommender.model.history_rule
    is_ordered = rule is not None and rule.history_decay.uses_order
    if is_ordered and options.weights == "events" and not has_times:
        raise DataError(
            f"{place}: timestamp: expected times, as the model has a history decay, which is by the order of "
            "events, got none",
            "rows of a table have no order; without --engine that of the rows of a file counts",
        )
    if others := _none_known(engine, frame, "item_id", shared, progress):
        items = recommender.model.items.ids
        note_fault(none_known(place, "item_id", others, items, "the model"))
    frame = frame.repartition(max(count // ROWS_PER_TASK, cores, 1), "user_id")
    frame = frame.sortWithinPartitions("user_id", "timestamp", "item_id")
    of_events = partial(rank_events, *shared, of_lists, options.weights, now)
    return engine.on_workers(frame, of_events, _LISTS)


def _none_known(
    engine: Spark,
    frame: Any,
    column: Literal["user_id", "item_id"],
    shared: tuple[str | None, str],
    progress: Progress,
) -> list[str]:
    """Return some ids of a column if the model has none of them all, else nothing."""
    look = partial(find_known, *shared, column)
    found = engine.on_workers(frame.select(column), look, _KNOWN).sort("known", ascending=False)
    rows = engine.job("spark", f"look for {column}s of the model", partial(found.take, 100))
    return [] if rows[0]["known"] else [row["id"] for row in rows]


def model_on_workers(
    engine: Spark, model_dir: PathLike, temp_directory: PathLike | None = None
) -> tuple[str | None, str]:
    """Return the folder around a model as workers see it, or None for what Spark has sent; and its name.

    Args:
        temp_directory: a folder that workers see, where the model is; without one Spark sends the model,
            once to each worker, unless all is on one machine.

    Raises:
        DataError: the model is not in that folder.
    """
    path = Path(model_dir).resolve()
    if engine.is_local or temp_directory is not None:
        if temp_directory is not None and Path(temp_directory).resolve() not in path.parents:
            raise DataError(
                f"{display_name(model_dir)}: expected a model in the folder that workers see, "
                f"{display_name(temp_directory)}, got one elsewhere",
                "without --temp-directory Spark sends it",
            )
        return str(path.parent), path.name
    name = secrets.token_hex(8)  # as workers have one folder for all that they are sent
    engine.send({f"{name}-{file}": path / file for file in os.listdir(path)})
    return None, name

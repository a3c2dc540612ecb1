"""Lists by Spark's workers: a model directory and a table of users or of events, lists in rows.

Each worker opens the model once, mapped, and ranks by the code of ``predict_from_path``: the same lists.
Memory of a task does not grow with its users, and nothing on the driver does.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from mlcore.artifact import replaced_directory
from mlcore.errors import ConfigError, DataError
from mlcore.files.inputs import display_name
from mlcore.files.options import InputOptions, PathLike
from mlcore.lineage.command_run import CommandRun
from mlcore.progress import Progress, no_progress
from mlcore.recommend.filter import filter_path, note_filter, read_filter
from mlcore.recommend.limits import Limits
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import list_options, parse_now
from mlcore.recommend.recommender import Recommender
from mlcore.warehouse.engines.spark import Spark
from mlcore.warehouse.engines.spark_workers import rank_events, rank_positions, rank_users
from mlcore.warehouse.query import Column, bundled_query
from mlcore.warehouse.spark_kernel import why_not_compiled
from mlcore.warehouse.tables import is_remote, provide_table, take_tables

__all__ = ["model_on_workers", "predict_by_spark_from_path", "rank_on_workers"]

USERS_PER_TASK = 20_000
ROWS_PER_TASK = 2**20  # of events
_LISTS = "user_id string, item_id string, rank bigint, score double, source string"
_USERS = (Column("user_id", "STRING"),)


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
        out: a folder of Parquet, by a path or an address that ends in ``.parquet``; or a table.
        temp_directory: a folder that workers see, where the model is; without one Spark sends it.

    Raises:
        ConfigError: rows are to explain scores.
        DataError: a file or a table is faulty, a user is unknown, or something is at ``out``.
        MlcoreError: workers lack mlcore.
    """
    name = os.fspath(out)
    requests.check()
    if (reason := why_not_compiled(engine)) is not None:
        raise reason
    is_folder = name.endswith(".parquet") and not is_remote(name)
    inputs: dict[str, PathLike | None] = {
        "--model-dir": model_dir,
        "--users": requests.users_path,
        "--histories": requests.histories_path,
        "--filter": filter_path(options.filter),
    }
    run = CommandRun(
        "predict", {"predictions": out} if is_folder else {}, lineage_path, engine.name
    )
    run.note(options, input_options, all_users=requests.all_users)
    run.take(model=model_dir)
    take_tables(
        run,
        {"users": requests.users_path, "histories": requests.histories_path},
        input_options.format,
    )
    place = model_on_workers(engine, model_dir, temp_directory)
    frame = _lists(engine, model_dir, place, requests, options, input_options, progress)
    step = "recommend, tasks"
    if is_folder:
        folder_of = replaced_directory(
            Path(name), False, (), inputs=inputs, on_written=run.on_written
        )
        with folder_of as folder:
            write = frame.write.mode("append").parquet
            engine.job(name, step, partial(write, folder.resolve().as_uri()), progress)
        count = engine.count_stored(Path(name).resolve().as_uri(), True)
    else:
        writer = frame.write.mode("errorifexists")
        save = writer.parquet if is_remote(name) else writer.saveAsTable
        engine.job(name, step, partial(save, name), progress)
        count = engine.count_stored(name, is_remote(name))
    return f"{count} items in lists in {display_name(out)}"


def _lists(
    engine: Spark,
    model_dir: PathLike,
    place: tuple[str | None, str],
    requests: Requests,
    options: PredictOptions,
    input_options: InputOptions,
    progress: Progress,
) -> Any:
    if requests.histories_path is not None:
        query = bundled_query("read_interactions")
        columns = query.reads["interactions"]
        provide_table(
            engine, "interactions", columns, requests.histories_path, input_options, progress
        )
        return rank_on_workers(
            engine, engine.frame(query), "events", model_dir, place, options, input_options
        )
    if requests.users_path is not None:
        provide_table(engine, "users", _USERS, requests.users_path, input_options, progress)
        frame = engine.session.table("users")
        return rank_on_workers(engine, frame, "users", model_dir, place, options, input_options)
    return rank_on_workers(engine, None, "users", model_dir, place, options, input_options)


def rank_on_workers(
    engine: Spark,
    frame: Any,
    kind: str,
    model_dir: PathLike,
    place: tuple[str | None, str],
    options: PredictOptions,
    input_options: InputOptions = InputOptions(),
) -> Any:
    """Return a data frame of lists, which is computed when it is used.

    Args:
        frame: with a column ``user_id`` and, of events, ``item_id``, ``weight`` and ``timestamp`` as
            ``sql/read_interactions.sql`` has them; None for all users of the model.
        kind: ``users`` or ``events``.
        place: as ``model_on_workers`` gives it.

    Raises:
        ConfigError: as ``predict_by_spark_from_path``.
        DataError: the filter or a file of items is faulty.
    """
    if options.explain:
        raise ConfigError(
            "explain: expected lists in JSON Lines with it, got rows",
            "without --engine, --explain writes JSON Lines",
        )
    if options.attributes_path is not None:
        raise ConfigError("attributes: expected those of the model, as workers have it, got others")
    recommender = Recommender.load(model_dir)
    wanted = read_filter(options.filter, input_options)
    note_filter(wanted, recommender.model.attributes)
    limits = Limits(options, input_options, recommender.model.items)
    of_lists, now = list_options(options, limits, wanted), parse_now(options, input_options)
    session = engine.session
    if kind == "events":
        number = max(engine.job("spark", "count events", frame.count) // ROWS_PER_TASK, 1)
        number = max(number, session.sparkContext.defaultParallelism)
        frame = frame.repartition(number, "user_id").sortWithinPartitions(
            "user_id", "timestamp", "item_id"
        )
        rank = partial(rank_events, *place, of_lists, options.weights, now)
        return engine.on_workers(frame, rank, _LISTS)
    if frame is None:
        if recommender.model.users is None:
            recommender.user_ids()  # which says that there are none
        number = max(recommender.model.num_users // USERS_PER_TASK, 1)
        number = max(number, session.sparkContext.defaultParallelism)
        frame = session.range(0, recommender.model.num_users, 1, number)
        return engine.on_workers(frame, partial(rank_positions, *place, of_lists), _LISTS)
    count = engine.job("spark", "count users", frame.distinct().count)
    number = max(count // USERS_PER_TASK, session.sparkContext.defaultParallelism, 1)
    frame = frame.select("user_id").distinct().repartition(number, "user_id")
    rank = partial(rank_users, *place, of_lists, options.unknown_user)
    return engine.on_workers(frame, rank, _LISTS)


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
    # By names of their own, as workers have one folder for all that they are sent; until the end of this
    # process, as a frame may be computed at any time, and workers may come and go.
    folder, name = tempfile.mkdtemp(prefix="mlcore-"), secrets.token_hex(8)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for file in os.listdir(path):
        copy = os.path.join(folder, f"{name}-{file}")
        try:
            os.link(
                path / file, copy
            )  # Spark would follow a symbolic link, and send its target's name
        except OSError:
            shutil.copyfile(path / file, copy)
        engine.session.sparkContext.addFile(copy)
    return None, name

"""Training with neighbors that an engine counts; the model directory is that of ``train_from_path``."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from mlcore.artifact import DIRECTORY_FILES, Model, replaced_directory, write_provenance
from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, DataError, MlcoreError, at, os_errors_at, shorten
from mlcore.files.disk_input import read_interactions_on_disk
from mlcore.files.inputs import display_name
from mlcore.files.interactions import read_events
from mlcore.files.lists import read_config
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.tables import BadValue
from mlcore.files.values import IdEncoder
from mlcore.heavy_users import Keep
from mlcore.interactions import Events, Interactions, sort_codes
from mlcore.lineage.command_run import CommandRun
from mlcore.memory.arrays import arrays_in
from mlcore.memory.available import available_bytes
from mlcore.progress import OnMessage, Progress, no_message, no_progress
from mlcore.similarity import SIMILARITIES
from mlcore.times import MAX_SECONDS, MIN_SECONDS
from mlcore.train.provenance import facts_of_training
from mlcore.train.train import Trainer, add_catalogue, attributes_of, summary_of, train_from_data
from mlcore.types import Float64Array, Int32Array, Int64Array
from mlcore.warehouse.engines import Engine
from mlcore.warehouse.engines.spark import Spark
from mlcore.warehouse.neighbors import SqlNeighbors, train_parameters
from mlcore.warehouse.query import bundled_query
from mlcore.warehouse.rows import Rows
from mlcore.warehouse.spark_kernel import SparkRows, read_by_spark, why_not_compiled
from mlcore.warehouse.tables import (
    check_readable,
    is_file,
    provide_table,
    refuse_names,
    take_tables,
)

__all__ = ["Kernel", "estimate_by_engine", "events_from_rows", "train_by_engine_from_path"]

Kernel: TypeAlias = Literal["compiled", "sql"]


def train_by_engine_from_path(
    engine: Engine,
    interactions: PathLike,
    config: TrainConfig | Mapping[str, object] | PathLike | None,
    out_dir: PathLike,
    *,
    items_path: PathLike | None = None,
    attributes_path: PathLike | None = None,
    overwrite: bool = False,
    with_users: bool = True,
    input_options: InputOptions = InputOptions(),
    lineage_path: PathLike | None = None,
    kernel: Kernel | None = None,
    temp_directory: PathLike | None = None,
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
) -> str:
    """Train with neighbors counted by an engine, write the model directory; return a summary.

    The engine reads its own table: only the rows, for the histories, and the neighbors come here.
    mlcore reads a file, and gives its pairs of users and items to the engine.

    Where the workers of Spark have mlcore, they run its kernel: see ``warehouse.spark_kernel``.

    Args:
        interactions: a file; or a URI, or what the engine calls a table, whose columns have the names
            of ``sql/read_interactions.sql``.
        config: or a dictionary or a JSON file of it, or None for the default one.
        items_path: see ``train_from_path``, as for ``attributes_path``.
        overwrite: replace a model directory in one step.
        with_users: keep the histories.
        lineage_path: see ``train_from_path``.
        kernel: ``compiled`` for that of mlcore on Spark's workers, ``sql`` for ``sql/train.sql``; None for
            the first that can be. The model is the same.
        temp_directory: of ``compiled``: a folder that workers see, too, for files that they map; without
            one Spark sends them, except on one machine.
        on_message: called with why ``compiled`` cannot be.

    Raises:
        ConfigError: the configuration breaks a rule, or needs more than counts of users.
        DataError: a file or a table is faulty, or the directory cannot be written.
    """
    # Opened first, so that an output that cannot be written fails before the work.
    config = TrainConfig.from_json(config) if isinstance(config, Mapping) else config
    config_path = None if isinstance(config, TrainConfig) else config
    inputs = {"--interactions": interactions, "--config": config_path, "--items": items_path}
    inputs["--attributes"] = attributes_path
    run = CommandRun("train", {"model": out_dir}, lineage_path, engine.name, always_takes=True)
    with replaced_directory(
        Path(out_dir), overwrite, DIRECTORY_FILES, inputs=inputs, on_written=run.on_written
    ) as folder:
        settings = read_config(config)
        on_workers = isinstance(engine, Spark) and _can_compile(engine, kernel, on_message)
        try:  # before the work, not after it
            (_check_rows if on_workers else train_parameters)(settings)
        except ConfigError as error:
            raise _at(config, error) from None
        take_tables(run, {"interactions": interactions}, input_options.format)
        run.take(config=config_path, items=items_path, attributes=attributes_path)
        stored = None if is_file(interactions, input_options.format) else str(interactions)
        if stored is not None:
            refuse_names(stored, input_options.columns)
        if on_workers:
            assert isinstance(engine, Spark)
            with _mapped(temp_directory or folder) as place:
                table, num_rows = _read_for_workers(
                    engine, stored, interactions, settings, input_options, place, progress
                )
                if items_path is not None:
                    table = add_catalogue(table, items_path, input_options)
                is_shared = engine.is_local or temp_directory is not None
                trainer = Trainer(
                    table,
                    progress=progress,
                    attributes=attributes_of(table, attributes_path, input_options),
                    memory_limit=available_bytes(),
                    find_rows=SparkRows(engine, place, is_shared, progress),
                )
                model = trainer.train(settings, with_users=with_users)
                _write(engine, model, folder, num_rows, run, input_options, with_users)
            return summary_of(model)
        if stored is None:
            events = read_events(interactions, input_options=input_options, progress=progress)
        else:
            events = _read_stored(engine, stored, progress)
        with at(display_name(interactions)):
            table = events.aggregate(settings.aggregate)
        num_rows = len(events.users)
        del events  # before the training takes memory
        if items_path is not None:
            table = add_catalogue(table, items_path, input_options)
        attributes = attributes_of(table, attributes_path, input_options)
        # Users of whom only a part counts are counted from here, where the parts are known.
        in_place = stored if isinstance(settings.heavy_users, Keep) else None
        try:
            model = train_from_data(
                table,
                settings,
                with_users=with_users,
                progress=progress,
                find_neighbors=SqlNeighbors(engine, in_place),
                attributes=attributes,
            )
        except ConfigError as error:
            raise _at(config, error) from None
        _write(engine, model, folder, num_rows, run, input_options, with_users)
    return summary_of(model)


def _write(
    engine: Engine,
    model: Model,
    folder: Path,
    num_rows: int,
    run: CommandRun,
    input_options: InputOptions,
    with_users: bool,
) -> None:
    run.note(model.config_json, input_options, with_users=with_users)
    model.write_files(folder)
    made_by = {"name": engine.name, "version": engine.version}
    write_provenance(folder, facts_of_training(model, num_rows, run, engine=made_by))


def _can_compile(engine: Spark, kernel: Kernel | None, on_message: OnMessage) -> bool:
    """Return whether Spark's workers run our kernel; say why they cannot, unless they need not.

    Raises:
        MlcoreError: they are to, and cannot.
    """
    if kernel == "sql":
        return False
    reason = why_not_compiled(engine)
    if reason is not None and kernel == "compiled":
        raise reason
    if reason is not None:
        on_message(f"{reason}; takes sql/train.sql")
    return reason is None


def _check_rows(config: TrainConfig) -> None:
    """Refuse a similarity whose rows cannot be found one without the other.

    Raises:
        ConfigError: as it says.
    """
    if not config.similarity.has_rows:
        known = [name for name, one in SIMILARITIES.items() if one().has_rows]
        raise ConfigError(
            f"similarity: expected one of {', '.join(known)}, whose rows workers find, "
            f"got {config.similarity.name}",
            "train without --engine, on one machine",
        )


@contextmanager
def _mapped(around: PathLike) -> Iterator[str]:
    """Map large arrays in a folder that is gone afterwards, and give it."""
    with os_errors_at(around, "a folder for temporary files"):
        folder = tempfile.TemporaryDirectory(prefix=".mlcore-", dir=around)
    with folder as name, arrays_in(name, named=True):
        yield name


def _read_for_workers(
    engine: Spark,
    stored: str | None,
    interactions: PathLike,
    config: TrainConfig,
    input_options: InputOptions,
    folder: str,
    progress: Progress,
) -> tuple[Interactions, int]:
    """Return interactions whose arrays are mapped, and how many rows they were.

    Where the order of events counts they are in memory, as all events are kept.
    """
    if config.similarity.uses_order:
        events = (
            _read_stored(engine, stored, progress)
            if stored is not None
            else read_events(interactions, input_options=input_options, progress=progress)
        )
        with at(display_name(interactions)):
            return events.aggregate(config.aggregate, keep_events=True), len(events.users)
    if stored is not None:
        query = bundled_query("read_interactions")
        provide_table(engine, "interactions", query.reads["interactions"], stored)
        return read_by_spark(engine, engine.frame(query), stored, config.aggregate, progress)
    return read_interactions_on_disk(
        interactions,
        config.aggregate,
        input_options,
        folder=folder,
        memory_limit=max((available_bytes() or 0) // 2, 2**30),
        progress=progress,
    )


def _at(config: TrainConfig | PathLike | None, error: MlcoreError) -> ConfigError:
    if config is None or isinstance(config, TrainConfig):
        return ConfigError(f"config: {error}", error.hint)
    return ConfigError(f"{display_name(config)}: {error}", error.hint)


def estimate_by_engine(
    engine: Engine,
    interactions: PathLike,
    config: TrainConfig | PathLike | None,
    input_options: InputOptions = InputOptions(),
) -> str:
    """Return what the queries of a training would take, in words, without running them.

    Raises:
        ConfigError: as ``train_by_engine_from_path``.
        DataError: there is no such file or table.
    """
    values = train_parameters(read_config(config))
    reading, training = bundled_query("read_interactions"), bundled_query("train")
    if is_file(interactions, input_options.format):
        check_readable(interactions)
        training = training.with_integer_ids()
        engine.load("interactions", training.reads["interactions"], [])
        return f"{training.name}: {engine.estimate(training, values)}"
    refuse_names(interactions, input_options.columns)
    provide_table(engine, "interactions", reading.reads["interactions"], interactions)
    return (
        f"{reading.name}: {engine.estimate(reading, {})}\n"
        f"{training.name}: {engine.estimate(training, values)}"
    )


def _read_stored(engine: Engine, stored: str, progress: Progress) -> Events:
    query = bundled_query("read_interactions")
    provide_table(engine, "interactions", query.reads["interactions"], stored)
    result = engine.run(query, {}, ordered=False, progress=progress)
    with at(stored):
        return events_from_rows(result.parts)


def events_from_rows(parts: Iterable[Rows]) -> Events:
    """Return the events of rows in any order.

    Args:
        parts: with the columns of ``sql/read_interactions.sql``.

    Raises:
        DataError: there are no rows, or a value breaks the rules of interactions.

    >>> part = {"user_id": np.array(["u"], object), "item_id": np.array(["a"], object)}
    >>> part |= {"weight": np.array([2.0]), "timestamp": np.array([None])}
    >>> events_from_rows([part]).weights.tolist()
    [2.0]
    """
    users, items = IdEncoder(), IdEncoder()
    columns = [
        (
            _codes(users, "user_id", part),  # (R,) int32
            _codes(items, "item_id", part),  # (R,) int32
            _weights(part),  # (R,) float64
            _microseconds(part),  # (R,) int64, or None
        )
        for part in parts
    ]
    if not sum(len(codes) for codes, *_ in columns):
        raise DataError("interactions: expected at least one row, got none")
    user_codes, item_codes, weights = (
        np.concatenate([column[axis] for column in columns]) for axis in range(3)
    )
    times = [column[3] for column in columns if len(column[0])]
    if len({some is None for some in times}) > 1:
        raise _some_missing()
    user_ids, user_codes = sort_codes(users, user_codes)
    item_ids, item_codes = sort_codes(items, item_codes)
    known = [some for some in times if some is not None]
    timestamps = np.concatenate(known) if known else None
    return Events(user_ids, item_ids, user_codes, item_codes, weights, timestamps)


def _codes(encoder: IdEncoder, name: str, part: Rows) -> Int32Array:
    values = part[name].tolist()
    try:
        return np.fromiter(map(encoder.__getitem__, values), np.int32, len(values))
    except BadValue as fault:
        raise DataError(f"{name}: {fault}", fault.hint) from None


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


def _some_missing() -> DataError:
    return DataError("timestamp: expected values in all rows or in none, got some missing")

"""Training with neighbors that an engine counts; the model directory is that of ``train_from_path``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mlcore.artifact import DIRECTORY_FILES, replaced_directory, write_provenance
from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, MlcoreError, at
from mlcore.files.disk_input import read_interactions_on_disk
from mlcore.files.inputs import display_name
from mlcore.files.interactions import read_events
from mlcore.files.lists import read_config
from mlcore.files.options import InputOptions, PathLike
from mlcore.heavy_users import Keep
from mlcore.interactions import Interactions
from mlcore.lineage.command_run import CommandRun
from mlcore.memory.arrays import temporary_arrays
from mlcore.memory.available import available_bytes, format_bytes
from mlcore.progress import OnMessage, Progress, no_message, no_progress
from mlcore.similarity import SIMILARITIES
from mlcore.train.provenance import facts_of_training
from mlcore.train.train import Trainer, add_catalogue, attributes_of, summary_of
from mlcore.warehouse.coded import read_coded, read_coded_events
from mlcore.warehouse.engines import Engine
from mlcore.warehouse.engines.spark import Spark
from mlcore.warehouse.joined import JoinedRows, driver_bytes
from mlcore.warehouse.neighbors import SqlNeighbors, train_parameters
from mlcore.warehouse.query import Query, bundled_query
from mlcore.warehouse.spark_kernel import SparkRows, read_by_spark, why_not_compiled
from mlcore.warehouse.tables import (
    check_readable,
    is_file,
    provide_table,
    refuse_names,
    take_tables,
)

__all__ = ["Kernel", "estimate_by_engine", "train_by_engine_from_path"]

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

    The engine codes the ids of its own table: the ids, the coded rows in a stream, and the neighbors
    come here. mlcore reads a file, and gives its pairs of users and items to the engine.

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
        is_mapped, around = on_workers or stored is not None, temp_directory or folder
        with temporary_arrays(around, named=True) if is_mapped else nullcontext("") as place:
            table, num_rows = _read(
                engine, stored, interactions, settings, input_options, on_workers, place, progress
            )
            if items_path is not None:
                table = add_catalogue(table, items_path, input_options)
            attributes = attributes_of(table, attributes_path, input_options)
            options: dict[str, Any] = {"progress": progress, "attributes": attributes}
            if on_workers:
                assert isinstance(engine, Spark)
                is_shared = engine.is_local or temp_directory is not None
                options["memory_limit"] = available_bytes()
                options["find_rows"] = SparkRows(engine, place, is_shared, progress)
            else:
                # Users of whom only a part counts are counted from here, where the parts are known.
                in_place = stored if isinstance(settings.heavy_users, Keep) else None
                # With a catalogue items have other positions.
                is_coded = engine.materializes and items_path is None
                options["find_neighbors"] = SqlNeighbors(engine, in_place, is_coded)
            try:
                model = Trainer(table, **options).train(settings, with_users=with_users)
            except ConfigError as error:
                raise _at(config, error) from None
            run.note(model.config_json, input_options, with_users=with_users)
            model.write_files(folder)
            made_by = {"name": engine.name, "version": engine.version}
            write_provenance(folder, facts_of_training(model, num_rows, run, engine=made_by))
    return summary_of(model)


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


def _read(
    engine: Engine,
    stored: str | None,
    interactions: PathLike,
    config: TrainConfig,
    input_options: InputOptions,
    on_workers: bool,
    folder: str,
    progress: Progress,
) -> tuple[Interactions, int]:
    """Return the interactions of a file or a table, and how many rows they were.

    What grows with them is mapped in the folder, but for what mlcore reads for an engine's SQL, and
    where the order of events counts, as all events are kept then.
    """
    uses_order = config.similarity.uses_order
    if stored is not None and uses_order:
        events = read_coded_events(engine, stored, progress)
    elif stored is not None and on_workers:
        assert isinstance(engine, Spark)
        query = bundled_query("read_interactions")
        provide_table(engine, "interactions", query.reads["interactions"], stored)
        return read_by_spark(engine, engine.frame(query), stored, config.aggregate, progress)
    elif stored is not None:
        return read_coded(engine, stored, config.aggregate, progress)
    elif on_workers and not uses_order:
        limit = max((available_bytes() or 0) // 2, 2**30)
        options: dict[str, Any] = {"folder": folder, "memory_limit": limit, "progress": progress}
        return read_interactions_on_disk(interactions, config.aggregate, input_options, **options)
    else:
        events = read_events(interactions, input_options=input_options, progress=progress)
    with at(display_name(interactions)):
        return events.aggregate(config.aggregate, keep_events=uses_order), len(events.users)


def _at(config: TrainConfig | PathLike | None, error: MlcoreError) -> ConfigError:
    if config is None or isinstance(config, TrainConfig):
        return ConfigError(f"config: {error}", error.hint)
    return ConfigError(f"{display_name(config)}: {error}", error.hint)


def estimate_by_engine(
    engine: Engine,
    interactions: PathLike,
    config: TrainConfig | PathLike | None,
    input_options: InputOptions = InputOptions(),
    kernel: Kernel | None = None,
) -> str:
    """Return what a training would take, in words, without it; what the join takes is counted.

    Args:
        kernel: see ``train_by_engine_from_path``.

    Raises:
        ConfigError: as ``train_by_engine_from_path``.
        DataError: there is no such file or table, or the join is beyond what the engine can do.
    """
    settings = read_config(config)
    reading, training = bundled_query("read_interactions"), bundled_query("train")
    is_here = is_file(interactions, input_options.format)
    lines = []
    if is_here:
        check_readable(interactions)
        training = training.with_integer_ids()
    else:
        refuse_names(interactions, input_options.columns)
        provide_table(engine, "interactions", reading.reads["interactions"], interactions)
        lines = [f"{reading.name}: {engine.estimate(reading, {})}"]
    if isinstance(engine, Spark) and _can_compile(engine, kernel, no_message):
        _check_rows(settings)
        return "\n".join([*lines, "train: the workers run the kernel of mlcore, and join no rows"])
    values = train_parameters(settings)
    if is_here:
        events = read_events(interactions, input_options=input_options)
        with at(display_name(interactions)):
            joined = JoinedRows.of(events.aggregate(settings.aggregate).user_items)
        engine.load("interactions", training.reads["interactions"], [])
    lines.append(f"{training.name}: {engine.estimate(training, values)}")
    if not is_here and not engine.materializes:
        lines.append("joined rows: known when it runs, as counting them would be billed")
        return "\n".join(lines)
    joined = joined if is_here else JoinedRows.of_table(engine)
    return "\n".join([*lines, _join_words(engine, joined, settings, training)])


def _join_words(engine: Engine, joined: JoinedRows, settings: TrainConfig, query: Query) -> str:
    """Return what the join takes; refuse one that is too large."""
    # A history that is cut counts in part and is kept in full.
    in_full = driver_bytes(joined, settings.num_neighbors)
    joined = joined.at_most(getattr(settings.heavy_users, "max_interactions", 2**31))
    joined.check(engine, query)
    return f"joined rows: {joined.words(engine)}; some {format_bytes(in_full)} of memory here"

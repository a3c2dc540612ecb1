"""Search for the configuration that is best by a metric on held-out interactions.

Trial 0 is the default configuration, so the best is never worse than it on this metric. In the built-in space
the next ones are those that ``auto`` ranks first. Optuna suggests the others, by the trials before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, DataError
from mlcore.files.clobber import refuse_clobber
from mlcore.files.inputs import display_name, read_text
from mlcore.files.interactions import read_interactions
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.outputs import OnWritten
from mlcore.interactions import Interactions
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.limits import MAX_SPACE_DEPTH
from mlcore.lineage.command_run import CommandRun, log_beside
from mlcore.memory.input_size import check_rows_fit
from mlcore.memory.plan import Plan
from mlcore.numeric.threads import resolve_threads
from mlcore.progress import OnMessage, Progress, no_message, no_progress
from mlcore.references import count_unknown, likely_reason, none_known
from mlcore.train.memory import TrainingPlanner
from mlcore.train.train import Trainer, add_catalogue
from mlcore.tune.auto import select_from_data
from mlcore.tune.config import AutoConfig, TuneConfig
from mlcore.tune.directory import (
    CONFIG,
    TUNING_FILES,
    TuningDirectory,
    open_tuning_directory,
)
from mlcore.tune.optuna_sampler import optuna_version, suggest
from mlcore.tune.space import DEFAULT_SPACE, SampledConfig, SearchSpace
from mlcore.tune.trials import Trial, TrialRunner, best_trial, full_config
from mlcore.version import VERSION

__all__ = ["tune_from_data", "tune_from_path"]

# Steers the search away from failed trials: no metric is below.
OBJECTIVE_OF_FAILURE = 0.0
FIRST = 5  # of what auto ranks first

OnTrial: TypeAlias = Callable[[Trial, Trial | None], None]


def tune_from_data(
    interactions: Interactions | Any,
    validation: Interactions | Any,
    space: SearchSpace,
    config: TuneConfig = TuneConfig(),
    *,
    first: Sequence[Mapping[str, Any]] = (),
    past: Sequence[Trial] = (),
    threads: int | None = None,
    progress: Progress = no_progress,
) -> Iterator[Trial]:
    """Return an iterator that tries one configuration at each step.

    A trial trains on ``interactions``, makes lists of unseen items for the users of ``validation``,
    and reports their metrics; users without a history count 0. A configuration that cannot be
    trained is a failed trial, and the search goes on. Except for the seconds, trials depend on data,
    space, metric and seed alone: a search resumed from ``past`` tries what it would have tried
    without interruption.

    Args:
        interactions: or a data frame, as ``train_from_data`` takes it.
        validation: held-out interactions of the same users, likewise.
        first: configurations to try after the default, of the space or not.
        past: trials of the same search, from the first, in order.
        threads: None for one per core. Changes speed only.
        progress: called by each training.

    Raises:
        MlcoreError: Optuna is not installed.
        DataError: no user or no item of ``validation`` is in ``interactions``.
        ConfigError: a past trial is not of this space.

    >>> train = Interactions.from_columns(["u", "u", "v", "v", "w"], ["a", "b", "a", "b", "a"])
    >>> held_out = Interactions.from_columns(["w"], ["b"])
    >>> space = SearchSpace.from_json({"num_neighbors": {"int": [1, 5]}})
    >>> trials = tune_from_data(train, held_out, space, TuneConfig("recall@1", trials=2))
    >>> [(trial.trial, trial.value) for trial in trials]
    [(0, 1.0), (1, 1.0)]
    """
    optuna_version()
    interactions = Interactions.of(interactions, keep_events=space.uses_order)
    validation = Interactions.of(validation)
    _check_overlap(interactions, validation, "validation")
    fixed = [SampledConfig({}, {}, dict(config)) for config in ({}, *first)]
    samples = [_sample_of(trial, space, fixed) for trial in past]
    trainer = Trainer(
        interactions, keep_bytes=config.keep_mib * 2**20, threads=threads, progress=progress
    )
    runner = TrialRunner(trainer, validation, config, threads)
    return _search(runner, space, list(past), samples, fixed)


def _check_overlap(interactions: Interactions, validation: Interactions, place: str) -> None:
    owner, users, items = "the training", interactions.user_ids, interactions.item_ids
    fault = none_known(place, "user_id", validation.user_ids, users, owner)
    if fault is not None:
        split = (
            "cli.split --strategy last-n (or random, temporal) holds out some items of each user"
        )
        raise DataError(str(fault), likely_reason(validation.user_ids, users) or split)
    fault = none_known(place, "item_id", validation.item_ids, items, owner)
    if fault is not None:
        raise fault


def _sample_of(trial: Trial, space: SearchSpace, fixed: Sequence[SampledConfig]) -> SampledConfig:
    """Return the sample of a past trial."""
    try:
        is_fixed = trial.trial < len(fixed)
        sample = fixed[trial.trial] if is_fixed else space.replay(trial.params)
    except ConfigError as error:
        raise ConfigError(f"trial {trial.trial}: {error}") from None
    if full_config(sample.config) != trial.config:
        raise ConfigError(
            f"trial {trial.trial}: config: expected that of its params, got another one"
        )
    return sample


def _search(
    runner: TrialRunner,
    space: SearchSpace,
    trials: list[Trial],
    samples: list[SampledConfig],
    fixed: Sequence[SampledConfig],
) -> Iterator[Trial]:
    begin = len(fixed)
    for number in range(len(trials), runner.config.trials):
        if number < begin:
            sample = fixed[number]
        else:
            values = (OBJECTIVE_OF_FAILURE if t.value is None else t.value for t in trials[begin:])
            sample = suggest(space, zip(samples[begin:], values), runner.config.seed, number)
        trial = runner.run(number, sample, trials)
        trials.append(trial)
        samples.append(sample)
        yield trial


def tune_from_path(
    interactions_path: PathLike,
    validation_path: PathLike,
    space_path: PathLike | None,
    out_dir: PathLike,
    config: TuneConfig = TuneConfig(),
    *,
    items_path: PathLike | None = None,
    threads: int | None = None,
    input_options: InputOptions = InputOptions(),
    lineage_path: PathLike | None = None,
    dry_run: bool = False,
    progress: Progress = no_progress,
    on_trial: OnTrial = lambda trial, best: None,
    on_message: OnMessage = no_message,
) -> str:
    """Read data and space, start or resume a search, write each trial; return a summary.

    Args:
        interactions_path: of the training.
        validation_path: held-out interactions of the same users.
        space_path: a JSON file; None for the built-in space.
        out_dir: new, or of the same search, which resumes.
        items_path: the catalogue, as in ``train_from_path``.
        threads: None for one per core. Changes speed only.
        lineage_path: gets a line for each best configuration; None for ``lineage.jsonl`` beside
            ``out_dir``, if there is one.
        dry_run: read, write nothing, and return the memory plan of trial 0. Each later trial plans
            for itself, and fails alone if it does not fit.
        on_trial: called with each trial as it ends, and the best one so far.
        on_message: called with that plan before the work, unless it is small; in a dry run, only
            with a plan that does not fit.

    Raises:
        MlcoreError: Optuna is not installed.
        ConfigError: the space or a setting breaks a rule.
        DataError: a file is faulty, the directory is of another search or in use, or all trials
            failed.
    """
    inputs = {
        "--interactions": interactions_path,
        "--validation": validation_path,
        "--space": space_path,
        "--items": items_path,
    }
    for name in () if dry_run else ("", *TUNING_FILES):
        refuse_clobber(Path(out_dir, name), inputs)
    optuna, threads = "" if dry_run else optuna_version(), resolve_threads(threads)
    log = log_beside(out_dir) if lineage_path is None else lineage_path
    outputs = {} if dry_run else {"config": Path(out_dir) / CONFIG}
    run = CommandRun("tune", outputs, None if dry_run else log)
    run.note(input_options, metric=config.metric, trials=config.trials, seed=config.seed)
    run.take_options(inputs)
    space = _read_space(space_path)
    interactions, validation = _read(
        interactions_path, validation_path, items_path, input_options, progress, space.uses_order
    )
    plan = _plan_of_default(interactions, config, threads)
    if dry_run:
        return plan.dry_run(on_message)
    search = {
        "interactions_sha256": interactions.sha256(with_order=space.uses_order),
        "validation_sha256": validation.sha256(),
        "metric": config.metric,
        "seed": config.seed,
        "space": space.source,
        "mlcore": VERSION,
        "optuna": optuna,
    }
    with open_tuning_directory(Path(out_dir), search) as directory:
        plan.show(on_message)  # a trial that does not fit fails alone
        first: list[Mapping[str, Any]] = []
        if space.source == DEFAULT_SPACE:
            auto = AutoConfig(config.metric, seed=config.seed)
            selection = select_from_data(interactions, auto, threads=threads, progress=progress)
            default = TrainConfig().to_json()
            first = [one.config for one in selection.tried if one.config != default][:FIRST]
        new = tune_from_data(
            interactions,
            validation,
            space,
            config,
            first=first,
            past=directory.trials,
            threads=threads,
            progress=progress,
        )
        trials = _write_trials(directory, new, on_trial, run.on_written)
    unknown = count_unknown(validation.user_ids, interactions.user_ids)
    counted = f"; {unknown} of {len(validation.user_ids)} users have no history" if unknown else ""
    return _summary(trials, config.metric) + counted


def _plan_of_default(interactions: Interactions, config: TuneConfig, threads: int) -> Plan:
    planner = TrainingPlanner(interactions, config.keep_mib * 2**20)
    return planner.plan(TrainConfig(), threads, trainings=config.trials)


def _read(
    interactions_path: PathLike,
    validation_path: PathLike,
    items_path: PathLike | None,
    input_options: InputOptions,
    progress: Progress,
    keep_events: bool,
) -> tuple[Interactions, Interactions]:
    check_rows_fit(interactions_path)
    interactions, validation = (
        read_interactions(
            path, input_options=input_options, progress=progress, keep_events=keep_events
        )
        for path in (interactions_path, validation_path)
    )
    if items_path is not None:
        interactions = add_catalogue(interactions, items_path, input_options)
    _check_overlap(interactions, validation, display_name(validation_path))  # before writing
    return interactions, validation


def _write_trials(
    directory: TuningDirectory, new: Iterator[Trial], on_trial: OnTrial, on_written: OnWritten
) -> list[Trial]:
    """Write each trial as it ends and the best configuration as it changes; return all trials."""
    trials = list(directory.trials)
    best = best_trial(trials)
    if best is not None:  # the search may have died between the line and the configuration
        directory.write_config(best.config, on_written)
    for trial in new:
        directory.append(trial)
        trials.append(trial)
        if best_trial(trials) is trial:
            best = trial
            directory.write_config(best.config, on_written)
        on_trial(trial, best)
    return trials


def _read_space(path: PathLike | None) -> SearchSpace:
    if path is None:
        return SearchSpace.from_json(DEFAULT_SPACE, "the built-in space")
    try:
        value = parse_json(read_text(path), MAX_SPACE_DEPTH)
    except JsonTextError as error:
        raise ConfigError(f"{display_name(path)}: expected a JSON object, got {error}") from None
    return SearchSpace.from_json(value, display_name(path))


def _summary(trials: Sequence[Trial], metric: str) -> str:
    best = best_trial(trials)
    if best is None:
        raise DataError(
            f"trials: expected one that does not fail, got {len(trials)} failures, "
            f"the first: {trials[0].error}"
        )
    default = "failed" if trials[0].value is None else f"has {trials[0].value:.4f}"
    text = f"best of {len(trials)} trials: trial {best.trial}, {metric} {best.value:.4f}"
    return f"{text}; the default configuration {default}"

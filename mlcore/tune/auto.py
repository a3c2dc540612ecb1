"""The configuration that suits some interactions best, of a ladder of them; or the default.

Some interactions of up to 4,000 users are held out. Successive halving: all configurations on a part of the users,
the best few on more of them, the best of these on all; each rung measures by the users it has. The best must then
beat the default by more than chance, or the default is taken.

Karnin et al., Almost Optimal Exploration in Multi-Armed Bandits (ICML 2013); Jamieson and Talwalkar,
Non-stochastic Best Arm Identification and Hyperparameter Optimization (AISTATS 2016).
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from mlcore.artifact import Attributes, Model
from mlcore.artifact.manifest import SELECTION
from mlcore.config import TrainConfig
from mlcore.errors import DataWarning, MlcoreError
from mlcore.files.options import PathLike
from mlcore.history_decay import NoHistoryDecay
from mlcore.interactions import Events, Interactions
from mlcore.jsontext import format_document, leaves
from mlcore.progress import OnMessage, Progress, no_message, no_progress
from mlcore.train.train import Chosen, Trainer, train_from_data, train_from_path
from mlcore.tune.config import AutoConfig
from mlcore.tune.holdout import HoldOut, hold_out
from mlcore.tune.ladder import MANY, ladder
from mlcore.tune.validation import validate_model
from mlcore.types import Float64Array, Int64Array

__all__ = [
    "Selection",
    "Tried",
    "select_from_data",
    "train_auto_from_data",
    "train_auto_from_path",
]

FEW_USERS = 30  # fewer say nothing
ERRORS = 1.96  # standard errors of an interval of 95 %


class _Rung(NamedTuple):
    """How many interactions to train on, how many users to measure, and how many configurations go on."""

    interactions: float
    users: int
    survivors: int


RUNGS = (_Rung(70_000, 1_000, 5), _Rung(250_000, 2_500, 3), _Rung(math.inf, 4_000, 1))
# The best of the first one are tried with more neighbors, too.
WIDENED, WIDE = 2, 400


@dataclass(frozen=True)
class Tried:
    """What came of one configuration.

    Attributes:
        rung: the last one it was tried on, from 1.
        value: the mean of the metric over the users of the rung, or None if it could not be trained.
        interval: 95 %, of the mean by its standard error.
        config: defaults spelled out.
        error: why it could not be trained.
    """

    rung: int
    value: float | None
    interval: Sequence[float] | None
    config: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True)
class Selection:
    """A choice, and what it rests on.

    Attributes:
        config: the one chosen.
        tried: best first: by rung, then by value; the first is the one chosen, or was within chance of the default.
        difference: of the best to the default, on average over the users of the last rung, with low and high
            of its 95 % interval; None if the best is the default.
        settings: how it was chosen.
        users: measured on the last rung.
        held_out: interactions of these.
        by_time: whether they are the last items of the users.
    """

    config: TrainConfig
    tried: Sequence[Tried]
    difference: tuple[float, float, float] | None
    settings: AutoConfig
    users: int
    held_out: int
    by_time: bool

    @property
    def within_chance(self) -> bool:
        """Whether the default was taken though another did better."""
        return self.difference is not None and self.difference[1] <= 0

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``selection.json``."""
        return {
            **asdict(self.settings),
            "held_out": {
                "users": self.users,
                "interactions": self.held_out,
                "by": "time" if self.by_time else "chance",
            },
            "difference": self.difference,
            "within_chance": self.within_chance,
            "config": self.config.to_json(),
            "tried": [asdict(one) for one in self.tried],
        }

    def summary(self) -> str:
        """Return the choice in words.

        >>> from mlcore import Interactions
        >>> select_from_data(Interactions.from_columns(["u"], ["a"])).summary()
        'auto: the default configuration, as fewer than 30 users have two items'
        """
        if self.users < FEW_USERS:
            few = f"fewer than {FEW_USERS} users have two items"
            return f"auto: the default configuration, as {few}"
        best, metric = self.tried[0], self.settings.metric
        if best.value is None:
            return f"auto: the default configuration, as no other can be trained: {best.error}"
        measured = f"of {len(self.tried)} on {self.users} users: {metric} {best.value:.4f}"
        if self.difference is None:
            return f"auto: the default configuration, the best {measured}"
        mean, low, high = self.difference
        interval = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}] to the default"
        if self.within_chance:
            return (
                f"auto: the default configuration; the best {measured}, {interval}, within chance"
            )
        return f"auto: {_describe(self.config)}, the best {measured}, {interval}"


def _describe(config: TrainConfig) -> str:
    """Return what is not as in the default, as ``--set`` takes it."""
    default = dict(leaves(TrainConfig().to_json()))
    named = {key: value for key, value in leaves(config.to_json()) if default.get(key) != value}
    return " ".join(f"{key}={value}" for key, value in named.items())


def select_from_data(
    interactions: Interactions | Events | Any,
    config: AutoConfig = AutoConfig(),
    *,
    settings: Mapping[str, object] = {},
    threads: int | None = None,
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
) -> Selection:
    """Return the configuration to train on some interactions.

    The same interactions and settings give the same selection, whatever the order of rows. Where fewer than 30
    users have two items, it is the default.

    Args:
        interactions: or events, or a data frame, as ``train_from_data`` takes it.
        settings: of all configurations, as ``TrainConfig.with_settings`` takes them.
        threads: None for one a core. Changes speed only.
        progress: called as configurations are tried.
        on_message: called with the seconds of each rung.

    Raises:
        ConfigError: the default does not fit the settings.
        DataError: the data are faulty.
    """
    base = TrainConfig().with_settings(settings)
    interactions = _combined(interactions, base)
    held = hold_out(interactions, RUNGS[-1].users, config.seed)
    measured = 0 if held is None else len(held.validation.user_ids)
    if held is None or measured < FEW_USERS:
        return Selection(base, [], None, config, measured, 0, False)
    trials = _Trials(held, config.metric, threads, progress)
    remaining = ladder(interactions, settings)[: config.budget]
    for number, rung in enumerate(RUNGS, 1):
        begun = time.monotonic()
        values = trials.run(remaining, rung, number)
        seconds = time.monotonic() - begun
        on_message(
            f"auto: step {number} of {len(RUNGS)}: {len(remaining)} configurations, "
            f"{trials.training(rung)} interactions: {seconds:.1f} s"
        )
        ranked = sorted(values, key=lambda one: -values[one].mean())  # equal ones as in the ladder
        survivors = rung.survivors
        if number == len(RUNGS) - 1 and trials.training(RUNGS[-1]) >= MANY:
            survivors = 1  # and the default
        remaining = ranked[:survivors]
        if number == 1 and "num_neighbors" not in settings:
            room = max(config.budget - len(trials.tried), 0)
            best = remaining[: min(WIDENED, room)]
            remaining += [replace(one, num_neighbors=WIDE) for one in best]
        remaining += [base] if base in values else []
        remaining = list(
            dict.fromkeys(remaining)
        )  # a configuration may have as many neighbors already
    chosen, difference = base, None
    if values and remaining[0] != base:
        difference = _mean_and_interval(values[remaining[0]] - values.get(base, np.float64(0)))
        chosen = remaining[0] if difference[1] > 0 else base
    ranking = sorted(trials.tried.values(), key=lambda one: (-one.rung, -(one.value or 0.0)))
    held_out = len(held.validation)
    return Selection(chosen, ranking, difference, config, measured, held_out, held.by_time)


def _combined(interactions: Interactions | Events | Any, base: TrainConfig) -> Interactions:
    return Interactions.of(interactions, base.aggregate, keep_events=base.similarity.uses_order)


class _Trials:
    """Trains and measures configurations on some of the users."""

    def __init__(self, held: HoldOut, metric: str, threads: int | None, progress: Progress) -> None:
        self._held, self._metric = held, metric
        self._threads, self._progress = threads, progress
        lengths = np.diff(held.training.user_items.indptr)
        self._sums = np.cumsum(lengths[held.order])  # interactions of the first users, (U,)
        self.tried: dict[TrainConfig, Tried] = {}
        # Of each configuration on so many users, so many of them measured.
        self._values: dict[tuple[int, int], dict[TrainConfig, Float64Array]] = {}

    def training(self, rung: _Rung) -> int:
        """Return how many interactions a rung trains on."""
        return int(self._sums[self._users(rung) - 1])

    def _users(self, rung: _Rung) -> int:
        """Return how many users, in the order drawn."""
        within = int(np.searchsorted(self._sums, rung.interactions, side="right"))
        return max(within, FEW_USERS)  # there are as many

    def _measured(self, rung: _Rung) -> int:
        """Return how many of them are measured."""
        return min(rung.users, len(self._held.validation.user_ids), self._users(rung))

    def run(
        self, configs: Sequence[TrainConfig], rung: _Rung, number: int
    ) -> dict[TrainConfig, Float64Array]:
        """Try configurations; return the metric of each user of those that can be trained."""
        users, measured = self._users(rung), self._measured(rung)
        values = self._values.setdefault((users, measured), {})
        new = [config for config in configs if config not in values]
        if new:
            order, training = self._held.order, self._held.training
            trainer = Trainer(_of_users(training, order[:users]), threads=self._threads)
            ids = sorted(training.user_ids[user] for user in order[:measured].tolist())
            every = self._held.validation
            validation = _of_users(every, np.searchsorted(every.user_ids, ids))
            self._try(new, trainer, validation, values, number)
        for config in configs:  # known from a smaller rung that has all already
            self.tried[config] = replace(self.tried[config], rung=number)
        return {config: values[config] for config in configs if config in values}

    def _try(
        self,
        configs: Sequence[TrainConfig],
        trainer: Trainer,
        validation: Interactions,
        values: dict[TrainConfig, Float64Array],
        number: int,
    ) -> None:
        cutoff, done = int(self._metric.partition("@")[2]), 0
        for group in _groups(configs):
            error = None
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DataWarning)  # the training of all shows them
                    for config, model in _models(trainer, group):
                        found = validate_model(model, validation, cutoff, self._threads)
                        values[config] = found.per_user[self._metric]
            except (MlcoreError, MemoryError) as fault:
                error = str(fault) or "out of memory"
            for config in group:
                mean = interval = None
                if config in values:
                    mean, *interval = _mean_and_interval(values[config])
                self.tried[config] = Tried(number, mean, interval, config.to_json(), error)
            done += len(group)
            self._progress("try configurations", done, len(configs))


def _groups(configs: Sequence[TrainConfig]) -> list[list[TrainConfig]]:
    """Return configurations together that differ in how much less the earlier items of a history count."""
    groups: dict[TrainConfig, list[TrainConfig]] = {}
    for config in configs:
        groups.setdefault(replace(config, history_decay=NoHistoryDecay()), []).append(config)
    return list(groups.values())


def _models(
    trainer: Trainer, configs: Sequence[TrainConfig]
) -> Iterator[tuple[TrainConfig, Model]]:
    """Yield the model of each configuration of a group, trained once."""
    ordered = next((config for config in configs if config.uses_order), configs[0])
    model = trainer.train(ordered)
    for config in configs:
        order = model.order if config.uses_order else None
        yield config, replace(model, config_json=config.to_json(), order=order)


def _of_users(interactions: Interactions, users: Int64Array) -> Interactions:
    kept = np.zeros(len(interactions.user_ids), np.bool_)
    kept[users] = True
    if kept.all():
        return interactions
    return interactions.select(np.repeat(kept, np.diff(interactions.user_items.indptr)))


def _mean_and_interval(values: Float64Array) -> tuple[float, float, float]:
    """Return the mean over users, and its 95 % interval by the standard error."""
    mean = float(values.mean())
    reach = ERRORS * float(values.std(ddof=1)) / math.sqrt(len(values))
    return mean, mean - reach, mean + reach


def train_auto_from_data(
    interactions: Interactions | Events | Any,
    config: AutoConfig = AutoConfig(),
    *,
    settings: Mapping[str, object] = {},
    with_users: bool = True,
    threads: int | None = None,
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
    attributes: Attributes | None = None,
) -> tuple[Model, Selection]:
    """Choose a configuration, and train on all interactions with it.

    Args:
        interactions: as ``select_from_data`` takes them, and settings.
        with_users: and the others as in ``train_from_data``.

    Raises:
        MlcoreError: as ``select_from_data`` and ``train_from_data``.

    >>> model, selection = train_auto_from_data(Interactions.from_columns(["u", "u"], ["a", "b"]))
    >>> selection.config == TrainConfig()
    True
    """
    interactions = _combined(interactions, TrainConfig().with_settings(settings))
    selection = select_from_data(
        interactions,
        config,
        settings=settings,
        threads=threads,
        progress=progress,
        on_message=on_message,
    )
    model = train_from_data(
        interactions,
        selection.config,
        with_users=with_users,
        threads=threads,
        progress=progress,
        on_message=on_message,
        attributes=attributes,
    )
    return model, selection


def train_auto_from_path(
    interactions_path: PathLike,
    out_dir: PathLike,
    config: AutoConfig = AutoConfig(),
    *,
    settings: Mapping[str, object] = {},
    threads: int | None = None,
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
    **options: Any,
) -> str:
    """Choose a configuration, train with it, and write the model directory with ``selection.json``; return a summary.

    The other options are those of ``train_from_path``. A dry run plans for the default.

    Raises:
        MlcoreError: as ``select_from_data`` and ``train_from_path``.
    """

    def choose(interactions: Interactions) -> Chosen:
        selection = select_from_data(
            interactions,
            config,
            settings=settings,
            threads=threads,
            progress=progress,
            on_message=on_message,
        )
        on_message(selection.summary())
        documents = {SELECTION: format_document(selection.to_json())}
        return Chosen(selection.config, documents, asdict(config))

    return train_from_path(
        interactions_path,
        TrainConfig().with_settings(settings),
        out_dir,
        choose=choose,
        threads=threads,
        progress=progress,
        on_message=on_message,
        **options,
    )

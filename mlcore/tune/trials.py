"""Trials: their record, and how to run one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, MlcoreError
from mlcore.interactions import Interactions
from mlcore.train.train import Trainer
from mlcore.tune.config import TuneConfig
from mlcore.tune.space import SampledConfig
from mlcore.tune.validation import validate_model

__all__ = ["Trial", "TrialRunner", "best_trial", "full_config"]


@dataclass(frozen=True)
class Trial:
    """The outcome of one configuration.

    Attributes:
        trial: its number; 0 is the default configuration.
        value: the objective, or None if the trial failed.
        params: picked values of the space; none for the default and those that auto ranks first.
        config: defaults spelled out.
        metrics: all metrics at the cutoff; none if the trial failed.
        same_as: an earlier trial of this configuration, whose outcome this one repeats.
        error: of a failed trial.
        seconds: spent on ``training`` and ``evaluating``.
    """

    trial: int
    value: float | None
    params: Mapping[str, int | float]
    config: Mapping[str, Any]
    metrics: Mapping[str, float] = field(default_factory=dict)
    same_as: int | None = None
    error: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial of greatest value, the first of equals, or None if all failed.

    >>> best_trial([Trial(0, 0.5, {}, {}), Trial(1, None, {}, {}), Trial(2, 0.5, {}, {})]).trial
    0
    """
    done = [trial for trial in trials if trial.value is not None]
    return max(done, key=lambda trial: trial.value or 0.0, default=None)


@dataclass(frozen=True)
class TrialRunner:
    """Train and evaluate one configuration after the other.

    Attributes:
        validation: held-out interactions.
        config: names the metric.
        threads: None for one per core. Changes speed only.
    """

    trainer: Trainer
    validation: Interactions
    config: TuneConfig
    threads: int | None = None

    def run(self, number: int, sample: SampledConfig, earlier: Sequence[Trial]) -> Trial:
        """Return the trial of a configuration; an MlcoreError makes it a failed trial.

        Repeats the outcome of an ``earlier`` trial of the same configuration.
        """
        config = full_config(sample.config)
        for known in earlier:
            if known.config == config:
                first = known.trial if known.same_as is None else known.same_as
                return replace(known, trial=number, params=sample.params, same_as=first, seconds={})
        try:
            metrics, seconds = self._measure(config)
        except (MlcoreError, MemoryError) as error:
            reason = str(error) or "out of memory"
            return Trial(number, None, sample.params, config, error=reason)
        value = metrics[self.config.metric]
        return Trial(number, value, sample.params, config, metrics, seconds=seconds)

    def _measure(self, config: dict[str, Any]) -> tuple[Mapping[str, float], dict[str, float]]:
        """Return the metrics of a configuration, and the seconds of each step."""
        begun = time.perf_counter()
        model = self.trainer.train(TrainConfig.from_json(config))
        trained = time.perf_counter()
        found = validate_model(model, self.validation, self.config.cutoff, self.threads)
        seconds = {"training": trained - begun, "evaluating": time.perf_counter() - trained}
        return found.metrics, {step: round(value, 3) for step, value in seconds.items()}


def full_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with its defaults spelled out, or unchanged if it is invalid.

    >>> full_config({"num_neighbors": 50})["shrinkage"]
    0.0
    """
    try:
        return TrainConfig.from_json(config).to_json()
    except ConfigError:
        return config

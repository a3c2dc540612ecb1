"""mlcore.tune.optuna_sampler: suggestions by past trials."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import optuna

from mlcore.tune.optuna_sampler import suggest
from mlcore.tune.space import SearchSpace
from tests.tune.conftest import SPACE


def test_suggestions_are_those_of_a_study_of_optuna_that_was_never_interrupted() -> None:
    space = SearchSpace.from_json(SPACE)
    sampler = optuna.samplers.TPESampler
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")

    def objective(params: dict[str, Any]) -> float:
        return float(sum(value / (3 + place) for place, value in enumerate(params.values())))

    def draw(trial: Any, name: str, dimension: Any) -> Any:
        if hasattr(dimension, "count"):
            return trial.suggest_categorical(name, range(dimension.count))
        kind = trial.suggest_int if isinstance(dimension.low, int) else trial.suggest_float
        return kind(name, dimension.low, dimension.high, log=dimension.log)

    past: list[Any] = []
    for number in range(1, 26):
        sample = suggest(space, past, seed=8, number=number)
        entropy = np.random.SeedSequence([8, number]).generate_state(1)[0]
        study.sampler = sampler(seed=int(entropy), multivariate=False)
        trial = study.ask()
        assert space.sample(lambda name, dim: draw(trial, name, dim)) == sample  # noqa: B023
        past.append((sample, objective(sample.params)))
        study.tell(trial, objective(sample.params))
    assert len({json.dumps(sample.params) for sample, _ in past}) == 25


def test_suggestions_come_to_where_past_ones_were_good() -> None:
    space = SearchSpace.from_json(
        {"similarity": {"name": "cosine"}, "shrinkage": {"float": [0, 100]}}
    )
    past: list[Any] = []
    for number in range(40):
        sample = suggest(space, past, seed=1, number=number)
        past.append((sample, -abs(sample.config["shrinkage"] - 83)))
    distances = [-value for _, value in past]
    assert np.median(distances[25:]) < np.median(distances[:10]) / 2

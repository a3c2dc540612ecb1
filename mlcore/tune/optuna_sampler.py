"""The next configuration to try, by the tree-structured Parzen estimator of Optuna."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from typing import Any, Iterator

import numpy as np

from mlcore.errors import MlcoreError
from mlcore.tune.dimensions import Dimension, FloatRange, IntRange
from mlcore.tune.space import SampledConfig, SearchSpace

__all__ = ["optuna_version", "suggest"]


def optuna_version() -> str:
    """Return the version of Optuna, on which suggestions depend.

    Raises:
        MlcoreError: Optuna is not installed.

    >>> int(optuna_version().split(".")[0]) >= 4
    True
    """
    return str(_import_optuna().__version__)


def suggest(
    space: SearchSpace, past: Iterable[tuple[SampledConfig, float]], seed: int, number: int
) -> SampledConfig:
    """Return a configuration that is likely to beat most of the past ones.

    The first ten are random; then each value is drawn where good ones are dense and bad ones rare:
    ``TPESampler(multivariate=False)`` of Optuna, maximizing. Bergstra et al., Algorithms for
    Hyper-Parameter Optimization (NeurIPS 2011). Depends on the past, ``seed`` and ``number`` alone,
    so a resumed search takes the same path.

    Args:
        past: samples of this space and their objectives, in order.
        seed: of the search, >= 0.
        number: of this trial, >= 0.

    Raises:
        MlcoreError: Optuna is not installed.

    >>> space = SearchSpace.from_json({"num_neighbors": {"int": [10, 200]}})
    >>> suggest(space, [], seed=0, number=1) == suggest(space, [], seed=0, number=1)
    True
    """
    optuna = _import_optuna()
    entropy = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])  # 32 bits
    with _quiet(optuna):
        sampler = optuna.samplers.TPESampler(seed=entropy, multivariate=False)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for sample, value in past:
            study.add_trial(
                optuna.trial.create_trial(
                    params=sample.params,
                    distributions={
                        name: _distribution(optuna, dimension)
                        for name, dimension in sample.dimensions.items()
                    },
                    value=value,
                )
            )
        trial = study.ask()
        return space.sample(lambda name, dimension: _pick(trial, name, dimension))


def _import_optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise MlcoreError(
            "optuna: expected the extra [tune] to be installed, got no such package",
            'pip install ".[tune]" in the folder of mlcore, or pip install optuna',
        ) from None
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Silence Optuna's log line about a new study."""
    previous = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(previous)


def _distribution(optuna: Any, dimension: Dimension) -> Any:
    kinds = optuna.distributions
    if isinstance(dimension, FloatRange):
        return kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    if isinstance(dimension, IntRange):
        return kinds.IntDistribution(
            dimension.low, dimension.high, log=dimension.log, step=dimension.step
        )
    return kinds.CategoricalDistribution(range(dimension.count))


def _pick(trial: Any, name: str, dimension: Dimension) -> int | float:
    if isinstance(dimension, FloatRange):
        return float(trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log))
    if isinstance(dimension, IntRange):
        low, high, log, step = dimension.low, dimension.high, dimension.log, dimension.step
        return int(trial.suggest_int(name, low, high, log=log, step=step))
    return int(trial.suggest_categorical(name, range(dimension.count)))

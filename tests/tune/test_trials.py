"""mlcore.tune.trials: one configuration after the other, each outcome recorded."""

from __future__ import annotations

from typing import Any

import pytest

from mlcore import Interactions, TrainConfig
from mlcore.train.train import Trainer
from mlcore.tune.trials import Trial, best_trial
from tests.tune.conftest import TRAIN_ROWS, interactions_of, search

DEFAULT_K = TrainConfig().num_neighbors


def test_the_best_trial_is_the_first_of_equals_and_never_a_failed_one() -> None:
    values = [0.1, None, 0.3, 0.3, 0.2]
    trials = [Trial(number, value, {}, {}) for number, value in enumerate(values)]
    assert best_trial(trials) == trials[2]
    assert best_trial([trials[1]]) is None and best_trial([]) is None
    zero = [Trial(0, None, {}, {}), Trial(1, 0.0, {}, {})]
    assert best_trial(zero) == zero[1]


def test_a_configuration_that_comes_again_is_not_trained_again(
    train: Interactions, valid: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[TrainConfig] = []
    plain = Trainer.train

    def count(self: Trainer, config: TrainConfig, **options: Any) -> Any:
        trained.append(config)
        return plain(self, config, **options)

    monkeypatch.setattr(Trainer, "train", count)
    trials = search(train, valid, {"num_neighbors": {"choice": [2, DEFAULT_K]}}, trials=8)
    assert [config.num_neighbors for config in trained] == [DEFAULT_K, 2]
    assert [trial.trial for trial in trials] == list(range(8))
    two = next(trial.trial for trial in trials if trial.config["num_neighbors"] == 2)
    for trial in trials:
        first = trials[two if trial.config["num_neighbors"] == 2 else 0]
        assert (trial.value, trial.metrics) == (first.value, first.metrics)
        assert trial.same_as == (None if trial is first else first.trial)


def test_a_configuration_that_cannot_be_trained_fails_alone(
    train: Interactions, valid: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first user has all items, so that its plain idf is below 0.
    items = train.item_ids
    all_of_them = interactions_of([*TRAIN_ROWS, *(("u00", item, 1.0) for item in items)])
    space = {
        "weighting": {"choice": [{"name": "tf_idf"}, {"name": "tf_idf", "smooth": True}]},
        "num_neighbors": {"int": [1, 50]},
    }
    trials = search(all_of_them, valid, space, trials=10)
    for trial in trials[1:]:
        failed = trial.params["weighting.choice"] == 0
        assert (trial.value is None) == failed and (trial.metrics == {}) == failed
        start = "weighting tf_idf: user 'u00', item 'i00': expected a weight above 0 that float32"
        assert (trial.error is not None and trial.error.startswith(start)) == failed
    assert {trial.value is None for trial in trials[1:]} == {True, False}
    assert search(all_of_them, valid, space, trials=10, past=trials[:6]) == trials[6:]


def test_what_does_not_fit_into_memory_fails_alone(
    train: Interactions, valid: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Trainer.train

    def refuse_large(self: Trainer, config: TrainConfig, **options: Any) -> Any:
        if config.num_neighbors == 7:
            raise MemoryError
        return plain(self, config, **options)

    monkeypatch.setattr(Trainer, "train", refuse_large)
    trials = search(train, valid, {"num_neighbors": {"choice": [7, 8]}}, trials=5)
    assert {(trial.config["num_neighbors"], trial.error) for trial in trials} == {
        (DEFAULT_K, None), (7, "out of memory"), (8, None),
    }  # fmt: skip

"""mlcore.tune.ladder: which configurations are tried."""

from __future__ import annotations

import pytest

from mlcore import Interactions, TrainConfig
from mlcore.tune import ladder as ladder_module
from mlcore.tune.ladder import ladder
from tests.tune.cases import library, pairs_of


def test_the_default_comes_first_and_each_configuration_once() -> None:
    for interactions in (library(), library(with_times=True)):
        tried = ladder(interactions, {})
        assert tried[0] == TrainConfig() and len(set(tried)) == len(tried) >= 15
    names = {config.history_decay.name for config in ladder(library(with_times=True), {})}
    assert names == {"none", "quadratic", "exponential"}
    assert {config.history_decay.name for config in ladder(library(), {})} == {"none"}


def test_weights_that_are_alike_leave_out_what_ignores_them() -> None:
    data = library()
    flat = Interactions.from_columns(*zip(*sorted(pairs_of(data))))
    assert len(ladder(flat, {})) < len(ladder(data, {}))


def test_settings_are_those_of_all_and_leave_out_what_they_do_not_fit() -> None:
    settings = {"similarity.name": "jaccard", "shrinkage": 2.0, "num_neighbors": 7}
    tried = ladder(library(), settings)
    assert {(c.similarity.name, c.shrinkage, c.num_neighbors) for c in tried} == {
        ("jaccard", 2.0, 7)
    }
    # jaccard counts whatever the weights: no configuration that only changes these for heavy users
    assert {config.heavy_users.name for config in tried} == {"keep"}


def test_ease_is_tried_where_it_takes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    interactions = library()
    (ease,) = (config for config in tried_of(interactions) if config.similarity.name == "ease")
    each = len(interactions) / len(interactions.item_ids)
    assert ease.to_json()["similarity"]["l2"] == pytest.approx(2.5 * each, abs=0.001)  # type: ignore[index]
    for name, least in (("MANY", len(interactions)), ("MAX_EASE_ITEMS", 59)):
        with monkeypatch.context() as patch:
            patch.setattr(ladder_module, name, least)
            assert "ease" not in {config.similarity.name for config in tried_of(interactions)}


def tried_of(interactions: Interactions) -> list[TrainConfig]:
    return ladder(interactions, {})

"""mlcore.artifact.history_rule: what a model says of events is read, or refused with its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlcore import ConfigError, TrainConfig
from mlcore.artifact.history_rule import HistoryRule, normalization_arrays
from mlcore.errors import ArtifactError, ManifestError, VersionError
from mlcore.history_decay import (
    HISTORY_DECAYS,
    ExponentialHistoryDecay,
    NoHistoryDecay,
    QuadraticHistoryDecay,
)
from mlcore.weighting import BM25, WEIGHTINGS, Log, NoWeighting, Normalization
from tests.artifact.models import some_rows, train

TIME = "2026-01-01T12:00:00.000000Z"
NONE: dict[str, Any] = {"name": "none", "half_life_days": None, "reference_time": None}
ONES = np.ones(3)


def rule_of(
    aggregate: Any = "sum", weighting: Any = NONE, normalization: Normalization = Normalization()
) -> HistoryRule:
    config = {"aggregate": aggregate, "weighting": weighting, "of a later version": 1}
    return HistoryRule.from_config(config, normalization, "config.json")


def test_the_rule_is_that_of_the_configuration() -> None:
    assert rule_of() == HistoryRule("sum", NoWeighting(), Normalization())
    decayed = {"name": "log", "half_life_days": 7, "reference_time": TIME, "later": None}
    expected = Log(half_life_days=7.0, reference_time=TIME)
    assert rule_of("last", decayed).weighting == expected
    bm25 = rule_of(
        "sum", {**NONE, "name": "bm25", "k1": 2, "b": "unused"}, Normalization(ONES, ONES)
    )
    assert bm25.weighting == BM25(k1=2.0)


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.parametrize("half_life_days", [None, 30])
def test_every_configuration_of_a_training_is_read(name: str, half_life_days: float | None) -> None:
    weighting = WEIGHTINGS[name](half_life_days=half_life_days)
    kind: Any = {"smooth": True} if name in ("tf_idf", "bm25") else {}
    config = TrainConfig(
        weighting=WEIGHTINGS[name](
            half_life_days=half_life_days,
            reference_time=None if half_life_days is None else TIME,
            **kind,
        )
    )
    parts = [ONES if part in weighting.uses else None for part in Normalization._fields]
    found = HistoryRule.from_config(config.to_json(), Normalization(*parts), "config.json")
    assert found.weighting.half_life_days == half_life_days
    assert type(found.weighting) is type(weighting)


@pytest.mark.parametrize(
    ("aggregate", "weighting", "error", "message"),
    [
        (None, NONE, ManifestError, "aggregate: expected a string, got null"),
        ("median", NONE, VersionError, "aggregate: expected one of sum, max, last, count, got"),
        ("sum", "none", ManifestError, "weighting: expected an object, got 'none'"),
        ("sum", {**NONE, "name": "pmi"}, VersionError, "weighting: name: expected one of none,"),
        ("sum", {**NONE, "name": 7}, ManifestError, "weighting: name: expected a string, got 7"),
        ("sum", {"name": "none"}, ManifestError, "weighting: half_life_days: expected a finite"),
        (
            "sum",
            {**NONE, "half_life_days": 0},
            ManifestError,
            "weighting: half_life_days: expected",
        ),
        ("sum", {**NONE, "half_life_days": 10**400}, ManifestError, "weighting: half_life_days: "),
        (
            "sum",
            {**NONE, "half_life_days": 1},
            ManifestError,
            "weighting: reference_time: expected",
        ),
        (
            "sum",
            {**NONE, "half_life_days": 1, "reference_time": "2026-02-30T12:00:00.000000Z"},
            ManifestError,
            "weighting: reference_time: expected an RFC 3339 time or null, got",
        ),
        ("sum", {**NONE, "name": "bm25"}, ManifestError, "weighting: k1: expected a finite number"),
        ("sum", {**NONE, "name": "bm25", "k1": -1}, ManifestError, "weighting: k1: expected a fin"),
    ],
)
def test_a_faulty_rule_is_refused_with_its_key(
    aggregate: Any, weighting: Any, error: type[ArtifactError], message: str
) -> None:
    with pytest.raises(error) as caught:
        rule_of(aggregate, weighting)
    assert str(caught.value).startswith(f"config.json: {message}")


@pytest.mark.parametrize(
    ("weighting", "normalization", "found"),
    [
        (NONE, Normalization(None, ONES), "length_factors"),
        ({**NONE, "name": "tf_idf"}, Normalization(), "no arrays"),
        ({**NONE, "name": "tf_idf"}, Normalization(ONES, ONES), "item_norms, length_factors"),
        ({**NONE, "name": "bm25", "k1": 1}, Normalization(None, ONES), "length_factors"),
    ],
)
def test_arrays_of_another_weighting_are_refused(
    weighting: Any, normalization: Normalization, found: str
) -> None:
    with pytest.raises(ManifestError, match=f"name: expected a weighting with {found}, as"):
        rule_of("sum", weighting, normalization)


def rule_with_decay(decay: Any) -> HistoryRule:
    config = {"aggregate": "sum", "weighting": NONE, "history_decay": decay}
    return HistoryRule.from_config(config, Normalization(), "config.json", uses_order=True)


def test_the_decay_is_read_where_the_order_is_kept() -> None:
    assert rule_of().history_decay == NoHistoryDecay()  # which has no such key
    assert (
        rule_with_decay({"name": "quadratic", "later": 1}).history_decay == QuadraticHistoryDecay()
    )
    assert (
        rule_with_decay({"name": "none", "half_life_items": "x"}).history_decay == NoHistoryDecay()
    )
    found = rule_with_decay({"name": "exponential", "half_life_items": 3})
    assert found.history_decay == ExponentialHistoryDecay(3.0)
    for kind in HISTORY_DECAYS.values():
        config = TrainConfig(history_decay=kind()).to_json()
        rule = HistoryRule.from_config(config, Normalization(), "config.json", uses_order=True)
        assert rule.history_decay == kind()


@pytest.mark.parametrize(
    ("decay", "error", "message"),
    [
        (None, ManifestError, ": expected an object, got null"),
        ("none", ManifestError, ": expected an object, got 'none'"),
        ({}, ManifestError, ": name: expected a string, got null"),
        ({"name": 1}, ManifestError, ": name: expected a string, got 1"),
        (
            {"name": "linear"},
            VersionError,
            ": name: expected one of none, quadratic, exponential, g",
        ),
        *(
            (
                {"name": "exponential", **given},
                ManifestError,
                ": half_life_items: expected a finite number above 0, got ",
            )
            for given in [{}, *({"half_life_items": bad} for bad in (0, -1, True, "2", 10**400))]
        ),
    ],
)
def test_a_faulty_decay_is_refused_with_its_key(
    decay: Any, error: type[ArtifactError], message: str
) -> None:
    with pytest.raises(error) as caught:
        rule_with_decay(decay)
    assert str(caught.value).startswith(f"config.json: history_decay{message}")


def test_a_model_gives_its_arrays_to_files_of_their_own() -> None:
    model = train(some_rows())
    assert model.normalization is not None
    arrays = normalization_arrays(model.normalization)
    assert list(arrays) == ["item_norms.npz", "length_factors.npz"]
    assert all(len(*some.values()) == len(model.items) for some in arrays.values())
    rule = model.history_rule
    assert rule is not None and rule.normalization is model.normalization


def test_a_configuration_is_still_checked_as_one() -> None:
    with pytest.raises(ConfigError, match="aggregate: expected 'sum' or"):
        TrainConfig.from_json({"aggregate": "median"})

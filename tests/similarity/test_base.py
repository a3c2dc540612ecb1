"""mlcore.similarity.base: a similarity checks its parameters, and says which settings it has."""

from __future__ import annotations

import pytest

from mlcore import ConfigError, TrainConfig
from mlcore.similarity import SIMILARITIES, AsymmetricCosine, Tversky
from tests.similarity.cases import MEASURES, NAMES


def test_parameters_are_checked_when_a_similarity_is_made() -> None:
    with pytest.raises(ConfigError, match="alpha"):
        AsymmetricCosine(1.5)
    with pytest.raises(ConfigError, match="beta"):
        Tversky(1.0, -0.1)


WALKS = ["p3alpha", "rp3beta"]


@pytest.mark.parametrize("name", NAMES)
def test_settings_without_a_place_in_the_formula_are_an_error(name: str) -> None:
    similarity = SIMILARITIES[name]
    assert similarity.uses_shrinkage == (name in MEASURES)
    assert similarity.uses_min_cooccurrence == (name in [*MEASURES, *WALKS])
    for setting, value in (("shrinkage", 1.0), ("min_cooccurrence", 2)):
        if name in MEASURES or (name in WALKS and setting == "min_cooccurrence"):
            TrainConfig.from_json({"similarity": {"name": name}, setting: value})
        else:
            with pytest.raises(ConfigError, match=setting):
                TrainConfig.from_json({"similarity": {"name": name}, setting: value})

"""mlcore.similarity.registry: every similarity is listed under its name, with an oracle of its own."""

from __future__ import annotations

from mlcore.similarity import SIMILARITIES
from tests import oracles
from tests.similarity.cases import MEASURES


def test_no_measure_goes_without_an_oracle() -> None:
    assert set(MEASURES) == oracles.FORMULAS.keys() | {"adjusted_cosine", "pearson"}


def test_every_similarity_is_listed_under_its_name() -> None:
    assert all(
        name == similarity.name == similarity().name for name, similarity in SIMILARITIES.items()
    )
    assert set(SIMILARITIES) - set(MEASURES) == {
        "p3alpha",
        "rp3beta",
        "ease",
        "slim",
        "sequential_rules",
    }

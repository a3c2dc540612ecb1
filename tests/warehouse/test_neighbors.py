"""Neighbors of an engine: its pairs, with the similarities of mlcore."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlcore import Interactions, TrainConfig, train_from_data
from mlcore.errors import ConfigError, DataError
from mlcore.similarity import AsymmetricCosine
from mlcore.warehouse.engines import DuckDb, Result
from mlcore.warehouse.neighbors import SqlNeighbors, train_parameters
from mlcore.warehouse.query import Query, bundled_query
from tests import oracles


@pytest.mark.parametrize(
    ("settings", "alpha", "beta", "signed"),
    [
        ({"name": "cosine"}, 0, 0, False),
        ({"name": "asymmetric_cosine", "alpha": 0.3}, 0.3, 0, False),
        ({"name": "tversky", "alpha": 1.5, "beta": 0.5}, 1.5, 0.5, False),
        ({"name": "conditional_probability", "popularity_exponent": 0.4}, 0.4, 0, False),
        ({"name": "log_likelihood_ratio", "signed": True}, 0, 0, True),
    ],
)
def test_the_parameters_are_those_of_the_configuration(
    settings: dict[str, Any], alpha: float, beta: float, signed: bool
) -> None:
    config = TrainConfig.from_json({"similarity": settings, "num_neighbors": None, "shrinkage": 2})
    values = train_parameters(config)
    assert (values["alpha"], values["beta"], values["signed"]) == (alpha, beta, signed)
    assert (values["shrinkage"], values["num_neighbors"]) == (2, 2**31 - 1)
    assert bundled_query("train").values(values) == values


def test_a_similarity_that_the_query_does_not_know_is_refused() -> None:
    with pytest.raises(ConfigError, match="similarity: expected one of dot, .* got slim$"):
        train_parameters(TrainConfig.from_json({"similarity": {"name": "slim"}}))


class Liar(DuckDb):
    """An engine whose similarities are wrong in the ninth digit."""

    def run(self, query: Query, *arguments: Any, **more: Any) -> Result:
        found = super().run(query, *arguments, **more)
        parts = ({**part, "similarity": part["similarity"] * (1 + 1e-8)} for part in found.parts)
        return Result(found.columns, parts)


def test_an_engine_that_computes_otherwise_is_found_out() -> None:
    interactions = Interactions.from_columns(["u", "u", "v"], ["a", "b", "a"])
    with (
        Liar() as engine,
        pytest.raises(DataError, match=r"train.sql: similarity: expected 0\.\d+ as float32 for a"),
    ):
        config = oracles.plain(AsymmetricCosine())
        train_from_data(interactions, config, find_neighbors=SqlNeighbors(engine))


def test_spare_neighbors_settle_what_engines_round_otherwise() -> None:
    # All pairs tie; the engine tells them apart by what it has rounded, the later items first.
    class Rounder(DuckDb):
        def run(self, query: Query, values: Any, *arguments: Any, **more: Any) -> Result:
            assert values["num_neighbors"] == 2 + 32
            found = super().run(query, values, *arguments, **more)
            parts = ({name: cells[::-1] for name, cells in part.items()} for part in found.parts)
            return Result(found.columns, parts)

    interactions = Interactions.from_columns(*zip(*[(u, i) for u in "uvw" for i in "abcde"]))
    config = TrainConfig.from_json({"similarity": {"name": "npmi"}, "num_neighbors": 2})
    with Rounder() as engine:
        found = train_from_data(interactions, config, find_neighbors=SqlNeighbors(engine))
    assert found.similarity.num_entries == 10
    expected = train_from_data(interactions, config).similarity
    assert np.array_equal(found.similarity.indices, expected.indices)
    assert np.array_equal(found.similarity.data, expected.data)

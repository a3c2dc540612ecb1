"""mlcore.similarity.formula: a quotient is the same formula as the values of its measure, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.similarity.formula import Pairs, Quotient
from mlcore.types import Float64Array
from tests.similarity.cases import MEASURES, measure


def evaluate(quotient: Quotient, pairs: Pairs) -> Float64Array:
    """The formulas of the docstring."""
    (s,), (t,), c = pairs.sources, pairs.targets, pairs.products
    a, b, shrinkage = quotient.a, quotient.b, pairs.shrinkage
    if quotient.kind == "product":
        return a * c / (s * t + shrinkage)
    if quotient.kind == "sum":
        return c / (s + t - a * c + shrinkage)
    return c / (c + (a * (t - c) + b * (s - c)) + shrinkage)


@pytest.mark.parametrize("shrinkage", [0.0, 2.5])
@pytest.mark.parametrize("name", MEASURES)
def test_a_quotient_equals_the_values_of_its_measure(name: str, shrinkage: float) -> None:
    similarity, rng = measure(name), np.random.default_rng(1)
    quotient = similarity.quotient(50)
    products = rng.integers(1, 20, 200).astype(np.float64)
    sources, targets = products + rng.integers(0, 30, 200), products + rng.integers(0, 30, 200)
    if quotient is None:
        assert name in ("pmi", "npmi", "log_likelihood_ratio", "pearson", "adjusted_cosine")
        return
    if name == "dot":
        sources = targets = np.ones(200)
    pairs = Pairs(products, (sources,), (targets,), 50, shrinkage)
    assert evaluate(quotient, pairs).tolist() == similarity.values(pairs).tolist()

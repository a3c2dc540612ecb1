"""mlcore.similarity.association: each measure is its published formula."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from tests import oracles
from tests.similarity.cases import assert_by_hand, find, random_x

LN2, LN3 = math.log(2), math.log(3)


@pytest.mark.parametrize(
    ("name", "parameters", "ab", "ba", "ac"),
    [
        ("lift", {}, 6 * 2 / (8 + 1), 6 * 2 / (8 + 1), 6 * 2 / (12 + 1)),
        # lift 6 * 2 / 8 = 1.5 and 6 * 2 / 12 = 1: independent, absent. Damped by 2 / (2 + 1).
        ("pmi", {}, (LN3 - LN2) * 2 / 3, (LN3 - LN2) * 2 / 3, 0),
        # -ln(2 / 6) = ln 3
        ("npmi", {}, (1 - LN2 / LN3) * 2 / 3, (1 - LN2 / LN3) * 2 / 3, 0),
        # a, b: both 2, a alone 2, b alone 0, neither 2; margins 4 2 and 2 4:
        # 2 (2 ln(12/8) + 2 ln(12/16) + 2 ln(12/8)) = 4 ln(27/16)
        (
            "log_likelihood_ratio",
            {},
            4 * math.log(27 / 16) * 2 / 3,
            4 * math.log(27 / 16) * 2 / 3,
            0,
        ),
    ],
)
def test_each_measure_gives_what_the_hand_computes(
    name: str, parameters: dict[str, Any], ab: float, ba: float, ac: float
) -> None:
    assert_by_hand(name, parameters, ab, ba, ac)


def test_log_likelihood_ratio_equals_that_of_scipy() -> None:
    x = random_x(30, 8, seed=3, weighted=False)
    kept = oracles.dense(find(x, "log_likelihood_ratio"))
    for i, j in itertools.permutations(range(7), 2):
        table = [[((x[:, i] == a) & (x[:, j] == b)).sum() for b in (1, 0)] for a in (1, 0)]
        if table[0][0] and min(map(sum, [*table, *zip(*table)])):
            expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
            np.testing.assert_allclose(kept[i, j], expected, rtol=1e-6, atol=1e-12)


def test_items_that_avoid_each_other_have_a_negative_sign_where_asked() -> None:
    # 2 of 9 users have both, where chance has 5 * 6 / 9 = 3.3.
    x = np.zeros((9, 2))
    x[:5, 0] = x[3:, 1] = 1
    unsigned = oracles.dense(find(x, "log_likelihood_ratio"))
    signed = oracles.dense(find(x, "log_likelihood_ratio", signed=True))
    assert unsigned[0, 1] > 1 and (signed == -unsigned).all()

"""mlcore.similarity.correlation: each measure is its published formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlcore import DataError
from tests import oracles
from tests.similarity.cases import assert_by_hand, find, random_x


def test_pearson_gives_what_the_hand_computes() -> None:
    # (2 - 4 * 2 / 6) / (sqrt(4 - 16/6) sqrt(2 - 4/6) + 1) = (2/3) / (4/3 + 1); a, c: 2 - 2 = 0
    assert_by_hand("pearson", {}, (2 / 3) / (7 / 3), (2 / 3) / (7 / 3), 0)


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        # Of user 0 (mean 4) remain 1, -1, 0; of user 1 (mean 2) -1, 1; of user 2 (mean 3) -2, 2.
        # a: 1, -1, -2; b: -1, 1; c: 0, ., 2. ab: -2 / (sqrt 6 sqrt 2), ac: -4 / (sqrt 6 * 2); user
        # 0, whom b and c share, has 0 for c.
        ("adjusted_cosine", {}, [-2 / 12**0.5, -4 / (2 * 6**0.5), 0]),
        # Means over raters a 7/3, b 3, c 4.5: a is 8/3, -4/3, -4/3; b 0, 0; c -0.5, ., 0.5.
        # ac: (-4/3 - 2/3) / (sqrt(96/9) sqrt(0.5)); b has no spread.
        ("pearson", {"missing": "unknown"}, [0, -2 / (96 / 9 * 0.5) ** 0.5, 0]),
    ],
)
def test_centred_measures_give_what_the_hand_computes(
    name: str, parameters: dict[str, Any], expected: list[float]
) -> None:
    x = np.array([[5.0, 3, 4], [1, 3, 0], [1, 0, 5]])
    kept = oracles.dense(find(x, name, **parameters))
    np.testing.assert_allclose([kept[0, 1], kept[0, 2], kept[1, 2]], expected, rtol=1e-6)
    assert (kept == kept.T).all()


def test_pearson_equals_that_of_numpy() -> None:
    x = random_x(30, 8, seed=3, weighted=True)[:, :7]
    kept = oracles.dense(find(x, "pearson"))
    expected = np.atleast_2d(np.corrcoef(x.astype(np.float32).astype(np.float64).T))
    pairs = kept != 0
    assert (kept < 0).any() and pairs.sum() > 20
    np.testing.assert_allclose(kept[pairs], expected[pairs], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "parameters"), [("adjusted_cosine", {}), ("pearson", {"missing": "unknown"})]
)
def test_weights_that_do_not_differ_are_an_error(name: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=f"^similarity {name}: expected weights that differ, got"):
        find(np.full((3, 4), 2.0), name, **parameters)

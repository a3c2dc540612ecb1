"""mlcore.similarity.overlap: each measure is its published formula."""

from __future__ import annotations

from typing import Any

import pytest

from tests.similarity.cases import assert_by_hand


@pytest.mark.parametrize(
    ("name", "parameters", "ab", "ba", "ac"),
    [
        ("dot", {}, 2 / 2, 2 / 2, 2 / 2),  # c / (1 + 1)
        ("cosine", {}, 2 / (8**0.5 + 1), 2 / (8**0.5 + 1), 2 / (12**0.5 + 1)),
        # the target's n to the power 0.75, the source's 0.25
        (
            "asymmetric_cosine",
            {"alpha": 0.75},
            2 / (2**0.75 * 4**0.25 + 1),
            2 / (4**0.75 * 2**0.25 + 1),
            2 / (3**0.75 * 4**0.25 + 1),
        ),
        ("jaccard", {}, 2 / (4 + 1), 2 / (4 + 1), 2 / (5 + 1)),
        ("dice", {}, 2 / (6 + 1), 2 / (6 + 1), 2 / (7 + 1)),
        # ab: none has b alone, 2 have a alone: 2 + 3 * 0 + 0.5 * 2 + 1
        (
            "tversky",
            {"alpha": 3, "beta": 0.5},
            2 / (2 + 0.5 * 2 + 1),
            2 / (2 + 3 * 2 + 1),
            2 / (2 + 3 * 1 + 0.5 * 2 + 1),
        ),
        ("conditional_probability", {}, 2 / (4 + 1), 2 / (2 + 1), 2 / (4 + 1)),
        (
            "conditional_probability",
            {"popularity_exponent": 2},
            2 / (4 * 2**2 + 1),
            2 / (2 * 4**2 + 1),
            2 / (4 * 3**2 + 1),
        ),
    ],
)
def test_each_measure_gives_what_the_hand_computes(
    name: str, parameters: dict[str, Any], ab: float, ba: float, ac: float
) -> None:
    assert_by_hand(name, parameters, ab, ba, ac)

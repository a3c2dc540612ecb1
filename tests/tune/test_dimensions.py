"""mlcore.tune.dimensions: what a value may be, and the boundary values of a space."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from mlcore.tune.dimensions import Dimension, FloatRange, IntRange, Options, parse_node

PLACE = "space.json"


def test_the_combinations_tried_grow_with_pairs_of_settings_not_with_all_of_them() -> None:
    keys = {f"k{n}": {"choice": [0, 1, 2]} for n in range(12)}
    edges = [boundary.value for boundary in parse_node(keys, PLACE).boundaries(())]
    assert len(edges) == 66 * 9  # pairs of keys, pairs of values; all would be 531441
    for one, other in itertools.combinations(keys, 2):
        assert {(edge[one], edge[other]) for edge in edges} == set(
            itertools.product(range(3), repeat=2)
        )


@pytest.mark.parametrize(
    ("dimension", "valid", "invalid"),
    [
        (Options(3), [0, 2], [-1, 3, 1.0, True, "1"]),
        (IntRange(1, 7, step=3), [1, 4, 7], [0, 2, 8, 4.0, True]),
        (FloatRange(0.5, 2), [0.5, 1, 2.0], [0.4, 2.5, math.nan, True, "1"]),
    ],
)
def test_a_dimension_takes_its_own_values_only(
    dimension: Dimension, valid: list[Any], invalid: list[Any]
) -> None:
    assert [dimension.validate(value) for value in valid] == valid
    for value in invalid:
        with pytest.raises(ValueError):
            dimension.validate(value)


def test_a_number_within_a_range_becomes_a_float() -> None:
    assert isinstance(FloatRange(0, 2).validate(1), float)

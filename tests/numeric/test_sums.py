"""mlcore.numeric.sums: one order of addition, whatever the spans."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mlcore.numeric.sums import sum_by_group


def test_values_are_added_one_by_one_in_their_order() -> None:
    # 2^53 + 1 is 2^53 in float64, so 1 + 1 + 2^53 is more than 2^53 + 1 + 1.
    values, groups = np.array([2.0**53, 1, 1, 1, 1, 2.0**53]), np.array([0, 0, 0, 1, 1, 1])
    assert sum_by_group(groups, values, 2).tolist() == [2.0**53, 2.0**53 + 2]


@pytest.mark.parametrize("squares", [False, True])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_sums_are_those_of_a_plain_loop(
    kind: type, squares: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 7, 500)
    values: npt.NDArray[Any] = rng.lognormal(0, 9, 500).astype(kind)
    expected = [0.0] * 8
    for group, value in zip(groups.tolist(), values.tolist()):
        expected[group] += value * value if squares else value
    for span in (1, 64, 10**6):
        monkeypatch.setattr("mlcore.numeric.sums._SPAN_ENTRIES", span)
        assert sum_by_group(groups, values, 8, squares=squares).tolist() == expected


def test_an_overflow_is_infinity_without_a_warning() -> None:
    assert sum_by_group(np.zeros(2, int), np.full(2, 1e308), 1).tolist() == [np.inf]

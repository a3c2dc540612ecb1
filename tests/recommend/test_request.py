"""mlcore.recommend.request: histories as positions and weights, options as filters."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mlcore import DataError
from mlcore.ids import IdMap
from mlcore.recommend.request import ListOptions, encode_history, make_filters
from tests import oracles

ITEMS = IdMap.from_ids(oracles.ids("i", 6))


def test_a_history_is_sorted_by_position_and_leaves_out_unknown_items() -> None:
    pairs = [("i004", 2.0), ("new", 9.0), ("i001", 1 / 3), ("other", 1.0)]
    (items, weights), num_unknown = encode_history(pairs, ITEMS)
    assert items.dtype == np.int32 and weights.dtype == np.float32
    assert items.tolist() == [1, 4] and weights.tolist() == [np.float32(1 / 3), 2.0]
    assert num_unknown == 2


@pytest.mark.parametrize(
    ("include", "exclude", "allowed"),
    [
        (None, ["new"], None),
        (None, ["i001", "i005", "new"], [True, False, True, True, True, False]),
        (["i000", "i001", "new"], [], [True, True, False, False, False, False]),
        (["i000", "i001"], ["i001", "i002"], [True, False, False, False, False, False]),
        ([], [], [False] * 6),
    ],
)
def test_only_included_items_that_are_not_excluded_are_allowed(
    include: list[str] | None, exclude: list[str], allowed: list[bool] | None
) -> None:
    found = make_filters(ListOptions(include=include, exclude=exclude), ITEMS).allowed
    assert (None if found is None else found.tolist()) == allowed


@pytest.mark.parametrize("name", ["include", "exclude"])
def test_a_text_is_no_list_of_ids(name: str) -> None:
    with pytest.raises(DataError) as caught:
        ListOptions(**{name: "i001"})  # type: ignore[arg-type]
    assert str(caught.value) == f"{name}: expected ids, such as a list of strings, got 'i001'"


@pytest.mark.parametrize(
    "weight",
    [
        2.0**-149,
        2.0**-150 * 1.01,
        1,
        Fraction(1, 3),
        Decimal("0.1"),
        np.float32(0.5),
        2.0**128 - 2.0**104,
    ],
)
def test_every_weight_that_float32_holds_is_accepted(weight: Any) -> None:
    (_, weights), _ = encode_history([("i001", weight)], ITEMS)
    assert weights.tolist() == [np.float32(float(weight))] and 0 < weights[0] < np.inf


@pytest.mark.parametrize(
    ("weight", "got"),
    [
        (0, "0"),
        (-1.5, "-1.5"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2.0**-150, "7.006492321624085e-46"),  # a tie of 0 and 2^-149, which rounds to 0
        (2.0**128 - 2.0**103, "3.4028235677973366e+38"),  # likewise, to infinity
        (10**400, f"1{'0' * 59}..."),
        ("1", "'1'"),
        (None, "None"),
        (True, "True"),
        (1j, "1j"),
    ],
)
def test_a_weight_that_float32_does_not_hold_is_refused(weight: Any, got: str) -> None:
    for item in ("i001", "no such item"):
        with pytest.raises(DataError) as caught:
            encode_history([("i000", 1), (item, weight)], ITEMS)
        assert str(caught.value) == (
            f"history: item '{item}': weight: expected a finite number above 0 "
            f"that float32 holds, got {got}"
        )


@pytest.mark.parametrize("item", ["i001", "no such item"])
def test_an_item_twice_in_a_history_is_refused(item: str) -> None:
    with pytest.raises(DataError) as caught:
        encode_history([(item, 1), ("i002", 1), (item, 1)], ITEMS)
    assert str(caught.value) == f"history: expected each item once, got '{item}' twice"


def test_a_history_with_a_number_as_id_is_refused() -> None:
    with pytest.raises(DataError, match="^history: item_id: expected a string, got 7$"):
        encode_history([(7, 1.0)], ITEMS)  # type: ignore[list-item]

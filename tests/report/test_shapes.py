"""mlcore.report.shapes: what is refused, and with which place."""

from __future__ import annotations

from typing import Any

import pytest

from mlcore.errors import DataError
from mlcore.report.shapes import NUMBER, Optional, check_shape

SHAPE = {"users": int, "metrics": {str: NUMBER}, "pairs": Optional([(str, NUMBER)]), "on": bool}
GOOD: dict[str, Any] = {"users": 3, "metrics": {"recall@5": 1}, "pairs": [["a", 0.5]], "on": True}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({}, None),
        ({"pairs": None, "more": object()}, None),
        ({"users": True}, "a.json: users: expected an integer, got true"),
        ({"users": 1.5}, "a.json: users: expected an integer, got 1.5"),
        ({"on": 1}, "a.json: on: expected true or false, got 1"),
        ({"metrics": []}, "a.json: metrics: expected an object, got []"),
        ({"metrics": {"b\n": False}}, r"a.json: metrics: b\n: expected a number, got false"),
        ({"pairs": {}}, "a.json: pairs: expected a list, got {}"),
        ({"pairs": [["a", 1], ["a"]]}, "a.json: pairs: 1: expected 2 values, got 1"),
        ({"pairs": [[1, 1]]}, "a.json: pairs: 0: 0: expected a text, got 1"),
    ],
)
def test_a_value_of_another_shape_is_named_with_its_place(
    change: dict[str, Any], error: str | None
) -> None:
    if error is None:
        return check_shape(GOOD | change, SHAPE, "a.json")
    with pytest.raises(DataError) as caught:
        check_shape(GOOD | change, SHAPE, "a.json")
    assert str(caught.value) == error


def test_a_missing_member_is_named() -> None:
    with pytest.raises(DataError, match="^a.json: users: expected to be there, got an object"):
        check_shape({"metrics": {}, "on": True}, SHAPE, "a.json")

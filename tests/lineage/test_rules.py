"""Rules of the values in a line: the limits, from both sides."""

from __future__ import annotations

from typing import Any

import pytest

from mlcore.errors import DataError
from mlcore.lineage import rules

VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "COUNT": ([0, 2**63 - 1], [-1, 2**63, True, 0.5, "1"]),
    "TEXT": (["a"], ["", 7, None]),
    "SHA256": (["0f" * 32], ["0f" * 31, "0F" * 32, "0g" * 32, "0f" * 32 + "\n"]),
    "COMMIT": (["0f" * 20, "0f" * 32], ["0f" * 19, "main"]),
    "TIME": (["2026-01-31T12:00:00Z"], ["2026-01-31T12:00:00+00:00", "2026-01-31 12:00:00Z"]),
    "VALUES": ([{}, {"a": "b", "c": 1, "d": 0.5, "e": True}], [[], {"a": None}, {"a": []}]),
    "LIST": ([[]], [{}, "a"]),
    "OBJECT": ([{}], [[], None]),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_rule_takes_what_it_says(name: str) -> None:
    rule, (good, bad) = getattr(rules, name), VALUES[name]
    for value in good:
        assert rules.check_object({"key": rule}, {"key": value}, "here") == {"key": value}
    for value in bad:
        with pytest.raises(DataError, match="^here: key: expected "):
            rules.check_object({"key": rule}, {"key": value}, "here")


@pytest.mark.parametrize("value", [{}, {"b": 1, "a": 1}, {"a": 1, "b": 1, "c": 1}, [], None])
def test_an_object_has_the_keys_in_their_order(value: object) -> None:
    with pytest.raises(DataError, match="^here: expected an object with a, b, got "):
        rules.check_object({"a": rules.COUNT, "b": rules.COUNT}, value, "here")

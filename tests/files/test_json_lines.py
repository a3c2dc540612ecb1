"""mlcore.files.json_lines: members have their kind, and a table of objects its keys."""

from __future__ import annotations

import pytest

from mlcore.files.json_lines import json_member
from mlcore.files.tables import BadValue


def test_a_member_of_a_json_object_has_its_kind() -> None:
    value = {"text": "a", "list": [1], "null": None}
    assert json_member(value, "text", str) == "a"
    for key, kind, message in (
        ("list", str, "list: expected a string, got [1]"),
        ("null", list, "null: expected an array, got null"),
        ("none", dict, "none: expected an object, got no such key"),
    ):
        with pytest.raises(BadValue) as caught:
            json_member(value, key, kind)
        assert str(caught.value) == message

"""mlcore.files.options: the names of columns, and no numpy."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from mlcore.errors import ConfigError
from mlcore.files import options
from mlcore.files.options import ColumnNames, InputOptions


def test_names_are_in_order_of_user_item_weight_and_timestamp() -> None:
    assert ColumnNames("a", "b", "c", "d").in_order() == ("a", "b", "c", "d")
    assert InputOptions() == InputOptions(ColumnNames("user_id", "item_id", "weight", "timestamp"))


def test_it_imports_no_numpy() -> None:
    # And three modules of ours that do, too.
    tree = ast.parse(Path(options.__file__).read_text("utf-8"))
    found = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert set(found) == {
        *("__future__", "dataclasses", "typing"),
        *("mlcore.errors", "mlcore.parameters", "mlcore.times"),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"delimiter": "x"}, "delimiter: expected ',', '\\t', ';', '|', '::', got 'x'"),
        ({"timestamp_unit": "h"}, "timestamp_unit: expected 's', 'ms', 'us', 'ns', got 'h'"),
        ({"encoding": "klingon"}, "encoding: expected one that Python knows, such as latin-1"),
        ({"encoding": "base64"}, "encoding: expected one that Python knows, such as latin-1"),
        (
            {"timezone": "Mars/Olympus"},
            "timezone: expected UTC, an offset such as +09:00, or a name",
        ),
        ({"timezone": "+99:00"}, "timezone: expected UTC"),
        ({"timezone": "../../etc/passwd"}, "timezone: expected UTC"),
    ],
)
def test_an_option_that_is_none_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        InputOptions(**given)
    assert str(caught.value).startswith(message)


def test_utf_8_has_many_names() -> None:
    names = ["utf-8", "UTF8", "utf_8", "latin-1", "utf-8-sig"]
    assert [InputOptions(encoding=name).is_utf_8() for name in names] == [True] * 3 + [False] * 2

"""mlcore.files.options: the names of columns, and no numpy."""

from __future__ import annotations

import ast
from pathlib import Path

from mlcore.files import options
from mlcore.files.options import ColumnNames, InputOptions


def test_names_are_in_order_of_user_item_weight_and_timestamp() -> None:
    assert ColumnNames("a", "b", "c", "d").in_order() == ("a", "b", "c", "d")
    assert InputOptions() == InputOptions(ColumnNames("user_id", "item_id", "weight", "timestamp"))


def test_it_imports_the_standard_library_only() -> None:
    tree = ast.parse(Path(options.__file__).read_text("utf-8"))
    found = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert set(found) == {"__future__", "dataclasses", "typing"}

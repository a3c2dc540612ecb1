"""Python and Go have the same limits."""

from __future__ import annotations

import re
from pathlib import Path

from mlcore import limits

GO = Path(__file__).parents[1] / "interop/go/internal/tables/limits.go"
NAMES = {
    "maxLineBytes": "MAX_LINE_BYTES",
    "maxDocumentBytes": "MAX_DOCUMENT_BYTES",
    "maxFieldRunes": "MAX_FIELD",
    "maxRowRunes": "MAX_ROW",
    "maxColumns": "MAX_COLUMNS",
    "maxLineDepth": "MAX_DEPTH",
}


def test_the_limits_are_those_of_go() -> None:
    lines = re.findall(r"^\t(max\w+) += (?:1 << )?(\d+)", GO.read_text("utf-8"), re.MULTILINE)
    shifted = {name: f"{name} " for name, _ in lines}
    assert shifted.keys() == NAMES.keys()
    for name, number in lines:
        value = int(number) if name == "maxLineDepth" else 1 << int(number)
        assert value == getattr(limits, NAMES[name]), name

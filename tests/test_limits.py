"""Python and Go have the same limits."""

from __future__ import annotations

import re
from pathlib import Path

from mlcore import limits

GO = Path(__file__).parents[1] / "interop/go/internal"
NAMES = {
    "maxLineBytes": "MAX_LINE_BYTES",
    "maxDocumentBytes": "MAX_DOCUMENT_BYTES",
    "maxFieldRunes": "MAX_FIELD",
    "maxRowRunes": "MAX_ROW",
    "maxColumns": "MAX_COLUMNS",
    "maxLineDepth": "MAX_DEPTH",
    "maxValues": "MAX_VALUES",
}


def test_the_limits_are_those_of_go() -> None:
    text = (GO / "tables/limits.go").read_text("utf-8") + (GO / "jsontext/parse.go").read_text(
        "utf-8"
    )
    found = re.findall(r"^(?:\t|const )(max\w+) += (1 << )?(\d+)", text, re.MULTILINE)
    assert {name: 1 << int(size) if shift else int(size) for name, shift, size in found} == {
        name: getattr(limits, ours) for name, ours in NAMES.items()
    }

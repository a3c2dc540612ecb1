"""Rows as written, read back by the standard library."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from mlcore.files.formats import ROW_FORMATS
from mlcore.files.options import FORMATS

NAMES = ["user_id", "a,b", "n"]


def written(format_name: str, field: str) -> str:
    rows = {str(name): rows for name, rows in ROW_FORMATS.items()}[format_name]
    around = rows.around(NAMES)
    return rows.header(NAMES) + rows.row(around, [rows.quote(field), rows.quote("end"), "2.5"])


def test_every_format_can_be_written() -> None:
    assert set(ROW_FORMATS) == set(FORMATS)


@given(field=st.text())
def test_csv_is_read_back_as_it_was(field: str) -> None:
    lines = csv.reader(io.StringIO(written("csv", field), newline=""), strict=True)
    assert list(lines) == [NAMES, [field, "end", "2.5"]]


@given(field=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_lines_are_read_back_as_they_were(field: str) -> None:
    text = written("jsonl", field)
    assert text.count("\n") == 1
    assert json.loads(text) == {"user_id": field, "a,b": "end", "n": 2.5}

"""Rows as written, read back by the standard library."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.errors import DataError
from mlcore.files.formats import ROW_FORMATS, find_row_format, refuse_table_name
from mlcore.files.options import FORMATS, Format

NAMES = ["user_id", "a,b", "n"]


def written(ending: str, field: str) -> str:
    rows = ROW_FORMATS[ending]
    around = rows.around(NAMES)
    return rows.header(NAMES) + rows.row(around, [rows.quote(field), rows.quote("end"), "2.5"])


def test_every_format_can_be_written() -> None:
    assert {rows.format for rows in ROW_FORMATS.values()} == set(FORMATS)
    assert all(ROW_FORMATS[f".{name}"].format == name for name in FORMATS)


@given(field=st.text())
@pytest.mark.parametrize(("ending", "delimiter"), [(".csv", ","), (".tsv", "\t")])
def test_csv_is_read_back_as_it_was(ending: str, delimiter: str, field: str) -> None:
    text = io.StringIO(written(ending, field), newline="")
    assert list(csv.reader(text, delimiter=delimiter, strict=True)) == [
        NAMES,
        [field, "end", "2.5"],
    ]


@given(field=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_lines_are_read_back_as_they_were(field: str) -> None:
    text = written(".jsonl", field)
    assert text.count("\n") == 1
    assert json.loads(text) == {"user_id": field, "a,b": "end", "n": 2.5}


@pytest.mark.parametrize(
    ("name", "given", "ending"),
    [
        ("a.parquet", "csv", ".parquet"),
        ("a.PARQUET", "jsonl", ".parquet"),
        ("a.parquet.gz", "csv", ".parquet.gz"),
        ("a.csv.zip", "csv", ".zip"),
        ("a.xlsx", None, ".xlsx"),
        ("a.json", "csv", ".json"),
    ],
)
def test_an_option_never_overrules_the_name(name: str, given: Format | None, ending: str) -> None:
    with pytest.raises(DataError) as caught:
        find_row_format(name, given)
    assert str(caught.value).endswith(f", got {ending}")


def test_an_option_serves_names_that_do_not_tell() -> None:
    assert find_row_format("-", "csv") == find_row_format("a.txt", "csv") == ROW_FORMATS[".csv"]
    assert find_row_format("a.json", "jsonl") == ROW_FORMATS[".jsonl"]


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "a", "-", "a.csv/b", "a.txt"])
def test_a_document_has_any_name_but_that_of_a_table(name: str) -> None:
    refuse_table_name(name)

"""mlcore.files.csv_tables: a fault names its line, however many lines its rows take."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.files.catalogue import read_catalogue
from mlcore.files.interactions import Reader, read_interactions
from mlcore.files.options import InputOptions
from tests.files.samples import save


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_through_line_breaks_within_quotes(
    line_break: str, tmp_path: Path
) -> None:
    note = f'"one{line_break}two{line_break}{line_break}four"'
    rows = ["note,user_id,item_id,weight", f"{note},ann,tea,1", "", f"{note},bob,tea,0"]
    path = save(tmp_path, "a.csv", "".join(row + line_break for row in rows))
    # The header is line 1, the first row stands in lines 2 to 5, the blank line is line 6.
    with pytest.raises(DataError, match=r"a\.csv:7: weight: "):
        read_interactions(path)


def test_a_row_goes_on_for_at_most_so_many_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.csv_tables.MAX_ROW", 8)
    wide = "user_id,item_id\nann,a long name of one line\n"
    path = save(tmp_path, "a.csv", wide + 'bob,"1\n3"\nbob,"1\n\n4"\n')
    with pytest.raises(DataError, match=r"a\.csv:3: item_id: expected no NUL and no line break"):
        read_interactions(path)
    for row in ('b,"1\n2\n3"\n', '"\n\n\n\n\n\n\n",b\n'):
        read_lines(save(tmp_path, "a.csv", f"{wide}{row}"))
    for row in ('b,"12345\n2\n3"\n', '"\n\n\n\n\n\n\n\n\n",b\n', 'b,"\n",' * 3 + "c"):
        path = save(tmp_path, "a.csv", f"{wide}{row}")
        with pytest.raises(DataError, match=r"a\.csv:3: row: expected at most 8 characters, got m"):
            read_interactions(path)


@pytest.mark.parametrize("delimiter", [",", "::"])
def test_a_field_has_at_most_so_many_characters(delimiter: str, tmp_path: Path) -> None:
    fault = r"a\.csv:2: expected fields of at most 16777216 characters, got a longer one"
    for size, expected in ((2**24, r"a\.csv:2: item_id: expected"), (2**24 + 1, fault)):
        text = f"user_id{delimiter}item_id\nann{delimiter}{'x' * size}\n"
        options = InputOptions(delimiter=delimiter)
        with pytest.raises(DataError, match=expected):
            read_interactions(save(tmp_path, "a.csv", text), input_options=options)


def read_lines(path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv:3: \w+: expected no NUL and no line break"):
        read_interactions(path)


@pytest.mark.parametrize("reader", ["auto", "numpy", "duckdb", "standard"])
def test_a_table_has_at_most_so_many_columns(reader: Reader, tmp_path: Path) -> None:
    for width, fault in ((2**14, ""), (2**14 + 1, ":1: columns: expected at most 16384, got more")):
        names = ["user_id", "item_id", *map(str, range(width - 2))]
        path = save(tmp_path, "a.csv", ",".join(names) + "\n" + "a" + ",b" * (width - 1) + "\n")
        try:
            read_interactions(path, reader=reader)
            found = ""
        except DataError as error:
            found = str(error).removeprefix(str(path))
        assert found == fault


def test_a_catalogue_has_at_most_so_many_columns_in_all_objects(tmp_path: Path) -> None:
    lines = [f'{{"item_id": "{row}", "column {row}": "x"}}\n' for row in range(2**14)]
    path = save(tmp_path, "a.jsonl", "".join(lines))
    with pytest.raises(DataError, match=r"a\.jsonl: columns: expected at most 16384, got more$"):
        read_catalogue(path)

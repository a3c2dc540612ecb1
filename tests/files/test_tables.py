"""mlcore.files.tables: the borders of chunks change nothing, and a fault names its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.files.columns import read_columns
from mlcore.files.interactions import read_interactions
from mlcore.files.tables import BadValue, ColumnReader, json_member
from tests.cli.test_bad_input import CSV_CASES, JSONL_CASES
from tests.files.samples import SAME, WAYS_TO_WRITE_IT, content_of, save


@pytest.mark.parametrize("chunk_bytes", [1, 30, 64])
@pytest.mark.parametrize("batch_rows", [1, 2])
@pytest.mark.parametrize("way", WAYS_TO_WRITE_IT)
def test_the_borders_of_chunks_change_no_data(
    way: str, chunk_bytes: int, batch_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr("mlcore.files.tables._BATCH_ROWS", batch_rows)
    assert content_of(read_interactions(save(tmp_path, *WAYS_TO_WRITE_IT[way]))) == SAME


@pytest.mark.parametrize(("chunk_bytes", "batch_rows"), [(1, 1), (1, 1000), (40, 2), (2**20, 1)])
def test_the_borders_of_chunks_change_no_error(
    chunk_bytes: int, batch_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr("mlcore.files.tables._BATCH_ROWS", batch_rows)
    for case in [*CSV_CASES, *JSONL_CASES]:
        ((name, content),) = case.files.items()
        with pytest.raises(DataError) as caught:
            read_interactions(save(tmp_path, name, content).name)
        assert (str(caught.value), caught.value.hint) == (case.error, case.hint)


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


def test_a_column_is_converted_by_its_reader_and_others_are_ignored(tmp_path: Path) -> None:
    columns = [ColumnReader("n", int, int), ColumnReader("absent", str, str, required=False)]
    for path in (
        save(tmp_path, "a.csv", "x,n\n?,1\n?,2\n"),
        save(tmp_path, "a.jsonl", '{"n": 1, "x": []}\n{"n": 2}\n'),
    ):
        assert list(read_columns(path, columns)) == [[[1, 2], None]]


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

"""Commands that mend CSV files: each is what its hint says, and mends the file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.files.csv_hints import hint_at_header, hint_at_width
from mlcore.files.interactions import read_interactions
from mlcore.files.options import InputOptions
from mlcore.files.tables import ColumnReader
from tests.files.samples import save

ITEM = ColumnReader("item_id", str, str, hint="--item-column names another")
MENDED = {
    "one space": "user_id item_id\nann tea\n",
    "many spaces": "user_id   item_id\nann  tea\n",
    "carets": "user_id^item_id\nann^tea\n",
    "the default of Hive": "user_id\x01item_id\nann\x01tea\n",
    "an empty line first": "\nuser_id,item_id\nann,tea\n",
    "a comment first": "# exported today\nuser_id,item_id\nann,tea\n",
    "a header in a comment": "# user_id,item_id\nann,tea\n",
    "commas at the ends": "user_id,item_id\nann,tea,\n",
    "semicolons at the ends": "sep=;\nuser_id;item_id\nann;tea;\n",
    "a quote that opens nothing": 'user_id,item_id,note\nann,tea,"5 inches\n',
    "lines in quotes": '"user_id,item_id"\n"ann,tea"\n',
    "a quote within": 'user_id,item_id,note\nann,tea,"five" inches\n',
}


@pytest.mark.parametrize("content", MENDED.values(), ids=MENDED)
def test_the_command_of_the_hint_mends_the_file(content: str, tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", content)
    with pytest.raises(DataError) as caught:
        read_interactions(path)
    hint = caught.value.hint or ""
    command = hint.partition(": ")[2] or hint.partition(" removes ")[0]
    command = command.replace("FILE", "a.csv").replace("NEW", "new.csv")
    subprocess.run(["sh", "-c", command], check=True, cwd=tmp_path)
    found = read_interactions(tmp_path / "new.csv")
    assert (list(found.user_ids), list(found.item_ids)) == (["ann"], ["tea"])


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        ("7", "item_id"),
        ("1,2", "user_id,item_id"),
        ("1,2,3,4", "user_id,item_id,weight,timestamp"),
        ("1,2,3,4,x,y", "user_id,item_id,weight,timestamp,,"),
    ],
)
def test_a_line_of_data_is_to_get_as_many_names_as_it_has_fields(line: str, columns: str) -> None:
    hint = hint_at_header(ITEM, line.split(","), InputOptions())
    assert hint is not None and f"--columns {columns} says" in hint


def test_marks_that_names_have_separate_no_fields() -> None:
    for name in ("item:token", "item-id", "item.id", "a@b", "caf\u00e9 au lait"):
        assert hint_at_width([name], 2, ",", InputOptions()) is None or " " in name
    assert hint_at_header(ITEM, ["item id"], InputOptions()) == f"{ITEM.hint}, such as 'item id'"

"""benchmarks.table: tables are put into a document in place of the old ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import table
from benchmarks.markdown import make_table
from tests.benchmarks.figures import TRAIN


def test_tables_are_put_into_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1m").mkdir()
    (tmp_path / "1m/train.json").write_text(json.dumps(TRAIN))
    text = (
        "# Title\n<!-- table: 1m/train.json cosine -->\nold\n<!-- end of table -->\nbetween\n"
        "<!-- table: 20m/train.json cosine -->\nkept\n<!-- end of table -->\n"
        "<!-- table: */end_to_end.json -->\nkept too\n<!-- end of table -->\n"
    )
    document = tmp_path / "document.md"
    document.write_text(text)
    for _ in range(2):  # twice is as once
        assert table.main([str(tmp_path), "--into", str(document)]) == 0
    assert (tmp_path / "document.svg").read_text().startswith("<svg")
    made = make_table("train", TRAIN, "cosine")
    assert document.read_text() == text.replace("old", f"\n{made}\n")
    assert table.main([str(tmp_path)]) == 0
    assert made in capsys.readouterr().out
    shapes = "<!-- table: */train.json cosine -->\n<!-- end of table -->\n"
    goals = "<!-- table: goals -->\n<!-- end of table -->\n"
    document.write_text(shapes + goals)
    assert table.main([str(tmp_path), "--into", str(document)]) == 0
    assert "| mlcore | 2.00 (10) |\n" in document.read_text()
    assert "| kernel, cosine | 4 x the fastest peer | **2.50 (2.00 to 4.00)" in document.read_text()
    document.write_text("<!-- table: 1m/train.json cosine -->\n")
    assert table.main([str(tmp_path), "--into", str(document)]) == 1
    assert table.main([str(tmp_path / "1m/none")]) == 1

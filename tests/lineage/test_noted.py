"""What a model notes of its own making joins what the log does not know of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcore.lineage import describe_file
from mlcore.lineage.noted import noted_records
from mlcore.train import train_from_path
from tests.lineage.records import LINEAGE, ask, made
from tests.lineage.test_answers import made_by_command

ROWS = "user_id,item_id\nann,tea\nann,jam\neve,tea\n"


def change(**facts: object) -> None:
    path = Path("model/provenance.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


@pytest.fixture
def trained(folder: Path) -> Path:
    """rows.csv by a query, a model of it without a line, and lists of the model."""
    made("rows.csv", ROWS, "one", {"events.csv": "e\n"})
    train_from_path("rows.csv", None, "sql/../model")
    # The root of the log is sql/ without a repository, and names are from there.
    shutil.move("model", "sql/model")
    Path("lists.jsonl").write_text("lists\n")
    made_by_command("predict", "lists.jsonl", {"model": "sql/model"})
    return folder


def test_a_model_without_a_line_joins_lists_and_the_query_of_its_rows(trained: Path) -> None:
    answer = ask("lists.jsonl")
    assert [(step.line, step.record.maker, step.made_by) for step in answer.steps] == [
        (2, "predict", (-1,)),
        (-1, "train", (1,)),
        (1, "one.sql", (None,)),
    ]
    Path("rows.csv").unlink()
    shutil.move("sql/model", "moved")
    for path in ("moved", "moved/manifest.json"):
        assert [step.line for step in ask(path).steps] == [-1, 1]
    # It is nowhere that a line names.
    assert ask("lists.jsonl").steps[0].made_by == (None,)


def test_a_model_carries_the_lines_of_another_log(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_from_path("rows.csv", None, "other", lineage_path=LINEAGE)
    (trained / "away").mkdir()
    shutil.move("other", "away/model")
    monkeypatch.chdir("away")
    Path("sql").mkdir()
    LINEAGE.write_text("")
    assert [(step.line, step.record.maker, step.made_by) for step in ask("model").steps] == [
        (-1, "train", (-2,)),
        (-2, "one.sql", (None,)),
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: Path("model/provenance.json").unlink(),
        lambda: Path("model/provenance.json").write_text("{"),
        lambda: Path("model/provenance.json").write_bytes(b"\xff"),
        lambda: change(inputs=[{"role": "x"}]),
        lambda: change(inputs=7),
        lambda: change(versions=None),
        lambda: change(commit="main"),
        lambda: change(engine="duckdb"),
        lambda: change(lineage={"params": {}, "inputs": [], "runs": [1]}),
        lambda: Path("model/manifest.json").write_text("{}"),
    ],
)
def test_a_note_that_is_none_says_nothing(spoil: Callable[[], Any], folder: Path) -> None:
    Path("rows.csv").write_text(ROWS)
    train_from_path("rows.csv", None, "model")
    digest = describe_file("model").sha256
    assert len(noted_records(Path("model"), digest, "model")) == 1
    spoil()
    assert noted_records(Path("model"), digest, "model") == []


def test_a_line_leads_to_no_model_outside_the_root(trained: Path) -> None:
    shutil.move("sql/model", "model")
    text = LINEAGE.read_text().replace('"file": "model"', '"file": "../model"')
    assert "../model" in text
    LINEAGE.write_text(text)
    assert ask("lists.jsonl").steps[0].made_by == (None,)

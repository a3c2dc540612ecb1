"""mlcore.report.model: a model directory, with and without a lineage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlcore import Interactions, train_from_data
from mlcore.report.lineage import LineageGraph
from mlcore.report.model import report_model
from mlcore.report.page import Table
from tests.cli.cases import run

pytestmark = pytest.mark.matplotlib


def test_a_model_says_what_it_was_trained_on_and_what_to_look_at(tmp_path: Path) -> None:
    rows = Interactions.from_columns([*"uuvw"], [*"abab"])
    train_from_data(rows).save(tmp_path / "model")
    part = report_model(tmp_path / "model", "model")
    assert part.verdict[0] == "rp3beta on 4 interactions of 3 users and 2 items."
    assert part.verdict[1] == "2 of 3 users have one item or none: their lists rest on little."
    assert [fact.value for fact in part.facts][:4] == [3, 2, 4, 2]
    sizes = sum(path.stat().st_size for path in (tmp_path / "model").iterdir())
    manifest = (tmp_path / "model/manifest.json").stat().st_size
    assert part.facts[4].value == sizes - manifest
    assert len(part.left_out) == 2 and not any(isinstance(b, LineageGraph) for b in part.blocks)


def test_items_that_no_list_can_have_are_counted(tmp_path: Path) -> None:
    train_from_data(Interactions.from_columns([*"uuv"], [*"abc"])).save(tmp_path / "model")
    assert report_model(tmp_path / "model", "model").verdict[1].startswith("1 of 3 items are no")


def test_a_lineage_is_a_graph_and_provenance_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lineage.jsonl").touch()
    assert run("generate --users 9 --items 9 --interactions 40 --out events.csv") == 0
    assert run("train --interactions events.csv --out-dir model") == 0
    part = report_model("model", "model")
    (graph,) = (block for block in part.blocks if isinstance(block, LineageGraph))
    assert [step["record"]["command"] for step in graph.steps][:1] == ["train"]
    tables = {block.title: block for block in part.blocks if isinstance(block, Table)}
    shown = {row["what"]: row["is"] for row in tables["Provenance"].rows}
    assert shown["numpy"] == np.__version__ and len(str(shown["interactions"])) == 33
    assert len(part.left_out) == 1
    settings = {row["setting"]: row["value"] for row in tables["Configuration"].rows}
    assert settings["similarity.name"] == '"rp3beta"'

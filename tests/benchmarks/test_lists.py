"""benchmarks.lists: mlcore and ranx are given the same lists."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from benchmarks import lists
from mlcore.evaluate.evaluate import evaluate_from_data
from mlcore.files.interactions import read_interactions
from mlcore.files.predictions import read_predictions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists")
    assert lists.main([str(folder), "30", "300", "110", "4"]) == 0
    return folder


@pytest.mark.parametrize("part", [".", "small"])
def test_the_files_of_both_libraries_hold_the_same(folder: Path, part: str) -> None:
    place = folder / part
    run = json.loads((place / "run.json").read_text())
    predictions = list(map(json.loads, (place / "predictions.jsonl").read_text().splitlines()))
    assert list(run) == [value["user_id"] for value in predictions]
    assert len(run) == (30 if part == "." else 20)
    for value in predictions:
        entries = {entry["item_id"]: entry["score"] for entry in value["items"]}
        assert run[value["user_id"]] == entries and len(entries) == 110
        scores = [entry["score"] for entry in value["items"]]
        assert scores == sorted(set(scores), reverse=True)
    qrels = json.loads((place / "qrels.json").read_text())
    rows = list(csv.reader((place / "truth.csv").read_text().splitlines()))[1:]
    assert rows == [[user, item] for user, items in qrels.items() for item in items]
    assert list(qrels) == list(run)


def test_some_relevant_items_are_listed_and_some_are_not(folder: Path) -> None:
    found = evaluate_from_data(
        read_predictions(folder / "predictions.jsonl"),
        read_interactions(folder / "truth.csv"),
        [10, 100],
    )
    assert 0 < found.metrics["recall@10"] < found.metrics["recall@100"] < 1


def test_lists_too_short_for_the_cutoffs_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lists.main([str(tmp_path), "30", "300", "99", "4"]) == 1
    assert capsys.readouterr().err == (
        "error: list_length: expected from 100 to 130 for 300 items, got 99\n"
    )

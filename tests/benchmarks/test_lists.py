"""benchmarks: both libraries are given the same lists, and values that differ are refused."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import lists
from benchmarks.evaluate import _check_metrics
from mlcore.errors import DataError
from mlcore.evaluate.evaluate import evaluate_from_data
from mlcore.files.interactions import read_interactions
from mlcore.files.predictions import read_predictions

ROOT = Path(__file__).parents[2]


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


def test_a_worker_answers_each_line_with_the_metrics(folder: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "benchmarks.evaluate_worker", "mlcore", "files", str(folder)],
        input="\n\n", capture_output=True, text=True, cwd=ROOT, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert shown[0] == "" and len(shown) == 3
    first, second = (json.loads(line)["metrics"] for line in shown[1:])
    assert first == second and first["recall@100"] > 0


def test_lists_too_short_for_the_cutoffs_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lists.main([str(tmp_path), "30", "300", "99", "4"]) == 1
    assert capsys.readouterr().err == (
        "error: list_length: expected from 100 to 130 for 300 items, got 99\n"
    )


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        ({"a@1": 0.5, "b@1": 0.25 + 1e-8}, "ranx: b@1: expected 0.25, which mlcore finds, got 0.2500"),
        ({"a@1": 0.5, "b@1": float("nan")}, "ranx: b@1: expected 0.25, which mlcore finds, got nan"),
        ({"a@1": 0.5}, "ranx: expected the metrics ['a@1', 'b@1'], got ['a@1']"),
    ],
)  # fmt: skip
def test_other_values_are_refused(theirs: dict[str, float], message: str) -> None:
    ours = {"a@1": 0.5, "b@1": 0.25}
    _check_metrics("ranx", ours, {"a@1": 0.5, "b@1": 0.25 + 1e-12})
    with pytest.raises(DataError) as caught:
        _check_metrics("ranx", ours, theirs)
    assert str(caught.value).startswith(message)

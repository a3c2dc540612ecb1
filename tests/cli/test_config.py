"""cli.config: the default configuration, changed by options, and its schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcore import TrainConfig
from mlcore.config_schema import config_schema
from mlcore.jsontext import format_document
from tests.cli.cases import Case, check, run

CASES = [
    Case(
        "a schema of a configuration",
        "config --schema --similarity cosine",
        "--schema: expected no option with it, got --similarity",
        "without --schema the command prints the configuration",
    ),
    Case(
        "a file that is no configuration",
        "config --config bad.json",
        "bad.json: expected one of similarity, weighting, num_neighbors, neighborhood, shrinkage, "
        "min_cooccurrence, heavy_users, got the key 'num_neighbours'",
        "did you mean num_neighbors?",
        {"bad.json": '{"num_neighbours": 5}'},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_without_options_it_prints_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config") == 0
    assert capsys.readouterr() == (format_document(TrainConfig().to_json()), "")


def test_what_it_prints_trains_the_same_model(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = "--similarity tversky --set similarity.alpha=2 --set weighting.name=log"
    assert run(f"config {options}") == 0
    (folder / "whole.json").write_text(capsys.readouterr().out)
    train = "train --interactions interactions.csv --out-dir"
    assert run(f"{train} by-file --config whole.json") == run(f"{train} by-options {options}") == 0
    for path in (folder / "by-file").iterdir():
        assert path.read_bytes() == (folder / "by-options" / path.name).read_bytes(), path.name


def test_it_completes_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "part.json").write_text('{"weighting": {"name": "bm25", "k1": 2}}')
    assert run("config --config part.json --set num_neighbors=null") == 0
    expected = {"weighting": {"name": "bm25", "k1": 2}, "num_neighbors": None}
    assert json.loads(capsys.readouterr().out) == TrainConfig.from_json(expected).to_json()


def test_the_schema_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config --schema") == 0
    assert capsys.readouterr() == (format_document(config_schema()), "")

"""cli.config: the default configuration, its schema, options that change it, the help."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from cli.train import build_parser
from mlcore import TrainConfig
from mlcore.config import NAMED
from mlcore.config_schema import config_schema
from mlcore.jsontext import format_document
from tests.cli.cases import Case, check, run

TRAIN = "train --interactions interactions.csv --out-dir new"
KEYS = (
    "similarity.name, weighting.name, num_neighbors, neighborhood, shrinkage, min_cooccurrence, "
    "heavy_users.name, aggregate, history_decay.name, popularity_half_life_days, popularity_reference_time"
)
SIMILARITIES = ", ".join(NAMED["similarity"][1])
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
        "min_cooccurrence, heavy_users, aggregate, history_decay, popularity_half_life_days, "
        "popularity_reference_time, got the key 'num_neighbours'",
        "did you mean num_neighbors?",
        {"bad.json": '{"num_neighbours": 5}'},
    ),
    Case(
        "a key that is misspelt",
        f"{TRAIN} --set num_neighbours=50",
        f"--set num_neighbours=50: expected one of {KEYS}, got 'num_neighbours'",
        "did you mean num_neighbors?",
    ),
    Case(
        "an object without its key",
        f"{TRAIN} --set weighting=bm25",
        f"--set weighting=bm25: expected one of {KEYS}, got 'weighting'",
        "did you mean weighting.name?",
    ),
    Case(
        "a parameter without its object",
        f"{TRAIN} --set k1=2",
        f"--set k1=2: expected one of {KEYS}, got 'k1'",
        "did you mean weighting.k1?",
    ),
    Case(
        "a parameter that is misspelt",
        f"{TRAIN} --set weighting.nam=bm25",
        "--set weighting.nam=bm25: expected one of name, half_life_days, reference_time, as "
        "weighting log has no other, got 'nam'",
        "did you mean weighting.name?",
    ),
    Case(
        "a parameter of another similarity",
        f"{TRAIN} --similarity cosine --set similarity.beta=1",
        "--set similarity.beta=1: expected name, as similarity cosine has no other, got 'beta'",
        "beta belongs to similarity tversky or rp3beta",
    ),
    Case(
        "a similarity that is misspelt",
        f"{TRAIN} --similarity cosin",
        f"--similarity cosin: expected one of {SIMILARITIES}, got 'cosin'",
        "did you mean cosine?",
    ),
    Case(
        "a value out of range",
        f"{TRAIN} --set num_neighbors=0",
        "--set num_neighbors=0: expected an integer >= 1 or null, got 0",
    ),
    Case(
        "a text for a number",
        f"{TRAIN} --set shrinkage=ten",
        "--set shrinkage=ten: expected a finite number >= 0, got 'ten'",
    ),
    Case(
        "a value of several lines",
        f"{TRAIN} --set 'shrinkage=1\n2'",
        r"--set 'shrinkage=1\n2': expected a finite number >= 0, got '1\n2'",
    ),
    Case(
        "options that do not fit the file",
        f"{TRAIN} --config shrunk.json --similarity ease",
        "shrunk.json --similarity ease: shrinkage: expected 0, as ease does not use it, got 10",
        "leave it out, or --set shrinkage=0",
        {"shrunk.json": '{"similarity": {"name": "cosine"}, "shrinkage": 10}'},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ("--similarity cosine", {"similarity": {"name": "cosine"}}),
        ("--similarity dot --set similarity.name=lift", {"similarity": {"name": "lift"}}),
        ("--set num_neighbors=7 --set num_neighbors=8", {"num_neighbors": 8}),
        ("--set num_neighbors=null", {"num_neighbors": None}),
        ("--set neighborhood=source", {"neighborhood": "source"}),
        ("--set 'neighborhood=\"source\"'", {"neighborhood": "source"}),
        ("--set weighting.k1=2", {"weighting": {"name": "bm25", "k1": 2, "half_life_days": 30}}),
        (
            "--set weighting.smooth=true --set weighting.name=tf_idf",
            {"weighting": {"name": "tf_idf", "smooth": True, "half_life_days": 30}},
        ),
        (
            "--set weighting.name=log --set weighting.half_life_days=null",
            {"weighting": {"name": "log"}},
        ),
        ("--similarity tversky", {}),
        ("--set shrinkage=1e-3", {"shrinkage": 0.001}),
    ],
)
def test_options_change_what_the_file_says(
    options: str, changed: dict[str, object], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = {
        "similarity": {"name": "tversky", "alpha": 2},
        "weighting": {"name": "bm25", "k1": 3, "half_life_days": 30},
        "num_neighbors": 5,
    }
    (folder / "base.json").write_text(json.dumps(base))
    assert run(f"config --config base.json {options}") == 0
    expected = TrainConfig.from_json(base | changed)
    assert json.loads(capsys.readouterr().out) == expected.to_json()


def test_training_takes_the_options(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--similarity cosine --set num_neighbors=1"
    assert run(f"{TRAIN} {options} --dry-run") == run(f"{TRAIN} {options}") == 0
    assert capsys.readouterr().out.startswith("memory plan: cosine, ")
    written = json.loads((folder / "new/config.json").read_text())
    assert (written["similarity"], written["num_neighbors"]) == ({"name": "cosine"}, 1)


@pytest.mark.duckdb
def test_an_engine_takes_the_same_options(folder: Path) -> None:
    options = "--similarity jaccard --set num_neighbors=2"
    assert run(f"{TRAIN} {options}") == 0
    assert run(f"{TRAIN}-too --engine duckdb {options}") == 0
    for path in {*(folder / "new").iterdir()} - {folder / "new/provenance.json"}:
        assert path.read_bytes() == (folder / "new-too" / path.name).read_bytes(), path.name


def test_the_help_lists_every_name_and_parameter_within_100_columns() -> None:
    text = build_parser().format_help()
    for part, (_, registry) in NAMED.items():
        default = TrainConfig().to_json()[part]
        assert isinstance(default, dict)
        section = text.split(f"\n{part}.name (default: {default['name']}), and ")[1].split("\n\n")[
            0
        ]
        for name, cls in registry.items():
            assert re.search(rf"^  {name} +\S", section, re.MULTILINE), name
            for item in fields(cls):
                rule = item.metadata["rule"].expected
                assert re.search(
                    rf"^ +{item.name} +(of each: )?{re.escape(rule)}", section, re.MULTILINE
                )
    section = text.split("\nconfiguration, by --set ")[1].split("\n\n")[0]
    for item in fields(TrainConfig):
        if "rule" in item.metadata:
            assert re.search(
                rf"^  {item.name} +{re.escape(item.metadata['rule'].expected)}", section, re.M
            )
    assert max(map(len, text.splitlines())) <= 100


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
    for path in {*(folder / "by-file").iterdir()} - {folder / "by-file/provenance.json"}:
        assert path.read_bytes() == (folder / "by-options" / path.name).read_bytes(), path.name


def test_it_completes_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "part.json").write_text('{"weighting": {"name": "bm25", "k1": 2}}')
    assert run("config --config part.json --set num_neighbors=null") == 0
    expected = {"weighting": {"name": "bm25", "k1": 2}, "num_neighbors": None}
    assert json.loads(capsys.readouterr().out) == TrainConfig.from_json(expected).to_json()


def test_the_schema_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config --schema") == 0
    assert capsys.readouterr() == (format_document(config_schema()), "")


def test_a_similarity_takes_the_place_of_one_that_the_rest_of_the_file_does_not_fit(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "shrunk.json"
    for former in ("", '"similarity": {"name": "rp3beta", "beta": 2}, '):
        path.write_text(f'{{{former}"shrinkage": 10}}')
        assert run("config --config shrunk.json --similarity cosine") == 0
        printed = json.loads(capsys.readouterr().out)
        assert (printed["similarity"], printed["shrinkage"]) == ({"name": "cosine"}, 10)
        assert run("config --config shrunk.json") == 1
        assert "shrinkage: expected 0, as rp3beta does not use it" in capsys.readouterr().err
    path.write_text('{"similarity": {"name": "tversky", "alpha": 0.5}}')
    assert run("config --config shrunk.json --similarity tversky") == 0  # as it is
    assert json.loads(capsys.readouterr().out)["similarity"]["alpha"] == 0.5

"""cli.lineage, and the lines of all commands: from metrics back to the tables, whatever became of files."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcore.lineage import describe_file, read_lineage
from tests.cli.cases import ENVIRONMENT, REPOSITORY, run, snapshot

CHAIN = """\
run_sql --query deduplicate --table events=events.csv --out interactions.jsonl
preprocess --interactions interactions.jsonl --out clean.csv --min-user-interactions 2
split --interactions clean.csv --strategy last-n --train-out train.csv --test-out test.csv
tune --interactions train.csv --validation test.csv --metric ndcg@5 --trials 1 --out-dir tuning
train --interactions train.csv --config tuning/config.json --out-dir model
predict --model-dir model --users test.csv --out predictions.jsonl
predict --model-dir model --users test.csv --fill popularity --out candidate.jsonl
evaluate --predictions predictions.jsonl --ground-truth test.csv --cutoffs 5 --out metrics.json
compare --baseline predictions.jsonl --candidate candidate.jsonl --ground-truth test.csv --out comparison.json
"""


@pytest.mark.parametrize("question", ["", "--check --file interactions.csv"])
def test_there_is_one_question(
    question: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(f"lineage {question}")
    assert caught.value.code == 2
    assert "--file" in capsys.readouterr().err


@pytest.mark.parametrize("question", ["--check", "--file interactions.csv"])
def test_the_default_is_the_lineage_of_the_current_folder(
    question: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"lineage {question}") == 1
    assert capsys.readouterr().err == (
        "error: lineage.jsonl: expected a log of runs, got no such file\n"
        "hint: --lineage names one, as run_sql writes it in the current folder\n"
    )


@pytest.fixture(scope="module")
def finished_chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder and a log of events, and what a user makes of them."""
    folder = tmp_path_factory.mktemp("chain")
    shutil.copy(REPOSITORY / "fixtures/small/events.csv", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in CHAIN.splitlines():
            assert run(line) == 0, line
    return folder


@pytest.fixture
def chain(finished_chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(finished_chain, tmp_path / "chain")
    monkeypatch.chdir(tmp_path / "chain")
    return tmp_path / "chain"


def makers(file: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, list[str]]]:
    """What made a file, and then its inputs; each with where its inputs come from."""
    capsys.readouterr()
    assert run(f"lineage --file {file} --json") == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    made_by = {step["line"]: step["record"] for step in steps}

    def name(record: Any) -> str:
        return str(record.get("command") or record["query"])

    return [
        (
            name(step["record"]),
            [name(made_by[line]) if line else "-" for line in step["made_by"]],
        )
        for step in steps
    ]


BACK_TO_THE_TABLE = [
    ("predict", ["train", "split"]),
    ("train", ["split", "tune"]),
    ("split", ["preprocess"]),
    ("preprocess", ["mlcore:deduplicate.sql"]),
    ("mlcore:deduplicate.sql", ["-"]),
    ("tune", ["split", "split"]),
    ("split", ["preprocess"]),
]


@pytest.mark.duckdb
@pytest.mark.optuna
def test_metrics_are_traced_back_to_the_tables(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert makers("metrics.json", capsys) == [
        ("evaluate", ["predict", "split"]),
        *BACK_TO_THE_TABLE,
    ]
    assert makers("comparison.json", capsys)[0] == ("compare", ["predict", "predict", "split"])
    assert run("lineage --check") == 0
    assert capsys.readouterr().out == f"{len(read_lineage('lineage.jsonl'))} runs, nothing wrong\n"
    assert run("lineage --file metrics.json") == 0
    shown = capsys.readouterr().out
    assert "\n  command evaluate, " in shown and "\n    command predict, " in shown
    assert "params  strategy=last-n test_fraction=0.2 n=1 seed=0 keep_events=false\n" in shown
    assert shown.count("events = events.csv") == 1
    assert str(chain) not in (chain / "lineage.jsonl").read_text("utf-8")


@pytest.mark.duckdb
@pytest.mark.optuna
def test_files_are_known_whatever_became_of_them(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("predictions.jsonl").read_bytes()
    Path("predictions.jsonl").unlink()
    Path("packed.gz").write_bytes(gzip.compress(text))
    assert makers("packed.gz", capsys) == BACK_TO_THE_TABLE
    assert run("publish --model-dir model --to current") == 0
    shutil.move("model", "moved")
    shutil.copytree("moved", "elsewhere/copied")
    for place in ("current", "moved", "elsewhere/copied", "moved/manifest.json"):
        assert makers(place, capsys) == BACK_TO_THE_TABLE[1:]
    with open("moved/items.csv", "a") as file:
        file.write("9999\n")
    assert run("lineage --file moved") == 1
    assert capsys.readouterr().err.endswith(": changed since\n")


@pytest.mark.duckdb
@pytest.mark.optuna
def test_a_changed_input_is_not_what_the_run_before_it_made(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("predictions.jsonl", "a") as file:
        file.write('{"user_id": "nobody", "items": []}\n')
    options = "--ground-truth test.csv --cutoffs 5 --extra-users ignore --out new.json"
    assert run(f"evaluate --predictions predictions.jsonl {options}") == 0
    assert makers("new.json", capsys)[0] == ("evaluate", ["-", "split"])


@pytest.mark.duckdb
def test_a_training_by_an_engine_has_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("c.json").write_text(json.dumps({"similarity": {"name": "jaccard"}}))
    log = "--lineage log.jsonl"
    for line in (
        "train --engine duckdb --interactions interactions.csv --config c.json --out-dir new",
        "predict --model-dir new --all-users --out new.jsonl",
        "evaluate --engine duckdb --predictions new.jsonl --ground-truth truth.csv --cutoffs 1 "
        "--extra-users ignore --out new.json",
    ):
        assert run(f"{line} {log}") == 0
    records: list[Any] = read_lineage("log.jsonl")
    assert [record.engine for record in records] == ["duckdb", None, "duckdb"]
    assert records[0].params["similarity.name"] == "jaccard"
    assert records[0].output.sha256 == describe_file("new/manifest.json").sha256
    assert [one.table for one in records[2].inputs] == ["predictions", "ground_truth"]


COMMANDS = {
    "preprocess": "--interactions interactions.csv --out new.csv",
    "split": "--interactions interactions.csv --strategy random --train-out n1.csv --test-out n2.csv",
    "train": "--interactions interactions.csv --out-dir new",
    "predict": "--model-dir model --all-users --out new.jsonl",
    "evaluate": "--predictions predictions.jsonl --ground-truth truth.csv --cutoffs 1 --out new.json",
    "compare": "--baseline predictions.jsonl --candidate predictions.jsonl --ground-truth truth.csv "
    "--out new.json",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_is_written_where_a_log_is_and_nowhere_else(name: str, folder: Path) -> None:
    assert run(f"{name} {COMMANDS[name]}") == 0
    assert not Path("lineage.jsonl").exists()
    again = " --overwrite" if name == "train" else ""
    num_outputs = 2 if name == "split" else 1
    Path("lineage.jsonl").touch()
    assert run(f"{name} {COMMANDS[name]}{again}") == 0
    assert len(read_lineage("lineage.jsonl")) == num_outputs
    assert run(f"{name} {COMMANDS[name]}{again} --lineage other.jsonl") == 0
    assert len(read_lineage("lineage.jsonl")) == num_outputs
    records: list[Any] = read_lineage("other.jsonl")
    assert [record.command for record in records] == [name] * num_outputs
    for record in records:
        assert record.output.sha256 == describe_file(record.output.file).sha256
        assert all(one.sha256 == describe_file(one.file).sha256 for one in record.inputs)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("log", ["interactions.csv", "none/lineage.jsonl"])
def test_a_log_that_takes_no_line_is_refused_and_nothing_is_written(
    log: str, name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(folder)
    assert run(f"{name} {COMMANDS[name]} --lineage {log}") == 1
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[0][: len(log) + 7]) == ("", f"error: {log}")
    assert snapshot(folder) == before


def test_a_command_that_fails_has_no_line(folder: Path) -> None:
    Path("lineage.jsonl").touch()
    Path("bad.csv").write_text("user_id,item_id\nann,tea\nann\n")
    before = snapshot(folder)
    assert run("preprocess --interactions bad.csv --out new.csv") == 1
    assert run("train --interactions bad.csv --out-dir new") == 1
    assert run("train --interactions interactions.csv --out-dir new --dry-run") == 0
    assert snapshot(folder) == before


KILLED = """\
import os, signal
import {module}
def die(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)
{module}.{name} = die
from cli.preprocess import main
main("--interactions interactions.csv --out new.csv --lineage lineage.jsonl".split())
"""


@pytest.mark.parametrize(
    ("module", "name", "num_lines"),
    [("mlcore.lineage", "appended", 0), ("os", "replace", 1)],
)
def test_a_killed_run_leaves_no_file_without_its_line(
    module: str, name: str, num_lines: int, folder: Path
) -> None:
    code = KILLED.format(module=module, name=name)
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT)
    assert done.returncode == -signal.SIGKILL
    assert not Path("new.csv").exists()
    lines = read_lineage("lineage.jsonl") if Path("lineage.jsonl").exists() else []
    assert len(lines) == num_lines
    assert (
        run("preprocess --interactions interactions.csv --out new.csv --lineage lineage.jsonl") == 0
    )
    assert not list(folder.glob(".*partial*"))
    assert run("lineage --file new.csv") == 0

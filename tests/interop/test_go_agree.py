"""Python and Go give the same verdicts, lists and bits on damaged models and requests, and the same bytes."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from interop.tools import agree, mutate, same_lists
from interop.tools.programs import PYTHON
from interop.tools.suite import CONFORMANCE

ROOT = CONFORMANCE.parents[1]
MODELS = [
    CONFORMANCE / "valid/all_features/model",
    ROOT / "fixtures/small/dot_bm25/model",
    ROOT / "fixtures/family/cosine_history_decay/model",
]


def test_damaged_models_and_requests_are_answered_alike(go_reader: Path, tmp_path: Path) -> None:
    mutate.write_corpus(tmp_path / "corpus", 100, 800, seed=11)
    entries = agree.read_corpus(tmp_path / "corpus")
    programs = {"python": PYTHON, "go": [str(go_reader), "conformance"]}
    found = {name: agree.run_program(command, entries) for name, command in programs.items()}
    assert agree.differences(entries, found) == {"go": []}
    dumps = [answer["dump"] for answer in found["go"]]
    assert len({dump.get("error") for dump in dumps}) > 6
    assert sum('"bits"' in json.dumps(answer) for answer in found["go"]) > 20


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.parent.name)
def test_lists_are_the_same_bytes(model: Path, go_reader: Path) -> None:
    programs = [
        f"--program=python={shlex.join(PYTHON)}",
        f"--program=go={go_reader} conformance",
    ]
    options = ["--requests=500", "--without-predict", f"--model-dir={model}", *programs]
    assert same_lists.main(options) == 0


def test_threads_change_nothing_and_measure_counts(go_reader: Path) -> None:
    command, model = [str(go_reader), "conformance"], str(MODELS[0])
    lines = "".join(f'{{"id": "{n}", "item": "{"abcde"[n % 5]}", "n": 3}}\n' for n in range(1000))

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [*command, *arguments], input=lines, capture_output=True, text=True, check=True
        )
        return done.stdout

    expected = run("lists", model, "--threads", "1")
    assert run("lists", model, "--threads", "5") == run("lists", model) == expected
    assert [json.loads(line)["user_id"] for line in expected.splitlines()[:2]] == ["0", "1"]
    found = json.loads(run("measure", model, "--seconds", "0.05", "--threads", "2"))
    assert found["lists"] > 0 and found["bytes"] // found["lists"] == len(expected) // 1000
    assert 0 < found["open"] <= found["first"] and found["seconds"] >= 0.05

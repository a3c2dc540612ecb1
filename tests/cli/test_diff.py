"""cli.diff: a summary of how two models differ, and a gate that fails after it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.cases import Case, check, run

DIFF = "diff --model-dir model --model-dir no-users"


def test_a_model_does_not_differ_from_itself(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("diff --model-dir model --model-dir model") == 0
    assert capsys.readouterr().out == "no differences: overlap@10 1, rbo 1, popularity_shift 0\n"


@pytest.mark.parametrize(
    ("gate", "error"),
    [
        ("--fail-if 'rbo<1' --fail-if 'items_new > 0'", ""),
        ("--fail-if 'rbo<=1'", "error: rbo: expected above 1, got 1\n"),
    ],
)
def test_a_gate_fails_after_the_difference_is_printed_and_written(
    gate: str, error: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"{DIFF} --out diff.json {gate}") == bool(error)
    out, err = capsys.readouterr()
    assert "data: the same interactions, with_users true -> false\n" in out
    assert err == error
    written = json.loads((folder / "diff.json").read_text())
    assert written["gate"]["passed"] == (not error)
    assert written["metrics"]["rbo"] == 1


def test_json_on_standard_output_stands_there_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"{DIFF} --cutoffs 3,1 --out /dev/null") == 0
    assert "overlap@3: mean 1, median 1\n  overlap@1: mean 1" in capsys.readouterr().out


CASES = [
    Case(
        "one model",
        "diff --model-dir model",
        "model_dir: expected two models, got 1",
        "--model-dir model --model-dir new-model",
    ),
    Case(
        "misspelt metric",
        f"{DIFF} --fail-if 'item_gone_share>0.05'",
        lambda _: "fail_if: expected one of overlap@10, rbo, same_list_share, popularity_shift, "
        "items_gone, items_new, items_gone_share, items_new_share, got 'item_gone_share'",
        "did you mean items_gone_share?",
    ),
    Case(
        "three models",
        f"{DIFF} --model-dir model",
        "model_dir: expected two models, got 3",
        "--model-dir model --model-dir new-model",
    ),
    Case(
        "no such model",
        "diff --model-dir model --model-dir none --out new.json",
        "none: expected a model directory, got no such directory",
    ),
    Case(
        "the name of a table",
        f"{DIFF} --out diff.csv",
        "diff.csv: expected a name for a JSON document, such as metrics.json, got .csv",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case: Case, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(case, folder, capsys)

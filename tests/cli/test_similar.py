"""cli.similar: the most similar items as JSON Lines, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.cases import Case, check, run

CASES = [
    Case(
        "unknown item",
        "similar --model-dir model --item coffee",
        "item: expected an item of the model, got 'coffee'",
        "the first of the model is 'jam'",
    ),
    Case(
        "empty lists",
        "similar --model-dir model --item tea --top-n 0",
        "top_n: expected an integer >= 1, got 0",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_the_most_similar_come_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("similar --model-dir model --item tea") == 0
    lines = capsys.readouterr().out.splitlines()
    scores = [json.loads(line)["score"] for line in lines]
    assert scores == sorted(scores, reverse=True) and len(scores) == 3
    assert run("similar --model-dir model --item tea --top-n 2") == 0
    assert capsys.readouterr().out.splitlines() == lines[:2]

"""cli.lineage: one question at a time, to a lineage that exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cases import run


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
    assert capsys.readouterr().err.startswith("error: lineage.jsonl: expected ")

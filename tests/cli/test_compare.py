"""cli.compare: a report, and a gate that fails after it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.cases import run, write

COMPARE = (
    "compare --baseline predictions.jsonl --candidate worse.jsonl --ground-truth truth.csv "
    "--cutoffs 2 --rounds 99 --confidence 0.4 --out new.json"
)
WORSE = {
    "worse.jsonl": '{"user_id": "ann", "items": [{"item_id": "sugar"}, {"item_id": "tea"}]}\n'
    '{"user_id": "eve", "items": []}\n'
}


@pytest.mark.parametrize(("gate", "status"), [("", 0), ("--fail-if-worse ndcg@2", 1)])
def test_a_gate_fails_after_the_comparison_is_printed_and_written(
    gate: str, status: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, WORSE)
    assert run(f"{COMPARE} {gate}") == status
    out, err = capsys.readouterr()
    assert "ndcg@2" in out
    assert err.startswith("error: ndcg@2: ") == bool(status) and err.count("\n") <= 2 * status
    assert json.loads((folder / "new.json").read_text())


def test_a_loss_needs_a_metric(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{COMPARE} --max-loss 0.1") == 1
    assert capsys.readouterr() == (
        "",
        "error: max_loss: expected a metric it holds for, got 0.1 and no metric\n"
        "hint: --fail-if-worse names the metric\n",
    )


@pytest.mark.parametrize(
    ("metric", "hint"),
    [
        ("ndgc@2", "did you mean ndcg@2?"),
        ("ndcg@3", "--cutoffs says which list lengths there are"),
        ("ndcg", "did you mean ndcg@2?"),
    ],
)
def test_a_gate_on_no_metric_is_refused_with_the_likely_one(
    metric: str, hint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, WORSE)
    assert run(f"{COMPARE} --fail-if-worse {metric}") == 1
    assert capsys.readouterr().err.endswith(f"got {metric!r}\nhint: {hint}\n")

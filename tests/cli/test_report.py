"""cli.report: what it refuses, and with which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cases import Case, check, run

pytestmark = pytest.mark.matplotlib

METRICS = (
    '{"users": 1, "users_without_predictions": 0, "ignored_users": 0, "metrics": {"ndcg@5": 1}}'
)
CASES = [
    Case(
        "no file",
        "report --of metrics.json --out report.html",
        "metrics.json: expected a readable file, got 'No such file or directory'",
    ),
    Case(
        "lists without ground truth",
        "report --of metrics.json --predictions predictions.jsonl --out report.html",
        "ground_truth: expected a file, too, for lists of users, got predictions alone",
        files={"metrics.json": METRICS},
    ),
    Case(
        "over an input",
        "report --of metrics.json --out metrics.json",
        "metrics.json: expected another file than the input --of metrics.json, got the same",
        "write to another file, and rename it when it is done",
        files={"metrics.json": METRICS},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_standard_output_takes_the_page(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "metrics.json").write_text(METRICS)
    assert run("report --of metrics.json --out -") == 0
    out, err = capfd.readouterr()
    assert out.startswith("<!DOCTYPE html>") and out.endswith("</html>\n")
    assert err == f"evaluation: {len(out.encode()):,} bytes\n"

"""cli.tune: the commands to go on with, and how to resume."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.tune import Args, _next_commands, build_parser
from tests.cli.cases import run

TUNE = "tune --interactions interactions.csv --validation truth.csv --out-dir tuning"


def test_the_next_commands_take_the_options_of_the_search() -> None:
    line = f"{TUNE} --items items.csv --user-column reader --format csv"
    args = build_parser().parse_args(line.split()[1:], Args())
    _, train, predict, compare = _next_commands(args)
    assert train == (
        "  mlcore train --interactions interactions.csv --format csv --user-column reader "
        "--items items.csv --config tuning/config.json --out-dir candidate"
    )
    assert (
        predict == "  mlcore predict --model-dir candidate --users test.csv --format csv "
        "--user-column reader --out candidate.jsonl"
    )
    assert compare.endswith(" --ground-truth test.csv --format csv --user-column reader")


@pytest.mark.parametrize(
    ("finished", "expected"),
    [
        (False, "error: interrupted, nothing was written\n"),
        (
            True,
            "error: interrupted, the finished trials are in tuning/trials.jsonl\n"
            "hint: the same command resumes there\n",
        ),
    ],
)
def test_an_interrupted_search_says_whether_it_can_be_resumed(
    finished: bool,
    expected: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def press_ctrl_c(*arguments: object, **options: object) -> None:
        if finished:
            (folder / "tuning").mkdir()
            (folder / "tuning/trials.jsonl").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("mlcore.tune.tune.tune_from_path", press_ctrl_c)
    assert run(TUNE) == 1
    assert capsys.readouterr() == ("", expected)

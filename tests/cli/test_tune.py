"""cli.tune: the commands to go on with, and how to resume."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.tune import Args, _next_commands, build_parser
from tests.cli.cases import run

TUNE = "tune --interactions interactions.csv --validation truth.csv --out-dir tuning"


def test_the_next_commands_take_the_options_of_the_search() -> None:
    line = f"{TUNE} --items items.csv --user-column reader --format csv --metric recall@5"
    args = build_parser().parse_args(line.split()[1:], Args())
    given = "--format csv --user-column reader"
    train = f"  mlcore train --interactions interactions.csv {given} --items items.csv"
    lists = f"--users test.csv {given} --top-n 5 --out"
    assert _next_commands(args) == [
        "next, on a test set that is in neither file of the search:",
        f"{train} --out-dir default-model",
        f"{train} --config tuning/config.json --out-dir tuned-model",
        f"  mlcore predict --model-dir default-model {lists} default.jsonl",
        f"  mlcore predict --model-dir tuned-model {lists} tuned.jsonl",
        "  mlcore compare --baseline default.jsonl --candidate tuned.jsonl --ground-truth test.csv "
        f"{given} --cutoffs 5 --fail-if-worse recall@5",
        "without such a test set split one off, and search again with the rest:",
        f"  mlcore split --interactions interactions.csv {given} --strategy last-n "
        "--keep-events --n 1 --train-out rest-of-interactions.csv --test-out test.csv",
    ]


@pytest.mark.optuna
def test_the_next_commands_run_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    generated = "generate --users 60 --items 40 --interactions 900 --seed 3 --out all.csv"
    split = "split --strategy last-n --n 2 --interactions"
    for line in (
        generated,
        f"{split} all.csv --train-out rest.csv --test-out test.csv",
        f"{split} rest.csv --train-out train.csv --test-out valid.csv",
    ):
        assert run(line) == 0
    search = "tune --interactions train.csv --validation valid.csv --metric recall@5"
    capsys.readouterr()
    assert run(f"{search} --trials 2 --out-dir tuning") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  mlcore ")]
    assert len(lines) == 6
    *steps, compare, again = (line.removeprefix("  mlcore ") for line in lines)
    assert [run(line) for line in steps] == [0] * 4
    assert run(compare) in (0, 1)  # 1 if the default is better on this test
    assert "recall@5" in capsys.readouterr().out
    (tmp_path / "test.csv").unlink()
    assert run(again) == 0


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

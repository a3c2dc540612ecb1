"""cli.split: which interactions go to the test, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cases import WITHOUT_TIMES, Case, check, run
from tests.cli.test_bad_input import OTHER_TIMES

SPLIT = "split --train-out a.csv --test-out b.csv --interactions"
CASES = [
    *(
        Case(
            f"{strategy} split without timestamps",
            f"{SPLIT} bad.csv --strategy {strategy}",
            f"bad.csv: timestamp: expected a column to {purpose} by, got none",
            "--timestamp-column names one; without timestamps take --strategy random or user",
            files=WITHOUT_TIMES,
        )
        for strategy, purpose in [("temporal", "split"), ("last-n", "find the newest rows")]
    ),
    Case(
        "split without a test",
        f"{SPLIT} interactions.csv --strategy last-n --n 5",
        "interactions.csv: test: expected at least one of the 9 interactions, got none",
        "--n says how many the test gets",
    ),
    Case(
        "split without a training",
        f"{SPLIT} interactions.csv --strategy temporal --cutoff 100",
        "interactions.csv: training: expected at least one of the 9 interactions, got none",
        "--cutoff or --test-fraction says how many the test gets",
    ),
    Case(
        "all of the data as test",
        f"{SPLIT} interactions.csv --strategy random --test-fraction 1",
        "test_fraction: expected a finite number above 0 and below 1, got 1.0",
    ),
    Case(
        "unreadable cutoff",
        f"{SPLIT} interactions.csv --strategy temporal --cutoff 2024-02-30",
        "cutoff: expected integer seconds or an RFC 3339 time, got '2024-02-30'",
        OTHER_TIMES,
    ),
    Case(
        "cutoff in milliseconds",
        f"{SPLIT} interactions.csv --strategy temporal --cutoff 1600000000000",
        "cutoff: expected integer seconds or an RFC 3339 time, got '1600000000000'",
        "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds? "
        "--timestamp-unit ms reads milliseconds",
    ),
    Case(
        "cutoff of a random split",
        f"{SPLIT} interactions.csv --strategy random --cutoff 100",
        "cutoff: expected strategy 'temporal', got 'random'",
    ),
    *(
        Case(
            f"{strategy} with {option}",
            f"{SPLIT} interactions.csv --strategy {strategy} {option}",
            f"{option[2:].split()[0].replace('-', '_')}: expected {expected}",
        )
        for strategy, option, expected in [
            (
                "last-n",
                "--test-fraction 0.5",
                "strategy 'random' or 'user' or 'temporal', got 'last-n'",
            ),
            ("last-n", "--seed 0", "strategy 'random' or 'user', got 'last-n'"),
            ("random", "--n 1", "strategy 'last-n', got 'random'"),
            ("user", "--n 5", "strategy 'last-n', got 'user'"),
            ("temporal", "--seed 7", "strategy 'random' or 'user', got 'temporal'"),
            ("temporal", "--test-fraction 0.2 --cutoff 150", "no cutoff with it, got both"),
        ]
    ),
    *(
        Case(
            f"seed {seed}",
            f"{SPLIT} interactions.csv --strategy random --seed {seed}",
            f"seed: expected an integer {rule}, got {seed}",
        )
        for seed, rule in [(-1, ">= 0"), (2**31, "below 2147483648")]
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_the_newest_of_each_user_go_to_the_test(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"{SPLIT} interactions.csv --strategy last-n") == 0
    newest = [line.split(",")[:2] for line in (folder / "b.csv").read_text().splitlines()[1:]]
    assert newest == [["ann", "tea"], ["bob", "tea"], ["dan", "tea"], ["eve", "sugar"]]
    assert len((folder / "a.csv").read_text().splitlines()) == 1 + 9 - 4
    assert capsys.readouterr().err == ""

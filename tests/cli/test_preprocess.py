"""cli.preprocess: what is dropped, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cases import WITHOUT_TIMES, Case, check, run

PREPROCESS = "preprocess --out new.csv --interactions"
CASES = [
    Case(
        "weights that add up to infinity",
        f"{PREPROCESS} bad.csv",
        "bad.csv: weight: user 'bob', item 'tea': expected a finite sum, got Infinity",
        files={"bad.csv": "user_id,item_id,weight\nbob,tea,1e308\nbob,tea,1e308\n"},
    ),
    Case(
        "k-core that leaves nothing",
        f"{PREPROCESS} interactions.csv --min-item-interactions 4",
        "interactions.csv: interactions: expected at least one that meets all conditions, got none",
        "lower --min-user-interactions, --min-item-interactions or --min-weight",
    ),
    Case(
        "last of a pair without timestamps",
        f"{PREPROCESS} bad.csv --aggregate last",
        "bad.csv: timestamp: expected a column to find the last row by, got none",
        "--timestamp-column names one; without timestamps take another aggregate: sum, max or count",
        files=WITHOUT_TIMES,
    ),
    Case(
        "newest rows without timestamps",
        f"{PREPROCESS} bad.csv --max-user-interactions 1",
        "bad.csv: timestamp: expected a column to find the newest rows by, got none",
        "--timestamp-column names one; without timestamps leave --max-user-interactions out",
        files=WITHOUT_TIMES,
    ),
    Case(
        "setting out of range",
        f"{PREPROCESS} interactions.csv --min-user-interactions 0",
        "min_user_interactions: expected an integer >= 1, got 0",
    ),
    Case(
        "NaN as least weight",
        f"{PREPROCESS} interactions.csv --min-weight nan",
        "min_weight: expected a finite number >= 0 or null, got nan",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_rare_users_and_items_are_dropped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = "--min-user-interactions 2 --min-item-interactions 2"
    assert run(f"{PREPROCESS} interactions.csv {limits}") == 0
    # jam has one user; without it dan has one item.
    kept = [line.split(",")[0] for line in (folder / "new.csv").read_text().splitlines()[1:]]
    assert kept == ["ann", "ann", "bob", "bob", "bob", "eve", "eve"]
    assert capsys.readouterr().err == ""

"""cli.generate: as many events as asked for, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cases import Case, check, run

CASES = [
    Case(
        "more interactions than pairs",
        "generate --users 3 --items 5 --interactions 16 --out new.csv --items-out items.csv",
        "interactions: expected a number from 3 (one per user) to 15 (users x items), got 16",
    ),
    Case(
        "no users",
        "generate --users 0 --items 5 --interactions 16 --out new.csv",
        "users: expected a number from 1, got 0",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_events_and_items_are_as_many_as_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = "--users 3 --items 5 --interactions 15"
    assert run(f"generate {numbers} --out made.csv --items-out items.csv") == 0
    assert len((folder / "made.csv").read_text().splitlines()) == 1 + 15
    assert len((folder / "items.csv").read_text().splitlines()) == 1 + 5
    assert capsys.readouterr() == ("15 events of 3 users and 5 items\n", "")

"""cli.run_sql: options that do not fit together are refused before an engine starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cases import REPOSITORY, run, snapshot, write

RUN = f"run_sql --query {REPOSITORY}/sql/deduplicate.sql --table events=interactions.csv"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("", "--out: expected one of --out and --out-table, got both or neither"),
        ("--out o.csv --out-table o", "--out: expected one of --out and --out-table, got both or"),
        (
            "--out o.csv --table events=x.csv",
            "--table: expected each name once, got 'events' again",
        ),
        ("--out o.csv --param a=1 --param a=1", "--param: expected each name once, got 'a' again"),
        ("--out o.csv --master local", "--master: expected --engine spark, got duckdb"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(
    options: str, error: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(folder)
    assert run(f"{RUN} {options}") == 1
    assert capsys.readouterr().err.startswith(f"error: {error}")
    assert snapshot(folder) == before


@pytest.mark.duckdb
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            "--table events=sales.csv",
            "sales.csv:1: user_id: expected a column of this name, got 'userId', 'item_id'\n"
            "hint: cli.preprocess --user-column NAME --out NEW.csv writes it so; "
            "or a query of your own reads any names: SELECT NAME AS user_id, such as 'userId'",
        ),
        (
            "--table events=interactions.csv --param agregate=max",
            "deduplicate.sql: param: expected some of aggregate, min_weight, got 'agregate'\n"
            "hint: did you mean aggregate?",
        ),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_a_way_out(
    options: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"sales.csv": "userId,item_id\nann,tea\n"})
    assert run(f"run_sql --query deduplicate {options} --out new.csv") == 1
    assert capsys.readouterr().err == f"error: {said}\n"

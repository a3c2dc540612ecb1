"""cli.run_sql: options that do not fit together are refused before an engine starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cases import REPOSITORY, run, snapshot

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

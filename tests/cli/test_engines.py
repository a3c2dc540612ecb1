"""cli.engines: sizes, and options of one engine."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from cli.engines import parse_size
from tests.cli.cases import run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("10B", 10),
        ("1.5KB", 1500),
        ("1.5KiB", 1536),
        ("4 GiB", 2**32),
        ("2TB", 2 * 10**12),
    ],
)
def test_sizes_are_in_powers_of_1000_or_1024(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "0", "0GiB", "-1", "1e9", "4G", "4gib", "GiB"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="^expected a size such as 4GiB, got "):
        parse_size(text)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("--project p", "--project: expected --engine bigquery, got no --engine"),
        (
            "--engine bigquery --memory-limit 4GiB",
            "--memory-limit: expected --engine duckdb, got bigquery",
        ),
        ("--engine duckdb --master local", "--master: expected --engine spark, got duckdb"),
        ("--engine spark --label a=b", "--label: expected --engine bigquery, got spark"),
        ("--engine spark --threads 2", "--threads: expected --engine duckdb with it, got spark"),
    ],
)
def test_an_option_of_another_engine_is_refused(
    options: str, error: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"train --interactions interactions.csv --out-dir new {options}") == 1
    assert capsys.readouterr() == ("", f"error: {error}\n")

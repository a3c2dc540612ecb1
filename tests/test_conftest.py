"""conftest.py and tests/durations.py: what is left out is said, and nothing with ALL=1."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import FILES
from tests.durations import MEDIUM, SLOW

TESTS = Path(__file__).parent
NEEDS_GO = "tests/test_docs.py::test_the_example_in_go_runs"


def run_without_programs(test: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "ALL"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test],
        cwd=TESTS.parent,
        env=kept | {"PATH": ""} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_part_whose_tool_is_missing_is_skipped_with_a_line_that_says_how_to_get_it() -> None:
    run = run_without_programs(NEEDS_GO)
    assert run.returncode == 0
    assert re.search(r"^SKIPPED \[1\] .* go: get Go 1.24 or newer", run.stdout, re.MULTILINE)


def test_with_all_a_missing_tool_is_a_failure() -> None:
    run = run_without_programs(NEEDS_GO, ALL="1")
    assert run.returncode == 1
    assert "go: go missing; get Go 1.24 or newer" in run.stdout


def test_every_name_in_durations_is_that_of_a_test() -> None:
    found = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert (SLOW | MEDIUM) - found == set()


def test_every_file_that_needs_a_part_is_there() -> None:
    assert [path for path in FILES if not (TESTS.parent / path).is_file()] == []

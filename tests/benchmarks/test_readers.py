"""benchmarks.readers: what it asks, and the table it makes of turns."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import readers
from benchmarks.readers import Timing, make_table, user_requests
from tests.cli.cases import REPOSITORY

VALID = REPOSITORY / "interop/conformance/valid"


def test_users_are_asked_evenly_and_items_without_users() -> None:
    model = REPOSITORY / "fixtures/small/dot_bm25/model"
    asked = [json.loads(line)["user"] for line in user_requests(model, 4, 10)]
    assert asked == sorted(asked) and len({*asked}) == 4
    assert len(user_requests(model, 10**6, 10)) == 129
    one, *_ = map(json.loads, user_requests(VALID / "without_users/model", 2, 7))
    assert one["n"] == 7 and "item" in one


def test_the_table_has_medians_and_ratios_to_the_reference() -> None:
    turns = {
        "go": [Timing(0.001, 0.002, 0.003, {1: rate, 2: 2 * rate}) for rate in (90, 100, 9000)],
        "new": [Timing(0.004, 0.005, 0.006, {1: rate, 2: rate}) for rate in (50, 50, 1)],
    }
    assert make_table(turns, "go").splitlines() == [
        "| reader | open, ms | first answer, ms | process, ms "
        "| lists/s, 1 thread | ratio | lists/s, 2 threads | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        "| go | 1.00 | 2.00 | 3.00 | 100 | 1.00 | 200 | 1.00 |",
        "| new | 4.00 | 5.00 | 6.00 | 50.0 | 2.00 | 50.0 | 4.00 |",
    ]


def test_a_program_is_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = VALID / "all_features/model"
    options = ["--rounds=1", "--seconds=0.01", "--requests=3", f"--model-dir={model}"]
    command = f"{sys.executable} -m interop.python_adapter"
    assert readers.main([*options, f"--program=python={command}"]) == 0
    assert "| python |" in capsys.readouterr().out

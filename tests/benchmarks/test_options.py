"""benchmarks.options: options change the preset; events are those of its size."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.options import BenchArgs, DataSize, make_events, make_parser
from mlcore.files.interactions import read_interactions


def parsed(*arguments: str) -> BenchArgs:
    return make_parser("benchmarks", "").parse_args(arguments, BenchArgs())


def test_options_change_the_preset() -> None:
    assert tuple(parsed("--preset", "20m").size()) == (138_493, 26_744, 21_500_000, 2)
    assert tuple(parsed("--items", "7", "--skew", "0").size()) == (6_040, 7, 1_000_000, 0)
    assert tuple(parsed("--preset", "shop").size()) == (200_000, 100_000, 6_300_000, None)
    assert parsed("--preset", "20m").out("train.json") == Path("build/bench/20m/train.json")
    assert parsed("--out-dir", "x").out("train.json") == Path("x/train.json")


@pytest.mark.parametrize("size", [DataSize(30, 40, 150), DataSize(30, 40, 150, 1)])
def test_events_are_written_once(
    size: DataSize, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_events(size, 1, tmp_path)
    assert len(read_interactions(path)) == pytest.approx(150, abs=15)
    path.write_text("kept")
    assert make_events(size, 1, tmp_path) == path
    assert path.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [path]
    lines = ["generate 150 interactions of 30 users and 40 items", f"use {path}"]
    assert capsys.readouterr().err.splitlines() == lines

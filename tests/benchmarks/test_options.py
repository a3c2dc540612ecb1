"""benchmarks.options: options change the preset."""

from __future__ import annotations

from pathlib import Path

from benchmarks.options import BenchArgs, make_parser


def parsed(*arguments: str) -> BenchArgs:
    return make_parser("benchmarks", "").parse_args(arguments, BenchArgs())


def test_options_change_the_preset() -> None:
    assert tuple(parsed("--preset", "20m").size()) == (138_493, 26_744, 21_500_000, 2)
    assert tuple(parsed("--items", "7", "--skew", "0").size()) == (6_040, 7, 1_000_000, 0)
    assert parsed("--preset", "20m").out("train.json") == Path("build/bench/20m/train.json")
    assert parsed("--out-dir", "x").out("train.json") == Path("x/train.json")

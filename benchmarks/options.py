"""The options that all benchmarks share: which data, and how often."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import check_installed, run_child
from benchmarks.report import run, tell

__all__ = ["BenchArgs", "make_parser", "positive", "run_benchmarks"]


class BenchArgs(Namespace):
    """Parsed options."""

    users: int
    items: int
    interactions: int
    seed: int
    interactions_file: Path | None
    repetitions: int


def make_parser(name: str, description: str | None) -> ArgumentParser:
    """Return a parser with the options of every benchmark.

    Args:
        name: of the module.
        description: the module's text.
    """
    parser = ArgumentParser(prog=f"python -m {name}", description=description, allow_abbrev=False)
    data = parser.add_argument_group("data, made up by cli.generate unless a file is given")
    for option, default in (("users", 10_000), ("items", 5_000), ("interactions", 1_000_000)):
        data.add_argument(
            f"--{option}", type=int, default=default, metavar="N", help=f"default: {default}"
        )
    data.add_argument("--seed", type=int, default=1, metavar="S", help="default: 1")
    data.add_argument(
        "--interactions-file", type=Path, metavar="FILE", help="CSV: user_id, item_id, weight"
    )
    parser.add_argument(
        "--repetitions", type=positive, default=3, metavar="N", help="of each run; default: 3"
    )
    return parser


def positive(text: str) -> int:
    """Return the integer of an option that must be at least 1.

    Args:
        text: as it was given.
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"expected an integer >= 1, got {text!r}")
    return int(text)


def run_benchmarks(
    args: BenchArgs, packages: Sequence[str], *benchmarks: Callable[[Path, int], None]
) -> int:
    """Run benchmarks on the same events and return the exit code.

    Args:
        args: the parsed options.
        packages: what must be installed.
        benchmarks: each is given the file of events and the number of repetitions.
    """

    def work() -> int:
        check_installed(packages)
        with tempfile.TemporaryDirectory() as folder:
            events = args.interactions_file or _generate(args, Path(folder, "events.csv"))
            for benchmark in benchmarks:
                benchmark(events, args.repetitions)
        return 0

    return run(work)


def _generate(args: BenchArgs, path: Path) -> Path:
    names = ("users", "items", "interactions", "seed")
    numbers = [f"--{name}={getattr(args, name)}" for name in names]
    tell(f"generate {' '.join(numbers)}")
    run_child(["cli.generate", *numbers, "--out", str(path)])
    return path

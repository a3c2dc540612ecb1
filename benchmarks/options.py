"""The options that all benchmarks share: which data, how often, and where the figures go."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import check_installed, run_child
from benchmarks.report import log, run

__all__ = [
    "PRESETS",
    "BenchArgs",
    "DataSize",
    "add_run_options",
    "make_events",
    "make_parser",
    "parse_names",
    "positive",
    "run_benchmarks",
]


class DataSize(NamedTuple):
    """Size of the data to generate: by ``cli.generate``, or by ``benchmarks.shapes`` without skew."""

    users: int
    items: int
    interactions: int
    skew: int | None = None

    def events_command(self, seed: int) -> list[str]:
        """Return what ``python -m`` runs to write them; the path of the file comes last."""
        if self.skew is None:
            numbers = (self.users, self.items, self.interactions, seed)
            return ["benchmarks.shapes", *map(str, numbers)]
        options = {**self._asdict(), "seed": seed}
        return ["cli.generate", *(f"--{name}={n}" for name, n in options.items()), "--out"]


PRESETS = {
    # So different that one kernel may be the best for one and the worst for another: items share
    # many users, some, hardly any.
    "dense": DataSize(6_000, 3_000, 900_000),
    "middle": DataSize(40_000, 12_000, 3_500_000),
    "shop": DataSize(200_000, 100_000, 6_300_000),
    # Users and items of MovieLens 1M and 20M; the latter has the same sum of n_u^2 too, and half of
    # its users have at most 67 items.
    "1m": DataSize(6_040, 3_706, 1_000_000, 2),
    "20m": DataSize(138_493, 26_744, 21_500_000, 2),
}


class BenchArgs(Namespace):
    """Parsed options."""

    preset: str
    users: int | None
    items: int | None
    interactions: int | None
    skew: int | None
    seed: int
    data_dir: Path | None
    interactions_file: Path | None
    repetitions: int
    out_dir: Path | None

    def size(self) -> DataSize:
        """Return the preset, as other options change it."""
        given = {name: getattr(self, name) for name in DataSize._fields}
        preset = PRESETS[self.preset]
        return preset._replace(**{name: n for name, n in given.items() if n is not None})

    def out(self, name: str) -> Path:
        """Return the path of a file of figures."""
        return (self.out_dir or Path("build/bench", self.preset)) / name


def make_parser(name: str, description: str | None) -> ArgumentParser:
    """Return a parser with the options of every benchmark."""
    parser = ArgumentParser(prog=f"python -m {name}", description=description, allow_abbrev=False)
    data = parser.add_argument_group("data, synthetic unless a file is given")
    data.add_argument(
        "--preset",
        choices=PRESETS,
        default="1m",
        help="a shape of benchmarks.shapes, or the size of MovieLens 1M or 20M; default: 1m",
    )
    for option in DataSize._fields:
        data.add_argument(f"--{option}", type=int, metavar="N", help="instead of the preset's")
    data.add_argument("--seed", type=int, default=1, metavar="S", help="default: 1")
    data.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="keep generated data here, and use it again; default: a temporary folder",
    )
    data.add_argument(
        "--interactions-file", type=Path, metavar="FILE", help="CSV: user_id, item_id, weight"
    )
    add_run_options(parser, "build/bench/PRESET")
    return parser


def add_run_options(parser: ArgumentParser, default: str) -> None:
    """Add the number of runs and the folder of the figures, with its default as the help shows it."""
    parser.add_argument(
        "--repetitions", type=positive, default=3, metavar="N", help="of each run; default: 3"
    )
    parser.add_argument(
        "--out-dir",
        type=Path,
        metavar="DIR",
        help=f"of the figures as JSON; default: {default}",
    )


def positive(text: str) -> int:
    """Return the integer of an option that must be at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"expected an integer >= 1, got {text!r}")
    return int(text)


def parse_names(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Return a parser of names of ``known``, separated by commas."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        strange = [name for name in names if name not in known]
        if strange:
            raise ArgumentTypeError(f"expected some of {','.join(known)}, got {strange[0]!r}")
        return names

    return parse


def run_benchmarks(
    args: BenchArgs, packages: Sequence[str], *benchmarks: Callable[[Path, int], None]
) -> int:
    """Run benchmarks on the same events and return the exit code."""

    def work() -> int:
        check_installed(packages)
        with tempfile.TemporaryDirectory() as folder:
            data_dir = args.data_dir or Path(folder)
            events = args.interactions_file or make_events(args.size(), args.seed, data_dir)
            for benchmark in benchmarks:
                benchmark(events, args.repetitions)
        return 0

    return run(work)


def make_events(size: DataSize, seed: int, folder: Path) -> Path:
    """Return the file of synthetic events, written unless it is there.

    Its name has all that decides its content.
    """
    numbers = [number for number in (*size, seed) if number is not None]
    path = folder / f"events-{'-'.join(map(str, numbers))}.csv"
    if path.exists():
        log(f"use {path}")
        return path
    folder.mkdir(parents=True, exist_ok=True)
    log(f"generate {size.interactions} interactions of {size.users} users and {size.items} items")
    unfinished = folder / f"unfinished-{path.name}"
    run_child([*size.events_command(seed), str(unfinished)])
    unfinished.replace(path)
    return path

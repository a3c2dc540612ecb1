"""All measurements against other libraries, and the tables and the plot of a document made of them.

On each shape of data: training, from CSV to model, and lists for all users; besides, loading,
evaluation and, with Go, serving. What has figures already is kept, so a run that was ended goes on
where it was.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks import (
    end_to_end,
    evaluate,
    evaluate_worker,
    growth,
    load,
    recommend,
    server,
    train,
    under_load,
)
from benchmarks.measure import check_installed
from benchmarks.options import PRESETS, add_run_options, make_events, parse_names
from benchmarks.report import log, run
from benchmarks.table import remake

__all__ = ["build_parser", "main"]

SHAPES = ["dense", "middle", "shop", "1m"]  # without 20m, which takes as long as these together
PACKAGES = (
    *(name for module in (train, end_to_end, recommend, load) for name in module.PACKAGES),
    *evaluate_worker.PEERS,
)
SEED = 1

Step = tuple[Path, Callable[[], None]]  # the file of figures, and what writes it


class Args(Namespace):
    """Parsed options."""

    shapes: list[str]
    all: bool
    again: bool
    repetitions: int
    data_dir: Path
    out_dir: Path | None
    into: Path | None


def measure_all(steps: Sequence[Step], again: bool) -> None:
    """Take the steps whose figures are missing.

    Args:
        again: forget all figures there are first.
    """
    for out, _ in steps if again else ():
        out.unlink(missing_ok=True)
    for out, step in steps:
        if is_complete(out):
            log(f"{out}: kept")
            continue
        begun = time.monotonic()
        step()
        log(f"{out}: done in {(time.monotonic() - begun) / 60:.1f} minutes")


def is_complete(out: Path) -> bool:
    """Return whether a file of figures is there and, for training, has all variants."""
    return out.exists() and not (out.name == "train.json" and train.missing_variants(out))


def steps_of_shape(shape: str, out_dir: Path, data_dir: Path, repetitions: int) -> Iterator[Step]:
    """Yield the measurements on one shape of data."""

    def on_events(measure: Callable[[Path], None]) -> Callable[[], None]:
        return lambda: measure(make_events(PRESETS[shape], SEED, data_dir))

    def train_missing(events: Path) -> None:
        missing = train.missing_variants(out)
        train.compare_kernels(events, repetitions, out=out, variants=missing)

    out = out_dir / shape / "train.json"
    yield out, on_events(train_missing)
    for name, compare in (
        ("end_to_end.json", end_to_end.compare_commands),
        ("recommend.json", recommend.compare_recommenders),
    ):
        other = out_dir / shape / name
        yield other, on_events(partial(compare, repetitions=repetitions, out=other))


def other_steps(args: Args, out_dir: Path) -> Iterator[Step]:
    """Yield the measurements that are on data of their own."""
    out = out_dir / "load/load.json"
    yield out, partial(
        load.compare_loading, args.data_dir, load.MEGABYTES, args.repetitions, out=out
    )
    out = out_dir / "evaluate/evaluate.json"
    yield out, partial(evaluate.compare_evaluations, evaluate.Size(), args.repetitions, out=out)
    out = out_dir / "server/server.json"
    yield out, partial(server.compare_servers, SEED, args.data_dir, args.repetitions, out=out)
    out = out_dir / "server/under_load.json"
    yield out, partial(under_load.measure_load, SEED, args.data_dir, out=out)
    if args.all:
        out = out_dir / "growth-shop/growth.json"
        sizes = growth.SIZES
        yield out, partial(growth.compare_growth, "shop", sizes, args.repetitions, out=out)


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--shapes",
        type=parse_names(tuple(PRESETS)),
        default=SHAPES,
        metavar="LIST",
        help=f"some of {','.join(PRESETS)}; default: {','.join(SHAPES)}",
    )
    parser.add_argument("--all", action="store_true", help="all shapes, and the growth on shop")
    parser.add_argument("--again", action="store_true", help="measure what has figures, too")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path("build/bench/data"),
        metavar="DIR",
        help="keep generated data here, and use it again; default: build/bench/data",
    )
    add_run_options(parser, "build/bench, with a folder for each shape")
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help="a document whose tables and plot to make"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    out_dir = args.out_dir or Path("build/bench")

    def work() -> int:
        check_installed(PACKAGES)
        steps: list[Step] = []
        for shape in PRESETS if args.all else args.shapes:
            steps += steps_of_shape(shape, out_dir, args.data_dir, args.repetitions)
        measure_all([*steps, *other_steps(args, out_dir)], args.again)
        if args.into is not None:
            remake(args.into, out_dir)
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())

"""How time and memory grow: the cosine kernels on synthetic data of several sizes.

Users grow with the interactions, so that each has as many at every size; so do items on the shape
``shop``, but on ``20m``, as MovieLens 20M, only with the square root. The work is the number of pairs
counted, one for each user who has both items: the sum over users of n_u (n_u - 1) / 2.
"""

from __future__ import annotations

import json
import re
import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.kernels import BARE
from benchmarks.measure import check_installed, run_child, take_turns
from benchmarks.options import PRESETS, DataSize, add_run_options, parse_names
from benchmarks.report import format_table, log, run, write_json
from benchmarks.results import Measured, describe_machine, results_to_json
from benchmarks.train import OURS, PACKAGES, run_kernel

__all__ = ["build_parser", "compare_growth", "main", "parse_sizes", "size_for"]

VARIANT = "cosine"
# The fastest peer and the leanest.
CONTESTANTS = (OURS, BARE, "similaripy", "sparse_dot_topn")
SHAPES = {"shop": 1.0, "20m": 0.5}  # items grow with this power of the interactions
SIZES = [1_000_000, 3_000_000, 10_000_000, 30_000_000]
UNITS = {"": 1, "k": 10**3, "m": 10**6}


class Args(Namespace):
    """Parsed options."""

    shape: str
    sizes: list[int]
    contestants: list[str]
    seed: int
    repetitions: int
    out_dir: Path | None


def size_for(shape: str, interactions: int) -> DataSize:
    """Return the number of users and items for a number of interactions.

    >>> size_for("shop", 1_000_000)
    DataSize(users=31746, items=15873, interactions=1000000, skew=None)
    >>> size_for("20m", 1_000_000)
    DataSize(users=6442, items=5768, interactions=1000000, skew=2)
    """
    full = PRESETS[shape]
    share = interactions / full.interactions
    users, items = round(full.users * share), round(full.items * share ** SHAPES[shape])
    return DataSize(max(users, 1), max(items, 1), interactions, full.skew)


def parse_sizes(text: str) -> list[int]:
    """Return numbers of interactions from a list such as ``300k,1M``.

    >>> parse_sizes("300k,1M,25")
    [300000, 1000000, 25]
    """
    sizes = []
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]+)([km]?)", part.lower())
        if found is None or int(found[1]) == 0:
            raise ArgumentTypeError(f"expected sizes such as 300k,1M, got {part!r}")
        sizes.append(int(found[1]) * UNITS[found[2]])
    return sizes


def compare_growth(
    shape: str,
    sizes: Sequence[int],
    repetitions: int,
    *,
    out: Path,
    contestants: Sequence[str] = CONTESTANTS,
    seed: int = 1,
) -> None:
    """Time the kernels at each size, print tables and write the figures.

    Args:
        shape: one of ``SHAPES``.
        sizes: numbers of interactions.
    """
    points: list[object] = []
    for interactions in sizes:
        with tempfile.TemporaryDirectory() as folder:
            numbers = [n for n in (*size_for(shape, interactions), seed) if n is not None]
            log(f"generate {interactions} interactions")
            made = run_child(["benchmarks.matrix", "synthetic", folder, *map(str, numbers)])
            data = json.loads(made.output)
            runs = {name: partial(run_kernel, name, VARIANT, folder) for name in contestants}
            measured = take_turns(runs, repetitions)
        print(", ".join(f"{number} {name}" for name, number in data.items()))
        print(_format(measured, data))
        points.append({"data": data, "results": results_to_json(measured, contestants[0])})
    document: dict[str, object] = {
        "shape": shape,
        "variant": VARIANT,
        "machine": describe_machine(("numpy", "scipy", *PACKAGES)),
        "points": points,
    }
    write_json(out, document)


def _format(results: Mapping[str, Measured], data: Mapping[str, int]) -> str:
    rows = [
        [
            name,
            f"{result.median:.3g}",
            f"{min(result.seconds):.3g}-{max(result.seconds):.3g}",
            f"{1e9 * result.median / data['counted_pairs']:.3f}",
            f"{1e9 * result.median / data['interactions']:.0f}",
            f"{max(result.peak_bytes) / 2**20:.0f} MiB",
            f"{max(result.own_bytes) / 2**20:.0f} MiB" if result.own_bytes else "",
        ]
        for name, result in results.items()
    ]
    header = ["", "median s", "min-max s", "ns a pair", "ns an interaction", "peak memory", "own"]
    return format_table(header, rows)


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(
        prog="python -m benchmarks.growth", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--shape", choices=SHAPES, default="shop", help="default: shop")
    parser.add_argument(
        "--sizes",
        type=parse_sizes,
        default=SIZES,
        metavar="LIST",
        help="numbers of interactions; default: 1M,3M,10M,30M",
    )
    parser.add_argument(
        "--contestants",
        type=parse_names((*CONTESTANTS, "implicit")),
        default=list(CONTESTANTS),
        metavar="LIST",
        help=f"default: {','.join(CONTESTANTS)}; the first is what others are compared with",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="default: 1")
    add_run_options(parser, "build/bench/growth-SHAPE")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    out_dir = args.out_dir or Path(f"build/bench/growth-{args.shape}")

    def work() -> int:
        check_installed(PACKAGES)
        compare_growth(
            args.shape,
            args.sizes,
            args.repetitions,
            out=out_dir / "growth.json",
            contestants=args.contestants,
            seed=args.seed,
        )
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())

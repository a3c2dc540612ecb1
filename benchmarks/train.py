"""Training kernels side by side: mlcore and its peers on one matrix, neighbors checked first.

Weights are computed beforehand, the same for all: a variant is a matrix and a similarity. Our own
kernels, compiled and not, for any number of threads and size of blocks, must agree bit for bit.
"""

from __future__ import annotations

import json
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.kernels import BARE, NUM_NEIGHBORS, PEERS, VARIANTS
from benchmarks.measure import Finished, run_child, run_measured, take_turns
from benchmarks.options import BenchArgs, make_parser, parse_names, run_benchmarks
from benchmarks.report import log, read_figures, write_json
from benchmarks.results import describe_machine, format_results, results_to_json

__all__ = [
    "OURS",
    "PACKAGES",
    "build_parser",
    "compare_kernels",
    "main",
    "missing_variants",
    "run_kernel",
]

OURS = "mlcore"
OTHER_WAYS = ("mlcore by source, 1 thread", f"{BARE}, by source, small blocks")
PACKAGES = PEERS
CONTESTANTS = (BARE, *PEERS)


class Args(BenchArgs):
    """Parsed options."""

    variants: list[str]
    contestants: list[str]


def compare_kernels(
    events: Path,
    repetitions: int,
    *,
    out: Path,
    variants: Sequence[str] = tuple(VARIANTS),
    contestants: Sequence[str] = CONTESTANTS,
) -> None:
    """Check the neighbors of all peers, time all kernels, print a table and write the figures.

    The figures are written after each variant; those of variants that are not measured now stay.

    Args:
        variants: names in ``benchmarks.kernels.VARIANTS``.
        contestants: peers to time, each where it has the formula; our kernel always runs.
    """
    with tempfile.TemporaryDirectory() as folder:
        log(f"read {events}")
        size = json.loads(run_child(["benchmarks.matrix", str(events), folder]).output)
        before = read_figures(out)
        kept = before if before.get("data") == size else {}
        checks, results = dict(kept.get("checks", {})), dict(kept.get("results", {}))
        for variant in variants:
            names = [OURS, f"{OURS}, 1 thread"]
            names += [name for name in contestants if _has_part(name, variant)]
            checks[variant] = _check_neighbors(variant, Path(folder), names)
            runs = {name: partial(run_kernel, name, variant, folder) for name in names}
            measured = take_turns(runs, repetitions)
            shown = ", ".join(f"{number} {name}" for name, number in size.items())
            print(f"{variant}, the {NUM_NEIGHBORS} best neighbors of each item: {shown}")
            print(format_results(measured, OURS))
            results[variant] = results_to_json(measured, OURS)
            document = {
                "data": size,
                "num_neighbors": NUM_NEIGHBORS,
                "machine": describe_machine(("numpy", "scipy", *PACKAGES)),
                "checks": checks,
                "results": {name: results[name] for name in VARIANTS if name in results},
            }
            write_json(out, document)


def missing_variants(out: Path) -> list[str]:
    """Return the variants that a file of figures does not have yet."""
    return [name for name in VARIANTS if name not in read_figures(out).get("results", {})]


def _has_part(name: str, variant: str) -> bool:
    return name not in PEERS or name in VARIANTS[variant].peers


def _check_neighbors(variant: str, folder: Path, names: Sequence[str]) -> dict[str, object]:
    """Return how well each peer agrees, and which of our kernels give the same bits."""

    def neighbors_of(name: str) -> str:
        path = folder / f"neighbors-{name}.npz"
        run_child(["benchmarks.kernels", name, variant, str(folder), str(path)])
        return str(path)

    log(f"{variant}: check the neighbors")
    ours = neighbors_of(f"{OURS} by source")
    ways = [way for way in OTHER_WAYS if BARE in names or not way.startswith(BARE)]
    for way in ways:
        run_child(["benchmarks.neighbor_agreement", way, ours, neighbors_of(way)])
    found: dict[str, object] = {"same_bits": [OURS, *ways]}
    for peer in (name for name in names if name in PEERS):
        limits = [str(NUM_NEIGHBORS), str(VARIANTS[variant].tolerance)]
        compared = run_child(
            ["benchmarks.neighbor_agreement", peer, ours, neighbors_of(peer), *limits]
        )
        found[peer] = json.loads(compared.output)
    return found


def run_kernel(name: str, variant: str, folder: str) -> Finished:
    """Run a contestant in a process of its own."""
    return run_measured(["benchmarks.kernels", name, variant, folder])


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser("benchmarks.train", __doc__)
    parser.add_argument(
        "--variants",
        type=parse_names(tuple(VARIANTS)),
        default=list(VARIANTS),
        metavar="LIST",
        help=f"some of {','.join(VARIANTS)}; default: all",
    )
    parser.add_argument(
        "--contestants",
        type=parse_names(CONTESTANTS),
        default=list(CONTESTANTS),
        metavar="LIST",
        help=f"beside {OURS}, some of {','.join(CONTESTANTS)}; default: all",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    benchmark = partial(
        compare_kernels,
        out=args.out("train.json"),
        variants=args.variants,
        contestants=args.contestants,
    )
    return run_benchmarks(args, PACKAGES, benchmark)


if __name__ == "__main__":
    raise SystemExit(main())

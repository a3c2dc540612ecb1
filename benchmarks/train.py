"""Training kernels side by side: mlcore and its peers on one matrix, neighbors checked first."""

from __future__ import annotations

import json
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.kernels import NUM_NEIGHBORS, PEERS
from benchmarks.measure import Finished, run_child, take_turns
from benchmarks.options import BenchArgs, make_parser, run_benchmarks
from benchmarks.report import tell, write_json
from benchmarks.results import describe_machine, format_results, results_to_json

__all__ = ["build_parser", "compare_kernels", "main"]

OURS = "mlcore"


class Args(BenchArgs):
    """Parsed options."""

    out: Path


def compare_kernels(events: Path, repetitions: int, *, out: Path) -> None:
    """Check the neighbors of all peers, time all kernels, print a table and write the figures.

    Args:
        events: CSV of interactions.
        repetitions: how often each kernel runs.
        out: the JSON file.
    """
    with tempfile.TemporaryDirectory() as folder:
        matrix = Path(folder, "matrix.npz")
        tell(f"read {events}")
        size = json.loads(run_child(["benchmarks.matrix", str(events), str(matrix)]).output)
        _check_neighbors(matrix, Path(folder))
        names = (OURS, f"{OURS}, 1 thread", *PEERS)
        results = take_turns({name: partial(_run, name, matrix) for name in names}, repetitions)
    shown = ", ".join(f"{number} {name}" for name, number in size.items())
    print(f"cosine, the {NUM_NEIGHBORS} best neighbors of each item: {shown}")
    print(format_results(results, OURS))
    document = {
        "data": size,
        "num_neighbors": NUM_NEIGHBORS,
        "machine": describe_machine(("numpy", "scipy", *PEERS)),
        "results": results_to_json(results, OURS),
    }
    write_json(out, document)


def _check_neighbors(matrix: Path, folder: Path) -> None:
    def neighbors_of(name: str) -> str:
        path = str(folder / f"{name}.npz")
        run_child(["benchmarks.kernels", name, str(matrix), path])
        return path

    ours = neighbors_of(f"{OURS} by source")
    for peer in PEERS:
        arguments = [peer, ours, neighbors_of(peer), str(NUM_NEIGHBORS)]
        run_child(["benchmarks.agreement", *arguments])


def _run(name: str, matrix: Path) -> Finished:
    finished = run_child(["benchmarks.kernels", name, str(matrix)])
    return replace(finished, seconds=float(finished.output))


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser("benchmarks.train", __doc__)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/bench/train.json"),
        metavar="FILE",
        help="the figures as JSON; default: build/bench/train.json",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run_benchmarks(args, PEERS, partial(compare_kernels, out=args.out))


if __name__ == "__main__":
    raise SystemExit(main())

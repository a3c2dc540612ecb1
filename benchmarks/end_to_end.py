"""From a CSV file to a saved model: our command, and pandas with each peer, side by side.

Measures the whole process, from the start of Python to its end.
"""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.measure import Finished, run_child, take_turns
from benchmarks.options import BenchArgs, make_parser, run_benchmarks
from benchmarks.report import write_json
from benchmarks.results import describe_machine, format_results, results_to_json
from mlcore import TrainConfig
from mlcore.similarity import Cosine
from mlcore.weighting import NoWeighting

__all__ = ["PACKAGES", "build_parser", "compare_commands", "main"]

OURS = "mlcore"
CONFIG = TrainConfig(Cosine(), NoWeighting(), neighborhood="target")  # what the peers train
PEERS = ("implicit", "similaripy")  # sparse_dot_topn is a product, and saves nothing
PACKAGES = ("duckdb", "pandas", *PEERS)


def compare_commands(events: Path, repetitions: int, *, out: Path) -> None:
    """Time all ways, print a table and write the figures."""
    contestants = {OURS: partial(_run_ours, events)}
    for peer in PEERS:
        contestants[f"pandas + {peer}"] = partial(_run_theirs, peer, events)
    results = take_turns(contestants, repetitions)
    megabytes = events.stat().st_size / 1e6
    print(f"CSV to model directory: {megabytes:.0f} MB")
    print(format_results(results, OURS))
    document = {
        "data": {"bytes": events.stat().st_size},
        "config": CONFIG.to_json(),
        "machine": describe_machine(("numpy", "scipy", *PACKAGES)),
        "results": results_to_json(results, OURS),
    }
    write_json(out, document)


def _run_ours(events: Path) -> Finished:
    with tempfile.TemporaryDirectory() as folder:
        config, out_dir = Path(folder, "config.json"), str(Path(folder, "model"))
        write_json(config, CONFIG.to_json())
        options = ["--interactions", str(events), "--config", str(config)]
        return run_child(["cli.train", *options, "--out-dir", out_dir])


def _run_theirs(peer: str, events: Path) -> Finished:
    with tempfile.TemporaryDirectory() as folder:
        out_dir, k = str(Path(folder, "model")), str(CONFIG.num_neighbors)
        return run_child(["benchmarks.pandas_peers", peer, str(events), out_dir, k])


def build_parser() -> ArgumentParser:
    """Return the parser."""
    return make_parser("benchmarks.end_to_end", __doc__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, BenchArgs())
    return run_benchmarks(
        args, PACKAGES, partial(compare_commands, out=args.out("end_to_end.json"))
    )


if __name__ == "__main__":
    raise SystemExit(main())

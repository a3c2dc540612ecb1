"""Metrics side by side: mlcore and ranx on the same lists, from memory and from files.

Compares the values first. ranx reads JSON, as it writes it; mlcore reads JSON Lines and CSV.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.evaluate_worker import EVALUATORS, PEERS, STARTS, Start
from benchmarks.measure import Finished, check_installed, run_child, take_turns
from benchmarks.options import add_run_options
from benchmarks.report import log, run, write_json
from benchmarks.results import Measured, describe_machine, format_results, results_to_json
from mlcore.errors import DataError, MlcoreError

__all__ = ["Size", "build_parser", "compare_evaluations", "main"]

OURS = "mlcore"
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Size:
    """Size of the lists to evaluate."""

    users: int = 100_000
    items: int = 20_000
    list_length: int = 100
    seed: int = 1


class Args(Namespace):
    """Parsed options."""

    users: int
    items: int
    list_length: int
    seed: int
    repetitions: int
    out_dir: Path | None


def compare_evaluations(size: Size, repetitions: int, *, out: Path) -> None:
    """Check the metrics of both, time both, print tables and write the figures."""
    numbers = (size.users, size.items, size.list_length, size.seed)
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        log(f"generate {size.users} lists of {size.list_length} items")
        run_child(["benchmarks.lists", folder, *map(str, numbers)])
        for start in STARTS:
            measured = _compare(start, folder, repetitions)
            print(f"{size.users} lists of {size.list_length} items, metrics from {start}")
            print(format_results(measured, OURS))
            results[start] = results_to_json(measured, OURS)
    document = {
        "data": dict(zip(("users", "items", "list_length", "seed"), numbers)),
        "machine": describe_machine(("numpy", "scipy", *PEERS)),
        "results": results,
    }
    write_json(out, document)


def _compare(start: Start, folder: str, repetitions: int) -> dict[str, Measured]:
    with contextlib.ExitStack() as stack:
        workers = {}
        for name in EVALUATORS:
            log(f"{name}: get ready to evaluate from {start}")
            workers[name] = stack.enter_context(_worker(name, start, folder))
        metrics = {name: json.loads(worker().output) for name, worker in workers.items()}
        for peer in PEERS:
            _check_metrics(peer, metrics[OURS], metrics[peer])
        return take_turns(workers, repetitions)


class _Worker:
    """A process that evaluates once for each call."""

    def __init__(self, process: subprocess.Popen[str], name: str) -> None:
        self._process = process
        self._name = name

    def __call__(self) -> Finished:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = json.loads(self.read_line())
        return Finished(answer["seconds"], answer["peak_bytes"], json.dumps(answer["metrics"]))

    def read_line(self) -> str:
        """Return the next line; a process that has ended gives none."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise MlcoreError(f"{self._name}: expected an answer, got the end of the process")
        return line


@contextlib.contextmanager
def _worker(name: str, start: Start, folder: str) -> Iterator[_Worker]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.evaluate_worker", name, start, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        worker = _Worker(process, name)
        worker.read_line()  # it is ready
        yield worker
    # The end of its standard input has ended it.


def _check_metrics(peer: str, ours: Mapping[str, float], theirs: Mapping[str, float]) -> None:
    if list(ours) != list(theirs):
        raise DataError(f"{peer}: expected the metrics {list(ours)}, got {list(theirs)}")
    for name, value in ours.items():
        if not abs(value - theirs[name]) <= TOLERANCE:  # not >: NaN equals nothing
            raise DataError(
                f"{peer}: {name}: expected {value}, which mlcore finds, got {theirs[name]}"
            )
    log(f"{peer}: same values of {len(ours)} metrics")


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(
        prog="python -m benchmarks.evaluate", description=__doc__, allow_abbrev=False
    )
    defaults = Size()
    data = parser.add_argument_group("data, synthetic")
    for field in ("users", "items", "list_length", "seed"):
        default = getattr(defaults, field)
        option = f"--{field.replace('_', '-')}"
        data.add_argument(
            option, type=int, default=default, metavar="N", help=f"default: {default}"
        )
    add_run_options(parser, "build/bench/evaluate")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    size = Size(args.users, args.items, args.list_length, args.seed)
    out_dir = args.out_dir or Path("build/bench/evaluate")

    def work() -> int:
        check_installed(PEERS)
        compare_evaluations(size, args.repetitions, out=out_dir / "evaluate.json")
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())

"""Training by SQL beside the numpy core: seconds, peak memory, what was spilled; the same model.

Each run is a process of its own, from the file of interactions to the model directory. What DuckDB
has written to its folder for temporary files is measured twenty times a second. Histories are capped
first, as ``sql/cap_history.sql`` does, since the work grows with their squares.
"""

from __future__ import annotations

import filecmp
import json
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.measure import Finished, run_child, take_turns
from benchmarks.options import BenchArgs, make_parser, run_benchmarks
from benchmarks.report import format_table, tell, write_json
from benchmarks.results import describe_machine, results_to_json
from mlcore.errors import DataError

__all__ = ["CORE", "PACKAGES", "Args", "build_parser", "compare_engines", "main"]

CORE = "mlcore"
PACKAGES = ("duckdb",)
CONFIG = {"similarity": {"name": "jaccard"}, "num_neighbors": 100}
SECONDS_BETWEEN_LOOKS = 0.05


class Args(BenchArgs):
    """Parsed options."""

    cap: int
    memory_limits: list[str]


def compare_engines(
    events: Path, repetitions: int, *, cap: int, memory_limits: Sequence[str], out: Path
) -> None:
    """Train by the core and by DuckDB, compare the models, print a table and write the figures.

    Args:
        events: CSV.
        repetitions: how often each.
        cap: how many of each user's newest interactions are kept.
        memory_limits: of DuckDB, besides the usual one.
        out: the JSON file.

    Raises:
        DataError: a model is not that of the core.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        train, config = folder / "train.csv", folder / "config.json"
        config.write_text(json.dumps(CONFIG), encoding="utf-8")
        options = ["--interactions", str(events), "--out", str(train)]
        run_child(["cli.preprocess", *options, "--max-user-interactions", str(cap)])
        shared = ["cli.train", "--interactions", str(train), "--config", str(config)]
        spilled: dict[str, int] = {}
        runs: dict[str, Callable[[], Finished]] = {
            CORE: partial(_train, [*shared], folder / "core", folder)
        }
        for limit in ("", *memory_limits):
            name = f"DuckDB, {limit} at most" if limit else "DuckDB"
            more = ["--memory-limit", limit] if limit else []
            command = [*shared, "--engine", "duckdb", "--temp-directory", str(folder / "spill")]
            (folder / "spill").mkdir(exist_ok=True)
            runs[name] = partial(
                _watched, [*command, *more], folder / name.replace(" ", ""), folder, name, spilled
            )
        measured = take_turns(runs, repetitions)
        for name in runs:
            if name != CORE:
                _check_same(folder / "core", folder / name.replace(" ", ""))
                tell(f"{name}: the same model, byte for byte")
    rows = [
        [
            name,
            f"{min(found.seconds):.1f}",
            f"{max(found.peak_bytes) / 2**20:.0f}",
            f"{spilled.get(name, 0) / 2**20:.0f}",
        ]
        for name, found in measured.items()
    ]
    print(format_table(["file to model", "s", "peak MiB", "spilled MiB"], rows))
    document = {
        "data": {"file": events.name, "max_user_interactions": cap, "config": CONFIG},
        "machine": describe_machine(("numpy", "scipy", *PACKAGES)),
        "results": results_to_json(measured, CORE),
        "spilled_bytes": spilled,
    }
    write_json(out, document)


def _train(command: Sequence[str], model: Path, folder: Path) -> Finished:
    return run_child([*command, "--out-dir", str(model), "--overwrite"])


def _watched(
    command: Sequence[str], model: Path, folder: Path, name: str, spilled: dict[str, int]
) -> Finished:
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            spilled[name] = max(spilled.get(name, 0), _bytes_in(folder / "spill"))
            time.sleep(SECONDS_BETWEEN_LOOKS)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return _train(command, model, folder)
    finally:
        stop.set()
        watcher.join()


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # removed meanwhile
            continue
    return total


def _check_same(expected: Path, found: Path) -> None:
    names = sorted(path.name for path in expected.iterdir())
    _, different, missing = filecmp.cmpfiles(expected, found, names, shallow=False)
    if different or missing:
        raise DataError(f"{found}: expected the model of the core, got another {different[0]}")


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser("benchmarks.sql", __doc__)
    parser.add_argument(
        "--cap",
        type=int,
        default=200,
        metavar="N",
        help="of each user's newest interactions; default: 200",
    )
    parser.add_argument(
        "--memory-limits",
        type=lambda text: text.split(","),
        default=["500MiB"],
        metavar="SIZE,...",
        help="of DuckDB, besides none; default: 500MiB",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())

    return run_benchmarks(
        args,
        PACKAGES,
        partial(
            compare_engines,
            cap=args.cap,
            memory_limits=args.memory_limits,
            out=args.out("sql.json"),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())

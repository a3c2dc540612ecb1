"""Training by SQL beside the numpy core: seconds, peak memory and spilled bytes, of the same model.

Each run is a process of its own, from the file of interactions to the model directory. Looks twenty
times a second at what DuckDB has in its temporary folder. ``--cap`` keeps the newest interactions of
each user, as in ``sql/cap_history.sql``: the work grows with the squares of the histories, and the
data give it as the number of joined pairs of rows.
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

import numpy as np

from benchmarks.measure import Finished, run_child, take_turns
from benchmarks.options import BenchArgs, make_parser, run_benchmarks
from benchmarks.report import format_table, log, write_json
from benchmarks.results import describe_machine, results_to_json
from mlcore.errors import DataError

__all__ = ["CORE", "PACKAGES", "Args", "build_parser", "compare_engines", "main"]

CORE = "mlcore"
PACKAGES = ("duckdb",)
CONFIG = {
    "similarity": {"name": "jaccard"},
    "weighting": {"name": "none"},
    "num_neighbors": 100,
    "neighborhood": "target",
}
SECONDS_BETWEEN_LOOKS = 0.05


class Args(BenchArgs):
    """Parsed options."""

    cap: int | None
    memory_limits: list[str]
    spark: bool


def compare_engines(
    events: Path,
    repetitions: int,
    *,
    cap: int | None,
    memory_limits: Sequence[str],
    spark: bool = False,
    out: Path,
) -> None:
    """Train by the core and by engines, compare the models, print a table and write the figures.

    Args:
        cap: newest interactions to keep of each user, or None for all.
        memory_limits: of DuckDB, besides the default.

    Raises:
        DataError: a model is not that of the core.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        train, config = folder / "train.csv", folder / "config.json"
        config.write_text(json.dumps(CONFIG), encoding="utf-8")
        options = ["--interactions", str(events), "--out", str(train)]
        options += [] if cap is None else ["--max-user-interactions", str(cap)]
        run_child(["cli.preprocess", *options])
        shared = ["cli.train", "--interactions", str(train), "--config", str(config)]
        spill = folder / "spill"
        spill.mkdir()
        options_of = {CORE: list[str]()}
        for limit in ("", *memory_limits):
            name = f"DuckDB, {limit} at most" if limit else "DuckDB"
            by_duckdb = ["--engine", "duckdb", "--temp-directory", str(spill)]
            options_of[name] = [*by_duckdb, *(["--memory-limit", limit] if limit else [])]
        if spark:
            options_of["Spark, local"] = ["--engine", "spark"]
        spilled = dict.fromkeys(options_of, 0)
        models = {name: folder / f"model{number}" for number, name in enumerate(options_of)}
        runs: dict[str, Callable[[], Finished]] = {
            name: partial(_run, [*shared, *more], models[name], spill, name, spilled)
            for name, more in options_of.items()
        }
        measured = take_turns(runs, repetitions)
        for name, model in models.items():
            _check_same(models[CORE], model)
            log(f"{name}: the model, byte for byte")
        counts = json.loads((models[CORE] / "manifest.json").read_text("utf-8"))["counts"]
        with np.load(models[CORE] / "histories.npz") as histories:
            lengths = np.diff(histories["indptr"])  # (U,) int64
        counts["joined_rows"] = int((lengths * (lengths - 1) // 2).sum())
    rows = [
        [
            name,
            f"{min(found.seconds):.1f}",
            f"{max(found.peak_bytes) / 2**20:.0f}",
            f"{spilled[name] / 2**20:.0f}",
        ]
        for name, found in measured.items()
    ]
    print(format_table(["file to model", "s", "peak MiB", "spilled MiB"], rows))
    document: dict[str, object] = {
        "data": counts if cap is None else {**counts, "max_user_interactions": cap},
        "machine": describe_machine(("numpy", "scipy", *PACKAGES)),
        "results": results_to_json(measured, CORE),
        "spilled_bytes": spilled,
    }
    write_json(out, document)


def _run(
    command: Sequence[str], model: Path, spill: Path, name: str, spilled: dict[str, int]
) -> Finished:
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            spilled[name] = max(spilled[name], _bytes_in(spill))
            time.sleep(SECONDS_BETWEEN_LOOKS)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return run_child([*command, "--out-dir", str(model), "--overwrite"])
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
        metavar="N",
        help="of each user's newest interactions; default: all",
    )
    parser.add_argument(
        "--memory-limits",
        type=lambda text: text.split(","),
        default=["500MiB"],
        metavar="SIZE,...",
        help="of DuckDB, besides none; default: 500MiB",
    )
    parser.add_argument("--spark", action="store_true", help="Spark on this machine, too")
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
            spark=args.spark,
            out=args.out("sql.json"),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())

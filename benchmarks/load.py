"""Opening a large model and answering one request in a new process: ours in Python and Go, and peers.

Times, inside the process, from before opening the model to after the first list; beside it the whole
process. Warm: the files are in the system's page cache. Cold: they are not.
"""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.big_model import USERS
from benchmarks.go_programs import GO, build_program
from benchmarks.load_worker import LIST_LENGTH, LOADERS, user_name
from benchmarks.measure import Finished, check_installed, run_child, run_program, take_turns
from benchmarks.options import add_run_options, positive
from benchmarks.report import format_table, log, run, write_json
from benchmarks.results import Measured, describe_machine, results_to_json
from mlcore.errors import DataError

__all__ = ["OURS", "PACKAGES", "build_parser", "compare_loading", "main"]

OURS = "mlcore"
PACKAGES = ("implicit",)
USER = USERS // 2
MEGABYTES = 1000


class Args(Namespace):
    """Parsed options."""

    megabytes: int
    data_dir: Path
    repetitions: int
    out_dir: Path | None


def compare_loading(data_dir: Path, megabytes: int, repetitions: int, *, out: Path) -> None:
    """Check the first lists of all, time all, print tables and write the figures.

    Args:
        data_dir: keeps the model.
    """
    folder = data_dir / f"model-{megabytes}"
    if not (folder / "model").exists():
        log(f"generate a model of {megabytes} MB")
        run_child(["benchmarks.big_model", str(folder), str(megabytes)])
    contestants = _contestants(folder)
    _check_lists({name: contestant() for name, contestant in contestants.items()})
    results: dict[str, object] = {}
    for state, runs in _states(contestants, folder).items():
        whole: dict[str, list[float]] = {name: [] for name in runs}
        inside = {name: partial(_inside, run, whole[name]) for name, run in runs.items()}
        measured = take_turns(inside, repetitions)
        print(f"open a model of {megabytes} MB and answer one request, {state}")
        print(_format(measured, whole))
        figures = results_to_json(measured, OURS)
        results[state] = {
            name: {**dict(figures[name]), "process_seconds": whole[name]}  # type: ignore[call-overload]
            for name in runs
        }
    document = {
        "data": {
            "bytes": sum(path.stat().st_size for path in (folder / "model").iterdir()),
            "list_length": LIST_LENGTH,
        },
        "machine": describe_machine(("numpy", "scipy", *PACKAGES)),
        "results": results,
    }
    write_json(out, document)


def _contestants(folder: Path) -> dict[str, Callable[[], Finished]]:
    runs: dict[str, Callable[[], Finished]] = {
        name: partial(run_child, ["benchmarks.load_worker", name, str(folder), str(USER)])
        for name in LOADERS
    }
    program = build_program("firstanswer", folder)
    if program is None:
        return runs
    command = [program, str(folder / "model"), user_name(USER), str(LIST_LENGTH)]
    return {OURS: runs.pop(OURS), GO: partial(run_program, command), **runs}


def _check_lists(answers: Mapping[str, Finished]) -> None:
    expected = json.loads(answers[OURS].output)["items"]
    for name, answer in answers.items():
        items = json.loads(answer.output)["items"]
        if items != expected:
            raise DataError(f"{name}: expected the list that mlcore makes, got {items}")
        log(f"{name}: same list")


def _states(
    contestants: Mapping[str, Callable[[], Finished]], folder: Path
) -> dict[str, dict[str, Callable[[], Finished]]]:
    states = {"warm": dict(contestants)}
    if hasattr(os, "posix_fadvise"):
        states["cold"] = {name: partial(_cold, run, folder) for name, run in contestants.items()}
    return states


def _cold(run: Callable[[], Finished], folder: Path) -> Finished:
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "firstanswer":
            _drop_from_cache(path)
    return run()


def _drop_from_cache(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # what is not on disk yet cannot be dropped
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _inside(run: Callable[[], Finished], whole: list[float]) -> Finished:
    """Return a run with the seconds it measured itself; note those of the process."""
    finished = run()
    whole.append(finished.seconds)
    return replace(finished, seconds=json.loads(finished.output)["seconds"])


def _format(results: Mapping[str, Measured], whole: Mapping[str, Sequence[float]]) -> str:
    rows = [
        [
            name,
            f"{1e3 * result.median:.1f}",
            f"{1e3 * min(result.seconds):.1f}-{1e3 * max(result.seconds):.1f}",
            f"{result.median / results[OURS].median:.2f}",
            f"{1e3 * sorted(whole[name])[len(whole[name]) // 2]:.0f}",
            f"{max(result.peak_bytes) / 2**20:.0f} MiB",
        ]
        for name, result in results.items()
    ]
    header = ["", "median ms", "min-max ms", f"ratio to {OURS}", "whole process ms", "peak memory"]
    return format_table(header, rows)


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(
        prog="python -m benchmarks.load", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--megabytes",
        type=positive,
        default=MEGABYTES,
        metavar="N",
        help=f"size of the model, from 200; as much and more for the peers'; default: {MEGABYTES}",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path("build/bench/data"),
        metavar="DIR",
        help="keeps the model; default: build/bench/data",
    )
    add_run_options(parser, "build/bench/load")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    out_dir = args.out_dir or Path("build/bench/load")

    def work() -> int:
        check_installed(PACKAGES)
        compare_loading(args.data_dir, args.megabytes, args.repetitions, out=out_dir / "load.json")
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())

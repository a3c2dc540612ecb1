"""Batch recommendation side by side: mlcore and its peers on one model, lists checked first.

The peers keep the best neighbors of each source item, so the model is of that kind; the default
kind, the best sources of each target, has longer rows and is shown beside it, as are the whole
commands in Python and Go, from the model directory to the file of predictions.
"""

from __future__ import annotations

import filecmp
import json
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.go_programs import GO, build_program
from benchmarks.measure import Finished, run_child, run_program, take_turns
from benchmarks.options import BenchArgs, make_parser, run_benchmarks
from benchmarks.recommend_worker import FILTERING, LIST_LENGTH, PEERS, RECOMMENDERS
from benchmarks.report import format_table, log, write_json
from benchmarks.results import Measured, describe_machine, results_to_json
from mlcore.errors import DataError

__all__ = ["COMMAND", "PACKAGES", "build_parser", "compare_recommenders", "main"]

OURS = "mlcore"
SEEN_TOO = "mlcore, seen items too"
COMMAND = "mlcore, command"
NUM_NEIGHBORS = 100
PACKAGES = PEERS


def compare_recommenders(events: Path, repetitions: int, *, out: Path) -> None:
    """Check the lists of all peers, time all, print a table and write the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = {kind: _train(events, folder, kind) for kind in ("source", "target")}
        size = json.loads(run_child(["cli.inspect", "--model-dir", models["source"]]).output)
        _check_lists(models["source"], folder)
        contestants: dict[str, Callable[[], Finished]] = {
            name: partial(_run, name, models["source"]) for name in RECOMMENDERS
        }
        contestants["mlcore, target"] = partial(_run, OURS, models["target"])
        contestants |= _commands(models["source"], folder)
        results = take_turns(contestants, repetitions)
    num_users = size["users"]
    shown = ", ".join(f"{size[name]} {name}" for name in ("users", "items", "pairs"))
    print(f"the {LIST_LENGTH} best items for each user, seen ones left out: {shown}")
    print(_format(results, num_users))
    document = {
        "data": {name: size[name] for name in ("users", "items", "interactions", "pairs")},
        "num_neighbors": NUM_NEIGHBORS,
        "list_length": LIST_LENGTH,
        "machine": describe_machine(("numpy", "scipy", *PACKAGES)),
        "results": results_to_json(results, OURS),
        "users_per_second": {name: num_users / result.median for name, result in results.items()},
    }
    write_json(out, document)


def _train(events: Path, folder: Path, neighborhood: str) -> str:
    log(f"train by {neighborhood}")
    config = folder / f"{neighborhood}.json"
    plain = {"similarity": {"name": "cosine"}, "weighting": {"name": "none"}}
    settings = {"num_neighbors": NUM_NEIGHBORS, "neighborhood": neighborhood}
    config.write_text(json.dumps({**plain, **settings}), encoding="utf-8")
    model = str(folder / neighborhood)
    files = ["--interactions", str(events), "--config", str(config), "--out-dir", model]
    run_child(["cli.train", *files])
    return model


def _check_lists(model: str, folder: Path) -> None:
    def lists_of(name: str) -> str:
        path = str(folder / f"{name}.npz")
        run_child(["benchmarks.recommend_worker", name, model, path])
        return path

    ours, seen_too = lists_of(OURS), lists_of(SEEN_TOO)
    for peer in PEERS:
        expected = ours if peer in FILTERING else seen_too
        run_child(["benchmarks.list_agreement", peer, expected, lists_of(peer)])


def _run(name: str, model: str) -> Finished:
    finished = run_child(["benchmarks.recommend_worker", name, model])
    return replace(finished, seconds=float(finished.output))


def _commands(model: str, folder: Path) -> dict[str, Callable[[], Finished]]:
    """Return the whole commands, in Go too where it is installed; their files are the same."""
    options = ["--model-dir", model, "--all-users", "--top-n", str(LIST_LENGTH), "--out"]
    ours, theirs = folder / "predictions.jsonl", folder / "go.jsonl"
    commands: dict[str, Callable[[], Finished]] = {
        COMMAND: partial(run_child, ["cli.predict", *options, str(ours)])
    }
    program = build_program("mlcore", folder)
    if program is None:
        return commands
    commands[GO] = partial(run_program, [program, "predict", *options, str(theirs)])
    for command in commands.values():
        command()
    if not filecmp.cmp(ours, theirs, shallow=False):
        raise DataError(f"{GO}: expected the file that cli.predict writes, got another")
    log(f"{GO}: same file, {ours.stat().st_size} bytes")
    return commands


def _format(results: Mapping[str, Measured], num_users: int) -> str:
    base = results[OURS].median
    rows = [
        [
            name,
            f"{num_users / result.median:.0f}",
            f"{num_users / max(result.seconds):.0f}-{num_users / min(result.seconds):.0f}",
            f"{base / result.median:.2f}",
            f"{max(result.peak_bytes) / 2**20:.0f} MiB",
        ]
        for name, result in results.items()
    ]
    header = ["", "users/s, median", "min-max", f"ratio to {OURS}", "peak memory"]
    return format_table(header, rows)


def build_parser() -> ArgumentParser:
    """Return the parser."""
    return make_parser("benchmarks.recommend", __doc__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, BenchArgs())
    return run_benchmarks(
        args, PACKAGES, partial(compare_recommenders, out=args.out("recommend.json"))
    )


if __name__ == "__main__":
    raise SystemExit(main())

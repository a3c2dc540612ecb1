"""Compare the lists of programs, byte for byte: ``python -m interop.tools.same_lists --model-dir DIR``.

Random requests of all kinds go to the command ``lists`` of each program; then those that ``python -m cli.predict``
can have go there too: all users, and users and histories under several options. Numbers are written as the
shortest text that reads back as the same f64, so equal bytes are equal bits. Exit code 1 at a difference.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from interop.tools.programs import add_programs, chosen_programs
from interop.tools.random_requests import Known, random_request, random_requests

__all__ = ["Options", "compare_files", "main"]

SOME = 2000  # users or histories under one set of options


class Options(NamedTuple):
    """Options of lists, as a request and as the command ``predict`` have them."""

    of_request: Mapping[str, Any]
    of_command: Sequence[str]


OPTIONS = (
    Options({"n": 10}, ["--top-n=10"]),
    Options({"n": 300, "include_seen": True}, ["--top-n=300", "--include-seen"]),
    Options({"n": 50, "fill": True}, ["--top-n=50", "--fill=popularity"]),
    Options(
        {"n": 20, "fill": True, "explain": True},
        ["--top-n=20", "--fill=popularity", "--explain"],
    ),
)


def _write(path: Path, lines: Iterable[str]) -> Path:
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def _lines(values: Iterable[Any]) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) for value in values]


def _run(command: Sequence[str], out: Path, requests: Path | None = None) -> None:
    with open(out, "wb") as target, open(requests or "/dev/null", "rb") as source:
        subprocess.run(command, stdin=source, stdout=target, check=True)


def compare_files(name: str, paths: Mapping[str, Path]) -> bool:
    """Print the digest of each file and the first lines that differ, and return whether none does."""
    digests = {
        program: hashlib.sha256(path.read_bytes()).hexdigest() for program, path in paths.items()
    }
    first, *others = paths
    expected = paths[first].read_bytes().split(b"\n")
    for program in others:
        if digests[program] == digests[first]:
            continue
        found = paths[program].read_bytes().split(b"\n")
        pairs = [(n, *pair) for n, pair in enumerate(zip(expected, found), 1) if pair[0] != pair[1]]
        number, one, other = pairs[0] if pairs else (min(len(expected), len(found)), b"", b"")
        print(f"{name}: {first} / {program}: {len(pairs)} lines differ, first {number}:")
        print(f"  {one[:600]!r}\n  {other[:600]!r}")
    items, refused = (sum(mark in line for line in expected) for mark in (b'"score"', b'"error"'))
    same = len({*digests.values()}) == 1
    print(
        f"{name}: {len(expected) - 1} lines, {items} of them lists with items, {refused} refused: "
        f"{', '.join(paths)}: {'equal, ' + digests[first][:16] if same else 'DIFFERENT'}"
    )
    return same


class _Comparison:
    """Runs programs on one model."""

    def __init__(self, model: Path, programs: Mapping[str, Sequence[str]], folder: Path) -> None:
        self.model, self.programs, self.folder = model, programs, folder
        self.known = Known.of(model)

    def lists(self, requests: Sequence[str]) -> dict[str, Path]:
        """Return the output of each program."""
        source = _write(self.folder / "requests.jsonl", requests)
        paths = {name: self.folder / f"{name}.jsonl" for name in self.programs}
        for name, command in self.programs.items():
            begin = time.perf_counter()
            _run([*command, "lists", str(self.model)], paths[name], source)
            print(f"  {name}: {time.perf_counter() - begin:.1f} s", flush=True)
        return paths

    def predict(self, *options: str) -> Path:
        """Return the output of the command ``predict``."""
        path = self.folder / "predict.jsonl"
        command = [sys.executable, "-m", "cli.predict", "--model-dir", str(self.model), *options]
        _run([*command, "--out=-", "--format=jsonl"], path)
        return path

    def users(self, users: Sequence[str], options: Options, *chosen: str) -> bool:
        """Compare the lists of users."""
        asked = _lines({"id": "", "user": user, **options.of_request} for user in users)
        paths = {"cli.predict": self.predict(*chosen, *options.of_command), **self.lists(asked)}
        return compare_files(f"{len(users)} users, {' '.join(options.of_command)}", paths)

    def histories(self, histories: Sequence[Any], options: Options, *more: str) -> bool:
        """Compare the lists of histories."""
        asked = _lines(
            {"id": f"h{n}", **one, **options.of_request} for n, one in enumerate(histories)
        )
        given = [
            {"user_id": f"h{n}", "history": [_event(*event) for event in one["history"]]}
            for n, one in enumerate(histories)
        ]
        path = _write(self.folder / "histories.jsonl", _lines(given))
        command = [f"--histories={path}", "--timestamp-unit=us", *more, *options.of_command]
        paths = {"cli.predict": self.predict(*command), **self.lists(asked)}
        return compare_files(f"{len(histories)} histories, {' '.join(command[1:])}", paths)


def _event(item: str, weight: float, *time: int) -> dict[str, Any]:
    return {"item_id": item, "weight": weight, **{"timestamp": one for one in time}}


def _random_histories(known: Known, weights: str, seed: int) -> list[dict[str, Any]]:
    """Return histories that no model refuses, with events or with final weights."""
    rng, found = random.Random(seed), list[dict[str, Any]]()
    while len(found) < SOME:
        request = random_request(rng, known, "")
        if (
            "history" not in request
            or "now" in request
            or request.get("weights", "events") != weights
        ):
            continue
        history = [event for event in request["history"] if event[2:] <= [known.now] and event[0]]
        if weights == "final":
            history = [*{event[0]: event for event in history}.values()]
        found.append({"history": history, "weights": weights})
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m interop.tools.same_lists", description=__doc__)
    parser.add_argument("--model-dir", type=Path, required=True, metavar="DIR")
    add_programs(parser)
    parser.add_argument("--requests", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-predict", action="store_true", help="compare the programs alone")
    arguments = parser.parse_args(argv)
    programs = chosen_programs(arguments.program)
    with tempfile.TemporaryDirectory() as temporary:
        job = _Comparison(arguments.model_dir, programs, Path(temporary))
        requests = random_requests(job.known, arguments.requests, arguments.seed)
        results = [compare_files(f"{len(requests)} requests", job.lists(requests))]
        if not arguments.without_predict:
            results += _compare_with_predict(job, arguments.seed)
    return 0 if all(results) else 1


def _compare_with_predict(job: _Comparison, seed: int) -> list[bool]:
    users, results = job.known.users, list[bool]()
    if users:
        results.append(job.users(users, OPTIONS[0], "--all-users"))
        some = sorted(random.Random(seed).sample(users, min(SOME, len(users))))
        table = _write(job.folder / "users.jsonl", _lines({"user_id": user} for user in some))
        results += [job.users(some, options, f"--users={table}") for options in OPTIONS[1:]]
    for weights in ("events", "final"):
        histories = _random_histories(job.known, weights, seed)
        for options in OPTIONS:
            results.append(job.histories(histories, options, f"--weights={weights}"))
    return results


if __name__ == "__main__":
    raise SystemExit(main())

"""Time the readers of all languages on one model: ``python -m benchmarks.readers --model-dir DIR``.

Each program runs the command ``measure`` of the adapter protocol in turns, on one thread and on more, and answers
one request in a process of its own. The medians become a table in Markdown, with the ratio of each to one of
them; only ratios of one run count. Build the readers before: ``interop/LANGUAGE/check.sh``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.markdown import format_markdown, short
from benchmarks.measure import run_program
from benchmarks.report import log, run
from interop.tools.programs import add_programs, chosen_programs
from interop.tools.random_requests import Known
from mlcore.errors import MlcoreError

__all__ = ["Timing", "main", "make_table", "measure", "user_requests"]

THREADS = (1, 2)
REFERENCE = "go"


class Timing(NamedTuple):
    """What one turn of one program took: seconds, and lists a second by number of threads."""

    open: float
    first: float
    process: float
    lists: Mapping[int, float]


def user_requests(model: Path, count: int, n: int) -> list[str]:
    """Return lines with requests for users of a model, evenly spaced by id, or for its items without users."""
    known = Known.of(model)
    kind, ids = ("user", known.users) if known.users else ("item", known.items)
    chosen = [ids[place * len(ids) // count] for place in range(min(count, len(ids)))]
    return [json.dumps({"id": "", kind: id_, "n": n}) for id_ in chosen]


def measure(
    command: Sequence[str], model: Path, requests: Path, one: Path, seconds: float
) -> Timing:
    """Time one program.

    Args:
        requests: a file of lines.
        one: a file of one line, for a whole process.
        seconds: how long it answers, after half of it as a warm-up.
    """
    found = {
        threads: _run(
            [*command, "measure", str(model), "--seconds", str(seconds), "--threads", str(threads)],
            requests,
        )
        for threads in THREADS
    }
    # Through a shell, because of the input; it takes a millisecond of what is measured.
    line = ["sh", "-c", 'exec "$@" < "$0" > /dev/null', str(one)]
    whole = run_program([*line, *command, "lists", str(model), "--threads", "1"])
    opened = found[THREADS[0]]
    rates = {threads: of["lists"] / of["seconds"] for threads, of in found.items()}
    return Timing(opened["open"], opened["first"], whole.seconds, rates)


def _run(command: Sequence[str], requests: Path) -> dict[str, float]:
    with open(requests, "rb") as lines:
        done = subprocess.run(command, stdin=lines, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise MlcoreError(f"{command[0]}: expected exit code 0, got {done.returncode}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def make_table(turns: Mapping[str, Sequence[Timing]], reference: str) -> str:
    """Return the medians as Markdown; a ratio above 1 is slower than the reference."""
    middle = {name: _median(some) for name, some in turns.items()}
    base = middle.get(reference, next(iter(middle.values())))
    threads = [*base.lists]
    header = ["reader", "open, ms", "first answer, ms", "process, ms"]
    for number in threads:
        header += [f"lists/s, {number} thread{'s' * (number > 1)}", "ratio"]
    rows = []
    for name, found in middle.items():
        row = [name, *(short(1000 * value) for value in found[:3])]
        for number in threads:
            row += [short(found.lists[number]), f"{base.lists[number] / found.lists[number]:.2f}"]
        rows.append(row)
    return format_markdown(header, rows)


def _median(turns: Sequence[Timing]) -> Timing:
    opened, first, process = (
        statistics.median(times) for times in zip(*(turn[:3] for turn in turns), strict=True)
    )
    lists = {
        threads: statistics.median(turn.lists[threads] for turn in turns)
        for threads in turns[0].lists
    }
    return Timing(opened, first, process, lists)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readers", description=__doc__)
    parser.add_argument("--model-dir", type=Path, required=True, metavar="DIR")
    add_programs(parser)
    parser.add_argument(
        "--reference", default=REFERENCE, metavar="NAME", help="default: %(default)s"
    )
    parser.add_argument(
        "--requests", type=int, default=1000, metavar="N", help="users, asked again and again"
    )
    parser.add_argument("--top-n", type=int, default=10, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="of each measurement"
    )
    args = parser.parse_args(argv)

    def work() -> int:
        programs = chosen_programs(args.program)
        turns: dict[str, list[Timing]] = defaultdict(list)
        with tempfile.TemporaryDirectory() as temporary:
            requests, one = (Path(temporary, name) for name in ("requests.jsonl", "one.jsonl"))
            lines = user_requests(args.model_dir, args.requests, args.top_n)
            requests.write_text("\n".join([*lines, ""]), "utf-8")
            one.write_text(lines[0] + "\n", "utf-8")
            for round_ in range(args.rounds):
                for name, command in programs.items():
                    timing = measure(command, args.model_dir, requests, one, args.seconds)
                    turns[name].append(timing)
                    log(f"round {round_ + 1}: {name}: {timing}")
        print(make_table(turns, args.reference))
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

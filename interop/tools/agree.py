"""Run programs over a corpus and list where they differ: ``python -m interop.tools.agree DIR``.

Compared are the verdict on each model, or its content, and each answer: the verdict, or the items, their
scores to the bit, and the contributions. The stage of a verdict is not: a reader may find a fault earlier
than another, and one that finds it on open answers nothing. Exit code 1 if there is a difference.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from interop.tools.programs import add_programs, chosen_programs

__all__ = ["Difference", "compare", "differences", "main", "read_corpus", "run_program"]

MIN_SECONDS, MAX_SECONDS_A_LINE = 60, 2
SHOWN = 3  # differences of one kind
WIDTH = 300


class Difference(NamedTuple):
    """Where two programs differ; ``kind`` says in what."""

    kind: str
    model: str
    damage: str
    request: str
    expected: str
    found: str


def read_corpus(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a corpus, with the paths of their models."""
    lines = (folder / "corpus.jsonl").read_text("utf-8").split("\n")[:-1]
    entries = [json.loads(line) for line in lines]
    return [{**entry, "model": str(folder.resolve() / entry["model"])} for entry in entries]


def run_program(command: Sequence[str], entries: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the answer of a program to each line of a corpus, or a text where it failed."""
    answers: list[Any] = []
    while len(answers) < len(entries):
        found, fault = _run(command, entries[len(answers) :])
        answers += found
        if fault is None:
            break
        # Output may be lost with the process, so one line a process until one fails.
        while len(answers) < len(entries):
            one, fault = _run(command, [entries[len(answers)]])
            answers += one or [fault]
            if fault is not None:
                break
    return answers[: len(entries)]


def _run(
    command: Sequence[str], entries: Sequence[Mapping[str, Any]]
) -> tuple[list[Any], str | None]:
    """Return the answers that came, and what went wrong if they are not all."""
    with tempfile.TemporaryFile() as lines, tempfile.TemporaryFile() as out:
        for entry in entries:
            line = {"model": entry["model"], "requests": entry["requests"]}
            lines.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        lines.seek(0)
        fault: str | None = None
        try:
            done = subprocess.run(
                [*command, "corpus"],
                stdin=lines,
                stdout=out,
                stderr=subprocess.PIPE,
                timeout=max(MIN_SECONDS, MAX_SECONDS_A_LINE * len(entries)),
            )
            if done.returncode != 0:
                said = done.stderr.decode("utf-8", "replace")[-WIDTH:]
                fault = f"exit code {done.returncode}: {said}"
        except subprocess.TimeoutExpired:
            fault = "no end"
        out.seek(0)
        answers = []
        for answer in out.read().split(b"\n")[:-1]:
            try:
                answers.append(json.loads(answer))
            except ValueError as error:
                return answers, f"no JSON: {error}"
    if fault is None and len(answers) < len(entries):
        fault = f"{len(answers)} lines for {len(entries)}"
    return answers, fault


def compare(entry: Mapping[str, Any], expected: Any, found: Any) -> Iterator[Difference]:
    """Yield where two answers to a line of a corpus differ."""

    def difference(kind: str, one: Any, other: Any, request: str = "") -> Difference:
        texts = [json.dumps(value)[:WIDTH] for value in (one, other)]
        return Difference(kind, entry["model"], entry["damage"], request[:WIDTH], *texts)

    if not (isinstance(expected, dict) and isinstance(found, dict)):
        if expected != found:
            yield difference("crash", expected, found)
        return
    dumps = [_without_stage(answer.get("dump")) for answer in (expected, found)]
    if dumps[0] != dumps[1] and not _are_of_two_faults(entry["damage"], *dumps):
        yield difference(f"dump: {_brief(dumps[0])} / {_brief(dumps[1])}", *dumps)
    if any(_is_refused_on_open(answer) for answer in (expected, found)):
        return
    answers = [answer.get("answers", []) for answer in (expected, found)]
    for request, one, other in zip_longest(entry["requests"], *answers):
        if one != other:
            kind = f"answer: {_brief(one)} / {_brief(other)}"
            yield difference(kind, one, other, "" if request is None else request)


def _without_stage(dump: Any) -> Any:
    if isinstance(dump, dict) and "error" in dump:
        return {"error": dump["error"]}
    return dump


def _are_of_two_faults(damage: str, *dumps: Mapping[str, Any]) -> bool:
    """Return whether a file has both another digest than its manifest says, and a fault of its own."""
    verdicts = [dump.get("error") for dump in dumps]
    return damage.startswith("bytes:") and "checksum" in verdicts and None not in verdicts


def _is_refused_on_open(answer: Mapping[str, Any]) -> bool:
    dump = answer.get("dump")
    return isinstance(dump, dict) and dump.get("stage") == "open"


def _brief(value: Any) -> str:
    """Return the verdict, or that there is an answer."""
    if not isinstance(value, dict):
        return "nothing"
    return str(value.get("error", "accepted"))


def differences(
    entries: Sequence[Mapping[str, Any]], by_program: Mapping[str, Sequence[Any]]
) -> dict[str, list[Difference]]:
    """Return, for each program but the first, where it differs from the first."""
    first, *others = by_program
    found: dict[str, list[Difference]] = {}
    for name in others:
        rows = zip(entries, by_program[first], by_program[name], strict=True)
        found[name] = [one for row in rows for one in compare(*row)]
    return found


def _print(name: str, first: str, found: Sequence[Difference]) -> None:
    by_kind: dict[str, list[Difference]] = defaultdict(list)
    for one in found:
        by_kind[one.kind].append(one)
    for kind, some in sorted(by_kind.items(), key=lambda pair: -len(pair[1])):
        print(f"\n{first} / {name}: {kind}: {len(some)} times, such as")
        for one in some[:SHOWN]:
            print(
                f"  {one.model}: {one.damage}: {one.request}\n    {one.expected}\n    {one.found}"
            )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m interop.tools.agree", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a corpus of interop.tools.mutate")
    add_programs(parser)
    arguments = parser.parse_args(argv)
    programs = chosen_programs(arguments.program)
    entries = read_corpus(arguments.folder)
    by_program = {name: run_program(command, entries) for name, command in programs.items()}
    first = next(iter(programs))
    found = differences(entries, by_program)
    for name, some in found.items():
        _print(name, first, some)
    verdicts = Counter(
        _brief(answer.get("dump")) for answer in by_program[first] if isinstance(answer, dict)
    )
    requests = sum(len(entry["requests"]) for entry in entries)
    print(
        f"{len(entries)} models, {requests} requests; {first} says: {dict(verdicts.most_common())}"
    )
    for name, some in found.items():
        print(f"{first} / {name}: {len(some)} differences")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())

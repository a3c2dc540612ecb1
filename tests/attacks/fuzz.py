"""Fuzz the readers: damaged files into commands, which answer, or refuse them in one line of our form.

``python -m tests.attacks.fuzz --seconds 60 --seed 1`` keeps what was found in ``--keep``; the same seed
brings it back.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks import TEMPLATE
from tests.attacks.differential import (
    IN_GO,
    compare_models,
    compare_with_go,
    is_refused_on_open,
)
from interop.tools.damage import mutate
from tests.attacks.readers import READERS, Reader, make_good_files
from tests.cli.cases import run

__all__ = ["Answer", "Found", "answer", "fuzz", "judge"]

# What one input of at most mutations.MAX_BYTES may take.
MOST_SECONDS, MOST_BYTES = 10.0, 400 << 20


@dataclass(frozen=True)
class Answer:
    """What a command said of a file; ``crash`` is the trace of an exception that passed all borders."""

    status: int
    stdout: str
    stderr: str
    crash: str
    cpu_seconds: float
    more_bytes: int


@dataclass
class Found:
    """What was tried and what was wrong with it, a problem once for each place in the code."""

    verdicts: Counter[str] = field(default_factory=Counter)
    problems: dict[str, str] = field(default_factory=dict)
    cpu_seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.verdicts.total()} inputs ({self.verdicts['accepted']} accepted), "
            f"{len(self.problems)} problems, {self.cpu_seconds:.0f} CPU seconds"
        )


class TooLong(BaseException):
    """A command took more CPU time than any input may."""


def _stop(number: int, frame: object) -> None:
    raise TooLong


def answer(command: str) -> Answer:
    """Run a command here, and watch time and memory."""
    out, err, crash, status = io.StringIO(), io.StringIO(), "", -1
    begin, before = time.process_time(), _peak()
    signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run(command)
    except (Exception, SystemExit, TooLong):
        crash = traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return Answer(
        status,
        out.getvalue(),
        err.getvalue(),
        crash,
        time.process_time() - begin,
        _peak() - before,
    )


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def judge(given: Answer, folder: Path) -> Iterator[str]:
    """Yield what is wrong with an answer."""
    if given.crash:
        yield "crash: " + " | ".join(given.crash.splitlines()[-3:])
        return
    if given.more_bytes > MOST_BYTES:
        yield f"memory: {given.more_bytes >> 20} MiB"
    lines = given.stderr.rstrip("\n").split("\n") if given.stderr else []
    errors = [line for line in lines if line.startswith("error: ")]
    if given.status not in (0, 1) or len(errors) != given.status:
        yield "code: not 0, nor 1 and one error"
    if any(not line.startswith(("error: ", "hint: ", "note: ")) for line in lines):
        yield "words: a strange line"
    if any(not line.isprintable() for line in lines):
        yield "words: not printable"
    if any(not TEMPLATE.fullmatch(line) for line in errors):
        yield "words: not our template"
    if given.status == 1 and list(folder.glob("new*")):
        yield "output: there is one"
    if list(folder.rglob("*.partial-*")):
        yield "output: something is left"


def try_input(
    reader: Reader, command: str, name: str, data: bytes, go: Path | None = None
) -> tuple[Answer, list[str]]:
    """Give a file to a command in the current folder, and perhaps to the same in Go."""
    folder = Path.cwd()
    path = reader.place(folder, name, data)
    line = command.format(path)
    given = answer(line)
    problems = list(judge(given, folder))
    if go is not None and not given.crash:
        if reader.is_model:
            problems += compare_models(go, folder / path, reader.fits)
        if not (reader.is_model and is_refused_on_open(go, folder / path)):
            problems += compare_with_go(go, line, given.status, given.stdout)
    _clear(folder, path)
    return given, problems


def _clear(folder: Path, path: str) -> None:
    for one in [*folder.glob("new*"), folder / path]:
        if one.is_dir():
            shutil.rmtree(one)
        else:
            one.unlink(missing_ok=True)


def fuzz(
    seeds: Iterable[int], readers: Sequence[Reader], keep: Path, go: Path | None = None
) -> Found:
    """Try damaged files in the current folder, one from each seed.

    Args:
        keep: where those go that something is wrong with.
        go: the program to compare with, for the commands that both have.
    """
    found, begin = Found(), time.process_time()
    for seed in seeds:
        rng = random.Random(seed)
        reader = rng.choice(readers)
        contents = reader.contents(Path.cwd())
        name, data = rng.choice(contents)
        damaged = mutate(rng, data, [other for _, other in contents[:50]])
        command = rng.choice(_commands(reader, go))
        (keep / "last").write_text(f"{reader.name} {seed}")  # if the process dies
        given, problems = try_input(reader, command, name, damaged, go)
        found.verdicts["accepted" if given.status == 0 else "refused"] += 1
        for problem in problems:
            key = f"{reader.name}: {command.split()[0]}: {problem}"
            if key not in found.problems:
                found.problems[key] = f"seed {seed}: {given.stderr!r} {given.crash}"
                folder = keep / reader.name.replace(" ", "_") / str(seed)
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(damaged)
                print(f"{key}: {found.problems[key]}", flush=True)
    found.cpu_seconds = time.process_time() - begin
    return found


def _commands(reader: Reader, go: Path | None) -> list[str]:
    return [one for one in reader.commands if go is None or one.split()[0] in IN_GO]


def _until(end: float, seed: int) -> Iterator[int]:
    while time.monotonic() < end:
        yield seed
        seed += 1


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz for some time and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", default="", help="only those whose name has this")
    parser.add_argument("--go", type=Path, help="the program in Go, to compare with")
    parser.add_argument("--keep", type=Path, default=Path("build/attacks"))
    args = parser.parse_args(argv)
    keep = args.keep.resolve()
    keep.mkdir(parents=True, exist_ok=True)
    go = args.go and args.go.resolve()
    readers = [
        reader for name, reader in READERS.items() if args.readers in name and _commands(reader, go)
    ]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        with contextlib.redirect_stdout(io.StringIO()):
            make_good_files(Path(folder))
        seeds = _until(time.monotonic() + args.seconds, args.seed)
        found = fuzz(seeds, readers, keep, go)
    print(f"from seed {args.seed}: {found}")
    return 1 if found.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())

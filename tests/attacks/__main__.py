"""All attacks, for some minutes in all: ``python -m tests.attacks --minutes 10``.

Prints what it tried, with the seeds that bring it back; exit code 1 if something was wrong.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.attacks import faults
from tests.attacks.calls import can_trace
from tests.attacks.golang import ROOT, fuzz_in_go, fuzzers
from tests.cli.kills import WRITERS, kill_often, prepare

KILL_SECONDS = 2.0  # of one kill, about
GO_SECONDS = 60.0  # of a fuzzer, some of which go through its corpus first


def attack_by_faults(seconds: float, seed: int) -> bool:
    """Fail system calls of all commands."""
    if not can_trace():
        print("SKIP: strace is missing, or may not trace: no system call fails")
        return True
    held = faults.main(["--seconds", str(0.9 * seconds), "--seed", str(seed)]) == 0
    options = ["--seconds", str(0.1 * seconds), "--seed", str(seed)]
    with built_go() as program:
        return (not program or faults.main([*options, "--go", program]) == 0) and held


def attack_by_kills(seconds: float, seed: int) -> bool:
    """Kill commands at random moments."""
    is_clean = True
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))
        for writer in WRITERS:
            kills = max(2, round(seconds / len(WRITERS) / KILL_SECONDS))
            figures = kill_often(Path(name), writer, kills, seed)
            print(f"kills of {writer.name}: {figures}", flush=True)
            is_clean &= figures.is_clean()
    return is_clean


def attack_by_files(seconds: float, seed: int) -> bool:
    """Give damaged files to Python."""
    return _fuzz("--seconds", str(seconds), "--seed", str(seed))


def attack_both_by_files(seconds: float, seed: int) -> bool:
    """Give damaged files to Python and Go."""
    with built_go() as program:
        return not program or _fuzz("--seconds", str(seconds), "--seed", str(seed), "--go", program)


@contextmanager
def built_go() -> Iterator[str]:
    """Give the program in Go, "" without Go."""
    if shutil.which("go") is None:
        print("SKIP: go is not installed")
        yield ""
        return
    with tempfile.TemporaryDirectory() as name:
        program = os.path.join(name, "mlcore")
        subprocess.run(["go", "build", "-o", program, "./cmd/mlcore"], cwd=ROOT, check=True)
        yield program


def _fuzz(*arguments: str) -> bool:
    # In a process of its own, which it may kill, and whose memory it measures.
    done = subprocess.run([sys.executable, "-m", "tests.attacks.fuzz", *arguments])
    if done.returncode < 0:
        print(f"died of signal {-done.returncode}: build/attacks/last has reader and seed")
    return done.returncode == 0


def attack_go(seconds: float, seed: int) -> bool:
    """Run the fuzzers in Go, in another order each time."""
    if shutil.which("go") is None:
        print("SKIP: go is not installed: its fuzzers do not run")
        return True
    all_fuzzers, is_clean, end = list(fuzzers()), True, time.monotonic() + seconds
    random.Random(seed).shuffle(all_fuzzers)
    for package, name in itertools.cycle(all_fuzzers):
        left = end - time.monotonic()
        if left < 1:
            return is_clean
        count, found = fuzz_in_go(package, name, min(left, GO_SECONDS))
        print(
            f"{package} {name}: {count} inputs{found and ', found:'}\n{found}".rstrip(), flush=True
        )
        is_clean &= not found
    return is_clean


# Of the time.
SHARES: dict[Callable[[float, int], bool], float] = {
    attack_by_faults: 0.35,
    attack_by_kills: 0.1,
    attack_by_files: 0.25,
    attack_both_by_files: 0.1,
    attack_go: 0.2,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Attack, and say whether all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    args = parser.parse_args(argv)
    seed = random.randrange(1 << 31) if args.seed is None else args.seed
    held = True
    for attack, share in SHARES.items():
        print(f"== {attack.__doc__} (seed {seed})", flush=True)
        held &= attack(60 * args.minutes * share, seed)
    print("all held" if held else "something was wrong")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())

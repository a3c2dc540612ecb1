"""Seconds and peak memory of programs, each in a process of its own, taking turns.

Turns, because a shared machine is faster in one minute than in the next: contestants must run side by
side, and only ratios count. Nothing here loads data: on Linux the peak of a child process starts at
the size of its parent (the measure passes through fork and exec).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import util

from benchmarks.report import log
from benchmarks.results import Measured
from mlcore.errors import ConfigError, MlcoreError

__all__ = ["Finished", "check_installed", "run_child", "run_measured", "run_program", "take_turns"]


@dataclass(frozen=True)
class Finished:
    """A successful run of a program: seconds, peak memory, and output.

    Attributes:
        own_bytes: the part of the peak that the work itself took, if the program prints it.
    """

    seconds: float
    peak_bytes: int
    output: str
    own_bytes: int | None = None


def check_installed(packages: Sequence[str]) -> None:
    """Raise ConfigError for a package that is not installed, by its import name."""
    missing = sorted({package for package in packages if util.find_spec(package) is None})
    if missing:
        raise ConfigError(
            f"{', '.join(missing)}: expected the packages of the extra [bench], got none: "
            "use make bench, or pip install 'mlcore[bench]'"
        )


def run_child(arguments: Sequence[str]) -> Finished:
    """Run ``python -m`` to its end.

    Args:
        arguments: the module and its arguments.

    Raises:
        SystemExit: its exit code was 1, after a line that said why.
        MlcoreError: it ended in another way.
    """
    return run_program([sys.executable, "-m", *arguments])


def run_program(command: Sequence[str]) -> Finished:
    """Run a program to its end.

    Raises:
        SystemExit: its exit code was 1, after a line that said why.
        MlcoreError: it ended in another way.
    """
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if child.returncode == 1:
        raise SystemExit(1)
    if child.returncode != 0:
        raise MlcoreError(f"{' '.join(command)}: expected exit code 0, got {child.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss; see getrusage(2) of each
    return Finished(seconds, usage.ru_maxrss * unit, output)


def run_measured(arguments: Sequence[str]) -> Finished:
    """Run ``python -m`` to its end; it prints its seconds and memory as JSON."""
    finished = run_child(arguments)
    work = json.loads(finished.output)
    return replace(
        finished,
        seconds=work["seconds"],
        peak_bytes=work["peak_bytes"],
        own_bytes=work["own_bytes"],
    )


def take_turns(
    contestants: Mapping[str, Callable[[], Finished]], repetitions: int
) -> dict[str, Measured]:
    """Run each contestant once, then each again, ``repetitions`` times in all."""
    results: dict[str, list[Finished]] = {name: [] for name in contestants}
    for turn in range(1, repetitions + 1):
        for name, contestant in contestants.items():
            finished = contestant()
            log(f"run {turn} of {repetitions}: {name}: {finished.seconds:.3g} s")
            results[name].append(finished)
    return {
        name: Measured(
            [run.seconds for run in runs],
            [run.peak_bytes for run in runs],
            [run.own_bytes for run in runs if run.own_bytes is not None],
        )
        for name, runs in results.items()
    }

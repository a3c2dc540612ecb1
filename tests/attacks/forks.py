"""Commands that wait at a gate, so that ``strace`` can attach and see nothing but them.

Those in Python run in forks of one process that has loaded their modules, in milliseconds.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, TypeAlias

from tests.cli.cases import ENVIRONMENT, REPOSITORY

__all__ = ["Attach", "Done", "Forks", "Program", "Runner"]

SECONDS = 20
_LOADED = {"cli", "duckdb", "mlcore", "optuna", "scipy"}
_SET_PTRACER = 0x59616D61  # linux/prctl.h
_ANYBODY = ctypes.c_ulong(-1)


Attach: TypeAlias = Callable[[int], object]
# From a shell that waits for a line; not by a signal, as strace shows those too.
_GATE = ["sh", "-c", 'read gate; exec "$0" "$@"']


@dataclass(frozen=True)
class Done:
    """How a command ended; the status of one that a signal ended is negative."""

    status: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """Runs commands."""

    def run(self, command: str, folder: Path, attach: Attach = ...) -> Done:
        """Run a command in a folder; ``attach`` gets the process id before it begins."""


class Program:
    """A program of its own, which takes the same commands."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def run(self, command: str, folder: Path, attach: Attach = lambda pid: None) -> Done:
        """Run a command in a folder."""
        with subprocess.Popen(
            [*_GATE, self._path, *shlex.split(command)],
            cwd=folder,
            # Most calls come from one thread then, each time at the same place.
            env=ENVIRONMENT | {"GOMAXPROCS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            attach(process.pid)
            out, err = process.communicate("go\n", timeout=SECONDS)
        return Done(process.returncode, out, err)


class Forks:
    """The process that forks; ``logs`` is where it puts what a command prints."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.forks"],
            cwd=REPOSITORY,
            # One thread: a fork has no other, but their locks. No bytecode: nobody asks for its writes.
            env=ENVIRONMENT
            | {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.communicate()  # the end of its input ends it

    def run(self, command: str, folder: Path, attach: Attach = lambda pid: None) -> Done:
        """Run a command in a folder."""
        out, err = self._logs / "stdout", self._logs / "stderr"
        self._tell({"command": command, "folder": str(folder), "out": str(out), "err": str(err)})
        attach(self._hear())
        self._tell("go")
        status = self._hear()
        return Done(status, out.read_text("utf-8"), err.read_text("utf-8"))

    def _tell(self, message: object) -> None:
        assert self._process.stdin is not None
        print(json.dumps(message), file=self._process.stdin, flush=True)

    def _hear(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def main() -> int:
    """Fork for each line of standard input; each fork returns from here with its exit code."""
    while line := sys.stdin.readline():
        request = json.loads(line)
        gate, opener = os.pipe()
        modules, learned = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(opener)
            os.close(modules)
            return _run(request, gate, learned)
        os.close(gate)
        os.close(learned)
        sys.stdin.readline()
        os.close(opener)
        with open(modules) as names:
            used = names.read().split()
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        for name in used:
            importlib.import_module(name)
    return 0


def _run(request: dict[str, str], gate: int, learned: int) -> int:
    """Run the command as ``python -m cli`` does, and tell which modules it took."""
    ctypes.CDLL(None).prctl(_SET_PTRACER, _ANYBODY, 0, 0, 0)
    os.chdir(request["folder"])
    answers = os.dup(1)
    for path, descriptor in ((os.devnull, 0), (request["out"], 1), (request["err"], 2)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(opened, descriptor)
        os.close(opened)
    before = set(sys.modules)
    signal.alarm(SECONDS)
    os.write(answers, f"{os.getpid()}\n".encode())
    select.select([gate], [], [])  # a call that nothing is injected into; the gate stays open
    try:
        return _main(shlex.split(request["command"]))
    finally:
        with suppress(OSError):
            os.write(learned, " ".join(_ours(set(sys.modules) - before)).encode())


def _main(arguments: Sequence[str]) -> int:
    from cli.__main__ import main

    return main(arguments)


def _ours(names: set[str]) -> list[str]:
    """Return the modules to load beforehand; what they import comes with them."""
    return sorted(name for name in names if name.partition(".")[0] in _LOADED)


if __name__ == "__main__":
    raise SystemExit(main())

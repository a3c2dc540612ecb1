"""A folder of good files, a command line that is refused, and how: shared by the tests of commands."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
# With its usual buffers, whatever the tests run with: what a buffer holds matters at exit.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": ""}

INTERACTIONS = """\
user_id,item_id,weight,timestamp
ann,milk,1,100
ann,tea,2,200
bob,milk,1,110
bob,sugar,1,120
bob,tea,3,130
dan,jam,1,140
dan,tea,1,150
eve,milk,2,160
eve,sugar,1,170
"""
PREDICTIONS = """\
{"user_id": "ann", "items": [{"item_id": "sugar", "score": 2}, {"item_id": "jam", "score": 1}]}
{"user_id": "eve", "items": [{"item_id": "tea", "score": 1}]}
"""
TRUTH = "user_id,item_id\nann,jam\neve,tea\n"
WITHOUT_TIMES = {"bad.csv": "user_id,item_id\nann,tea\nann,milk\nbob,tea\n"}

Prepare = Callable[[Path], object]


def nothing(folder: Path) -> None:
    """Leave the folder as it is."""


@dataclass(frozen=True)
class Case:
    """One command line in a folder of good files, of which one thing is made bad."""

    name: str
    command: str
    error: str | Callable[[Path], str]
    hint: str | None = None
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    prepare: Prepare = nothing
    needs: str = "."

    def stderr(self, folder: Path) -> str:
        """Return all that the command may print."""
        error = self.error if isinstance(self.error, str) else self.error(folder)
        return f"error: {error}\n" + (f"hint: {self.hint}\n" if self.hint else "")


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def run(command: str) -> int:
    name, *arguments = shlex.split(command)
    status: int = importlib.import_module(f"cli.{name}").main(arguments)
    return status


def python(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[Any]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        timeout=60,
        **options,
    )


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def check(case: Case, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fail unless a command gives its one clear error, exit code 1, and writes nothing."""
    if not os.path.exists(case.needs):
        pytest.skip(f"needs {case.needs}")
    write(folder, case.files)
    case.prepare(folder)
    before = snapshot(folder)
    status = run(case.command)
    out, err = capsys.readouterr()
    assert err == case.stderr(folder)
    assert (status, out) == (1, "")
    assert snapshot(folder) == before
    error, *hint = err.splitlines()
    assert re.fullmatch(r"error: (?:[a-z./-][^ ]*.*: )?expected .+, got .+", error)
    for line in (error, *hint):
        assert not re.search(r"\.$|None|True|False|Error|Errno|Traceback|/tmp", line), line

"""The same damaged file into Python and into Go: both refuse it, or both give the same, bit for bit."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interop.python_adapter import dump

__all__ = ["IN_GO", "compare_models", "compare_with_go"]

# The commands that both have.
IN_GO = ("inspect", "predict", "similar")
_OUT = re.compile(r"--out (\S+)")


def compare_models(go: Path, folder: Path, has_one_fault: bool) -> Iterator[str]:
    """Open and verify a model by both, and yield where the verdicts differ.

    The stage may, and of several faults each may find another one.
    """
    ours, theirs = _dumps(go, folder)
    if ("error" in ours) != ("error" in theirs):
        yield f"go: verdict {theirs.get('error')}, Python: {ours.get('error')}"
    elif "error" in ours and has_one_fault and ours["error"] != theirs["error"]:
        yield f"go: verdict {theirs['error']}, Python: {ours['error']}"
    elif "error" not in ours and ours != theirs:
        yield "go dumps something else"


def is_refused_on_open(go: Path, folder: Path) -> bool:
    """Return whether one of both refuses a model when it opens it, which either may do early."""
    return any(answer.get("stage") == "open" for answer in _dumps(go, folder))


def _dumps(go: Path, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    return dump(folder), json.loads(_run(go, "conformance", "dump", str(folder)).stdout)


def compare_with_go(go: Path, command: str, status: int, stdout: str) -> Iterator[str]:
    """Run a command in Go and yield where it differs from what Python did in the current folder."""
    written = _take_output(command)
    done = _run(go, *shlex.split(command))
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode not in (0, 1) or "goroutine " in said:
        yield f"go crashes: exit code {done.returncode}: {said[-300:]}"
    elif done.returncode != status:
        yield f"go: exit code {done.returncode}, Python: {status}: {said}"
    elif status == 0 and (_take_output(command), done.stdout.decode()) != (written, stdout):
        yield "go gives something else"


def _run(go: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([go, *arguments], capture_output=True, timeout=60)


def _take_output(command: str) -> bytes | None:
    """Return what a command wrote, and remove it."""
    found = _OUT.search(command)
    if found is None or not (path := Path(found[1])).exists():
        return None
    data = path.read_bytes()
    path.unlink()
    return data

"""Programs of the Go reader, where Go is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks.report import log
from mlcore.errors import MlcoreError

__all__ = ["GO", "READER", "build_program", "has_go"]

GO = "mlcore, Go"
READER = Path(__file__).parents[1] / "interop/go"


def has_go() -> bool:
    """Return whether Go is installed, and log it if it is not."""
    found = shutil.which("go") is not None
    if not found:
        log(f"{GO}: go is not installed, left out")
    return found


def build_program(name: str, folder: Path) -> str | None:
    """Build a program of ``interop/go/cmd``; return its path, or None without Go.

    Raises:
        MlcoreError: it does not build.
    """
    if not has_go():
        return None
    program = str(folder.resolve() / name)
    built = subprocess.run(["go", "build", "-o", program, f"./cmd/{name}"], cwd=READER)
    if built.returncode != 0:
        raise MlcoreError(f"{GO}: expected a program that builds, got exit code {built.returncode}")
    return program

"""Programs of the Go reader, where Go is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks.report import log
from mlcore.errors import MlcoreError

__all__ = ["GO", "build_program"]

GO = "mlcore, Go"
READER = Path(__file__).parents[1] / "interop/go"


def build_program(name: str, folder: Path) -> str | None:
    """Build a program of ``interop/go/cmd``; return its path, or None without Go.

    Raises:
        MlcoreError: it does not build.
    """
    if shutil.which("go") is None:
        log(f"{GO}: go is not installed, left out")
        return None
    program = str(folder.resolve() / name)
    built = subprocess.run(["go", "build", "-o", program, f"./cmd/{name}"], cwd=READER)
    if built.returncode != 0:
        raise MlcoreError(f"{GO}: expected a program that builds, got exit code {built.returncode}")
    return program

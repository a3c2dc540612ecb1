"""The fuzzers in Go, each for a while; what they find stays in its ``testdata/fuzz``."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.cli.cases import REPOSITORY

__all__ = ["fuzz_in_go", "fuzzers"]

ROOT = REPOSITORY / "interop/go"
_EXECS = re.compile(r"execs: (\d+)")


def fuzzers() -> Iterator[tuple[str, str]]:
    """Yield the package and the name of each."""
    for path in sorted(ROOT.rglob("*_test.go")):
        for name in re.findall(r"^func (Fuzz\w+)", path.read_text("utf-8"), re.MULTILINE):
            yield f"./{path.parent.relative_to(ROOT)}", name


def fuzz_in_go(package: str, name: str, seconds: float) -> tuple[int, str]:
    """Run a fuzzer; return how many inputs it tried, and what it found or ""."""
    command = ["go", "test", "-run=^$", f"-fuzz=^{name}$", f"-fuzztime={seconds:.0f}s"]
    command += ["-parallel=1", package]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    counts = _EXECS.findall(done.stdout)
    return int(counts[-1]) if counts else 0, "" if done.returncode == 0 else done.stdout

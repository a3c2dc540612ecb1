"""The sdist and the wheel of the checkout, and environments to install them into."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD_SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed.

    Raises:
        AssertionError: it failed; with its output.
    """
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


def source_files() -> list[str]:
    """Return the files that git tracks, and those it would take, from the top of the checkout."""
    listed = run("git", "ls-files", "-z", "-co", "--exclude-standard", cwd=ROOT)
    return sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def copy_sources(target: Path) -> Path:
    """Copy the files of ``source_files`` below ``target``, which must not exist."""
    for name in source_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    return target


def build(sources: Path, target: Path) -> tuple[Path, Path]:
    """Build the sdist of a copy of the checkout, and the wheel from that sdist."""
    run(sys.executable, "-c", BUILD_SDIST, target, cwd=sources)
    (sdist,) = target.glob("*.tar.gz")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel")
    run(*pip, "--no-deps", "--no-build-isolation", "-w", target, sdist, cwd=target)
    (wheel,) = target.glob("*.whl")
    return sdist, wheel


def new_environment(folder: Path) -> Path:
    """Make an environment with pip only and return its Python."""
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    return folder / "bin" / "python"

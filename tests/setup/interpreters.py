"""Run the fast tests on each Python found, with the newest and with the lowest packages allowed.

``python -m tests.setup.interpreters``, or ``make test-pythons``. For each Python: the wheel with
what the tests need goes into an environment of its own, ``mlcore demo`` runs in an empty folder, and
pytest in a clone of the checkout. The lowest are those that pyproject.toml declares or, where they have
no wheel for that Python, the first that have one.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

from mlcore.numeric.threads import map_in_order, resolve_threads
from tests.setup.packages import ROOT, build, copy_sources

MINORS = (11, 12, 13, 14)
RESOLUTIONS = ("highest", "lowest-direct")
UV = ROOT / ".venv-lock/bin/uv"


def candidates(minor: int) -> Iterator[Path]:
    """Yield where Python 3.``minor`` may be: on PATH, or a version of pyenv."""
    on_path = shutil.which(f"python3.{minor}")
    if on_path is not None:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python"), reverse=True)


def find_python(minor: int) -> Path | None:
    """Return a Python 3.``minor`` that starts; a shim of pyenv may not."""
    code = "import sys, venv; print(sys.executable)"
    for path in candidates(minor):
        done = subprocess.run([path, "-c", code], capture_output=True, text=True)
        if done.returncode == 0:
            return Path(done.stdout.strip())
    return None


def steps(
    python: Path, resolution: str, wheel: Path, folder: Path, marks: str
) -> Iterator[tuple[list[str | Path], Path]]:
    """Yield the commands to run for one Python, and where.

    Args:
        resolution: of uv.
        folder: exists and is empty but for ``sources``, a clone of the checkout.
    """
    own = folder / "environment/bin"
    yield [UV, "venv", "--quiet", "--python", python, folder / "environment"], folder
    yield [
        # The certificates that pip goes by too; uv has a list of its own.
        *(UV, "pip", "install", "--quiet", "--system-certs"),
        *("--python", own / "python", "--only-binary", ":all:"),
        # Not the wheel's name: what a wheel asks for is no direct requirement to uv.
        *("--resolution", resolution, "--requirements", "pyproject.toml", "--extra", "test"),
    ], folder / "sources"
    yield [UV, "pip", "install", "--quiet", "--python", own / "python", "--no-deps", wheel], folder
    yield [UV, "pip", "list", "--quiet", "--python", own / "python"], folder
    yield [own / "mlcore", "demo"], folder
    yield [
        *(own / "python", "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider"),
        *("-m", marks),
    ], folder / "sources"


def try_python(python: Path, resolution: str, wheel: Path, folder: Path, marks: str) -> bool:
    """Run the steps for one Python; print what they said, and return whether all succeeded.

    Args:
        folder: does not exist yet.
    """
    folder.mkdir()
    # With links and history, which an sdist lacks: what is committed is what is tried.
    subprocess.run(["git", "clone", "--quiet", ROOT, folder / "sources"], check=True)
    with ZipFile(wheel) as archive:  # the clone has no compiled kernels
        archive.extractall(folder / "sources", fnmatch.filter(archive.namelist(), "*.so"))
    begun, said, failed = time.monotonic(), [f"\n== {python}: {resolution}\n"], False
    for command, where in steps(python, resolution, wheel, folder, marks):
        done = subprocess.run(
            command,
            cwd=where,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said.append(done.stdout)
        failed = done.returncode != 0
        if failed:
            said.append(f"FAIL: {folder.name}: {' '.join(map(str, command))}\n")
            break
    else:
        said.append(f"OK: {folder.name}: {time.monotonic() - begun:.0f} s\n")
    print("".join(said), end="", flush=True)
    shutil.rmtree(folder)
    return not failed


def main(argv: Sequence[str] | None = None) -> int:
    """Try every Python and return 1 if one failed or none was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.setup.interpreters", description=__doc__)
    parser.add_argument("--marks", default="not slow and not medium", help="as in pytest -m")
    parser.add_argument("--only", type=int, choices=MINORS, help="one minor version")
    parser.add_argument("--resolution", choices=RESOLUTIONS, action="append")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="mlcore-") as name:
        folder = Path(name)
        (folder / "dist").mkdir()
        _, wheel = build(copy_sources(folder / "copy"), folder / "dist")
        runs: list[tuple[Path, str, Path, Path, str]] = []
        for minor in (args.only,) if args.only else MINORS:
            python = find_python(minor)
            if python is None:
                print(f"SKIP: Python 3.{minor}: neither python3.{minor} on PATH nor in pyenv")
                continue
            runs += [
                (python, resolution, wheel, folder / f"3.{minor}-{resolution}", args.marks)
                for resolution in args.resolution or RESOLUTIONS
            ]
        # A test run uses one core, mostly.
        outcomes = list(map_in_order(lambda run: try_python(*run), runs, resolve_threads(None)))
    return 0 if outcomes and all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())

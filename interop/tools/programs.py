"""The readers of this repository as programs that speak the adapter protocol, those of them that are built."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence

from interop.tools.suite import INTEROP

__all__ = ["PYTHON", "add_programs", "built_programs", "chosen_programs"]

Command = Sequence[str]

PYTHON = (sys.executable, "-m", "interop.python_adapter")
# What each needs, and how it is called; ``interop/LANGUAGE/check.sh`` builds it, Go's README.md says how.
_READERS: Mapping[str, tuple[str, str, Command]] = {
    "go": ("../build/mlcore", "", ("conformance",)),
    "rust": ("rust/target/release/mlcore", "", ()),
    "java": ("java/target/mlcore.jar", "java", ("-Xmx1g", "-jar")),
    "typescript": ("typescript/dist/cli.js", "node", ()),
}


def built_programs() -> dict[str, Command]:
    """Return the command of each reader that is built, Python's first."""
    found: dict[str, Command] = {"python": PYTHON}
    for name, (file, runtime, arguments) in _READERS.items():
        path = INTEROP / file
        if path.exists() and (not runtime or shutil.which(runtime)):
            found[name] = (runtime, *arguments, str(path)) if runtime else (str(path), *arguments)
    return found


def add_programs(parser: argparse.ArgumentParser) -> None:
    """Add the option that names programs."""
    parser.add_argument(
        "--program",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="again for each; the first is what the others are compared with (default: all that are built)",
    )


def chosen_programs(given: Sequence[str]) -> dict[str, Command]:
    """Return the commands of the option."""
    if not given:
        return built_programs()
    pairs = (text.partition("=") for text in given)
    return {name: shlex.split(command) for name, _, command in pairs}

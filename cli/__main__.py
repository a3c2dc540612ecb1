"""List the commands, or run one: ``mlcore train ...``."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from cli import COMMANDS
from cli.console import command_line
from mlcore.version import VERSION


def overview() -> str:
    """Return the list of commands, each with the first line of its module's text."""
    lines = [f"usage: {command_line('COMMAND')} [--help] ...", ""]
    return "\n".join([*lines, *(f"  {name:<11} {_summary(name)}" for name in COMMANDS)])


def _summary(name: str) -> str:
    # Read, not imported: a list of the commands should not load them.
    with Path(__file__).with_name(f"{name}.py").open(encoding="utf-8") as source:
        return source.readline().strip('"\n')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if arguments[0] == "--version":
        print(f"mlcore {VERSION}")
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        return _refuse(name)
    status: int = importlib.import_module(f"cli.{name}").main(rest)
    return status


def _refuse(name: str) -> int:
    print(f"error: command: expected one of {', '.join(COMMANDS)}, got {name!r}", file=sys.stderr)
    for closest in difflib.get_close_matches(name, COMMANDS, n=1):
        print(f"hint: {command_line(closest)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())

"""List the commands, or run one: ``python -m cli train ...`` is ``python -m cli.train ...``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from cli import COMMANDS
from mlcore.version import VERSION


def overview() -> str:
    """Return the list of commands, each with the first line of its module's text."""
    lines = ["usage: python -m cli.COMMAND [--help] ...   (or: mlcore COMMAND ...)", ""]
    for name in COMMANDS:
        text = importlib.import_module(f"cli.{name}").__doc__ or ""
        lines.append(f"  {name:<11} {text.splitlines()[0]}")
    return "\n".join(lines)


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
        print(
            f"error: command: expected one of {', '.join(COMMANDS)}, got {name!r}", file=sys.stderr
        )
        return 2
    status: int = importlib.import_module(f"cli.{name}").main(rest)
    return status


if __name__ == "__main__":
    raise SystemExit(main())

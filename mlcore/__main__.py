"""The commands by the name of the package: ``python -m mlcore train ...``, and the script ``mlcore``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names, or list the commands."""
    _load_commands()
    status: int = importlib.import_module("cli.__main__").main(argv)
    return status


def _load_commands() -> None:
    """Make ``cli`` the package beside ``mlcore``.

    The current folder, which Python searches first, may have a package of that name.
    """
    folder = Path(__file__).resolve().parents[1] / "cli"
    spec = importlib.util.spec_from_file_location(
        "cli", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["cli"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    raise SystemExit(main())

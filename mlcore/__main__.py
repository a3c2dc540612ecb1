"""The commands by the name of the package: ``python -m mlcore train ...``, and the script ``mlcore``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from mlcore.interrupts import end_on_signals

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names, or list the commands."""
    if argv is None:  # this is the program
        end_on_signals()
    _load_commands()
    status: int = importlib.import_module("cli.__main__").main(argv)
    return status


def _load_commands() -> None:
    """Make ``cli`` the package beside ``mlcore``.

    The current folder, which Python searches first, may have a package of that name.
    """
    # Not before signals are caught: it loads many others.
    from importlib.util import module_from_spec, spec_from_file_location

    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "cli")
    spec = spec_from_file_location(
        "cli", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None and spec.loader is not None
    package = module_from_spec(spec)
    sys.modules["cli"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    raise SystemExit(main())

"""Names of a package that load their module at first use, so that ``--help`` need not load numpy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(package: str, *modules: str) -> Callable[[str], Any]:
    """Return a module's ``__getattr__`` (PEP 562): a name is taken from the first module that exports it.

    Args:
        modules: names below ``package``, the lightest first: those before the one that exports a
            name are loaded, too.
    """

    def find(name: str) -> Any:
        for module in modules if not name.startswith("_") else ():
            loaded = importlib.import_module(f"{package}.{module}")
            if name in loaded.__all__:
                return getattr(loaded, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find

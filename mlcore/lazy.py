"""Names of a package that load their module on first use, so that ``--help`` loads no numpy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(package: str, *modules: str) -> Callable[[str], Any]:
    """Return a ``__getattr__`` (PEP 562) that takes a name from the first module that exports it.

    Args:
        modules: below ``package``, the lightest first: looking up a name loads all before its own.
    """

    def find(name: str) -> Any:
        for module in modules if not name.startswith("_") else ():
            loaded = importlib.import_module(f"{package}.{module}")
            if name in loaded.__all__:
                return getattr(loaded, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find

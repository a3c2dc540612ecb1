"""What is loaded on first use, so that ``--help`` loads no numpy and a plain training no scipy."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["LazyModule", "lazy_names"]


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


class LazyModule:
    """A module that is imported when something of it is used.

    >>> LazyModule("math").sqrt(4.0)
    2.0
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)

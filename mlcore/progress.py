"""How long work reports to its caller: callables, so that the library itself never prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["OnMessage", "Progress", "no_message", "no_progress"]

OnMessage: TypeAlias = Callable[[str], None]  # called with a line for people


class Progress(Protocol):
    """Called now and then with a step and how far it is, in any unit; ``total`` 0: end unknown."""

    def __call__(self, step: str, done: int, total: int) -> None: ...


def no_progress(step: str, done: int, total: int) -> None:
    """Do nothing; the default everywhere."""


def no_message(line: str) -> None:
    """Do nothing; the default everywhere."""

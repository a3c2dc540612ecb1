"""How long work reports to whoever called it: a callable, so that the library itself never prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["Progress", "Tell", "ignore", "silent"]

Tell: TypeAlias = Callable[[str], None]  # given a line that people should see


class Progress(Protocol):
    """Told now and then how far a step has come; ``total`` 0 means that nobody knows the end."""

    def __call__(self, step: str, done: int, total: int) -> None: ...


def silent(step: str, done: int, total: int) -> None:
    """Report nothing; the default everywhere.

    Args:
        step: what is being done, for people.
        done: how much of it is done, in any unit.
        total: the whole of it in the same unit, or 0.

    >>> silent("read events.csv", 1, 2)
    """


def ignore(line: str) -> None:
    """Tell nobody; the default everywhere.

    Args:
        line: what people should see.

    >>> ignore("ease: needs 0.7 GiB for 10,000 items")
    """

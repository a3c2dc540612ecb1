"""How long-running work reports: by callbacks, so the library itself never prints."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeAlias

__all__ = ["Message", "OnMessage", "Progress", "no_message", "no_progress", "waiting"]

_SECONDS_BETWEEN = 0.2

OnMessage: TypeAlias = Callable[[str], None]  # called with a line of text for people


class Message(str):
    """A line for people, and in ``details`` a longer text for those who want it.

    Attributes:
        out_of_memory: of a memory plan, the error if the work takes more than the system gives.
    """

    details: str
    out_of_memory: Exception

    def __new__(cls, line: str, details: str, out_of_memory: Exception) -> Message:
        message = super().__new__(cls, line)
        message.details, message.out_of_memory = details, out_of_memory
        return message


class Progress(Protocol):
    """Called now and then with a step and how far it is, in any unit; ``total`` is 0 if unknown."""

    def __call__(self, step: str, done: int, total: int) -> None: ...


def no_progress(step: str, done: int, total: int) -> None:
    """Do nothing; the default everywhere."""


def no_message(line: str) -> None:
    """Do nothing; the default everywhere."""


@contextmanager
def waiting(progress: Progress, step: str) -> Iterator[None]:
    """Report a step while the block runs, again and again from a thread: the block cannot itself.

    >>> with waiting(lambda step, done, total: print(step, done, total), "start Spark"):
    ...     pass
    start Spark 0 0
    """
    progress(step, 0, 0)
    over = threading.Event()

    def report() -> None:
        while not over.wait(_SECONDS_BETWEEN):
            progress(step, 0, 0)

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

"""How long-running work reports: by callbacks, so the library itself never prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

__all__ = ["Message", "OnMessage", "Progress", "no_message", "no_progress"]

OnMessage: TypeAlias = Callable[[str], None]  # called with a line of text for people


class Message(str):
    """A line for people, and in ``details`` a longer text for those who want it."""

    details: str

    def __new__(cls, line: str, details: str) -> Message:
        message = super().__new__(cls, line)
        message.details = details
        return message


class Progress(Protocol):
    """Called now and then with a step and how far it is, in any unit; ``total`` is 0 if unknown."""

    def __call__(self, step: str, done: int, total: int) -> None: ...


def no_progress(step: str, done: int, total: int) -> None:
    """Do nothing; the default everywhere."""


def no_message(line: str) -> None:
    """Do nothing; the default everywhere."""

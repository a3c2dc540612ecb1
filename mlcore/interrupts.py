"""Ctrl-C, SIGTERM and SIGHUP: what they stop, what they wait for, and what is written by then.

A signal stops a command until its outputs get their names, and nothing is written. From the first
rename on signals wait; once all outputs are in place the command ends by itself, so that its exit
code says what is there. A signal that is ignored, as by ``nohup``, stays ignored.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # the sooner this is loaded, the sooner signals are caught
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType
    from typing import Any, TypeAlias

    _Handler: TypeAlias = Callable[[int, FrameType | None], Any]

__all__ = [
    "Stop",
    "describe_written",
    "end_on_signals",
    "held_signals",
    "note_stream",
    "note_written",
    "stoppable",
]

# Ctrl-C last: when handlers are put back, that of other programs raises, and then all are in place.
_NAMES = ("SIGALRM", "SIGTERM", "SIGHUP", "SIGINT")
_NUMBERS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
_IMPORTS = "<frozen importlib._bootstrap>"
_SECONDS_TO_RETRY = 0.001


class Stop:
    """The handler of a command: it raises KeyboardInterrupt while there is work to stop.

    Args:
        goes_on: whether there is work to stop when an output is in place, as others follow.

    Attributes:
        can_stop: whether a signal raises; not any more when outputs are in place.
        names: outputs that are in place.
        used_stream: whether something may have gone where it cannot be taken back: down a pipe, or
            into a table of an engine.
    """

    def __init__(self, goes_on: bool = False) -> None:
        self.can_stop = self.used_stream = False
        self.names: list[str] = []
        self._goes_on = goes_on
        self._came = 0  # the number of a signal that stopped nothing yet
        self._former_alarm: Any = None
        self._imports = _count_imports(sys._getframe())

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Stop the work, or note that the signal came."""
        self._came = self._came or number
        if not self.can_stop:
            return
        # In an import the exception might be lost in a callback, or come out as another.
        if _count_imports(frame) > self._imports and hasattr(signal, "setitimer"):
            self._retry_soon()
        else:
            self._stop()

    def _stop(self) -> None:
        self._came = 0
        raise KeyboardInterrupt

    def _retry_soon(self) -> None:
        former = signal.signal(signal.SIGALRM, self)
        if former is not self:
            self._former_alarm = former
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_RETRY)

    def begin(self) -> None:
        """Let signals stop what follows.

        Raises:
            KeyboardInterrupt: one has come already.
        """
        self.can_stop = True
        if self._came:
            self._stop()

    def note_written(self, name: str) -> None:
        """Note that an output is in place."""
        self.names.append(name)
        self.can_stop = self.can_stop and self._goes_on

    def pass_on(self) -> None:
        """Let a signal that came too late for this command stop the one that runs it."""
        if self._came and isinstance(signal.getsignal(self._came), Stop):
            signal.raise_signal(self._came)

    def close(self) -> None:
        """Give back the alarm."""
        if self._former_alarm is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._former_alarm)


_running: list[Stop] = []  # the commands, of which one may run others


@contextmanager
def stoppable(goes_on: bool = False) -> Iterator[Stop]:
    """Run a command in the block, which calls ``begin`` before its work.

    Args:
        goes_on: see ``Stop``.
    """
    stop = Stop(goes_on)
    _running.append(stop)
    try:
        # A process that was started for a command has nothing more to say when that has run.
        with _handled(stop, after_end=signal.SIG_IGN):
            yield stop
    finally:
        stop.close()
        _running.remove(stop)
    stop.pass_on()


def note_written(name: str) -> None:
    """Note that an output is in place."""
    for stop in _running:
        stop.note_written(name)


def note_stream() -> None:
    """Note that from now on something may be written that cannot be taken back."""
    for stop in _running:
        stop.used_stream = True


def describe_written() -> str:
    """Return what the commands that run have written, to follow the word interrupted.

    >>> describe_written()
    ', nothing was written'
    """
    first = _running[0] if _running else Stop()
    if first.names:
        return f"; written: {', '.join(first.names)}"
    return "" if first.used_stream else ", nothing was written"


@contextmanager
def held_signals() -> Iterator[None]:
    """Let signals wait for the end of the block, which renames files or removes them.

    Signals stop the main thread only; in others this does nothing.

    >>> try:
    ...     with held_signals():
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("first the block ends")
    ... except KeyboardInterrupt:
    ...     print("then the signal comes")
    first the block ends
    then the signal comes
    """
    came: list[int] = []
    try:
        with _handled(lambda number, frame: came.append(number)):
            yield
    finally:
        if came:
            signal.raise_signal(came[0])


def end_on_signals() -> None:
    """Let a signal end this process, which was started for a command, until the command runs.

    An exception would be a traceback, as most of this time goes into imports.
    """
    _install(dict.fromkeys(_stopping(), _end))


def _end(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):
        os.write(2, b"error: interrupted, nothing was written\n")
    os._exit(1)


@contextmanager
def _handled(handler: _Handler, after_end: Any = _end) -> Iterator[None]:
    former = _stopping()
    try:
        _install(dict.fromkeys(former, handler))
        yield
    finally:
        _install({n: after_end if old is _end else old for n, old in former.items()})


def _stopping() -> dict[int, Any]:
    """Return the handlers of signals that end a program; an alarm does if a ``Stop`` has set it."""
    handlers = {number: signal.getsignal(number) for number in _NUMBERS}
    return {
        number: handler
        for number, handler in handlers.items()
        if handler not in (None, signal.SIG_IGN)
        and (isinstance(handler, Stop) or signal.Signals(number).name != "SIGALRM")
    }


def _install(handlers: Mapping[int, Any]) -> None:
    with suppress(ValueError):  # not in the main thread
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _count_imports(frame: FrameType | None) -> int:
    count = 0
    while frame is not None:
        count += frame.f_code.co_filename == _IMPORTS
        frame = frame.f_back
    return count

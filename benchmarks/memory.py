"""Memory that some work takes, measured inside its process.

Peak is the largest resident size during the work: interpreter, libraries, input, scratch and result.
Own is the part of it that was not there when the work began: scratch and result. Neither has what it
took to load and convert the input.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

__all__ = ["Work", "measure_work"]

T = TypeVar("T")
STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Work(NamedTuple):
    """Cost of some work.

    Attributes:
        seconds: from begin to end.
        peak_bytes: resident at most; where the system has no /proc, since the process began.
        own_bytes: more than before, or None without /proc.
    """

    seconds: float
    peak_bytes: int
    own_bytes: int | None


def measure_work(work: Callable[[], T]) -> tuple[T, Work]:
    """Call ``work`` once; return its result and its cost."""
    gc.collect()
    before = _forget_peak()
    begun = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begun
    peak = _peak_bytes()
    return result, Work(seconds, peak, None if before is None else peak - before)


def _forget_peak() -> int | None:
    """Reset the peak to what is resident now, and return that; None if impossible."""
    try:
        REFERENCES.write_text("5")  # proc(5): resets the peak resident set size
        return _status("VmRSS")
    except OSError:
        return None


def _peak_bytes() -> int:
    if STATUS.exists():
        return _status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024  # see getrusage(2) of each
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(name: str) -> int:
    (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024

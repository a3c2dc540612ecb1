"""Running pure functions on all cores, with results in the order of the input."""

from __future__ import annotations

import numbers
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from mlcore.errors import ConfigError, shorten

__all__ = ["map_in_order", "resolve_threads"]

T = TypeVar("T")
R = TypeVar("R")

_MOST_THREADS = 1024


def resolve_threads(threads: int | None) -> int:
    """Return how many threads to use; None is one for each core this process may use.

    Raises:
        ConfigError: not from 1 to 1024; a hundred thousand would exhaust the system.

    >>> resolve_threads(3)
    3
    """
    if threads is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if not isinstance(threads, numbers.Integral) or not 1 <= threads <= _MOST_THREADS:
        got = shorten(threads)
        raise ConfigError(f"threads: expected an integer from 1 to {_MOST_THREADS}, got {got}")
    return int(threads)


def map_in_order(function: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in order, computed by several threads.

    At most two results per thread wait, so memory stays bounded however slow the consumer is.

    Args:
        function: without side effects; it gains where it releases the interpreter lock.
        items: consumed lazily.
        threads: >= 1; 1 uses no pool.

    >>> list(map_in_order(abs, [-2, 1], threads=2))
    [2, 1]
    """
    if threads == 1:
        yield from map(function, items)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

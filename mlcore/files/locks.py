"""Locks on open files and folders, which the system lets go of however their process ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

__all__ = ["close", "is_at", "lock", "locked"]


def lock(descriptor: int, wait: bool = True) -> None:
    """Lock a file or a folder for this process alone. Does nothing on Windows.

    Raises:
        BlockingIOError: another process holds the lock, and ``wait`` is false.
        OSError: the file system has no locks.
    """
    with suppress(ImportError):  # Windows
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether a path still leads to what is open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder; give whether there is one.

    Windows opens no folder, some file systems have no locks, and this user may not read the folder.
    """
    with ExitStack() as stack:
        is_locked = False
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(close, descriptor)
            lock(descriptor)
            is_locked = True
        yield is_locked


def close(descriptor: int) -> None:
    """Close a descriptor that nothing is written to, whatever the system says."""
    with suppress(OSError):
        os.close(descriptor)

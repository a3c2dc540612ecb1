"""Locks on open files and folders, which the system lets go of however their process ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["is_at", "lock"]


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

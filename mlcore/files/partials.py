"""Hidden siblings that become outputs: locked while a process fills them, so the next one finds the rest.

A killed process leaves ``.NAME.partial-XXXXXXXX`` beside the output NAME. Its lock is gone with it, by
which the next process that writes NAME knows that nobody needs the sibling any more, and removes it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mlcore.errors import DataWarning
from mlcore.files.locks import is_at, lock

__all__ = ["create_partial", "discard", "partial_path", "remove_stale"]


def partial_path(target: Path) -> Path:
    """Return a new name beside an output."""
    return target.with_name(f".{target.name}.partial-{secrets.token_hex(4)}")


def create_partial(target: Path, create: Callable[[Path], int]) -> tuple[Path, int]:
    """Create a sibling and return its path, and a descriptor that holds its lock until it is closed.

    Args:
        create: makes a file or a folder at a path that is free, and opens it.

    Raises:
        OSError: it cannot be created.
    """
    remove_stale(target.parent, re.escape(target.name))
    while True:
        path = partial_path(target)
        descriptor = create(path)
        with suppress(OSError):  # a file system without locks, where nothing is ever found stale
            lock(descriptor)
        # Or another process found it before it was locked.
        if os.name == "nt" or is_at(descriptor, path):
            return path, descriptor
        os.close(descriptor)


def discard(path: Path) -> None:
    """Remove a file or a folder that nobody needs any more; if it stays, that is a DataWarning."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
    if os.path.lexists(path):
        message = f"{path}: could not be removed; the next run with this output tries again"
        warnings.warn(message, DataWarning, stacklevel=2)


def remove_stale(folder: Path, name: str) -> None:
    """Remove the siblings that killed processes left.

    Args:
        name: of the output, a regular expression.
    """
    if os.name == "nt":
        return  # it has no such locks
    pattern = re.compile(rf"\.{name}\.partial-[0-9a-f]{{8}}", re.DOTALL)
    with suppress(OSError):
        for found in os.listdir(folder):
            if pattern.fullmatch(found):
                _remove_if_stale(folder / found)


def _remove_if_stale(path: Path) -> None:
    is_folder = path.is_dir()
    flags = os.O_RDONLY if is_folder else os.O_RDWR  # NFS locks no file that is open for reading
    with suppress(OSError):
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            lock(descriptor, wait=False)
            if is_folder:
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        finally:
            os.close(descriptor)

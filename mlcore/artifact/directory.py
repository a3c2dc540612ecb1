"""Replacing a whole directory in one step: readers see the old content or the new one.

The new content goes to a hidden sibling, is synced to disk and then renamed. One system call
exchanges it with an existing directory: a plain rename cannot replace a directory that is not
empty, and two steps would leave a moment with none.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from mlcore.errors import DataError, os_errors_at

__all__ = ["check_replaceable", "replaced_directory", "sync"]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # sys/stdio.h of macOS


def check_replaceable(target: Path, overwrite: bool, known_files: Collection[str]) -> None:
    """Check that ``target`` may become a new directory.

    Args:
        overwrite: allow to replace a directory, if it holds nothing but ``known_files``.

    Raises:
        DataError: something there must not be lost, or the parent folder is missing.
    """
    if not target.parent.is_dir():
        raise DataError(f"{target}: expected a place in an existing folder, got no such folder")
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise DataError(
            f"{target}: expected a path that does not exist yet, got an existing one",
            "--overwrite replaces a model directory",
        )
    if not target.is_dir():
        raise DataError(f"{target}: expected a model directory to overwrite, got a file")
    strange = [
        name
        for name in sorted(os.listdir(target))
        if name not in known_files or (target / name).is_dir()
    ]
    if strange:
        raise DataError(
            f"{target}: expected a model directory to overwrite, got other content: {strange[0]!r}"
        )


@contextlib.contextmanager
def replaced_directory(
    target: Path, overwrite: bool, known_files: Collection[str]
) -> Iterator[Path]:
    """Give an empty folder to fill, which replaces ``target`` on success.

    On any exception, and on Ctrl-C, the folder is removed and ``target`` stays as it was. A killed
    process may leave a hidden sibling ``.NAME.partial-XXXX``; ``target`` is whole.

    Args:
        target: the directory; a symbolic link is followed.
        overwrite: as for ``check_replaceable``.

    Raises:
        DataError: as ``check_replaceable``, or the disk refused.
    """
    check_replaceable(target, overwrite, known_files)
    real = Path(os.path.realpath(target))
    partial = real.with_name(f".{real.name}.partial-{secrets.token_hex(4)}")
    try:
        with os_errors_at(target, "a folder to write to"):
            partial.mkdir()
            yield partial
            for path in partial.iterdir():
                sync(path)
            sync(partial)
            check_replaceable(target, overwrite, known_files)
            _put_in_place(partial, real, target)
            sync(real.parent)
    finally:
        # The old content, after an exchange.
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, real: Path, shown: Path) -> None:
    if not os.path.lexists(real):
        os.rename(partial, real)
        return
    exchange = _exchange_function()
    if exchange is None or exchange(os.fsencode(partial), os.fsencode(real)) != 0:
        raise DataError(
            f"{shown}: expected a file system that exchanges two directories in one step, "
            f"got {os.strerror(ctypes.get_errno()) if exchange else sys.platform!r}",
            "write to a new directory instead",
        )


def _exchange_function() -> Callable[[bytes, bytes], int] | None:
    if sys.platform.startswith("linux"):
        linux = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        if linux is not None:
            return lambda one, other: int(linux(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE))
    elif sys.platform == "darwin":
        mac = getattr(ctypes.CDLL(None, use_errno=True), "renamex_np", None)
        if mac is not None:
            return lambda one, other: int(mac(one, other, _RENAME_SWAP))
    return None


def sync(path: Path) -> None:
    """Wait until a file, or the entries of a directory, are on disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a directory, and orders its entries itself.
    # Windows syncs no file that is open for reading only; a directory opens for nothing else.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

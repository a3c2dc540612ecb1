"""Replacing a whole directory in one step: whoever looks sees the old content or the new one.

The new content is written to a hidden sibling, synced to disk and then renamed. Where a directory
stands already, the two are exchanged by one system call; a plain rename cannot replace a directory
that is not empty, and doing it in two steps would leave a moment with none.
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

from mlcore.errors import DataError, from_os_error

__all__ = ["check_replaceable", "replaced_directory"]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # sys/stdio.h of macOS


def check_replaceable(target: Path, overwrite: bool, known_files: Collection[str]) -> None:
    """Raise DataError unless ``target`` may become a new directory.

    Args:
        target: where the directory is to stand.
        overwrite: whether a directory that stands there may be replaced.
        known_files: only a directory with nothing but these is ever replaced.

    Raises:
        DataError: something stands there that must not be lost, or the folder around is missing.
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
    """Give an empty folder to fill, which takes the place of ``target`` when all went well.

    On any exception, and on Ctrl-C, the folder is removed and ``target`` stays as it was. If the
    process is killed, a hidden sibling ``.NAME.partial-XXXX`` may stay behind; ``target`` is whole.

    Args:
        target: where the directory is to stand; a symbolic link is followed.
        overwrite: whether a directory that stands there may be replaced.
        known_files: only a directory with nothing but these is ever replaced.

    Raises:
        DataError: as ``check_replaceable``, or the disk refused.
    """
    check_replaceable(target, overwrite, known_files)
    real = Path(os.path.realpath(target))
    partial = real.with_name(f".{real.name}.partial-{secrets.token_hex(4)}")
    try:
        try:
            partial.mkdir()
            yield partial
            for path in partial.iterdir():
                _sync(path)
            _sync(partial)
            check_replaceable(target, overwrite, known_files)
            _put_in_place(partial, real, target)
            _sync(real.parent)
        except OSError as error:
            raise from_os_error(error, target, "a folder to write to") from error
    finally:
        # After an exchange this is the old content.
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


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a directory, and keeps its entries in order itself.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

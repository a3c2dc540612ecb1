"""Replacing a whole directory in one step: readers see the old content or the new one.

The new content goes to a hidden sibling, is synced to disk and then renamed. One system call
exchanges it with an existing directory: a plain rename cannot replace a directory that is not
empty, and two steps would leave a moment with none.

An empty directory stays and is filled, since it may be a mounted volume, which cannot be renamed: the new
content is moved into it file by file, the manifest last, without which it is no model.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mlcore.errors import DataError, MlcoreError, os_errors_at
from mlcore.files.clobber import is_mount, refuse_clobber
from mlcore.files.locks import close, locked
from mlcore.files.options import PathLike
from mlcore.files.outputs import OnWritten
from mlcore.files.partials import create_partial, discard, remove_stale
from mlcore.interrupts import held_signals, note_written

__all__ = [
    "COPY_NAME",
    "check_replaceable",
    "make_parents",
    "remove_folders",
    "replaced_directory",
    "sync",
]

# What the name of a published copy has after that of its link: the time and the manifest's digest.
COPY_NAME = re.compile(r"\.\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{12}")
_LAST = "manifest.json"
# Where the files of a folder that is filled wait inside it; a name that no model beside it has.
_STAGED = "files-of-this-folder"
_STAGE = re.compile(rf"\.{_STAGED}\.partial-[0-9a-f]{{8}}")
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h
_RENAME_SWAP = 2  # sys/stdio.h of macOS


def check_replaceable(target: Path, overwrite: bool, known_files: Collection[str]) -> None:
    """Check that ``target`` may become a new directory.

    Args:
        overwrite: allow to replace a directory, if it holds nothing but ``known_files``.

    Raises:
        DataError: something there must not be lost, or cannot be replaced.
    """
    if not os.path.lexists(target) or _is_empty(target):
        return
    if target.is_dir() and is_mount(target):
        raise DataError(
            f"{target}: expected a path that does not exist yet or an empty folder, "
            "got a mounted folder with content",
            "a mounted folder cannot be replaced in one step: write to a folder inside it, "
            f"--out-dir {target}/new, and let a link inside it lead to the newest: "
            f"cli.publish --model-dir {target}/new --to {target}/current",
        )
    strange = [
        name
        for name in (sorted(os.listdir(target)) if target.is_dir() else ())
        if name not in known_files or (target / name).is_dir()
    ]
    hint = f"--out-dir {target}/model makes one inside" if strange else None
    if not overwrite:
        raise DataError(
            f"{target}: expected a path that does not exist yet, got an existing one",
            hint or "--overwrite replaces a model directory",
        )
    if not target.is_dir():
        raise DataError(f"{target}: expected a model directory to overwrite, got a file")
    copy = Path(os.path.realpath(target)).name
    if published := COPY_NAME.search(copy):
        link = target if target.is_symlink() else target.with_name(copy[: published.start()])
        raise DataError(
            f"{target}: expected a model directory to overwrite, got the published copy {copy!r}",
            f"its name says its content: --out-dir NEW, then cli.publish --model-dir NEW --to {link}",
        )
    if strange:
        raise DataError(
            f"{target}: expected a model directory to overwrite, got other content: {strange[0]!r}",
            hint,
        )


def _is_empty(folder: Path) -> bool:
    """Return whether a folder holds nothing but what a file system, or another process, begins with."""
    if not folder.is_dir():
        return False
    return all(name == "lost+found" or _STAGE.fullmatch(name) for name in os.listdir(folder))


@contextlib.contextmanager
def replaced_directory(
    target: Path,
    overwrite: bool,
    known_files: Collection[str],
    *,
    check: Callable[[], None] | None = None,
    inputs: Mapping[str, PathLike | None] = {},
    on_written: OnWritten | None = None,
    on_placed: Callable[[], object] | None = None,
) -> Iterator[Path]:
    """Give an empty folder to fill, which replaces ``target`` on success.

    On any exception, and on Ctrl-C, the folder is removed and ``target`` stays as it was. A killed
    process may leave a hidden ``.NAME.partial-XXXX``, which the next one removes; ``target`` is whole.

    Args:
        target: the directory; a symbolic link is followed, missing folders around it are made.
        overwrite: as for ``check_replaceable``.
        check: called in place of ``check_replaceable``, if it is no model that is replaced.
        inputs: what the work reads, by option; a target that is one, or lies in one, is refused.
            Files in the target itself, such as its catalogue, may be read for the new content.
        on_written: called with the folder when all is on disk; see ``open_outputs``.
        on_placed: called when the folder has replaced ``target``; if it raises, that is undone.

    Raises:
        DataError: as ``check_replaceable`` and ``refuse_clobber``, or the disk refused: all is as
            before, or else the message says so.
    """
    refuse_clobber(target, inputs, is_folder=True)
    real = Path(os.path.realpath(target))
    _remove_unfinished(real, known_files)
    check = check or (lambda: check_replaceable(target, overwrite, known_files))
    check()
    fills = _is_empty(real)
    made: list[Path] = []
    with contextlib.ExitStack() as clean_up, os_errors_at(target, "a folder to write to"):
        with held_signals():  # or nobody would know of the folders
            clean_up.callback(remove_folders, made)  # which are empty, if this failed
            make_parents(real, made)
            # In the folder that is filled: what is around it may be another file system, or read-only.
            staged, descriptor = create_partial(real / _STAGED if fills else real, _create_folder)
            clean_up.callback(close, descriptor)
            clean_up.callback(_discard, staged)  # the old content, after an exchange
        yield staged
        for path in staged.rglob("*"):
            sync(path)
        sync(staged)
        if not fills:
            check()
        with contextlib.ExitStack() as around:
            if on_written is not None:
                around.enter_context(on_written([staged]) or contextlib.nullcontext())
            with held_signals():
                if fills:
                    _move_into(staged, real, target)
                else:
                    folders = (real.parent, *(folder.parent for folder in made))
                    _replace(staged, real, target, folders, on_placed)
                note_written(os.fspath(target))
                around.close()


def _discard(partial: Path) -> None:
    with held_signals():
        discard(partial)


def _create_folder(path: Path) -> int:
    path.mkdir()
    try:
        return os.open(os.devnull if os.name == "nt" else path, os.O_RDONLY)
    except OSError:
        path.rmdir()
        raise


def make_parents(real: Path, made: list[Path]) -> None:
    """Make the folders around a path; add those that were missing to a list, the innermost first."""
    made += [folder for folder in real.parents if not folder.exists()]
    real.parent.mkdir(parents=True, exist_ok=True)


def remove_folders(folders: Sequence[Path]) -> None:
    """Remove those that are empty."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _remove_unfinished(real: Path, known_files: Collection[str]) -> None:
    """Remove what a process that was killed while it filled a folder left in it."""
    if not _has_stage(real):
        return
    with locked(real):
        remove_stale(real, re.escape(_STAGED))
        if not _has_stage(real) and not (real / _LAST).exists():
            # The folder was empty when that process began, so these are the ones it moved here.
            _unlink(real / name for name in known_files)


def _has_stage(real: Path) -> bool:
    return real.is_dir() and any(map(_STAGE.fullmatch, os.listdir(real)))


def _move_into(partial: Path, real: Path, shown: Path) -> None:
    moved: list[Path] = []
    with locked(real):
        if not _is_empty(real):
            raise DataError(f"{shown}: expected a folder that is still empty, got content")
        with _or_undone(shown, lambda: _unlink(reversed(moved))):
            for path in sorted(partial.iterdir(), key=lambda path: path.name == _LAST):
                if path.name == _LAST:
                    sync(real)  # all others are there before it
                os.rename(path, real / path.name)
                moved.append(real / path.name)
            sync(real)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _replace(
    partial: Path,
    real: Path,
    shown: Path,
    folders: Iterable[Path],
    on_placed: Callable[[], object] | None,
) -> None:
    back = (partial, real) if os.path.lexists(real) else (real, partial)
    _put_in_place(partial, real, shown)
    with _or_undone(shown, lambda: _put_in_place(*back, shown)):
        for folder in folders:
            sync(folder)
        if on_placed is not None:
            on_placed()


@contextlib.contextmanager
def _or_undone(shown: Path, undo: Callable[[], object]) -> Iterator[None]:
    """Undo what was done if the block fails; if that fails too, the error says what is there."""
    try:
        with os_errors_at(shown, "a folder to write to"):
            yield
    except MlcoreError as error:
        try:
            undo()
        except (MlcoreError, OSError):
            note_written(os.fspath(shown))  # so that no signal hides this error
            raise DataError(f"{error}; written: {shown}", error.hint) from error
        raise


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

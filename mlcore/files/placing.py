"""Hidden files get their names: all of them or none, and never a mix of old and new."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mlcore.errors import DataError, os_errors_at
from mlcore.files.locks import close, lock, locked
from mlcore.files.partials import discard, partial_path
from mlcore.interrupts import note_written

__all__ = ["HiddenFile", "locked_together", "put_in_place"]


class HiddenFile:
    """A file that is whole and on disk, and the name that it is to get.

    Args:
        shown: the name in messages.
    """

    def __init__(self, hidden: Path, target: Path, shown: str) -> None:
        self.hidden, self.target, self.shown = hidden, target, shown
        self.is_placed = False
        self.aside: Path | None = None  # where the old content waits
        self._has_both_names = False
        self._lock: int | None = None

    def prepare(self) -> None:
        """Take over the permissions of the old content."""
        with os_errors_at(self.shown, "room to write"):
            if self.target.exists():
                shutil.copymode(self.target, self.hidden)

    def set_aside(self, keeps_name: bool) -> None:
        """Give the old content a hidden name, or with ``keeps_name`` one more."""
        if not os.path.lexists(self.target):
            return
        self._lock_old()
        aside = partial_path(self.target)
        with os_errors_at(self.shown, "room to write"):
            try:
                if not keeps_name:
                    raise OSError
                os.link(self.target, aside)
                self._has_both_names = True
            except OSError:  # nor has every file system links
                os.rename(self.target, aside)
        self.aside = aside

    def _lock_old(self) -> None:
        # Or another process would take it for what a killed one left.
        if os.name != "nt":
            with suppress(OSError):
                self._lock = os.open(self.target, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
                lock(self._lock, wait=False)

    def place(self) -> None:
        """Rename the file to its name."""
        with os_errors_at(self.shown, "room to write"):
            os.replace(self.hidden, self.target)
        self.is_placed = True

    def put_back(self) -> bool:
        """Give the name back to the old content, if there is any; return whether that went well."""
        try:
            if self._has_both_names and not self.is_placed:
                assert self.aside is not None
                discard(self.aside)
            elif self.aside is not None:
                os.replace(self.aside, self.target)
            elif self.is_placed:
                self.target.unlink()
        except OSError:
            return False
        self.aside, self.is_placed = None, False
        return True

    @property
    def keeps_old(self) -> bool:
        """Whether the old content waits for its name."""
        return self.aside is not None and not self.is_placed

    def close(self) -> None:
        """Let go of the old content; remove it if the new one has its name."""
        if self.aside is not None and self.is_placed:
            discard(self.aside)
        if self._lock is not None:
            close(self._lock)


def put_in_place(files: Sequence[HiddenFile]) -> None:
    """Rename hidden files to their names, all of them or none.

    One file takes the place of the old one in one step. Of several the old ones first lose their
    names, the first one excepted: whoever dies halfway leaves a file missing, which the next step
    refuses, and never a new training set beside an old test set, which nobody would notice.

    Args:
        files: which no other process puts in place meanwhile: see ``locked_together``.

    Raises:
        DataError: the disk refused. All is as before, or else the message names what is not.
    """
    for file in files:
        file.prepare()
    try:
        for number, file in enumerate(files if len(files) > 1 else ()):
            file.set_aside(keeps_name=number == 0)
        for file in files:
            file.place()
    except DataError as error:
        if all([file.put_back() for file in reversed(files)]):
            raise
        raise _half_done(error, files) from error
    finally:
        for file in files:
            file.close()
    for file in files:
        note_written(file.shown)


def _half_done(error: DataError, files: Sequence[HiddenFile]) -> DataError:
    written = [file.shown for file in files if file.is_placed]
    missing = [file.shown for file in files if not file.is_placed]
    for name in written or missing:
        note_written(name)  # so that no signal hides this error
    state = [f"written: {', '.join(written)}"] if written else []
    state.append(f"not written: {', '.join(missing)}")
    kept = [f"{file.aside} is the former {file.shown}" for file in files if file.keeps_old]
    return DataError("; ".join([str(error), *state]), "; ".join(kept) or None)


@contextmanager
def locked_together(files: Sequence[HiddenFile]) -> Iterator[None]:
    """Hold the locks of the folders of several files, so that two runs do not mix theirs."""
    folders = {}
    for file in files if len(files) > 1 else ():
        with os_errors_at(file.shown, "a file to write to"):
            found = os.stat(file.target.parent)
        folders[found.st_dev, found.st_ino] = file.target.parent
    with ExitStack() as stack:
        for _, folder in sorted(folders.items()):  # all in one order, or two would wait for ever
            stack.enter_context(locked(folder))
        yield

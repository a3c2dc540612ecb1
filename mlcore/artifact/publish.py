"""Publishing: a verified copy of a model beside the last ones, and a link that switches to it.

Readers open the symbolic link. One that opened it before keeps the model it mapped, one that opens
it later gets the new one; none sees half of either.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from mlcore.artifact import DIRECTORY_FILES, KEPT_COPIES, replaced_directory, verify_model
from mlcore.artifact.directory import COPY_NAME, make_parents, remove_folders, sync
from mlcore.artifact.manifest import OTHER_FILES
from mlcore.errors import DataError, DataWarning, os_errors_at, shown_as
from mlcore.files.clobber import refuse_clobber
from mlcore.files.locks import locked
from mlcore.files.options import PathLike
from mlcore.files.partials import discard, partial_path, remove_stale
from mlcore.parameters import convert_value, integer
from mlcore.printable import printable

__all__ = ["publish_from_path"]


def publish_from_path(model_dir: PathLike, link: PathLike, *, keep: int = KEPT_COPIES) -> str:
    """Verify a model, copy it beside a link, switch the link in one step; return a summary.

    The copy is named after the link, the time and the manifest's digest, such as
    ``current.20260131T120000.000000Z-0123456789ab``. Removes all copies except the newest ``keep``,
    and never one that a link beside them leads to; a reader that has mapped one keeps it. Let a link in
    another folder lead to this link, not to a copy.

    Args:
        link: the symbolic link; created if there is none.
        keep: copies to keep, the new one included, >= 1.

    Raises:
        ArtifactError: the model, or its copy, does not verify; the link stays as it was.
        ConfigError: keep is below 1.
        DataError: ``link`` is something other than a link, or the disk refused.
    """
    convert_value(integer(minimum=1), keep, "keep")
    target, source = Path(link), Path(model_dir)
    # Of the folder: the link itself may lead to the model that is published anew.
    refuse_clobber(target.parent, {"--model-dir": model_dir})
    _check_link(target)
    manifest = verify_model(source)
    names = [*manifest.files, "manifest.json"]
    others = (source / name for name in OTHER_FILES)
    # A link may lead anywhere.
    names += [path.name for path in others if path.is_file() and not path.is_symlink()]
    # One at a time: another would remove as old a copy that has no link yet.
    with _folder_of(target), locked(target.parent) as is_locked:
        _check_link(target)
        if is_locked:
            _remove_leftovers(target)
        copy = _publish(source, names, target)
        while not copy.exists():  # where there are no locks, and another did
            copy = _publish(source, names, target)
        removed = _remove_old(target, copy.name, keep)
    return f"published {printable(copy.name)}, removed {removed} older"


def _check_link(target: Path) -> None:
    if os.path.lexists(target) and not target.is_symlink():
        raise DataError(f"{target}: expected a symbolic link or nothing, got something else")


@contextmanager
def _folder_of(link: Path) -> Iterator[None]:
    """Make the folder of a link, and remove it again if it stays empty."""
    made: list[Path] = []
    try:
        with os_errors_at(link, "a link in a folder to write to"):
            make_parents(link.absolute(), made)
        yield
    finally:
        remove_folders(made)


def _publish(source: Path, names: Iterable[str], target: Path) -> Path:
    """Switch the link to a new copy; return the copy."""
    copy = _copy_name(source, target)
    with replaced_directory(
        copy, False, DIRECTORY_FILES, on_placed=lambda: _switch(target, copy.name)
    ) as folder:
        for name in names:
            shutil.copyfile(source / name, folder / name)
        with shown_as(copy, folder):
            verify_model(folder)  # what was read for the copy may not be what was verified
    return copy


def _copy_name(source: Path, target: Path) -> Path:
    manifest = source / "manifest.json"
    with os_errors_at(manifest, "a readable file"):
        digest = hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    return target.with_name(f"{target.name}.{stamp}-{digest}")


def _remove_leftovers(link: Path) -> None:
    """Remove what killed processes left: links not yet renamed, and copies half made or half removed."""
    name = re.escape(link.name)
    remove_stale(link.parent, f"{name}(?:{COPY_NAME.pattern})?")
    for path in link.parent.iterdir():
        # A link has no lock, but that of its folder is ours.
        if path.is_symlink() and re.fullmatch(rf"\.{name}\.partial-[0-9a-f]{{8}}", path.name):
            discard(path)


def _switch(link: Path, name: str) -> None:
    partial = partial_path(link)
    try:
        with os_errors_at(link, "a symbolic link that can be switched"):
            os.symlink(name, partial)
            os.replace(partial, link)
    finally:
        discard(partial)


def _remove_old(link: Path, current: str, keep: int) -> int:
    """Remove old copies as far as the disk lets us: the link has been switched."""
    removed = 0
    try:
        sync(link.parent)  # or after a power failure the link might lead to one that is gone
        for name in _old_copies(link, current, keep):
            removed += _remove_copy(link, name)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"{link}: older copies could not be removed: {reason}"
        warnings.warn(message, DataWarning, stacklevel=2)
    return removed


def _old_copies(link: Path, current: str, keep: int) -> list[str]:
    """Return the names of copies that no link beside them leads to, and that are not to be kept."""
    paths = list(link.parent.iterdir())
    linked = set()
    for path in filter(Path.is_symlink, paths):
        with suppress(OSError):  # without locks, another's new link may be gone by now
            linked.add(os.path.realpath(path))
    copies = sorted(
        path.name
        for path in paths
        if path.name.startswith(link.name) and COPY_NAME.fullmatch(path.name[len(link.name) :])
    )
    old = [name for name in copies if name != current][: max(0, len(copies) - keep)]
    return [name for name in old if os.path.realpath(link.with_name(name)) not in linked]


def _remove_copy(link: Path, name: str) -> bool:
    """Remove a copy, unless the link leads to it by now; return whether it was removed."""
    copy = link.with_name(name)
    # Renamed first, so that no reader opens a half-removed directory.
    gone = partial_path(copy)
    try:
        os.rename(copy, gone)
    except FileNotFoundError:  # where there are no locks, another was sooner
        return False
    if os.path.basename(os.readlink(link)) == name:  # or switched the link
        os.rename(gone, copy)
        return False
    discard(gone)
    return True

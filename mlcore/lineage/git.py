"""Answers of git about a folder; None where there is no git, no repository or no such commit."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from mlcore.lazy import LazyModule

__all__ = [
    "blob_sha256",
    "changed_files",
    "commits_of",
    "has_commit",
    "head_commit",
    "is_shallow",
    "top_folder",
]

subprocess: Any = LazyModule("subprocess")  # most runs ask no git

_SECONDS = 60.0
# A hook sets these for its own repository; here only the folder counts.
_OF_ANOTHER = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
}


def top_folder(folder: Path) -> Path | None:
    """Return the root of the repository that a folder is in, links resolved, or None."""
    shown = _git(folder, "rev-parse", "--show-toplevel")
    return Path(os.fsdecode(shown.removesuffix(b"\n"))) if shown else None


def head_commit(root: Path) -> str | None:
    """Return the id of the commit that is checked out, or None."""
    return _line(_git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"))


def changed_files(root: Path) -> set[str] | None:
    """Return the names of tracked files that differ from HEAD, or None if git cannot tell."""
    # Not git diff, which locks the index and writes to it.
    options = ("--porcelain", "-z", "--untracked-files=no", "--no-renames")
    shown = _git(root, "status", *options)
    if shown is None:
        return None
    return {os.fsdecode(entry[3:]) for entry in shown.split(b"\0") if entry}  # XY name


def has_commit(root: Path, commit: str) -> bool:
    """Return whether the repository holds a commit; a shallow one lacks old ones."""
    return _git(root, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def is_shallow(root: Path) -> bool:
    """Return whether the repository lacks the commits before some commit."""
    return _line(_git(root, "rev-parse", "--is-shallow-repository")) == "true"


def blob_sha256(root: Path, commit: str, name: str) -> str | None:
    """Return the SHA-256 of the bytes that a file has in a commit, or None if it is not there.

    Args:
        name: of the file, relative to the root, with slashes.
    """
    content = _git(root, "cat-file", "blob", f"{commit}:{name}")
    return None if content is None else hashlib.sha256(content).hexdigest()


def commits_of(root: Path, name: str) -> list[str]:
    """Return the ids of the commits that changed a file, on any branch or HEAD, newest first.

    Args:
        name: see ``blob_sha256``.
    """
    shown = _git(root, "--literal-pathspecs", "rev-list", "--all", "--", name)
    return [] if shown is None else shown.decode().split()


def _line(shown: bytes | None) -> str | None:
    return None if shown is None else shown.decode().strip() or None


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git prints, or None if it fails. It writes nothing and prompts for nothing."""
    environment = {key: value for key, value in os.environ.items() if key not in _OF_ANOTHER}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):  # a NUL in a name is a ValueError
        return None
    return done.stdout if done.returncode == 0 else None

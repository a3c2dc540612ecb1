"""Answers of git about a folder; None where there is no git, no repository or no such commit.

The folder may be of anyone, and the configuration of a repository names programs: filters, monitors,
hooks, helpers of remotes. So only commands are asked that run none of them, and files are compared
under a configuration of our own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlcore.lazy import LazyModule
from mlcore.lineage.ends import sha256_like

__all__ = [
    "EVERYTHING",
    "MAX_QUERY_BYTES",
    "MAX_TEXT_BYTES",
    "blob_sha256",
    "first_commit",
    "has_commit",
    "head_commit",
    "is_changed",
    "is_partial",
    "objects_of",
    "read_blobs",
    "top_folder",
]

subprocess: Any = LazyModule("subprocess")  # most runs ask no git
tempfile: Any = LazyModule("tempfile")

MAX_QUERY_BYTES = 2**24  # git holds an object in memory, and packs one of zeros a thousandfold

_SECONDS = 60.0
_BATCH_BYTES = 2**25  # of contents that git prints at once
MAX_TEXT_BYTES = 2**28  # of all contents that are looked into
_MAX_ATTRIBUTES_BYTES = 2**20
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
# The last two: what a clone lacks is not fetched, as a remote may be any program. Older git knows
# only the latter, which leaves it no protocol.
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
}
# A folder inside a clone that looks like a bare repository is none that the user made.
_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit")
# How files are compared. They have no program as a value.
_COMPARISON = (
    r"^core\.(autocrlf|checkstat|eol|filemode|ignorecase|precomposeunicode|symlinks|trustctime)$"
)

EVERYTHING = ("--all", "--reflog")  # branches, tags, HEAD, and where they were before

_OF_SHA256 = "[core]\nrepositoryFormatVersion = 1\n[extensions]\nobjectFormat = sha256\n"


def top_folder(folder: Path) -> Path | None:
    """Return the root of the repository that a folder is in, links resolved, or None."""
    shown = _git(folder, "rev-parse", "--is-inside-work-tree", "--show-toplevel") or b""
    inside, _, name = shown.removesuffix(b"\n").partition(b"\n")
    top = Path(os.fsdecode(name))
    # core.worktree may name any folder, such as the root of all.
    return top if inside == b"true" and (top / ".git").exists() else None


def head_commit(root: Path) -> str | None:
    """Return the id of the commit that is checked out, or None."""
    return _line(_git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"))


def is_changed(root: Path, commit: str, apart: Set[str] = frozenset()) -> bool | None:
    """Return whether a tracked file differs from the commit that is checked out, None if unknown.

    That is the case where a file with a filter was touched: only the filter could tell.

    Args:
        root: links resolved.
        apart: names of files that do not count, relative to the root, with slashes.
    """
    try:
        with _own_configuration(root, commit) as environment:
            compared = _compare(root, environment, apart)
    except OSError:  # no room for a folder of our own
        return None
    if compared is None:
        return None
    changed, unclear, submodules = compared
    if changed:
        return True
    answers = {_is_submodule_changed(root, name, apart) for name in submodules}
    return True if True in answers else None if unclear or None in answers else False


def _compare(
    root: Path, environment: Mapping[str, str], apart: Set[str]
) -> tuple[set[bytes], set[bytes], list[str]] | None:
    """Return the files that differ, those of which only their filter could tell, and submodules."""
    # Not git diff, which locks the index and writes to it.
    shown = _git(
        root, *_how_to_compare(root), "status", "--porcelain", "-z", "--untracked-files=no",
        "--no-renames", "--ignore-submodules=dirty", environment=environment,
    )  # fmt: skip
    listed = _git(root, "ls-files", "--stage", "-z", environment=environment)
    if shown is None or listed is None:
        return None
    states = {entry[3:]: entry[:2] for entry in shown.split(b"\0") if entry}  # XY name
    changed = {name for name in states if os.fsdecode(name) not in apart}
    touched = [name for name in changed if states[name] == b" M"]
    unclear = _filtered(root, touched, environment)
    submodules = re.findall(rb"(?:\A|\0)160000 \w+ \d\t([^\0]+)", listed)
    return changed - unclear, unclear, list(map(os.fsdecode, submodules))


def _is_submodule_changed(root: Path, name: str, apart: Set[str]) -> bool | None:
    folder = root / name
    if folder.resolve() != folder or not (folder / ".git").exists():
        return False  # not checked out; or a link, which might lead back here
    commit = head_commit(folder)
    inner = {one.removeprefix(f"{name}/") for one in apart if one.startswith(f"{name}/")}
    return None if commit is None else is_changed(folder, commit, inner)


def _filtered(root: Path, names: list[bytes], environment: Mapping[str, str]) -> set[bytes]:
    """Return those of the files that have a filter, or all if git cannot tell."""
    if not names:
        return set()
    asked = b"".join(name + b"\0" for name in names)
    options = ("check-attr", "--stdin", "-z", "filter")
    shown = _git(root, *options, environment=environment, asked=asked)
    if shown is None:
        return set(names)
    found = shown.split(b"\0")[:-1]  # name, filter, value
    none = (b"unspecified", b"unset")
    return {name for name, value in zip(found[::3], found[2::3]) if value not in none}


def _how_to_compare(root: Path) -> list[str]:
    """Return the settings of a repository and its user that name no program, as options."""
    shown = _git(root, "config", "--null", "--get-regexp", _COMPARISON) or b""
    settings = [os.fsdecode(one).replace("\n", "=", 1) for one in shown.split(b"\0") if one]
    return [word for one in settings for word in ("-c", one)]


@contextmanager
def _own_configuration(root: Path, commit: str) -> Iterator[dict[str, str]]:
    """Yield an environment in which git has files, index and objects of a repository alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("refs", "info"):
            (folder / part).mkdir()
        (folder / "HEAD").write_text(f"{commit}\n")
        if len(commit) == 64:
            (folder / "config").write_text(_OF_SHA256)
        index, attributes = _git_path(root, "index"), _git_path(root, "info/attributes")
        for shared in index.parent.glob("sharedindex.*"):  # of a split index
            (folder / shared.name).symlink_to(shared)
        if attributes.is_file() and attributes.stat().st_size <= _MAX_ATTRIBUTES_BYTES:
            (folder / "info/attributes").write_bytes(attributes.read_bytes())
        yield {
            "GIT_CONFIG_COUNT": "0",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_PARAMETERS": "",
            "GIT_DIR": name,
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(_git_path(root, "objects")),
            "GIT_WORK_TREE": str(root),
        }


def _git_path(root: Path, name: str) -> Path:
    """Return where a repository has a part of its own, or a path that git will refuse."""
    shown = _git(root, "rev-parse", "--git-path", name) or b"\n"
    return root / os.fsdecode(shown.removesuffix(b"\n"))


def has_commit(root: Path, commit: str) -> bool:
    """Return whether the repository holds a commit; a shallow one lacks old ones."""
    return _git(root, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def is_partial(root: Path) -> bool:
    """Return whether the repository may lack old commits or files, being a shallow or partial clone."""
    if _line(_git(root, "rev-parse", "--is-shallow-repository")) == "true":
        return True
    promised = r"^(extensions\.partialclone|remote\..*\.promisor)$"
    return _git(root, "config", "--get-regexp", promised) is not None


def blob_sha256(root: Path, commit: str, name: str, like: str = "") -> str | None:
    """Return the SHA-256 of the bytes that a file has in a commit; "" if the commit has no such file.

    None is one that the repository lacks, as a partial clone may, or that is too large for a query.

    Args:
        name: of the file, relative to the root, with slashes.
        like: see ``sha256_like``.
    """
    shown = _git(root, "--literal-pathspecs", "ls-tree", "-z", commit, "--", name)
    if not shown:
        return None if shown is None else ""
    kind, blob = shown.decode(errors="replace").split()[1:3]  # after the mode
    if kind != "blob":
        return ""
    size = _line(_git(root, "cat-file", "-s", blob))
    if size is None or int(size) > MAX_QUERY_BYTES:
        return None
    content = _git(root, "cat-file", "blob", blob)
    return None if content is None else sha256_like(content, like)


def objects_of(root: Path, *revisions: str) -> dict[str, str]:
    """Return the ids of the objects of some commits with a name of each, those of the newest first.

    What the repository lacks is left out; so are names with a line feed.

    Args:
        revisions: as ``git rev-list`` takes them.
    """
    # Not fetched: git would ask the remote for each.
    shown = _git(root, "rev-list", "--objects", "--missing=print", *revisions) or b""
    pairs = (os.fsdecode(line).partition(" ") for line in shown.split(b"\n"))
    return {found: name for found, _, name in pairs if name and found[0] != "?"}


def read_blobs(root: Path, names: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield those objects that may be queries with their bytes, ``.sql`` and small ones first.

    Args:
        names: by id; see ``objects_of``.
    """
    shown = _git(root, "cat-file", "--batch-check", asked=_asked(names)) or b""
    found = [line.split() for line in shown.decode().splitlines()]
    sizes = {one[0]: int(one[2]) for one in found if len(one) == 3 and one[1] == "blob"}
    order = sorted(sizes, key=lambda blob: (not names[blob].endswith(".sql"), sizes[blob]))
    batch: list[str] = []
    total = batch_bytes = 0
    for blob in [*order, ""]:  # the last one ends the batch
        size = sizes.get(blob, MAX_QUERY_BYTES)
        if batch and (not blob or batch_bytes + size > _BATCH_BYTES):
            yield from _contents(_git(root, "cat-file", "--batch", asked=_asked(batch)) or b"")
            batch, batch_bytes = [], 0
        if size <= MAX_QUERY_BYTES and total + size <= MAX_TEXT_BYTES:
            batch.append(blob)
            total, batch_bytes = total + size, batch_bytes + size


def _asked(ids: Iterable[str]) -> bytes:
    return "".join(f"{one}\n" for one in ids).encode()


def _contents(shown: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while (end := shown.find(b"\n", at)) >= 0:
        header = shown[at:end].decode().split()  # id, blob, size; or id, missing
        size = int(header[2]) if len(header) == 3 else -1
        if size >= 0:
            yield header[0], shown[end + 1 : end + 1 + size]
        at = end + 2 + size


def first_commit(root: Path, blob: str) -> tuple[str, str] | None:
    """Return the first commit that has an object, of all refs and what they were, and its name there."""
    commits = _git(root, "rev-list", "--reverse", "--topo-order", *EVERYTHING)
    # Not git log, which checks signatures by a program, if the repository says so.
    options = ("--stdin", "--root", "-m", "-r", "-z", "--diff-filter=d", f"--find-object={blob}")
    shown = None if not commits else _git(root, "diff-tree", *options, asked=commits)
    if not shown:
        return None
    commit, _, name = shown.split(b"\0")[:3]
    return commit.decode(), os.fsdecode(name)


def _line(shown: bytes | None) -> str | None:
    return None if shown is None else shown.decode().strip() or None


def _git(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] = {},
    asked: bytes | None = None,
) -> bytes | None:
    """Return what git prints, or None if it fails. It writes nothing and prompts for nothing.

    Args:
        environment: in place of what the process has.
        asked: on standard input.
    """
    inherited = {key: value for key, value in os.environ.items() if key not in _OF_ANOTHER}
    try:
        done = subprocess.run(
            ["git", *_OPTIONS, *arguments],
            cwd=folder,
            env={**inherited, **_QUIET, **environment},
            input=asked or b"",
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):  # a NUL in a name is a ValueError
        return None
    return done.stdout if done.returncode == 0 else None

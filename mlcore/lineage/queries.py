"""Where a query is: how a line names it, and whose git knows it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from mlcore.lineage.ends import sha256_like
from mlcore.lineage.git import MAX_QUERY_BYTES, top_folder
from mlcore.lineage.names import recorded_name

__all__ = [
    "BUNDLED_QUERIES",
    "QueryPlace",
    "QueryState",
    "find_query_place",
    "locate_query",
    "query_state",
]

QueryState: TypeAlias = Literal["same", "changed", "missing", "elsewhere"]

BUNDLED_QUERIES = Path(__file__).parents[2] / "sql"
_BUNDLED, _ELSEWHERE = "mlcore:", "elsewhere:"


@dataclass(frozen=True)
class QueryPlace:
    """A query as a line names it.

    Attributes:
        name: the path from the root of the lineage; ``mlcore:`` and the file of a query that comes with
            mlcore; ``elsewhere:`` and the path in its repository, or its file name without one.
        path: of its file.
        repository: the root of the repository that it is in, or None.
    """

    name: str
    path: Path
    repository: Path | None

    @property
    def is_bundled(self) -> bool:
        """Whether it comes with mlcore, which may have another version by now."""
        return self.name.startswith(_BUNDLED)

    @property
    def name_in_repository(self) -> str:
        """The path from the root of its repository, with slashes; its file name without one."""
        if self.repository is None:
            return self.path.name
        return self.path.relative_to(self.repository).as_posix()


def locate_query(path: Path, root: Path) -> QueryPlace:
    """Return the place of a query that runs.

    Args:
        root: links resolved; see ``find_root``.
    """
    real = path.parent.resolve() / path.name  # not the file itself, as a link keeps its name
    bundled = BUNDLED_QUERIES.resolve()
    checkout = _checkout_of(bundled)
    if real.parent == bundled and (checkout is None or checkout != root):
        return QueryPlace(_BUNDLED + real.name, real, checkout)
    repository = top_folder(real.parent)
    if real.is_relative_to(root):
        return QueryPlace(recorded_name(real, root), real, repository)
    return QueryPlace(_ELSEWHERE + recorded_name(real, repository or root), real, repository)


def query_state(name: str, sha256: str, root: Path) -> QueryState:
    """Return whether a query that a line names still has the text that ran, but for ends of lines.

    Args:
        sha256: of that text.
        root: of the lineage; see ``find_root``.

    >>> query_state("elsewhere:own.sql", "0" * 64, Path("/work"))
    'elsewhere'
    """
    path = _find_path(name, root)
    if path is None:
        return "elsewhere"
    try:
        if not path.is_file():  # a pipe or a device has no end
            return "missing"
        with open(path, "rb") as file:
            if path.stat().st_size > MAX_QUERY_BYTES:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            else:
                found = sha256_like(file.read(), sha256)
    except (OSError, ValueError):
        return "missing"
    return "same" if found == sha256 else "changed"


def find_query_place(name: str, root: Path) -> QueryPlace | None:
    """Return the place of a query that a line names, with its repository; None if it is elsewhere."""
    path = _find_path(name, root)
    if path is None:
        return None
    if name.startswith(_BUNDLED):
        return QueryPlace(name, path, _checkout_of(path.parent))
    folder = next(one for one in (*path.parents, root) if one.is_dir())  # it may be gone by now
    return QueryPlace(name, path, top_folder(folder))


def _find_path(name: str, root: Path) -> Path | None:
    """Return the path of a query, or None of one elsewhere: a line of others may name any file."""
    if name.startswith(_ELSEWHERE):
        return None
    folder = BUNDLED_QUERIES.resolve() if name.startswith(_BUNDLED) else root
    path = Path(os.path.normpath(folder / name.removeprefix(_BUNDLED)))
    return path if path.is_relative_to(folder) else None


def _checkout_of(bundled: Path) -> Path | None:
    """Return the repository of mlcore, or None: an environment may lie in another one."""
    return bundled.parent if top_folder(bundled) == bundled.parent else None

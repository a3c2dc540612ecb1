"""Where the text of a query is, if its file has moved or its commit is gone: it is known by its content."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path

from mlcore.lineage.ends import sha256s
from mlcore.lineage.git import (
    EVERYTHING,
    MAX_QUERY_BYTES,
    MAX_TEXT_BYTES,
    blob_sha256,
    first_commit,
    has_commit,
    head_commit,
    is_partial,
    objects_of,
    read_blobs,
)
from mlcore.lineage.queries import QueryPlace
from mlcore.lineage.query_record import QueryRecord

__all__ = ["History", "TextPlace"]

_MAX_FOLDERS = 10_000  # of a folder, which may be anybody's home


@dataclass(frozen=True)
class TextPlace:
    """Where a text is.

    Attributes:
        name: of its file, from the root of the repository, or of the folder, with slashes.
        commit: that has the file, or None if it is there now. The id of the text itself, for git show,
            where the repository lacks what would name its first commit.
    """

    name: str
    commit: str | None

    def __str__(self) -> str:
        return self.name if self.commit is None else f"{self.name} in commit {self.commit[:12]}"


class History:
    """The texts of queries in a folder, and in the git of the repository that it is the root of.

    Args:
        folder: links resolved.
        repository: the folder, or None if it is no repository.
    """

    def __init__(self, folder: Path, repository: Path | None) -> None:
        self._folder, self._repository = folder, repository
        # Many lines name the same few commits and queries.
        self._blob = lru_cache(None)(self._blob_of)
        self._has = lru_cache(None)(lambda commit: repository and has_commit(repository, commit))
        self._first = lru_cache(None)(first_commit)

    @cached_property
    def is_partial(self) -> bool:
        """Whether the repository may lack old commits or files."""
        return self._repository is not None and is_partial(self._repository)

    def refute(self, record: QueryRecord, place: QueryPlace) -> str | None:
        """Return the fault if the commit has another text than the line says, or None."""
        if not record.committed or record.commit is None or not self._has(record.commit):
            return None
        found = self._blob(record.commit, place.name_in_repository, record.query_sha256)
        if found in (None, record.query_sha256):
            return None
        got = f"sha256 {found}" if found else "no such file"
        return (
            f"query: expected {record.query} with sha256 {record.query_sha256} "
            f"in commit {record.commit}, got {got}"
        )

    def find(self, record: QueryRecord, name: str | None) -> TextPlace | None:
        """Return where the text of a query is: in a file now, in the commit of its line, or in another.

        Args:
            name: of the query in its repository, or None if that is another one.
        """
        sha256 = record.query_sha256
        if (now := self._files.get(sha256)) is not None:
            return TextPlace(now, None)
        if self._repository is None:
            return None
        if (blob := self._head.get(sha256)) is not None:
            return TextPlace(blob[1], head_commit(self._repository))
        if record.commit is not None and name is not None:
            if self._blob(record.commit, name, sha256) == sha256:
                return TextPlace(name, record.commit)
        if (blob := self._all.get(sha256)) is not None:
            commit, first_name = self._first(self._repository, blob[0]) or (None, blob[1])
            return TextPlace(first_name, commit or blob[0])
        return None

    def complaint(self, record: QueryRecord) -> str:
        """Return what is wrong if the text of the query is nowhere."""
        place = "the folder" if self._repository is None else "the repository or its history"
        got = "a history that is not whole" if self.is_partial else "none"
        return (
            f"query: expected {record.query} with sha256 {record.query_sha256} in {place}, "
            f"got {got}"
        )

    def _blob_of(self, commit: str, name: str, like: str) -> str | None:
        root = self._repository
        return None if root is None else blob_sha256(root, commit, name, like)

    @cached_property
    def _files(self) -> dict[str, str]:
        """Names of the queries in the folder by their digests."""
        found: dict[str, str] = {}
        for path in _queries_in(self._folder):
            try:
                content = path.read_bytes()
            except OSError:
                continue
            name = path.relative_to(self._folder).as_posix()
            found = dict.fromkeys(sha256s(content), name) | found
        return found

    @cached_property
    def _head(self) -> dict[str, tuple[str, str]]:
        return self._blobs("--no-walk", "HEAD")

    @cached_property
    def _all(self) -> dict[str, tuple[str, str]]:
        return self._blobs(*EVERYTHING)

    def _blobs(self, *revisions: str) -> dict[str, tuple[str, str]]:
        """Return ids and names of objects by their digests."""
        assert self._repository is not None
        names = objects_of(self._repository, *revisions)
        found: dict[str, tuple[str, str]] = {}
        for blob, content in read_blobs(self._repository, names):
            for digest in sha256s(content):
                found.setdefault(digest, (blob, names[blob]))
        return found


def _queries_in(folder: Path) -> Iterator[Path]:
    """Yield the files of queries below a folder by name; hidden folders and links have none."""
    left = MAX_TEXT_BYTES
    for parent, folders, names in islice(os.walk(folder), _MAX_FOLDERS):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if name.endswith(".sql") and path.is_file() and not path.is_symlink():
                size = path.stat().st_size
                if size <= min(MAX_QUERY_BYTES, left):
                    left -= size
                    yield path

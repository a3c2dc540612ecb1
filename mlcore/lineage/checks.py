"""Whether the lineage is true: the texts of its queries are where its lines say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from mlcore.lineage.git import blob_sha256, commits_of, has_commit, is_partial
from mlcore.lineage.queries import QueryPlace, find_query_place, query_state
from mlcore.lineage.query_record import QueryRecord
from mlcore.lineage.record import Record

__all__ = ["Report", "check"]


@dataclass(frozen=True)
class Report:
    """The findings of a check of the lineage: numbers of lines, from 1, and a text for each.

    Attributes:
        faults: queries that are not where the line says, or nowhere.
        notes: queries that have changed but can be found, or of which nothing can be said.
    """

    faults: tuple[tuple[int, str], ...]
    notes: tuple[tuple[int, str], ...]


def check(records: Sequence[Record], root: Path) -> Report:
    """Look for the text of every query: in its file, in the commit of its line, in the history.

    A line that says that a commit holds the query must be right. A text that is nowhere is a fault
    if the line is the newest of its output, else a note: a query is run often while it is written.
    Nothing is certain of a query that is elsewhere, or comes with mlcore, of which there are versions.

    Args:
        records: all, oldest first.
        root: see ``find_root``.
    """
    find_place = lru_cache(None)(lambda name: find_query_place(name, root))
    histories = lru_cache(None)(_History)
    newest = {one.output.file or one.output.stored: line for line, one in enumerate(records, 1)}
    faults: list[tuple[int, str]] = []
    notes: list[tuple[int, str]] = []
    for line, record in enumerate(records, 1):
        if not isinstance(record, QueryRecord):
            continue
        is_newest = newest[record.output.file or record.output.stored] == line
        place = find_place(record.query)
        if place is None:
            if is_newest:
                notes.append(
                    (line, f"{record.query} is in another place, which this lineage does not know")
                )
            continue
        history = histories(place.repository)
        state = query_state(record.query, record.query_sha256, root)
        if (false := history.refute(record, place)) is not None:
            faults.append((line, false))
        elif state != "same" and not history.has(record, place):
            certain = is_newest and not history.is_partial and not place.is_bundled
            (faults if certain else notes).append((line, history.complaint(record)))
        elif state != "same" and is_newest:
            now = "is gone" if state == "missing" else "has changed"
            notes.append((line, f"{record.query} {now} since it made {_output(record)}"))
    return Report(tuple(faults), tuple(notes))


def _output(record: QueryRecord) -> str:
    return record.output.file or record.output.stored or "its output"


class _History:
    """The texts of queries in the git of a repository, or of none."""

    def __init__(self, repository: Path | None) -> None:
        self._repository = repository
        root = repository
        # Many lines name the same few commits and queries.
        self._blob = lru_cache(None)(lambda commit, name: root and blob_sha256(root, commit, name))
        self._commits = lru_cache(None)(lambda name: commits_of(root, name) if root else [])
        self._has = lru_cache(None)(lambda commit: root is not None and has_commit(root, commit))

    @cached_property
    def is_partial(self) -> bool:
        """Whether the repository may lack old commits or files."""
        return self._repository is not None and is_partial(self._repository)

    def refute(self, record: QueryRecord, place: QueryPlace) -> str | None:
        """Return the fault if the commit has another text than the line says, or None."""
        if not record.committed or record.commit is None or not self._has(record.commit):
            return None
        found = self._blob(record.commit, place.name_in_repository)
        if found in (None, record.query_sha256):
            return None
        got = f"sha256 {found}" if found else "no such file"
        return (
            f"query: expected {record.query} with sha256 {record.query_sha256} "
            f"in commit {record.commit}, got {got}"
        )

    def has(self, record: QueryRecord, place: QueryPlace) -> bool:
        """Return whether some commit has the text of the query."""
        name = place.name_in_repository
        own = [record.commit] if record.commit is not None else []
        return any(
            self._blob(commit, name) == record.query_sha256
            for commit in (*own, *self._commits(name))
        )

    def complaint(self, record: QueryRecord) -> str:
        """Return what is wrong if the text of the query is nowhere."""
        place = "the folder" if self._repository is None else "the repository or its history"
        got = "a history that is not whole" if self.is_partial else "none"
        return (
            f"query: expected {record.query} with sha256 {record.query_sha256} in {place}, "
            f"got {got}"
        )

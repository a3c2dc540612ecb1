"""Questions to the lineage: what made this file, and is the lineage true."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from mlcore.files.options import PathLike
from mlcore.lineage.contents import FileFacts, describe_file
from mlcore.lineage.data import Dataset
from mlcore.lineage.git import blob_sha256, commits_of, has_commit, is_shallow, top_folder
from mlcore.lineage.names import recorded_name
from mlcore.lineage.record import LineageRecord

__all__ = ["Answer", "QueryState", "Report", "Step", "check", "find"]

QueryState: TypeAlias = Literal["same", "changed", "missing"]


@dataclass(frozen=True)
class Step:
    """One run on the way to a file.

    Attributes:
        line: its number in the lineage file, from 1.
        record: of the line.
        query_state: of the query's file, compared with the text that ran.
        made_by: for each input the line of the run that made it, or None.
    """

    line: int
    record: LineageRecord
    query_state: QueryState
    made_by: tuple[int | None, ...]


@dataclass(frozen=True)
class Answer:
    """What the lineage says of a file.

    Attributes:
        facts: of the file as it is.
        state: ``known`` if a query made exactly this content; ``changed`` if one made a file of this
            name with other content; else ``unknown``.
        steps: the run that made the file, or the file of this name if ``changed``; then those that
            made its inputs, and so on, each once.
    """

    facts: FileFacts
    state: Literal["known", "changed", "unknown"]
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Report:
    """The findings of a check of the lineage: numbers of lines, from 1, and a text for each.

    Attributes:
        faults: queries that are not where the line says, or nowhere.
        notes: queries that have changed but can be found, or of which nothing can be said.
    """

    faults: tuple[tuple[int, str], ...]
    notes: tuple[tuple[int, str], ...]


def find(path: PathLike, records: Sequence[LineageRecord], root: Path) -> Answer:
    """Return which run made a file, and which ones its inputs.

    Content decides, not the name. Of several runs that made these bytes, those that gave them this
    name come first, then the newest. Only an earlier line can have made an input; tables of an engine
    are followed by their name.

    Args:
        path: of the file, or ``-``.
        records: all, oldest first.
        root: see ``find_root``.

    Raises:
        DataError: the file cannot be read.
    """
    facts, name = describe_file(path), recorded_name(path, root)
    line = _maker(records, facts.sha256, name)
    if line is not None:
        return Answer(facts, "known", _steps(records, line, root))
    lines = [line for line, one in enumerate(records, 1) if one.output.file == name != "-"]
    if lines:
        return Answer(facts, "changed", _steps(records, lines[-1], root))
    return Answer(facts, "unknown")


def _maker(records: Sequence[LineageRecord], sha256: str, name: str | None) -> int | None:
    """Return the line of the run that made this content, or None."""
    lines = [
        (record.output.file == name, line)
        for line, record in enumerate(records, 1)
        if record.output.sha256 == sha256
    ]
    return max(lines)[1] if lines else None


def _steps(records: Sequence[LineageRecord], line: int, root: Path) -> tuple[Step, ...]:
    steps: dict[int, Step] = {}
    waiting = [line]
    while waiting:
        line = waiting.pop()
        if line in steps:
            continue
        record, earlier = records[line - 1], records[: line - 1]
        # A run may return its own input: only earlier lines, or this never ends.
        made_by = tuple(_maker_of_input(earlier, one, record.engine) for one in record.inputs)
        steps[line] = Step(line, record, _query_state(record, root), made_by)
        waiting += [one for one in reversed(made_by) if one is not None]
    return tuple(steps.values())


def _maker_of_input(earlier: Sequence[LineageRecord], data: Dataset, engine: str) -> int | None:
    if data.sha256 is not None:
        return _maker(earlier, data.sha256, data.file)
    if data.stored is None:
        return None
    lines = [
        line
        for line, record in enumerate(earlier, 1)
        if record.output.stored == data.stored and record.engine == engine
    ]
    return lines[-1] if lines else None


def _query_state(record: LineageRecord, root: Path) -> QueryState:
    try:
        content = (root / record.query).read_bytes()
    except (OSError, ValueError):
        return "missing"
    return "same" if hashlib.sha256(content).hexdigest() == record.query_sha256 else "changed"


def check(records: Sequence[LineageRecord], root: Path) -> Report:
    """Look for the text of every query: in its file, in the commit of its line, in the history.

    A line that says that a commit holds the query must be right. A text that is nowhere is a fault
    if the line is the newest of its output, else a note: a query is run often while it is written.

    Args:
        records: all, oldest first.
        root: see ``find_root``.
    """
    history = _History(root)
    newest = {one.output.file or one.output.stored: line for line, one in enumerate(records, 1)}
    faults: list[tuple[int, str]] = []
    notes: list[tuple[int, str]] = []
    for line, record in enumerate(records, 1):
        is_newest = newest[record.output.file or record.output.stored] == line
        if (false := history.refute(record)) is not None:
            faults.append((line, false))
        elif (lost := history.miss(record)) is not None:
            certain = is_newest and not history.is_shallow
            (faults if certain else notes).append((line, lost))
        elif is_newest and (state := _query_state(record, root)) != "same":
            now = "is gone" if state == "missing" else "has changed"
            notes.append((line, f"{record.query} {now} since it made {_output(record)}"))
    return Report(tuple(faults), tuple(notes))


def _output(record: LineageRecord) -> str:
    return record.output.file or record.output.stored or "its output"


class _History:
    """The texts of queries in git."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_repository = top_folder(root) is not None
        # Many lines name the same few commits and queries.
        self._blob = lru_cache(None)(lambda commit, name: blob_sha256(root, commit, name))
        self._commits = lru_cache(None)(lambda name: commits_of(root, name))
        self._has = lru_cache(None)(lambda commit: has_commit(root, commit))

    @cached_property
    def is_shallow(self) -> bool:
        return self._is_repository and is_shallow(self._root)

    def refute(self, record: LineageRecord) -> str | None:
        """Return the fault if the commit has another text than the line says, or None."""
        if not record.committed or record.commit is None or not self._has(record.commit):
            return None
        found = self._blob(record.commit, record.query)
        if found == record.query_sha256:
            return None
        got = "no such file" if found is None else f"sha256 {found}"
        return (
            f"query: expected {record.query} with sha256 {record.query_sha256} "
            f"in commit {record.commit}, got {got}"
        )

    def miss(self, record: LineageRecord) -> str | None:
        """Return the fault if the text of the query is nowhere, or None."""
        if _query_state(record, self._root) == "same":
            return None
        commits = [record.commit] if record.commit is not None else []
        for commit in (*commits, *self._commits(record.query)) if self._is_repository else ():
            if self._blob(commit, record.query) == record.query_sha256:
                return None
        place = "the repository or its history" if self._is_repository else "the folder"
        got = "a history that is not whole" if self.is_shallow else "none"
        return (
            f"query: expected {record.query} with sha256 {record.query_sha256} in {place}, "
            f"got {got}"
        )

"""What made a file, by the lineage."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal

from mlcore.files.options import PathLike
from mlcore.lineage.command_record import CommandRecord
from mlcore.lineage.contents import FileFacts, claimed_sha256, describe_file
from mlcore.lineage.data import Dataset
from mlcore.lineage.names import recorded_name
from mlcore.lineage.git import top_folder
from mlcore.lineage.history import History, TextPlace
from mlcore.lineage.log import Line, Log
from mlcore.lineage.noted import noted_records
from mlcore.lineage.queries import QueryState, find_query_place, query_state
from mlcore.lineage.record import Record

__all__ = ["Answer", "Step", "find", "trace"]


@dataclass(frozen=True)
class Step:
    """One run on the way to a file.

    Attributes:
        line: its number in the lineage file, from 1; below 0 of what a model notes of itself.
        record: of the line.
        query_state: of the query's file, compared with the text that ran; None of a command.
        text_place: where that text is if not in the query's file, or None.
        made_by: for each input the line of the run that made it, or None.
    """

    line: int
    record: Record
    query_state: QueryState | None
    text_place: TextPlace | None
    made_by: tuple[int | None, ...]


@dataclass(frozen=True)
class Answer:
    """What the lineage says of a file.

    Attributes:
        facts: of the file as it is.
        state: ``known`` if a run made exactly this content; ``changed`` if one made a file of this
            name with other content; else ``unknown``.
        steps: the run that made the file, or the file of this name if ``changed``; then those that
            made its inputs, and so on, each once.
    """

    facts: FileFacts
    state: Literal["known", "changed", "unknown"]
    steps: tuple[Step, ...] = ()


def find(path: PathLike, log: Log) -> Answer:
    """Return which run made a file, and which ones its inputs.

    Content decides, not the name. Of several runs that made these bytes, those that gave them this
    name come first, then the newest. Only an earlier line can have made an input; tables of an engine
    are followed by their name. What the log does not know of a model, its ``provenance.json`` may.

    Args:
        path: of the file, or ``-``.
        log: of which no more is read than it takes.

    Raises:
        DataError: the file cannot be read.
    """
    facts, name = describe_file(path), recorded_name(path, log.root)
    walk = _Walk(log)
    line = walk.maker(facts.sha256, name) or walk.noted(_folder(path), facts.sha256, name)
    if line is not None:
        return Answer(facts, "known", walk.steps([line]))
    claimed = claimed_sha256(path)
    lines = [
        *islice(log.with_name(name) if name != "-" else (), 1),
        *islice(log.with_content(claimed) if claimed is not None else (), 1),
    ]
    if lines:
        return Answer(facts, "changed", walk.steps([max(lines, key=lambda line: line.start)]))
    return Answer(facts, "unknown")


def trace(log: Log, inputs: Sequence[Dataset], engine: str | None) -> tuple[Step, ...]:
    """Return the runs that made the inputs of a run, then those that made theirs, as ``find``.

    Args:
        log: with no line of the run.
        inputs: with names as lines have them.
        engine: that the run asked, or None.
    """
    walk = _Walk(log)
    made_by = (walk.maker_of_input(one, engine, None) for one in inputs)
    return walk.steps([line for line in made_by if line is not None])


def _folder(path: PathLike) -> Path:
    """Return the folder that a model may be in, given itself or its manifest."""
    return Path(path) if os.path.isdir(path) else Path(path).parent


class _Walk:
    """The way from a file back to its sources; what models note has starts below 0."""

    def __init__(self, log: Log) -> None:
        self._log, self._texts = log, _Texts(log.root)
        self._noted: dict[str, Line] = {}  # by content

    def maker(self, sha256: str, name: str | None, before: int | None = None) -> Line | None:
        """Return the line of the run that made this content, or None."""
        newest = None
        for line in self._log.with_content(sha256, before):
            if line.record.output.file == name:
                return line
            newest = newest or line
        return newest or self._noted.get(sha256)

    def maker_of_input(self, data: Dataset, engine: str | None, before: int | None) -> Line | None:
        """Return the line of the run that made an input, or None of a source."""
        if data.sha256 is not None:
            line = self.maker(data.sha256, data.file, before)
            if line is None and data.file is not None:
                folder = Path(os.path.normpath(self._log.root / data.file))
                # A line of others may name any folder.
                if folder.is_relative_to(self._log.root):
                    return self.noted(folder, data.sha256, data.file)
            return line
        if data.stored is None:
            return None
        lines = self._log.with_table(data.stored, before)
        return next((line for line in lines if line.record.engine == engine), None)

    def noted(self, folder: Path, sha256: str, name: str | None) -> Line | None:
        """Return the training of a model as the model notes it, or None."""
        for record in noted_records(folder, sha256, name):
            if record.output.sha256 is not None:
                line = Line(-1 - len(self._noted), record)
                self._noted.setdefault(record.output.sha256, line)
        return self._noted.get(sha256)

    def steps(self, lines: Sequence[Line]) -> tuple[Step, ...]:
        """Return the steps to some lines and back from there, each once."""
        found: dict[int, tuple[Record, list[Line | None]]] = {}
        waiting = [*reversed(lines)]
        while waiting:
            start, record = (line := waiting.pop()).start, line.record
            if start in found:
                continue
            # A run may return its own input: only earlier lines, or this never ends.
            before = start if start >= 0 else None
            made_by = [self.maker_of_input(one, record.engine, before) for one in record.inputs]
            found[start] = (record, made_by)
            waiting += [one for one in reversed(made_by) if one is not None]
        numbers = {start: start for start in found if start < 0}
        numbers |= self._log.numbers([start for start in found if start >= 0])
        return tuple(
            Step(
                numbers[start],
                record,
                *self._texts.of(record),
                tuple(None if one is None else numbers[one.start] for one in made_by),
            )
            for start, (record, made_by) in found.items()
        )


class _Texts:
    """The texts of the queries of one answer."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._place = lru_cache(None)(lambda name: find_query_place(name, root))
        self._top = lru_cache(None)(lambda: top_folder(root))
        self._history = lru_cache(None)(History)

    def of(self, record: Record) -> tuple[QueryState | None, TextPlace | None]:
        """Return the state of a query's file and, if it has another text, where the text is."""
        if isinstance(record, CommandRecord):
            return None, None
        state = query_state(record.query, record.query_sha256, self._root)
        if state == "same":
            return state, None
        place = self._place(record.query)
        repository = self._top() if place is None else place.repository
        history = self._history(repository or self._root, repository)
        return state, history.find(record, None if place is None else place.name_in_repository)

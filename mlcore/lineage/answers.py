"""What made a file, by the lineage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlcore.files.options import PathLike
from mlcore.lineage.command_record import CommandRecord
from mlcore.lineage.contents import FileFacts, claimed_sha256, describe_file
from mlcore.lineage.data import Dataset
from mlcore.lineage.names import recorded_name
from mlcore.lineage.queries import QueryState, query_state
from mlcore.lineage.record import Record

__all__ = ["Answer", "Step", "find", "trace"]


@dataclass(frozen=True)
class Step:
    """One run on the way to a file.

    Attributes:
        line: its number in the lineage file, from 1.
        record: of the line.
        query_state: of the query's file, compared with the text that ran; None of a command.
        made_by: for each input the line of the run that made it, or None.
    """

    line: int
    record: Record
    query_state: QueryState | None
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


def find(path: PathLike, records: Sequence[Record], root: Path) -> Answer:
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
        return Answer(facts, "known", _steps(records, [line], root))
    claimed = claimed_sha256(path)
    lines = [
        line
        for line, one in enumerate(records, 1)
        if one.output.file == name != "-" or one.output.sha256 == claimed is not None
    ]
    if lines:
        return Answer(facts, "changed", _steps(records, lines[-1:], root))
    return Answer(facts, "unknown")


def trace(
    records: Sequence[Record], inputs: Sequence[Dataset], engine: str | None, root: Path
) -> tuple[Step, ...]:
    """Return the runs that made the inputs of a run, then those that made theirs, as ``find``.

    Args:
        records: all before the run, oldest first.
        inputs: with names as lines have them.
        engine: that the run asked, or None.
        root: see ``find_root``.
    """
    made_by = (_maker_of_input(records, one, engine) for one in inputs)
    return _steps(records, [line for line in made_by if line is not None], root)


def _maker(records: Sequence[Record], sha256: str, name: str | None) -> int | None:
    """Return the line of the run that made this content, or None."""
    lines = [
        (record.output.file == name, line)
        for line, record in enumerate(records, 1)
        if record.output.sha256 == sha256
    ]
    return max(lines)[1] if lines else None


def _steps(records: Sequence[Record], lines: Sequence[int], root: Path) -> tuple[Step, ...]:
    steps: dict[int, Step] = {}
    waiting = [*reversed(lines)]
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


def _query_state(record: Record, root: Path) -> QueryState | None:
    if isinstance(record, CommandRecord):
        return None
    return query_state(record.query, record.query_sha256, root)


def _maker_of_input(earlier: Sequence[Record], data: Dataset, engine: str | None) -> int | None:
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

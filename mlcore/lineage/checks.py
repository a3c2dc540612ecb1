"""Whether the lineage is whole and true: the texts of its queries are where its lines say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mlcore.errors import DataError
from mlcore.lineage.history import History
from mlcore.lineage.log import Log
from mlcore.lineage.queries import find_query_place, query_state
from mlcore.lineage.query_record import QueryRecord

__all__ = ["Report", "check"]


@dataclass(frozen=True)
class Report:
    """The findings of a check of the lineage: numbers of lines, from 1, and a text for each.

    Attributes:
        num_runs: records in the log.
        faults: lines that are no records, and queries that are not where the line says, or nowhere.
        notes: queries that have changed but can be found, or of which nothing can be said.
    """

    num_runs: int
    faults: tuple[tuple[int, str], ...]
    notes: tuple[tuple[int, str], ...]


def check(log: Log) -> Report:
    """Look for the text of every query: in its file, in the commit of its line, in the history.

    A line that says that a commit holds the query must be right. A text that is nowhere is a fault
    if the line is the newest of its output, else a note: a query is run often while it is written.
    Nothing is certain of a query that is elsewhere, or comes with mlcore, of which there are versions.
    A line that is no record is a fault, and the others are checked.
    """
    records = log.records()
    find_place = lru_cache(None)(lambda name: find_query_place(name, log.root))
    find_state = lru_cache(None)(lambda name, sha256: query_state(name, sha256, log.root))
    histories = lru_cache(None)(History)
    newest = {one.output.file or one.output.stored: line for line, one in records.items()}
    faults = [(line, _described(fault)) for line, fault in log.faults()]
    notes: list[tuple[int, str]] = []
    for line, record in records.items():
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
        history = histories(place.repository or log.root, place.repository)
        state = find_state(record.query, record.query_sha256)
        if (false := history.refute(record, place)) is not None:
            faults.append((line, false))
        elif state == "same":
            continue
        elif (text := history.find(record, place.name_in_repository)) is None:
            certain = is_newest and not history.is_partial and not place.is_bundled
            (faults if certain else notes).append((line, history.complaint(record)))
        elif is_newest:
            now = "is gone" if state == "missing" else "has changed"
            notes.append(
                (line, f"{record.query} {now} since it made {_output(record)}; its text is {text}")
            )
    return Report(len(records), tuple(sorted(faults)), tuple(notes))


def _described(fault: DataError) -> str:
    return f"{fault}; {fault.hint}" if fault.hint else str(fault)


def _output(record: QueryRecord) -> str:
    return record.output.file or record.output.stored or "its output"

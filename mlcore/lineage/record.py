"""Records of both kinds, of queries and of commands, and their lines."""

from __future__ import annotations

from typing import TypeAlias

from mlcore.errors import DataError
from mlcore.jsontext import JsonTextError, format_line, parse_json
from mlcore.lineage.command_record import CommandRecord
from mlcore.lineage.query_record import QueryRecord
from mlcore.printable import printable_json

__all__ = ["Record", "begins_record", "format_record", "parse_record"]

Record: TypeAlias = QueryRecord | CommandRecord


_BEGINNINGS = ('{"command": "', '{"query": "')


def begins_record(text: str) -> bool:
    """Return whether a text may be what was written of the line of a record.

    >>> begins_record('{"que'), begins_record('{"num_neighbors": 20}')
    (True, False)
    """
    return any(text.startswith(one) or one.startswith(text) for one in _BEGINNINGS)


def format_record(record: Record) -> str:
    """Return a record as one line of JSON, without a line feed and with escapes for people."""
    return printable_json(format_line(record.to_json()))


def parse_record(line: str, place: str) -> Record:
    """Return the record of a line: that of a command names one.

    Args:
        place: file and line number, for messages.

    Raises:
        DataError: it is no record.
    """
    try:
        value = parse_json(line)
    except JsonTextError as error:
        raise DataError(f"{place}: expected a record of a run, got {error}") from None
    is_command = isinstance(value, dict) and "command" in value
    return (CommandRecord if is_command else QueryRecord).from_json(value, place)

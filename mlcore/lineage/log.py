"""The lineage file: a journal with one record a line."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlcore.errors import DataError, DataWarning, from_os_error
from mlcore.files.inputs import text_chunks
from mlcore.files.journal import open_journal
from mlcore.files.options import PathLike
from mlcore.files.partials import discard
from mlcore.lineage.record import Record, begins_record, format_record, parse_record

__all__ = ["append", "appended", "check_appendable", "read_lineage"]


def read_lineage(path: PathLike) -> list[Record]:
    """Return the records of a lineage file, oldest first: the first is that of line 1.

    A last line that was not written to its end is ignored, with a DataWarning.

    Raises:
        DataError: missing, unreadable, or a line that is no record.
    """
    if not os.path.exists(path):
        raise DataError(
            f"{os.fspath(path)}: expected a log of runs, got no such file",
            "--lineage names one, as run_sql writes it in the current folder",
        )
    records: list[Record] = []
    for chunk in text_chunks(path):
        *lines, rest = chunk.text.split("\n")
        records += [
            parse_record(line, f"{os.fspath(path)}:{number}")
            for number, line in enumerate(lines, chunk.first_line)
        ]
        if rest and (last := _last(rest, f"{os.fspath(path)}:{chunk.first_line + len(lines)}")):
            records.append(last)
        elif rest:
            message = f"{os.fspath(path)}: ignored a last line that was not written to its end"
            warnings.warn(message, DataWarning, stacklevel=2)
    return records


def check_appendable(path: PathLike) -> None:
    """Refuse a lineage file that cannot take a record, before there is work to lose.

    Writes nothing. The file need not exist.

    Raises:
        DataError: it, or its folder, cannot be written to, or it holds other lines than records.
    """
    target = Path(path)
    if not os.path.lexists(target):
        if not target.parent.is_dir() or not os.access(target.parent, os.W_OK | os.X_OK):
            raise DataError(
                f"{path}: expected a folder to write to, got none in {str(target.parent)!r}",
                "--lineage says where the line is to go",
            )
        return
    if target.exists() and not target.is_file():
        raise DataError(f"{path}: expected a file, got something else")
    try:
        open(target, "r+b").close()
    except OSError as error:
        raise from_os_error(error, path, "a file to write to") from error
    try:
        read_lineage(path)
    except DataError as error:
        raise DataError(str(error), error.hint or "--lineage names another log") from error


def append(path: PathLike, record: Record) -> None:
    """Add a record to a lineage file as its last line, and wait until it is on the disk.

    Lines of several processes follow one another. Whatever goes wrong, the file has the whole line
    or is as it was; what a crash left of a line is removed before, with a DataWarning.

    Args:
        path: made if there is none.

    Raises:
        DataError: the disk refused, or the last line is of something else.
    """
    with appended(path, [record]):
        pass


@contextmanager
def appended(path: PathLike, records: Sequence[Record]) -> Iterator[None]:
    """Add records as ``append`` does, and take them back if the block raises.

    No other process adds any meanwhile.

    Raises:
        DataError: the disk refused, or the last line is of something else.
    """
    is_new = not os.path.lexists(path)
    with open_journal(Path(path)) as journal:
        place = f"{os.fspath(path)}: last line"
        journal.mend_end(lambda line: _last(line.decode(errors="replace"), place) is not None)
        try:
            with journal.appended(*map(format_record, records)):
                yield
        except BaseException:
            if is_new and journal.is_empty:
                discard(Path(path))
            raise


def _last(line: str, place: str) -> Record | None:
    """Return the record of a last line without its line feed, None of one that was not written to its end.

    Raises:
        DataError: it is the line of something else, which nobody may remove.
    """
    try:
        return parse_record(line, place)
    except DataError:
        if not begins_record(line):
            raise
        return None

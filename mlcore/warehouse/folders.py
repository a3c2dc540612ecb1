"""Folders of Parquet: rows as parts, perhaps in a folder for each value of a column, as Hive has them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.artifact.directory import replaced_directory
from mlcore.errors import DataError, shorten
from mlcore.files.options import PathLike
from mlcore.files.outputs import OnWritten
from mlcore.warehouse.engines import DuckDb, DuckDbOptions
from mlcore.warehouse.query import Column
from mlcore.warehouse.rows import Rows, checked_rows, num_rows

__all__ = ["check_partition", "is_folder", "replaced_parts", "write_parts"]

_ROWS_PER_PART = 2**20
_PART = re.compile(r"part-(\d{5,9})\.parquet")
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# Of a name: the characters that Hive writes as %2F.
_ESCAPED = re.compile(r"""[\x00-\x1f"#%'*/:=?\\\x7f{}\[\]^]""")


def is_folder(path: PathLike) -> bool:
    """Return whether an output is a folder of Parquet: by a slash at its end, or because it is there.

    >>> is_folder("events/"), is_folder("events.jsonl")
    (True, False)
    """
    return os.fspath(path).endswith(("/", os.sep)) or os.path.isdir(path)


def check_partition(columns: Sequence[Column], name: str | None, place: str) -> None:
    """Refuse a column that cannot name folders.

    Raises:
        DataError: there is no such column, no other one, or it has floating-point numbers.

    >>> check_partition([Column("day", "STRING"), Column("n", "INT64")], "day", "q.sql")
    """
    known = [column.name for column in columns if column.type != "FLOAT64"]
    if name is not None and (name not in known or len(columns) == 1):
        raise DataError(
            f"{place}: partition: expected one of several columns that it writes, and no FLOAT64: "
            f"{', '.join(known)}; got {shorten(name)}"
        )


@contextmanager
def replaced_parts(
    target: Path,
    append: bool,
    inputs: Mapping[str, PathLike | None],
    on_written: OnWritten,
) -> Iterator[Path]:
    """Give a folder to write parts into, which replaces ``target`` in one step on success.

    Args:
        append: whether it has the parts of ``target``, as links to the same files.
        inputs: what the work reads, by option.
        on_written: called with the folder when all is on disk; see ``open_outputs``.

    Raises:
        DataError: ``target`` holds something else than Parquet, or the disk refused: all is as before.
    """

    before = _files(target)

    def check() -> None:
        if os.path.lexists(target) and not target.is_dir():
            raise DataError(f"{target}: expected a folder of Parquet, got a file")
        now = _files(target)
        strange = [name for name in now if Path(name).suffix != ".parquet"]
        if strange:
            raise DataError(
                f"{target}: expected a folder of nothing but Parquet to replace, "
                f"got {shorten(strange[0])}"
            )
        if append and now != before:
            raise DataError(
                f"{target}: expected the parts that were there, got others",
                "another run has written there meanwhile: run this one again",
            )

    with replaced_directory(
        target, True, (), check=check, inputs=inputs, on_written=on_written
    ) as staged:
        for name in before if append else ():
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            _link(target / name, staged / name)
        yield staged


def _files(folder: Path) -> dict[str, int]:
    """Return the files that would be lost by their names, in order, each with what tells it apart."""
    found = sorted(path for path in folder.rglob("*") if not path.is_dir())
    names = [str(path.relative_to(folder)) for path in found]
    marks = ("_SUCCESS", ".crc")  # of Spark, who passes over its own
    return {
        name: os.stat(folder / name).st_ino
        for name in names
        if not name.endswith(marks) and ".partial-" not in name
    }


def _link(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:  # nor has every file system links
        shutil.copy2(old, new)


def write_parts(
    folder: Path,
    columns: Sequence[Column],
    parts: Iterable[Rows],
    partition: str | None,
    place: PathLike,
) -> int:
    """Write rows as Parquet; return their number.

    Args:
        partition: the column whose values name folders, ``day=2026-01-01``; or None.
        place: of the output, for messages.

    Raises:
        DataError: a value is missing where none may, infinite, or an empty text that names a folder.
    """
    count, first = 0, 1 + max(map(_number_of, folder.rglob("*.parquet")), default=-1)
    inner = [column for column in columns if column.name != partition]
    with DuckDb(DuckDbOptions(threads=1)) as writer:
        chunks = _chunks(checked_rows(columns, parts, os.fspath(place)))
        for number, part in enumerate(chunks, first):
            for name, rows in _by_value(part, partition, place):
                (folder / name).mkdir(exist_ok=True)
                writer.write_parquet(inner, rows, folder / name / f"part-{number:05}.parquet")
            count += num_rows(part)
        if not count and partition is None:
            nothing = {column.name: np.empty(0, object) for column in columns}
            writer.write_parquet(columns, nothing, folder / f"part-{first:05}.parquet")
    return count


def _number_of(part: Path) -> int:
    """Return the number of a part of ours, or -1."""
    found = _PART.fullmatch(part.name)
    return -1 if found is None else int(found[1])


def _chunks(parts: Iterable[Rows]) -> Iterator[Rows]:
    """Yield the same rows in parts of many."""
    pending: list[Rows] = []
    for part in parts:
        pending.append(part)
        if sum(map(num_rows, pending)) >= _ROWS_PER_PART:
            yield _joined(pending)
            pending = []
    if sum(map(num_rows, pending)):
        yield _joined(pending)


def _joined(parts: Sequence[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _by_value(
    part: Rows, partition: str | None, place: PathLike
) -> Iterator[tuple[str, dict[str, npt.NDArray[Any]]]]:
    """Yield the rows of each value of a column, with the name of its folder, in order."""
    if partition is None:
        yield "", dict(part)
        return
    folders = {value: _folder_of(partition, value, place) for value in {*part[partition].tolist()}}
    names = np.array([folders[value] for value in part[partition].tolist()], object)
    for name in sorted({*folders.values()}):
        rows = np.flatnonzero(names == name)
        yield name, {one: values[rows] for one, values in part.items() if one != partition}


def _folder_of(column: str, value: Any, place: PathLike) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text in ("", NULL_PARTITION):
        raise DataError(f"{place}: {column}: expected a text that names a folder, got {text!r}")
    text = NULL_PARTITION if value is None else text
    return "=".join(_ESCAPED.sub(lambda at: f"%{ord(at[0]):02X}", one) for one in (column, text))

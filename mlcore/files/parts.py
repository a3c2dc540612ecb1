"""Which files a table is in: one, or the parts in a folder or of a pattern, as clusters write them."""

from __future__ import annotations

import glob
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote
from typing import Literal, TypeAlias, TypeVar

from mlcore.errors import DataError, DataWarning, NoRowsError, os_errors_at, shorten
from mlcore.files.inputs import display_name, find_input_format
from mlcore.files.options import Format, PathLike
from mlcore.files.tables import NoColumnError

__all__ = [
    "Kind",
    "find_parts",
    "fixed_folder",
    "has_parts",
    "is_parquet",
    "kind_of",
    "partition_names",
    "read_parts",
]

Kind: TypeAlias = Literal["csv", "jsonl", "parquet"]
T = TypeVar("T")


def is_parquet(path: PathLike) -> bool:
    """Return whether a file is Parquet, by its name.

    >>> is_parquet("events.parquet"), is_parquet("-")
    (True, False)
    """
    return os.fspath(path).lower().endswith(".parquet")


def has_parts(path: PathLike) -> bool:
    """Return whether a path is a folder, or a pattern of files that are there.

    >>> has_parts("mlcore"), has_parts("mlcore/*.py"), has_parts("shop.events_*"), has_parts("-")
    (True, True, False, False)
    """
    name = os.fspath(path)
    if os.path.isdir(name):
        return True
    return glob.has_magic(name) and not os.path.lexists(name) and any(glob.iglob(name))


def kind_of(path: PathLike, format: Format | None) -> Kind:
    """Return what a table is written in; parts of a folder or a pattern must be alike.

    Raises:
        DataError: the names do not show it, or differ.
    """
    if has_parts(path):
        return _find(path, format)[1]
    return _kind_of_file(path, format)


def find_parts(path: PathLike, format: Format | None) -> list[Path]:
    """Return the parts of a folder or a pattern in the order of their names.

    A folder is searched to its depths. Files and folders whose names begin with ``.`` or ``_``, such
    as ``_SUCCESS``, and empty files are passed over.

    Raises:
        DataError: there are none, or they differ in format.
    """
    return _find(path, format)[0]


def fixed_folder(path: PathLike) -> Path:
    """Return the folder that all parts lie in: the one given, or what a pattern begins with.

    >>> str(fixed_folder("events/date=2026-*/*.parquet")), str(fixed_folder("*.csv"))
    ('events', '.')
    """
    folder = Path(path)
    while glob.has_magic(str(folder)) and not os.path.isdir(folder):
        folder = folder.parent
    return folder


def partition_names(path: PathLike, parts: Sequence[PathLike]) -> list[str]:
    """Return the columns that are in the names of folders, ``date=2026-01-01``, as Hive writes them.

    Args:
        path: a folder or a pattern.
        parts: its files.

    Raises:
        DataError: they differ from part to part.

    >>> partition_names("events", ["events/date=2026-01-01/0.parquet", "events/date=x/0.parquet"])
    ['date']
    """
    names = [_names_of(Path(part).relative_to(fixed_folder(path))) for part in parts]
    other = next((part for part, found in zip(parts, names) if found != names[0]), None)
    if other is not None:
        raise DataError(
            f"{display_name(path)}: expected folders {'/'.join(f'{one}=...' for one in names[0])} "
            f"around all parts, as around the first, got {shorten(str(other))}"
        )
    return names[0] if names else []


def _names_of(part: Path) -> list[str]:
    return [unquote(step.partition("=")[0]) for step in part.parts[:-1] if "=" in step]


def read_parts(
    path: PathLike, format: Format | None, read: Callable[[Path, Kind], Iterator[T]]
) -> Iterator[T]:
    """Yield what a reader yields for each part.

    Raises:
        DataError: as the reader raises it, or no part has a row.
    """
    parts, kind = _find(path, format)
    any_rows = False
    for part in parts:
        try:
            for value in read(part, kind):
                any_rows = True
                yield value
        except NoRowsError:
            pass
        except NoColumnError as error:
            if not any_rows or kind != "csv":
                raise
            raise DataError(
                str(error),
                "the parts before it have the column; if the first alone has a header line: "
                "cat PARTS > NEW",
            ) from None
    if not any_rows:
        raise NoRowsError(f"{display_name(path)}: expected rows in some part, got none")
    warnings.warn(
        f"{display_name(path)}: read {len(parts)} part{'s' * (len(parts) > 1)}",
        DataWarning,
        stacklevel=2,
    )


def _find(path: PathLike, format: Format | None) -> tuple[list[Path], Kind]:
    name = display_name(path)
    with os_errors_at(name, "a readable folder"):
        if os.path.isdir(path):
            found = sorted(part for part in Path(path).rglob("*") if _is_shown(part, Path(path)))
        else:
            found = [Path(part) for part in sorted(glob.glob(os.fspath(path)))]
        parts = [part for part in found if part.is_file() and part.stat().st_size]
    if not parts:
        raise DataError(
            f"{name}: expected parts .csv, .jsonl or .parquet, got "
            f"{'no file that has any bytes' if found else 'none'}"
        )
    kinds = {_kind_of_part(part, format): part for part in reversed(parts)}
    if len(kinds) > 1:
        shown = ", ".join(shorten(part.name) for part in sorted(kinds.values()))
        raise DataError(
            f"{name}: expected parts of one format, got {shown}",
            "a folder or a pattern is one table; name one file, or a pattern such as '*.csv'",
        )
    return parts, next(iter(kinds)) or _kind_of_file(parts[0], format)


def _is_shown(part: Path, folder: Path) -> bool:
    return not any(step.startswith((".", "_")) for step in part.relative_to(folder).parts)


def _kind_of_part(part: Path, format: Format | None) -> Kind | None:
    """Return what a part is written in, or None if its name does not show it."""
    if part.name.lower().removesuffix(".gz").endswith(".json"):
        return "jsonl"  # as clusters call it
    try:
        return _kind_of_file(part, format)
    except DataError:
        return None


def _kind_of_file(path: PathLike, format: Format | None) -> Kind:
    return "parquet" if is_parquet(path) else find_input_format(path, format)

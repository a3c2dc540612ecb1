"""Outputs that would replace an input: refused before the work, as ``set -o noclobber`` does."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlcore.errors import DataError
from mlcore.files.options import PathLike

__all__ = ["refuse_clobber"]


def refuse_clobber(
    output: PathLike,
    inputs: Mapping[str, PathLike | None],
    hint: str = "write to another file, and rename it when it is done",
    is_folder: bool = False,
) -> None:
    """Refuse an output that is an input by any name, through links too, or would be one next time.

    That is what lies in an input folder or matches an input pattern.

    Args:
        output: a path; ``-`` is standard output.
        inputs: paths, patterns and folders by their options; ``-`` is standard input. What names no
            file, such as a table of a warehouse, is passed over.
        is_folder: whether the output is one, which no pattern stands for.

    Raises:
        DataError: it is one, or lies in one.

    >>> refuse_clobber("clean.csv", {"--interactions": "events.csv", "--items": None})
    """
    place = "standard output" if os.fspath(output) == "-" else os.fspath(output)
    written = _identity(output, stream=1)
    for option, path in inputs.items():
        if path is None:
            continue
        if os.path.isdir(path):
            _refuse_inside(output, path, place, option)
        if written is not None and written in _identities(path):
            raise DataError(
                f"{place}: expected another file than the input {option}, got the same", hint
            )
        if not is_folder and os.fspath(output) != "-":
            _refuse_match(output, path, option)


def _refuse_inside(output: PathLike, folder: PathLike, place: str, option: str) -> None:
    real, within = Path(os.path.realpath(output)), Path(os.path.realpath(folder))
    if os.fspath(output) != "-" and real.is_relative_to(within):
        got = "the same" if real == within else "one inside"
        raise DataError(
            f"{place}: expected a place outside the input {option}, got {got}",
            "the next run would read it as part of that folder; write to another one",
        )


def _refuse_match(output: PathLike, pattern: PathLike, option: str) -> None:
    if _is_pattern(pattern) and Path(os.path.abspath(output)).match(os.path.abspath(pattern)):
        raise DataError(
            f"{os.fspath(output)}: expected a name that the pattern of {option} does not match, "
            "got one of it",
            "the next run would read it, too; write to another folder",
        )


def _identities(path: PathLike) -> Iterator[tuple[int, int] | None]:
    """Yield the identity of each file of an input."""
    name = os.fspath(path)
    names: Iterator[str] = iter([name])
    if os.path.isdir(name):
        names = (os.path.join(top, file) for top, _, files in os.walk(name) for file in files)
    elif _is_pattern(name):
        names = glob.iglob(name)
    return (_identity(each, stream=0) for each in names)


def _is_pattern(path: PathLike) -> bool:
    return glob.has_magic(os.fspath(path)) and not os.path.lexists(path)


def _identity(path: PathLike, stream: int) -> tuple[int, int] | None:
    """Return device and number of a regular file, which all its names share."""
    try:
        found = os.fstat(stream) if os.fspath(path) == "-" else os.stat(path)
    except (OSError, ValueError):  # nothing is there, or no path at all
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None

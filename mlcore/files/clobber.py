"""Outputs that would replace an input or spoil a model: refused before the work."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlcore.errors import DataError
from mlcore.files.options import PathLike

__all__ = ["is_mount", "refuse_clobber"]

_OF_MODEL = ("manifest.json", "items.csv")  # a manifest alone may be that of other software


def refuse_clobber(
    output: PathLike,
    inputs: Mapping[str, PathLike | None],
    hint: str = "write to another file, and rename it when it is done",
    is_folder: bool = False,
) -> None:
    """Refuse an output that is an input by any name, through links too, or would be one next time.

    That is what lies in an input folder or matches an input pattern. And one inside any model
    directory, which holds the files of a model only: ``--overwrite`` goes by that.

    Args:
        output: a path; ``-`` is standard output.
        inputs: paths, patterns and folders by their options; ``-`` is standard input. What names no
            file, such as a table of a warehouse, is passed over.
        is_folder: whether the output is one, which no pattern stands for.

    Raises:
        DataError: it is one, or lies in one, or in a model directory; or two inputs are standard
            input, of which the second would find nothing.

    >>> refuse_clobber("clean.csv", {"--interactions": "events.csv", "--items": None})
    """
    _refuse_shared_stream(inputs)
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
    if os.fspath(output) != "-":
        _refuse_inside_model(output)


def _refuse_shared_stream(inputs: Mapping[str, PathLike | None]) -> None:
    streams = [
        option
        for option, path in inputs.items()
        if path is not None and os.fspath(path) in ("-", "/dev/stdin")
    ]
    if len(streams) > 1:
        raise DataError(
            f"standard input: expected one input from it, got {' and '.join(streams)}",
            "cat > FILE keeps what a stream gives",
        )


def _refuse_inside_model(output: PathLike) -> None:
    for folder in _parents(output):
        # A mounted model cannot be overwritten; the next one goes to a folder inside it.
        if all((folder / name).is_file() for name in _OF_MODEL) and not is_mount(folder):
            raise DataError(
                f"{os.fspath(output)}: expected a place outside of a model directory, "
                f"got one inside {folder.name!r}",
                "a model directory holds nothing but its model; write beside it",
            )


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


def _parents(path: PathLike) -> Sequence[Path]:
    try:
        return Path(os.path.realpath(path)).parents
    except ValueError:  # no path at all
        return []


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


def is_mount(folder: Path) -> bool:
    """Return whether a file system begins at a folder: it cannot be renamed, nor replaced.

    >>> is_mount(Path("/"))
    True
    """
    real = os.path.realpath(folder)
    if os.path.ismount(real):
        return True
    with contextlib.suppress(OSError):  # elsewhere than on Linux
        # A folder of the same file system mounted here has no other sign.
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
        return real in [os.fsdecode(_unescape(line.split(b" ")[4])) for line in mounts]
    return False


def _unescape(field: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), field)

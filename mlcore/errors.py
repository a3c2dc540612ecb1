"""The errors that mlcore raises on purpose.

Every message follows one template, ``<place>: <name>: expected <rule>, got <value>``, in lower case
and without a final stop; a command prints it as one line and exits with 1. Any other exception is a
defect of ours and keeps its traceback.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from typing import ClassVar

from mlcore.printable import printable

__all__ = [
    "ArtifactError",
    "ChecksumError",
    "ConfigError",
    "ContainerError",
    "CsrError",
    "DataError",
    "DataWarning",
    "GateError",
    "HeaderError",
    "IdMapError",
    "ManifestError",
    "MissingFileError",
    "MlcoreError",
    "NoHeaderError",
    "NoRowsError",
    "NoUsersError",
    "SizeError",
    "UnknownItemError",
    "UnknownUserError",
    "VersionError",
    "at",
    "from_os_error",
    "os_errors_at",
    "shorten",
    "shorten_json",
    "shown_as",
]


class MlcoreError(Exception):
    """Base of all errors with a message for the user; ``hint`` may say how to fix it.

    Both are one line that steers no terminal, whatever the names and values in them.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(printable(message))
        self.hint = None if hint is None else printable(hint)


class ConfigError(MlcoreError):
    """A setting is unknown, of the wrong type, or out of range."""


class DataError(MlcoreError):
    """An input or output file, or a column given from Python, is not as it must be."""


class NoRowsError(DataError):
    """A table is well formed, but has no row."""


class NoHeaderError(NoRowsError):
    """A table lacks even the line that names its columns."""


class DataWarning(UserWarning):
    """A file has something its owner should know about, but was read."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class GateError(MlcoreError):
    """A result is complete and written, but fails its gate."""


class UnknownUserError(DataError):
    """The model has no history of this user."""

    verdict: ClassVar[str] = "unknown_user"


class NoUsersError(DataError):
    """The model has no histories at all, so every user is unknown."""

    verdict: ClassVar[str] = "unknown_user"


class UnknownItemError(DataError):
    """The model has never seen this item."""

    verdict: ClassVar[str] = "unknown_item"


class ArtifactError(MlcoreError):
    """A model directory breaks the format; ``verdict`` is one word of a closed list."""

    verdict: ClassVar[str] = "artifact"


class MissingFileError(ArtifactError):
    """The directory or one of its files is missing, unreadable, or not a regular file."""

    verdict = "io"


class VersionError(ArtifactError):
    """The model has a format version or a required feature that this reader does not know."""

    verdict = "version"


class ManifestError(ArtifactError):
    """``manifest.json`` or ``config.json`` is malformed or contradicts the files beside it."""

    verdict = "manifest"


class SizeError(ArtifactError):
    """A file does not have the number of bytes that the manifest names."""

    verdict = "size"


class ContainerError(ArtifactError):
    """A ``.npz`` file is not a zip archive of the strict profile."""

    verdict = "container"


class HeaderError(ArtifactError):
    """The ``.npy`` header of a member is not the canonical one, or not the expected array."""

    verdict = "header"


class CsrError(ArtifactError):
    """The arrays of a sparse matrix contradict each other."""

    verdict = "csr"


class IdMapError(ArtifactError):
    """``items.csv`` or ``users.csv`` is malformed."""

    verdict = "idmap"


class ChecksumError(ArtifactError):
    """The bytes of a file are not those the manifest has the sha256 of."""

    verdict = "checksum"


@contextlib.contextmanager
def at(place: str, kind: type[MlcoreError] = DataError) -> Iterator[None]:
    """Raise an error of this kind from the block again, with the place before its message.

    >>> with at("events.csv:7"):
    ...     raise DataError("weight: expected a finite number above 0, got '-1'")
    Traceback (most recent call last):
    mlcore.errors.DataError: events.csv:7: weight: expected a finite number above 0, got '-1'
    """
    try:
        yield
    except kind as error:
        raise kind(f"{place}: {error}", error.hint) from None


@contextlib.contextmanager
def shown_as(shown: str | os.PathLike[str], hidden: str | os.PathLike[str]) -> Iterator[None]:
    """Raise an error of ours from the block again, with the name of an output for its hidden one.

    >>> with shown_as("a.csv", "/data/.a.csv.partial-0123abcd"):
    ...     raise DataError("/data/.a.csv.partial-0123abcd: expected room to write, got 'no'")
    Traceback (most recent call last):
    mlcore.errors.DataError: a.csv: expected room to write, got 'no'
    """
    try:
        yield
    except MlcoreError as error:
        message = str(error).replace(printable(os.fspath(hidden)), os.fspath(shown))
        raise type(error)(message, error.hint) from error


def shorten(value: object, limit: int = 60) -> str:
    """Return ``repr(value)``, cut to about ``limit`` characters so that a message stays one line.

    >>> shorten("abc")
    "'abc'"
    """
    text = repr(value).replace("\n", " ")  # of arrays and frames
    return text if len(text) <= limit else f"{text[:limit]}..."


def shorten_json(value: object, limit: int = 60) -> str:
    """Return a value from JSON as ``shorten`` does, but ``null`` and ``true`` as in the file.

    >>> shorten_json([None, "abc"]), shorten_json("abc")
    ('[null, "abc"]', "'abc'")
    """
    if isinstance(value, str):
        return shorten(value, limit)
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except RecursionError:
        return "deeply nested JSON"
    return text if len(text) <= limit else f"{text[:limit]}..."


def from_os_error(error: OSError, path: str | os.PathLike[str], expected: str) -> DataError:
    """Return the one-line error for a path that the operating system refused.

    >>> print(from_os_error(FileNotFoundError(2, "No such file"), "events.csv", "a readable file"))
    events.csv: expected a readable file, got 'No such file'
    """
    reason = error.strerror or str(error) or type(error).__name__
    hint = None
    if error.errno == errno.ENOENT:
        hint = _hint_at_missing(os.fspath(path), expected)
    elif error.errno == errno.EISDIR:
        hint = "name a file in it"
    return DataError(f"{os.fspath(path)}: expected {expected}, got {reason!r}", hint)


def _hint_at_missing(path: str, expected: str) -> str | None:
    folder = os.path.dirname(path)
    if "://" in path:
        return "only files of this machine are read and written: copy it, or mount what it is in"
    if path.startswith("~"):
        return (
            "~ is a folder only where the shell replaces it, which is at the start of a word: $HOME"
        )
    if folder and not os.path.exists(folder):
        cure = f": mkdir -p {folder}" if "to write" in expected else ""
        return f"there is no folder {folder}{cure}"
    return "no file matches the pattern" if set(path) & set("*?[") else None


@contextlib.contextmanager
def os_errors_at(path: str | os.PathLike[str], expected: str) -> Iterator[None]:
    """Raise an OSError from the block as ``from_os_error``."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, path, expected) from error

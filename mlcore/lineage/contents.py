"""Size and SHA-256 of what a file holds, whatever its name and compression."""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
import stat
import zlib
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from mlcore.errors import DataError, from_os_error, os_errors_at
from mlcore.files.inputs import display_name, opened
from mlcore.files.options import PathLike
from mlcore.files.parts import has_parts
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.limits import MAX_DOCUMENT_BYTES

__all__ = ["FileFacts", "Fingerprint", "claimed_sha256", "describe_file", "describe_input"]

_MANIFEST = "manifest.json"

_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class FileFacts:
    """Size and SHA-256, in hexadecimal, of uncompressed content."""

    bytes: int
    sha256: str


class Fingerprint:
    r"""Size and SHA-256 of content that comes piece by piece.

    >>> fingerprint = Fingerprint()
    >>> fingerprint.update("a,b\n")
    >>> fingerprint.facts().bytes
    4
    """

    def __init__(self) -> None:
        self._digest, self._bytes = hashlib.sha256(), 0

    def update(self, content: str | bytes) -> None:
        """Add the next piece; a text as UTF-8."""
        data = content.encode() if isinstance(content, str) else content
        self._digest.update(data)
        self._bytes += len(data)

    def facts(self) -> FileFacts:
        """Return size and digest of all pieces so far."""
        return FileFacts(self._bytes, self._digest.hexdigest())


def describe_file(path: PathLike) -> FileFacts:
    r"""Return size and digest of a file's content, uncompressed.

    For a folder or a pattern: all bytes of its files, and the SHA-256 of the lines
    ``<sha256>  <name>\n`` of its files by name, as ``sha256sum`` prints them. Files whose names begin
    with ``.`` or ``_`` are ignored, as engines do.

    Of a model directory the digest is that of its manifest, which has those of all other files: as
    long as they agree, or else it is a folder as any other.

    Args:
        path: of a file, a folder, or a pattern such as ``part-*.parquet``; or ``-``.

    Raises:
        DataError: missing, unreadable or damaged.
    """
    text = os.fspath(path)
    if os.path.isdir(text):
        return _describe_model(Path(text)) or _describe_many(path, Path(text), "**")
    if text != "-" and glob.has_magic(text) and not os.path.exists(text):
        parts = Path(text).parts
        fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
        return _describe_many(path, Path(*parts[:fixed]), os.path.join(*parts[fixed:]))
    fingerprint = Fingerprint()
    try:
        with opened(path) as (_, stream):
            while block := stream.read(_BLOCK_BYTES):
                fingerprint.update(block)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        got = "one that ends too early" if isinstance(error, EOFError) else "a damaged one"
        raise DataError(f"{display_name(path)}: expected a whole gzip file, got {got}") from error
    except OSError as error:
        raise from_os_error(error, display_name(path), "a readable file") from error
    return fingerprint.facts()


def describe_input(path: PathLike) -> FileFacts | None:
    """Return ``describe_file`` of what a run reads, None of what nobody can read twice.

    That is standard input, a pipe, a URI, and what is not there.

    Raises:
        DataError: as ``describe_file``.
    """
    is_here = os.fspath(path) != "-" and (os.path.isfile(path) or has_parts(path))
    return describe_file(path) if is_here else None


def claimed_sha256(path: PathLike) -> str | None:
    """Return the digest of a folder's manifest, whether or not its files agree; None without one."""
    try:
        return _raw_facts(Path(path) / _MANIFEST)[1]
    except OSError:
        return None


def _describe_model(folder: Path) -> FileFacts | None:
    """Return None unless each file is there and as the manifest says."""
    try:
        with _open_regular(folder / _MANIFEST) as file:
            manifest = file.read(MAX_DOCUMENT_BYTES + 1)
        if len(manifest) > MAX_DOCUMENT_BYTES:
            return None
        files = parse_json(manifest.decode())["files"]
        expected = {name: (entry["bytes"], entry["sha256"]) for name, entry in files.items()}
        facts = {name: _raw_facts(folder / name) for name in expected if Path(name).name == name}
    except (UnicodeDecodeError, JsonTextError, TypeError, KeyError, AttributeError):
        return None
    except (FileNotFoundError, IsADirectoryError):
        return None
    except OSError as error:  # as changed, it would get another digest
        raise from_os_error(error, folder, "readable files") from error
    if facts != expected:
        return None
    total = len(manifest) + sum(size for size, _ in facts.values())
    return FileFacts(total, hashlib.sha256(manifest).hexdigest())


def _raw_facts(path: Path) -> tuple[int, str]:
    with _open_regular(path) as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _open_regular(path: Path) -> BufferedReader:
    # A folder of others may link to a device or a pipe, which have no end.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise FileNotFoundError
    return open(path, "rb")


def _describe_many(place: PathLike, folder: Path, pattern: str) -> FileFacts:
    found = [Path(name) for name in glob.glob(pattern, root_dir=folder, recursive=True)]
    names = [
        name.as_posix()
        for name in found
        if not any(part.startswith((".", "_")) for part in name.parts) and (folder / name).is_file()
    ]
    if not names:
        with os_errors_at(display_name(place), "a readable folder"):
            os.listdir(folder)  # glob says nothing of what it may not list
        raise DataError(f"{display_name(place)}: expected files, got none")
    total, lines = 0, Fingerprint()
    for name in sorted(names, key=os.fsencode):
        facts = describe_file(folder / name)
        total += facts.bytes
        lines.update(f"{facts.sha256}  ".encode() + os.fsencode(name) + b"\n")
    return FileFacts(total, lines.facts().sha256)

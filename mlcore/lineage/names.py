"""Names of files in the lineage: the same on every machine, without secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote

from mlcore.files.options import PathLike
from mlcore.lineage.git import top_folder

__all__ = ["find_root", "recorded_name"]

# At least two characters, as a drive of Windows is no scheme.
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]+)://(.*)", re.DOTALL)
_HOST = re.compile(r"(\[[^]]*\]|[^:]*)(:[0-9]*)?")


def find_root(lineage_path: PathLike) -> Path:
    """Return the folder that recorded names are relative to: of the repository, or of the lineage."""
    folder = Path(lineage_path).resolve().parent
    return top_folder(folder) or folder


def recorded_name(place: PathLike, root: Path) -> str:
    """Return the name of a file in the lineage.

    For a file below the root its path from there, with slashes; for any other its name alone; for a
    URI all except user, password, query string and fragment; ``-`` for ``-``.

    Args:
        place: a path, a URI, or ``-``.
        root: links resolved; see ``find_root``.

    >>> recorded_name("gs://ann:secret@bucket/events.csv?token=1", Path("/"))
    'gs://bucket/events.csv'
    """
    text = os.fspath(place)
    uri = _URI.fullmatch(text)
    if text == "-":
        return text
    if uri and uri[1].lower() != "file":
        return _encodable(f"{uri[1]}://{_without_secrets(uri[2])}")
    if uri:
        text = "/" + unquote(uri[2].partition("/")[2])
    elif not text.startswith("/") and PureWindowsPath(text).is_absolute() and os.name != "nt":
        text = PureWindowsPath(text).name
    path = Path(os.path.abspath(text))
    path = path.parent.resolve() / path.name  # not the file itself, as a link keeps its name
    inside = path.is_relative_to(root)
    return _encodable(path.relative_to(root).as_posix() if inside else path.name)


def _without_secrets(rest: str) -> str:
    """Return host and path of what follows ``://``."""
    rest = re.split("[?#]", rest, maxsplit=1)[0]
    host, slash, path = rest.partition("/")
    if "@" in host:
        host = host.rpartition("@")[2]
    elif not _HOST.fullmatch(host):
        # Keys of S3 may have a slash, so that the host comes later.
        host, slash, path = path.rpartition("@")[2].partition("/") if "@" in path else ("", "", "")
    return f"{host}{slash}{path}"


def _encodable(name: str) -> str:
    # Names of files need not be UTF-8; the lineage must.
    return name.encode("utf-8", "backslashreplace").decode()

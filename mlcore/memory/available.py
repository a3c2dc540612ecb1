"""How much memory this process may still take."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple

__all__ = ["available_bytes", "format_bytes"]


class _Layout(NamedTuple):
    """The files of control groups, by version."""

    base: str
    limit: str
    usage: str
    reclaimable: str

    def bounds(self, folder: Path) -> list[int]:
        """Return how much one group may still take, one number, or none."""
        reclaimable = sum(_values(folder / "memory.stat", self.reclaimable))
        limits, usages = _values(folder / self.limit), _values(folder / self.usage)
        return [limit - usage + reclaimable for limit, usage in zip(limits, usages)]


VERSION_1 = _Layout(
    "sys/fs/cgroup/memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_inactive_file",
)
VERSION_2 = _Layout("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")


def format_bytes(num_bytes: int) -> str:
    """Return a size for people: in MiB, from 1000 MiB on in GiB with one decimal.

    >>> format_bytes(8 * 10_000**2), format_bytes(5 * 2**30)
    ('763 MiB', '5.0 GiB')
    """
    if num_bytes >= 1000 * 2**20:
        return f"{num_bytes / 2**30:.1f} GiB"
    if num_bytes >= 10 * 2**20:
        return f"{num_bytes / 2**20:.0f} MiB"
    return f"{num_bytes / 2**20:.1f} MiB"


def available_bytes(root: Path = Path("/")) -> int | None:
    """Return how much more memory this process may take without swapping; None if unknown.

    The least of ``MemAvailable`` in ``/proc/meminfo`` and, for each control group (version 1 or 2)
    that the process is in, its limit - usage + file pages that the kernel would give up.

    >>> available_bytes(Path("no such folder")) is None
    True
    """
    bounds = _values(root / "proc/meminfo", "MemAvailable:", unit=1024)
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]  # number:controllers:path
        if controllers == "" or "memory" in controllers.split(","):
            layout = VERSION_1 if controllers else VERSION_2
            for folder in _with_parents(root / layout.base, path):
                bounds += layout.bounds(folder)
    return max(0, min(bounds)) if bounds else None


def _with_parents(base: Path, path: str) -> list[Path]:
    """Return the folders of a group and of its parents, each of which limits what is inside.

    In a container the path may be the host's; then only the last, ``base`` itself, exists.
    """
    inside = PurePosixPath(path.lstrip("/"))
    if ".." in inside.parts:
        return [base]
    return [base / folder for folder in (inside, *inside.parents)]


def _values(path: Path, name: str = "", unit: int = 1) -> list[int]:
    """Return the number on each line that begins with ``name``, or that is a number alone.

    A limit of ``max`` is no number; a missing file has none.
    """
    lines = [line.split() for line in _read(path).splitlines()]
    found = [words[1:] if name else words for words in lines if words and name in ("", words[0])]
    return [int(words[0]) * unit for words in found if words and words[0].isdecimal()]


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace")
    except OSError:
        return ""

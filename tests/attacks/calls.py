"""System calls of a command as ``strace`` shows them, and one of them made to fail."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CALLS", "Call", "Injection", "attached", "can_trace", "injected", "read_calls"]

# What touches files, and what fails of it on full, broken, foreign or forbidden ones.
CALLS = {
    "openat": ("ENOSPC", "EACCES", "EIO"),
    "read": ("EIO",),
    "write": ("ENOSPC", "EIO", "EINTR"),
    "pwrite64": ("ENOSPC", "EIO"),
    "sendfile": ("ENOSPC", "EIO"),
    "copy_file_range": ("ENOSPC", "EIO"),
    "fsync": ("EIO", "ENOSPC", "EINTR"),
    "rename": ("EACCES", "ENOSPC", "EIO"),
    "renameat": ("EACCES", "ENOSPC", "EIO"),
    "renameat2": ("EACCES", "ENOSPC", "EIO"),
    "link": ("EACCES", "ENOSPC"),
    "symlink": ("EACCES", "ENOSPC"),
    "unlink": ("EACCES", "EIO"),
    "unlinkat": ("EACCES", "EIO"),
    "rmdir": ("EACCES", "EIO"),
    "mkdir": ("EACCES", "ENOSPC"),
    "ftruncate": ("EIO",),
    "close": ("EIO", "EINTR"),
    "flock": ("ENOLCK", "EINTR"),
    "chmod": ("EACCES",),
    "fchmod": ("EACCES",),
    "fchmodat": ("EACCES",),
}
_LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. )?(?P<name>\w+)(?P<rest>[ (].*)")
_PATH = re.compile(r'"([^"]*)"|<([^<>]*)>')
_ERROR = re.compile(r"= -1 (E\w+) \(.*\) \(INJECTED\)")


@dataclass(frozen=True)
class Call:
    """The ``number``-th call of a name in its thread, the paths it has, and whether it failed for us."""

    name: str
    number: int
    paths: tuple[str, ...]
    injected: bool = False


@dataclass(frozen=True)
class Injection:
    """A fault, ``error=ENOSPC`` or ``signal=SIGINT``, at the ``when``-th call; ``7+``: from it on."""

    name: str
    fault: str
    when: str

    def __str__(self) -> str:
        return f"{self.name}:{self.fault}:when={self.when}"


@functools.cache
def can_trace() -> bool:
    """Return whether ``strace`` is there, and may trace."""
    if shutil.which("strace") is None:
        return False
    command = ["strace", "-o", os.devnull, "-e", "trace=none", "true"]
    return subprocess.run(command, capture_output=True).returncode == 0


@contextmanager
def attached(
    pid: int, log: Path, names: Sequence[str], injection: Injection | None
) -> Iterator[None]:
    """Trace a process until it ends."""
    command = ["strace", "-f", "-y", "-s", "0", "-o", str(log), "-e", f"trace={','.join(names)}"]
    command += ["-e", f"inject={injection}"] if injection else []
    with subprocess.Popen([*command, "-p", str(pid)], stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        if "attached" not in said:
            raise RuntimeError(f"strace: {said}")
        yield


def read_calls(log: Path, folder: Path) -> Iterator[Call]:
    """Yield the calls on what is in a folder, its parts as paths from it, in order."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in log.read_text("utf-8", "replace").splitlines():
        found = _LINE.fullmatch(line)
        if found is None or found["rest"].startswith(" resumed"):
            continue
        counts[found["thread"], found["name"]] += 1
        inside = tuple(_inside(found["rest"], folder))
        if inside:
            number = counts[found["thread"], found["name"]]
            yield Call(found["name"], number, inside, "(INJECTED)" in found["rest"])


def _inside(text: str, folder: Path) -> Iterator[str]:
    around = folder
    for quoted, opened in _PATH.findall(text):
        path = around / (quoted or opened)
        if opened:
            around = path  # what a relative name after it is in
        is_path = bool(quoted) or opened.startswith("/")  # not pipe:[4711]
        if is_path and path != folder and path.is_relative_to(folder):
            yield str(path.relative_to(folder))


def injected(log: Path) -> str | None:
    """Return the error that a call failed with for us, or None."""
    found = _ERROR.search(log.read_text("utf-8", "replace"))
    return found[1] if found else None

"""The compiled kernels, C++ called by ctypes: an optional extension, absent where no compiler was.

The same sources are built several times, for processors of different levels; the best that this one
runs is loaded. All levels give the same bits: no arithmetic is relaxed, products and sums keep their
order, and none is fused. The calls release the interpreter lock.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import numpy.typing as npt

__all__ = ["LEVELS", "SWITCH", "address", "is_available", "levels", "library", "load"]

# The extension modules of setup.py, best first, and the numbers that level.cpp has for them.
LEVELS = {"x86_64_v4": 4, "x86_64_v3": 3, "baseline": 1}
SWITCH = (
    "MLCORE_NATIVE"  # an environment variable: 0 for numpy and scipy alone, or the name of a level
)


@cache
def library() -> Any:
    """Return the best library that this processor runs, or None.

    The environment variable ``MLCORE_NATIVE`` chooses another level, or none with ``0``.
    """
    wanted = os.environ.get(SWITCH, "")
    if wanted == "0":
        return None
    names = [name for name in levels() if not wanted or name == wanted]
    return load(names[0]) if names else None


def is_available() -> bool:
    """Return whether there are compiled kernels."""
    return library() is not None


def levels() -> list[str]:
    """Return the levels that were built and that this processor runs, best first."""
    built = [name for name in LEVELS if _path(name) is not None and _is_current(name)]
    return [name for name in built if load("baseline").mlcore_runs_level(LEVELS[name])]


@cache
def load(level: str) -> Any:
    """Return the library of a level, which was built."""
    return ctypes.CDLL(str(_path(level)))


def address(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    """Return where an array begins, for an argument that is a pointer; the array must live on."""
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


def _path(level: str) -> Path | None:
    places = (Path(__file__).with_name(level + suffix) for suffix in EXTENSION_SUFFIXES)
    return next((path for path in places if path.exists()), None)


def _is_current(level: str) -> bool:
    """Return whether a library was built from the sources beside it, if there are any."""
    sources = sorted(Path(__file__).parent.glob("*.?pp"))
    fingerprint = load(level).mlcore_fingerprint
    fingerprint.restype = ctypes.c_char_p
    expected = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return not sources or fingerprint() == expected.encode()

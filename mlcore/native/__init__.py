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

import numpy as np

from mlcore.errors import ConfigError, os_errors_at, shorten

__all__ = ["LEVELS", "SWITCH", "address", "call", "is_available", "levels", "library", "load"]

# The extension modules of setup.py, best first, and the numbers that level.cpp has for them.
LEVELS = {"x86_64_v4": 4, "x86_64_v3": 3, "baseline": 1}
# An environment variable: 0 for numpy and scipy alone, or the name of a level.
SWITCH = "MLCORE_NATIVE"


@cache
def library() -> Any:
    """Return the best library that this processor runs, or None.

    The environment variable ``MLCORE_NATIVE`` chooses another level, or none with ``0``.

    Raises:
        ConfigError: it names no level that was built here.
    """
    wanted, names = os.environ.get(SWITCH, ""), levels()
    if wanted == "0" or not (wanted or names):
        return None
    if wanted and wanted not in names:
        expected = ", ".join(["0", *names])
        raise ConfigError(f"{SWITCH}: expected one of {expected}, got {shorten(wanted)}")
    return load(wanted or names[0])


def is_available() -> bool:
    """Return whether there are compiled kernels."""
    return library() is not None


def levels() -> list[str]:
    """Return the levels that were built and that this processor runs, best first."""
    if _path("baseline") is None:
        return []
    runs = load("baseline").mlcore_runs_level
    # A wheel has no sources.
    sources = sorted(Path(__file__).parent.glob("*.?pp"))
    expected = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return [
        name
        for name, number in LEVELS.items()
        if _path(name) is not None and runs(number)
        if not sources or _fingerprint(name) == expected
    ]


@cache
def load(level: str) -> Any:
    """Return the library of a level, which was built.

    Raises:
        DataError: the system does not load it.
    """
    path = str(_path(level))
    with os_errors_at(path, "a library to load"):
        return ctypes.CDLL(path)


def call(name: str, *arguments: Any) -> int:
    """Call ``mlcore_NAME`` of the library; return its integer, if it has one.

    Its parameters are pointers and integers of 64 bits.

    Args:
        arguments: structures, by reference; arrays, which may not have gaps, as pointers to their first
            entry, and null for one of no length or None; integers and booleans.
    """
    function = getattr(library(), f"mlcore_{name}")
    function.restype = ctypes.c_int64
    return int(function(*map(_convert, arguments)))


def _convert(argument: Any) -> Any:
    if argument is None:
        return ctypes.c_void_p()
    if isinstance(argument, np.ndarray):
        return address(argument)
    if isinstance(argument, ctypes.Structure):
        return ctypes.byref(argument)
    return ctypes.c_int64(argument)


def address(array: Any) -> ctypes.c_void_p:
    """Return where an array begins, null if it is empty; the array must live on.

    Raises:
        ValueError: the array has gaps.
    """
    if not array.flags.c_contiguous:
        raise ValueError("array: expected one without gaps, got one with strides")
    return ctypes.c_void_p(array.ctypes.data if array.size else None)


def _path(level: str) -> Path | None:
    places = (Path(__file__).with_name(level + suffix) for suffix in EXTENSION_SUFFIXES)
    return next((path for path in places if path.exists()), None)


def _fingerprint(level: str) -> str:
    """Return the digest of the sources that a library was built from."""
    fingerprint = load(level).mlcore_fingerprint
    fingerprint.restype = ctypes.c_char_p
    return str(fingerprint().decode())

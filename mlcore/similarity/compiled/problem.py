"""The structures of ``mlcore/native/neighbors.hpp``."""

from __future__ import annotations

from ctypes import Structure, c_double, c_int64, c_void_p
from typing import Any

import numpy as np

from mlcore.native import address

__all__ = ["Problem", "Scratch"]

_NUMBERS = {"i": c_int64, "d": c_double, "p": c_void_p}


def _fields(kinds: str) -> list[tuple[str, Any]]:
    """Return the fields of a structure: of each kind, their names."""
    pairs = (line.split(":") for line in kinds.strip().splitlines())
    return [(name, _NUMBERS[kind.strip()]) for kind, names in pairs for name in names.split()]


class _Arrays(Structure):
    """A structure of numbers and of pointers to arrays, which it keeps alive."""

    def set(self, **values: Any) -> None:
        """Set fields; an array of no length is a null pointer."""
        self.__dict__.setdefault("arrays", {}).update(values)
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value = address(value)
            setattr(self, name, value)

    def drop(self, *names: str) -> None:
        """Forget arrays, which are needed no more."""
        self.set(**dict.fromkeys(names))

    def array(self, name: str) -> Any:
        """Return the array that a field was set to."""
        return self.__dict__["arrays"][name]


class Problem(_Arrays):
    """The layout of X, the formula, the lists and the result; see neighbors.hpp."""

    _fields_ = _fields("""
        i: num_users num_items is_wide has_squares has_weights
        p: order item_begins item_users item_weights
        p: user_begins user_items user_weights user_squares places
        i: num_tiled
        p: tiled
        i: kind
        d: a b shrinkage minimum
        p: owner_terms other_terms least_owner least_other greatest_other
        i: num_neighbors num_listed
        p: list_begins list_sizes list_values list_items limits block_limits locks
        p: out_begins out_sizes out_values out_items
        """)


class Scratch(_Arrays):
    """What one thread works with."""

    _fields_ = _fields("""
        p: counters cooccurrences touched found values items tile entries sums
        """)

"""The structures of ``mlcore/native/neighbors.hpp``, with the formula of a measure in them."""

from __future__ import annotations

from ctypes import Structure, c_double, c_int64, c_void_p
from typing import Any

import numpy as np

from mlcore.native import address
from mlcore.similarity.base import NeighborSettings
from mlcore.similarity.compiled import BLOCK, num_candidates
from mlcore.similarity.formula import Quotient, Terms
from mlcore.types import Float64Array, Int64Array

__all__ = ["Problem", "Scratch", "new_scratch", "set_formula"]

KINDS = {"product": 0, "sum": 1, "tversky": 2}
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


def set_formula(
    problem: Problem, quotient: Quotient, terms: tuple[Terms, Terms], settings: NeighborSettings
) -> None:
    """Set the formula of a problem that is laid out.

    Args:
        terms: of the sources and of the targets, one (I,) float64 each.
    """
    order = problem.array("order")
    (sources,), (targets,) = (tuple(term[order] for term in group) for group in terms)
    owner_is_target = settings.neighborhood == "target"
    owners, others = (targets, sources) if owner_is_target else (sources, targets)
    quotient = quotient if owner_is_target else quotient.swapped()
    least, blocks = settings.min_cooccurrence, np.arange(0, len(order), BLOCK)
    problem.set(
        kind=KINDS[quotient.kind],
        a=quotient.a,
        b=quotient.b,
        shrinkage=settings.shrinkage,
        # 1 drops nothing, and a sum of weights may be below it.
        minimum=float(least) if least > 1 else 0.0,
        owner_terms=owners,
        other_terms=others,
        least_owner=_least(owners, blocks),
        least_other=_least(others, blocks),
        greatest_other=np.maximum.reduceat(others, blocks),
    )


def _least(terms: Float64Array, starts: Int64Array) -> Float64Array:
    """Return the least term of each block of items, (B,) float64; NaN, of an item without users, is 0."""
    return np.minimum.reduceat(np.nan_to_num(terms, nan=0.0, posinf=np.inf, neginf=0.0), starts)


def new_scratch(num_items: int, k: int, counts_users: bool) -> Scratch:
    """Return what one thread works with, but for tiles."""
    num_counters = -(-num_items // BLOCK) * BLOCK
    scratch = Scratch()
    scratch.set(
        counters=np.zeros(num_counters),
        cooccurrences=np.zeros(num_counters if counts_users else 0, np.uint32),
        touched=np.empty(num_items + 1, np.uint32),
        found=np.empty(num_items + 1),
        values=np.empty(num_candidates(k)),
        items=np.empty(num_candidates(k), np.uint32),
    )
    return scratch

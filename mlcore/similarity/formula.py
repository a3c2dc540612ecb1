"""What both kernels compute a value from: the terms of two items and c_ij."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from mlcore.types import Float64Array

__all__ = ["Pairs", "Quotient", "Terms"]

Terms: TypeAlias = tuple[Float64Array, ...]  # numbers of each item, each (I,) or, of pairs, (P,)


class Quotient(NamedTuple):
    """A measure as one of the quotients that the compiled kernel knows, of terms s and t.

    ``product``: a c / (s t + shrinkage); ``sum``: c / (s + t - a c + shrinkage);
    ``tversky``: c / (c + (a (t - c) + b (s - c)) + shrinkage).
    """

    kind: Literal["product", "sum", "tversky"]
    a: float = 0.0
    b: float = 0.0

    def is_symmetric(self, source_terms: Terms, target_terms: Terms) -> bool:
        """Return whether each pair has the same value, to the bit, either way."""
        return self.kind != "tversky" and all(map(np.array_equal, source_terms, target_terms))

    def swapped(self) -> Quotient:
        """Return the formula with t in the place of s, and s in that of t."""
        return self._replace(a=self.b, b=self.a) if self.kind == "tversky" else self


class Pairs(NamedTuple):
    """What a measure is computed from, for P pairs of a source i and a target j.

    Attributes:
        products: (P,) float64 c_ij.
        sources: the terms of item i, float64, as ``source_terms`` returns them: (P,) each, or (1,)
            if all pairs have the same source.
        targets: the terms of item j, likewise.
        num_users: U.
        shrinkage: >= 0.
    """

    products: Float64Array
    sources: Terms
    targets: Terms
    num_users: int
    shrinkage: float

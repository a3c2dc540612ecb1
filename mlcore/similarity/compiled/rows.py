"""Whole rows of the compiled kernel, each compared with all other items, found range by range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlcore.native import call
from mlcore.numeric.ranges import offsets, row_spans
from mlcore.similarity.base import NeighborSettings
from mlcore.similarity.compiled import BLOCK
from mlcore.similarity.compiled.layout import lay_out
from mlcore.similarity.compiled.problem import Problem, new_scratch, set_formula
from mlcore.similarity.formula import Quotient, Terms
from mlcore.similarity.gram import GramBlocks
from mlcore.similarity.rows import Kept, Rows
from mlcore.types import Float64Array, Int64Array

__all__ = ["CompiledRows"]

_NUMBERS = (
    "num_users num_items is_wide has_squares has_weights kind a b shrinkage minimum num_neighbors"
).split()
_ARRAYS = (
    "order item_begins item_users item_weights user_begins user_items user_weights user_squares "
    "owner_terms other_terms least_owner least_other greatest_other"
).split()


class CompiledRows(Rows):
    """Rows by popularity: no lists, no tiles, so that a range needs nothing of another.

    Args:
        values: as ``describe`` gives them.
    """

    kind = "compiled"

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values, self._problem = values, Problem()
        self._problem.set(**{name: values[name] for name in (*_NUMBERS, *_ARRAYS)})
        num_items, k = int(values["num_items"]), int(values["num_neighbors"])
        is_binary = not (values["has_squares"] or values["has_weights"])
        self._scratch = new_scratch(num_items, k, values["minimum"] > 0 and not is_binary)
        self._begins, self._sizes = np.zeros(num_items + 1, np.int64), np.zeros(num_items, np.int64)
        self._counts = np.zeros(num_items, np.int64)
        self._problem.set(
            num_tiled=0,
            num_listed=0,
            limits=np.zeros(num_items),
            out_begins=self._begins,
            out_sizes=self._sizes,
        )

    @classmethod
    def of(
        cls,
        gram: GramBlocks,
        quotient: Quotient,
        terms: tuple[Terms, Terms],
        settings: NeighborSettings,
        threads: int,
    ) -> CompiledRows:
        """Return the rows of a matrix, as ``compiled.kernel.best_compiled`` takes it."""
        problem = Problem()
        lay_out(problem, gram.user_items, gram.is_binary, threads, with_places=False)
        set_formula(problem, quotient, terms, settings)
        problem.set(num_neighbors=min(settings.num_neighbors or gram.num_items, gram.num_items))
        return cls({name: problem.array(name) for name in (*_NUMBERS, *_ARRAYS)})

    def describe(self) -> Mapping[str, Any]:
        """Return the layout and the formula."""
        return {
            name: value if isinstance(value, np.ndarray) else _number(value)
            for name, value in self._values.items()
        }

    @classmethod
    def of_description(cls, values: Mapping[str, Any], measure: Any) -> CompiledRows:
        """Return the rows of a layout and a formula."""
        return cls(values)

    @property
    def items(self) -> Int64Array:
        """The item of each row: most popular first."""
        items: Int64Array = self._values["order"].astype(np.int64)
        return items

    def work(self) -> Float64Array:
        """Return the products of each row, (I,) float64, and what each row takes besides."""
        work = self._count(0, len(self._counts)).astype(np.float64)
        work += np.diff(self._values["item_begins"])
        work += BLOCK
        return work

    def most_kept(self) -> int:
        """Return K."""
        return int(self._values["num_neighbors"])

    def _count(self, begin: int, end: int) -> Int64Array:
        """Return the pairs of a user and another item that each row has, (R,) int64."""
        begins, bounds = self._values["item_begins"][begin : end + 1], self._values["user_begins"]
        counts = np.empty(end - begin, np.int64)
        for first, last, entries in row_spans(begins):
            users = self._values["item_users"][entries]
            lengths = bounds[1:].take(users) - bounds[:-1].take(users) - 1  # (P,) int64
            counts[first:last] = np.diff(offsets(lengths)[begins[first : last + 1] - entries.start])
        return counts

    def find(self, begin: int, end: int) -> Kept:
        """Return the kept pairs of some rows."""
        self._counts[begin:end] = counts = self._count(begin, end)
        self._begins[begin : end + 1] = places = offsets(
            np.minimum(counts, int(self._values["num_neighbors"]))
        )
        values, items = np.empty(places[-1], np.float32), np.empty(places[-1], np.uint32)
        self._problem.set(out_values=values, out_items=items)
        call("compare_rows", self._problem, self._scratch, begin, end, self._counts)
        sizes = self._sizes[begin:end].copy()
        kept = np.arange(places[-1]) - np.repeat(places[:-1], np.diff(places)) < np.repeat(
            sizes, np.diff(places)
        )
        return Kept(sizes, items[kept].astype(np.int32), values[kept])


def _number(value: Any) -> int | float:
    return float(value) if isinstance(value, float) else int(value)

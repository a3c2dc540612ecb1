"""Rows of w found range by range, anywhere: what a worker needs is in files that it maps.

A kernel gives an object of ``Rows``; ``save_rows`` describes it in a folder, and ``registry.open_rows`` makes it
anew, on this machine or another. ``assemble`` puts what the workers find into one matrix. Neither
grows with the entries or the pairs: their arrays are as ``new_array`` makes them.
"""

from __future__ import annotations

import json
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from mlcore.memory.arrays import file_of, new_array
from mlcore.native import is_available
from mlcore.numeric.ranges import offsets
from mlcore.similarity.base import Neighborhood
from mlcore.similarity.compiled.layout import order_lists
from mlcore.similarity.compiled.problem import Problem
from mlcore.similarity.selection import BestOfRows, by_source, round_values
from mlcore.types import CsrMatrix, Float32Array, Float64Array, Int32Array, Int64Array

__all__ = ["Kept", "RowFinder", "Rows", "assemble", "cut_rows", "save_rows"]


class Kept(NamedTuple):
    """The kept pairs of some rows, in any order within a row."""

    sizes: Int64Array  # (R,)
    columns: Int32Array  # (P,) items
    values: Float32Array  # (P,)

    @classmethod
    def of(cls, best: BestOfRows) -> Kept:
        """Return the best pairs of some rows.

        Raises:
            DataError: a value overflows float32.
        """
        return cls(np.diff(best.indptr), best.columns, round_values(best.values))


class Rows(ABC):
    """Rows of w, of the best pairs of an item each.

    Attributes:
        kind: its name in a description.
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def items(self) -> Int64Array:
        """The item of each row, (I,)."""

    @abstractmethod
    def work(self) -> Float64Array:
        """Return about how much work each row is, (I,) float64."""

    @abstractmethod
    def most_kept(self) -> int:
        """Return how many pairs a row keeps at most."""

    @abstractmethod
    def find(self, begin: int, end: int) -> Kept:
        """Return the kept pairs of the rows from ``begin`` to before ``end``.

        Raises:
            DataError: a value overflows float32.
        """

    @abstractmethod
    def describe(self) -> Mapping[str, Any]:
        """Return what ``of_description`` takes: JSON values and arrays, by name.

        ``similarity`` is the object of a configuration.
        """

    @classmethod
    @abstractmethod
    def of_description(cls, values: Mapping[str, Any], measure: Any) -> Rows:
        """Return the rows that were described.

        Args:
            measure: the similarity that ``similarity`` describes, or None without one.
        """


# Finds all rows somewhere, and yields what is kept of them in order.
RowFinder: TypeAlias = Callable[[Rows], Iterator[Kept]]


def save_rows(rows: Rows, folder: Path) -> list[str]:
    """Describe rows in a folder; return the names of all files, that which ``open_rows`` takes first.

    Arrays that map files of the folder stay where they are.
    """
    values: dict[str, Any] = {}
    token = secrets.token_hex(8)
    names = [f"{token}.json"]
    for name, value in rows.describe().items():
        if not isinstance(value, np.ndarray):
            values[name] = value
            continue
        path = file_of(value)
        if path is None or Path(path).parent != folder:
            path = os.fspath(folder / f"{token}-{name}")
            np.ascontiguousarray(value).tofile(path)
        names.append(Path(path).name)
        values[name] = {"file": names[-1], "dtype": value.dtype.str, "length": len(value)}
    document = json.dumps({"kind": rows.kind, "values": values})
    (folder / names[0]).write_text(document, "utf-8")
    return names


def cut_rows(work: Float64Array, number: int) -> list[tuple[int, int]]:
    """Return ranges of rows of about the same work, in order.

    >>> cut_rows(np.array([1.0, 1, 2]), 2)
    [(0, 2), (2, 3)]
    """
    so_far = np.cumsum(work)
    if not len(so_far):
        return []
    cuts = np.searchsorted(so_far, np.linspace(0, so_far[-1], number + 1)[1:-1]) + 1
    bounds = np.unique(np.concatenate([[0], cuts, [len(work)]])).tolist()
    return list(zip(bounds, bounds[1:]))


def assemble(
    parts: Iterable[Kept], rows: Rows, neighborhood: Neighborhood, threads: int
) -> CsrMatrix:
    """Return all kept pairs as a matrix with source items as rows, columns ascending, (I, I) float32.

    Args:
        parts: what is kept of all ``rows``, in order.
        neighborhood: whether rows are targets or sources.
    """
    items, most = rows.items, rows.most_kept()
    num_items = len(items)
    sizes = np.zeros(num_items, np.int64)
    columns, values = (new_array(num_items * most, dtype) for dtype in (np.int32, np.float32))
    row, size = 0, 0
    for part in parts:
        stop, end = row + len(part.sizes), size + len(part.columns)
        sizes[row:stop], columns[size:end], values[size:end] = part
        row, size = stop, end
    assert row == num_items, f"{row} of {num_items} rows"
    begins, order = offsets(sizes), items.astype(np.uint32)
    if not is_available():
        # Then rows are of scipy, in the order of the items.
        best = BestOfRows(begins, columns[:size], values[:size].astype(np.float64))
        return by_source(best, num_items, neighborhood == "target")
    problem = Problem()
    problem.set(
        order=order, out_begins=begins, out_sizes=sizes, out_items=columns, out_values=values
    )
    return order_lists(problem, most, neighborhood, threads)

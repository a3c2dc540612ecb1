"""mlcore.similarity.compiled.problem: the structures are those of neighbors.hpp, field by field."""

from __future__ import annotations

import ctypes
import re
from ctypes import Structure
from pathlib import Path

import numpy as np
import pytest

from mlcore import native
from mlcore.native import call
from mlcore.similarity.compiled import BLOCK, TILE_USERS, num_candidates
from mlcore.similarity.compiled.plan import BINARY, WEIGHTED
from mlcore.similarity.compiled.problem import Problem, Scratch

HEADER_PATH = Path(native.__file__).with_name("neighbors.hpp")
HEADER = HEADER_PATH.read_text("utf-8")


def declared(name: str) -> list[tuple[str, type]]:
    """Return the fields of a structure of the header, each a pointer or of 8 bytes."""
    (body,) = re.findall(rf"^struct {name} {{$(.*?)^}};", HEADER, re.DOTALL | re.MULTILINE)
    fields: list[tuple[str, type]] = []
    for declaration in re.sub(r"//.*", "", body).split(";")[:-1]:
        words = declaration.replace("const ", "").strip()
        kind, names = words.split(maxsplit=1)
        number = {"int64_t": ctypes.c_int64, "double": ctypes.c_double}.get(kind)
        for field in names.split(","):
            pointer = field.strip().startswith("*")
            assert pointer or number is not None, declaration
            fields.append((field.strip(" *"), ctypes.c_void_p if pointer else number))  # type: ignore[arg-type]
    return fields


@pytest.mark.parametrize("structure", [Problem, Scratch])
def test_fields_are_those_of_the_header_in_its_order(structure: type[Structure]) -> None:
    assert [field[:2] for field in structure._fields_] == declared(structure.__name__)


def test_sizes_are_those_of_the_source() -> None:
    source = HEADER_PATH.with_suffix(".cpp").read_text("utf-8")
    sizes = dict(re.findall(r"^constexpr int64_t (\w+) = (\d+);", source, re.MULTILINE))
    names = ("BLOCK", "TILE", "COLUMNS", "RANGE")
    assert [int(sizes[name]) for name in names] == [BLOCK, BINARY.width, WEIGHTED.width, TILE_USERS]
    assert (BINARY.user_bytes, WEIGHTED.user_bytes) == (BINARY.width // 8, 4 * WEIGHTED.width)
    # It cuts a row's candidates after the block that brings them to 2 K.
    assert re.search(r"if \(size >= 2 \* num_neighbors\)\s+truncate\(\);", source)
    assert num_candidates(100) >= 2 * 100 - 1 + BLOCK


@pytest.mark.native
def test_a_function_finds_the_fields_where_they_were_set() -> None:
    # count_below reads num_users, which is first, fields between, and user_items behind both.
    problem, numbers = Problem(), np.full(2, 9, np.uint32)
    begins, items = np.array([0, 2, 3]), np.array([1, 70_000, 3], np.uint32)
    problem.set(num_users=2, is_wide=True, user_begins=begins, user_items=items)
    call("count_below", problem, 3, numbers)
    assert numbers.tolist() == [1, 0]


def test_arrays_live_as_long_as_the_structure_and_none_is_a_null_pointer() -> None:
    problem = Problem()
    problem.set(order=np.arange(3, dtype=np.uint32), tiled=np.empty(0, np.uint32), num_users=2**40)
    assert problem.array("order").tolist() == [0, 1, 2]
    assert problem.order == problem.array("order").ctypes.data
    assert problem.tiled is None and problem.num_users == 2**40
    problem.drop("order")
    assert problem.order is None is problem.array("order")


def test_an_array_with_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="without gaps"):
        Problem().set(order=np.arange(6, dtype=np.uint32)[::2])

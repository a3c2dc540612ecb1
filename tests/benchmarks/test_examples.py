"""The examples in the docstrings of benchmarks."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name", ["big_model", "by_shape", "growth", "markdown", "matrix", "report", "results"]
)
def test_the_examples_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"benchmarks.{name}"))
    assert found.failed == 0 and found.attempted > 0

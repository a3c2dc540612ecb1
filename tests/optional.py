"""Packages that some cases of a test need."""

from __future__ import annotations

import importlib
import os
from importlib.util import find_spec
from typing import Any

import pytest

__all__ = ["optional"]


def optional(name: str) -> Any:
    """Return a package, skip the test without it; with ALL=1 that is a failure."""
    if find_spec(name) is None:
        message = f"{name}: `make setup ALL=1` installs it"
        if os.environ.get("ALL") == "1":
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return importlib.import_module(name)

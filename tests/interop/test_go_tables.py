"""Go's logarithms and powers are those of Python."""

from __future__ import annotations

import numpy as np
import pytest

from interop.tools.go_tables import TABLES, source
from mlcore.numeric.portable import exp2, log1p


def test_the_tables_are_what_their_generator_writes() -> None:
    assert TABLES.read_text("utf-8") == source(), "run python -m interop.tools.go_tables"


@pytest.mark.parametrize("function", [log1p, exp2])
def test_the_known_bits_are_those_of_python(function) -> None:  # type: ignore[no-untyped-def]
    rows = [line.split() for line in (TABLES.parent / "testdata/bits.txt").read_text().splitlines()]
    ours = [(int(x, 16), int(y, 16)) for name, x, y in rows if name == function.__name__]
    x, expected = np.array(ours, np.uint64).T.copy()
    np.testing.assert_array_equal(function(x.view(np.float64)).view(np.uint64), expected)
    assert len(ours) > 100

"""benchmarks.neighbor_agreement: neighbors agree up to ties at the end of a row, or are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks import neighbor_agreement
from benchmarks.matrix import save_matrix
from benchmarks.neighbor_agreement import best_neighbors, find_disagreement, have_same_bits
from mlcore.types import Float64Array

# K = 2: row 0 has two neighbors, row 1 two that tie with a third, row 2 one, row 3 none.
OURS = [[0, 0.5, 0.25, 0], [0.7, 0, 0.3, 0], [0.1, 0, 0, 0], [0, 0, 0, 0.0]]


def changed(*changes: tuple[int, int, float]) -> sp.csr_matrix[np.float64]:
    values: Float64Array = np.array(OURS)
    for row, column, value in changes:
        values[row, column] = value
    return sp.csr_matrix(values)


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (changed(), None),
        (changed((0, 1, 0.5 + 9e-7)), None),
        (changed((0, 0, 1.0), (3, 3, 1.0)), None),  # an item as its own neighbor is left out
        (changed((1, 2, 0), (1, 3, 0.3)), None),  # another choice among ties at the end
        (changed((0, 1, 0.5 + 2e-6)), "1 pairs have another value"),
        (changed((2, 0, 0)), "1 items have another number of neighbors"),
        (changed((1, 2, 0), (1, 3, 0.31)), "1 neighbors of one are none of the other"),
        (changed((0, 1, 0), (0, 3, 0.5)), "1 neighbors of one are none of the other"),
    ],
)
def test_neighbors_that_differ_in_more_than_ties_are_told_apart(
    theirs: sp.csr_matrix[np.float64], expected: str | None, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    neighbors = best_neighbors(changed(), 2), best_neighbors(theirs, 2)
    assert find_disagreement(*neighbors, 1e-6) == expected
    paths = [str(tmp_path / name) for name in ("ours.npz", "theirs.npz")]
    for path, values in zip(paths, (changed(), theirs)):
        save_matrix(path, values)
    status = neighbor_agreement.main(["peer", *paths, "2", "1e-6"])
    shown = capsys.readouterr()
    if expected is None:
        assert status == 0 and json.loads(shown.out)["pairs"] == 5
    else:
        assert status == 1 and shown.err.endswith(f"got: {expected}\n")


def test_the_last_bit_of_a_value_is_seen() -> None:
    nearly = changed((0, 1, np.nextafter(0.5, 1)))
    assert have_same_bits(changed(), changed()) and not have_same_bits(changed(), nearly)

"""benchmarks.list_agreement: lists agree up to ties at their end, or are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks import list_agreement
from benchmarks.list_agreement import find_disagreement
from benchmarks.matrix import save_matrix

# Items 1, 3 and 0 for user 0; nothing for user 1; items 2 and 0 for user 2, of one score.
OURS = [[0.5, 2.0, 0, 1.0], [0, 0, 0, 0], [3.0, 0, 3.0, 0]]


def changed(*changes: tuple[int, int, float]) -> sp.csr_matrix[np.float64]:
    lists = np.array(OURS)
    for user, item, score in changes:
        lists[user, item] = score
    return sp.csr_matrix(lists)


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (changed(), None),
        (changed((0, 1, 2.00009)), None),  # float32 may be so far off
        (changed((0, 0, 0), (0, 2, 0.5)), None),  # the last of the list, and one that ties with it
        (changed((2, 0, 0), (2, 1, 3.0)), None),
        (changed((0, 0, 0)), "1 lists are of another length"),
        (changed((1, 2, 0.1)), "1 lists are of another length"),
        (changed((0, 1, 2.0002)), "1 places have another score"),
        (changed((0, 3, 2.0), (0, 1, 1.0)), "2 items have another score"),
        (changed((0, 3, 0), (0, 2, 1.0)), "2 items of one are none of the other"),
    ],
)
def test_lists_that_differ_in_more_than_ties_are_told_apart(
    theirs: sp.csr_matrix[np.float64], expected: str | None, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert find_disagreement(changed(), theirs) == expected
    paths = [str(tmp_path / name) for name in ("ours.npz", "theirs.npz")]
    for path, matrix in zip(paths, (changed(), theirs)):
        save_matrix(path, matrix)
    assert list_agreement.main(["peer", *paths]) == (0 if expected is None else 1)
    shown = capsys.readouterr().err
    assert shown == (
        "peer: same lists, 3 with 5 items\n"
        if expected is None
        else f"error: peer: expected the lists that mlcore makes, got: {expected}\n"
    )

"""benchmarks: recommenders are timed on lists that agree, and lists that differ are told apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks import list_agreement
from benchmarks.list_agreement import find_disagreement
from benchmarks.matrix import load_matrix, save_matrix
from benchmarks.recommend_worker import LIST_LENGTH, RECOMMENDERS
from mlcore import Recommender, TrainConfig, train_from_data
from tests import oracles

ROOT = Path(__file__).parents[2]
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


@pytest.mark.numba
@pytest.mark.parametrize("name", [name for name in RECOMMENDERS if name.startswith("mlcore")])
def test_each_way_of_ours_makes_the_lists_of_the_recommender(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    x = (rng.random((40, 30)) < 0.2).astype(np.float64)
    x[x.sum(axis=1) == 0, 3] = 1
    model = train_from_data(oracles.interactions_of(x), TrainConfig(num_neighbors=7))
    model.save(tmp_path / "model")
    files = [str(tmp_path / "model"), str(tmp_path / "lists.npz")]
    shown = subprocess.run(
        [sys.executable, "-m", "benchmarks.recommend_worker", name, *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert float(shown.stdout) > 0
    found = load_matrix(files[1])
    assert found.shape == (40, len(model.items))
    recommender = Recommender(model)
    seen_too = name == "mlcore, seen items too"
    for user, user_id in enumerate(recommender.user_ids()):
        listed = recommender.predict(user_id, LIST_LENGTH, include_seen=seen_too)
        expected = {recommender._position(item.item_id): item.score for item in listed}
        row = found[user]
        assert dict(zip(row.indices.tolist(), row.data.tolist())) == expected != {}

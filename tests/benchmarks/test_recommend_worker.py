"""benchmarks.recommend_worker: each way of ours makes the lists of the recommender."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.matrix import load_matrix
from benchmarks.recommend_worker import LIST_LENGTH, RECOMMENDERS
from mlcore import Recommender, TrainConfig, train_from_data
from tests import oracles

ROOT = Path(__file__).parents[2]


@pytest.mark.native
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

"""What people do today: read with pandas, number with factorize, fit with implicit, save.

``python -m benchmarks.pandas_implicit EVENTS OUT K`` leaves in the folder OUT what it takes to
recommend: similarities, histories, and the ids of users and items. Nothing of mlcore is imported.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from implicit.nearest_neighbours import CosineRecommender

__all__ = ["main", "train"]

COLUMNS = {"user_id": str, "item_id": str, "weight": np.float64}


def train(events_path: str, out_dir: Path, k: int) -> None:
    """Read, number, fit and save.

    Args:
        events_path: CSV with the columns ``user_id``, ``item_id`` and perhaps ``weight``.
        out_dir: a folder to be made.
        k: neighbors to keep for each item.
    """
    frame = pd.read_csv(events_path, usecols=lambda name: name in COLUMNS, dtype=COLUMNS)
    users, user_ids = pd.factorize(frame["user_id"])  # (E,), (U,)
    items, item_ids = pd.factorize(frame["item_id"])  # (E,), (I,)
    weights = frame["weight"].to_numpy() if "weight" in frame else np.ones(len(frame))
    user_items = sp.csr_matrix((weights, (users, items)))  # (U, I) float64
    model = CosineRecommender(K=k + 1)  # each item is a neighbor of itself
    with warnings.catch_warnings():  # it warns of how it converts a matrix of its own
        warnings.simplefilter("ignore")
        model.fit(user_items, show_progress=False)
    out_dir.mkdir()
    model.save(str(out_dir / "model.npz"))
    sp.save_npz(out_dir / "user_items.npz", user_items, compressed=False)
    pd.Series(user_ids).to_csv(out_dir / "users.csv", header=["user_id"])
    pd.Series(item_ids).to_csv(out_dir / "items.csv", header=["item_id"])


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    events_path, out_dir, k = argv
    train(events_path, Path(out_dir), int(k))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

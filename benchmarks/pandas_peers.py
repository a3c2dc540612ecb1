"""What a user of a peer would write: read with pandas, number with factorize, fit, save.

``python -m benchmarks.pandas_peers PEER EVENTS OUT K`` writes to the new folder OUT what
recommending needs: similarities, histories, and the ids of users and items. Imports nothing of mlcore.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

__all__ = ["FITS", "main", "train"]

COLUMNS = {"user_id": str, "item_id": str, "weight": np.float64}


def _fit_implicit(user_items: Any, k: int, out_dir: Path) -> None:
    from implicit.nearest_neighbours import CosineRecommender

    model = CosineRecommender(K=k + 1)  # each item is a neighbor of itself
    with warnings.catch_warnings():  # it warns of how it converts a matrix of its own
        warnings.simplefilter("ignore")
        model.fit(user_items, show_progress=False)
    model.save(str(out_dir / "model.npz"))


def _fit_similaripy(user_items: Any, k: int, out_dir: Path) -> None:
    import similaripy

    item_users = user_items.T.tocsr().astype(np.float32)  # it computes in float32 anyway
    similarity = similaripy.cosine(item_users, k=k + 1, verbose=False, format_output="csr")
    sp.save_npz(out_dir / "model.npz", similarity, compressed=False)


FITS: dict[str, Callable[[Any, int, Path], None]] = {
    "implicit": _fit_implicit,
    "similaripy": _fit_similaripy,
}


def train(peer: str, events_path: str, out_dir: Path, k: int) -> None:
    """Read, number, fit and save.

    Args:
        peer: one of ``FITS``.
        events_path: CSV with the columns ``user_id``, ``item_id`` and perhaps ``weight``.
    """
    frame = pd.read_csv(events_path, usecols=lambda name: name in COLUMNS, dtype=COLUMNS)
    users, user_ids = pd.factorize(frame["user_id"])  # (E,), (U,)
    items, item_ids = pd.factorize(frame["item_id"])  # (E,), (I,)
    weights = frame["weight"].to_numpy() if "weight" in frame else np.ones(len(frame))
    del frame
    user_items = sp.csr_matrix((weights, (users, items)))  # (U, I) float64
    out_dir.mkdir()
    FITS[peer](user_items, k, out_dir)
    sp.save_npz(out_dir / "user_items.npz", user_items, compressed=False)
    pd.Series(user_ids).to_csv(out_dir / "users.csv", header=["user_id"])
    pd.Series(item_ids).to_csv(out_dir / "items.csv", header=["item_id"])


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    peer, events_path, out_dir, k = argv
    train(peer, events_path, Path(out_dir), int(k))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

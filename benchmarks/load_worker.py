"""The contestants of the loading benchmark: from a model on disk to the first list of a new process.

``python -m benchmarks.load_worker NAME FOLDER USER`` opens what ``benchmarks.big_model`` has written,
recommends to the user at that position, and prints the seconds and the items as JSON. Imports are
not timed. ``implicit`` gets positions, since it keeps no ids.
"""

from __future__ import annotations

import json
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

__all__ = ["LIST_LENGTH", "LOADERS", "main", "user_name"]

LIST_LENGTH = 10

Answer: TypeAlias = Callable[[Path, int], list[str]]  # folder and user in, items out


def user_name(user: int) -> str:
    """Return the id of a user of the synthetic model."""
    return f"u{user:06}"


def _mlcore() -> Answer:
    from mlcore import Recommender

    def answer(folder: Path, user: int) -> list[str]:
        found = Recommender.load(folder / "model").predict(user_name(user), n=LIST_LENGTH)
        return [one.item_id for one in found]

    return answer


def _implicit() -> Answer:
    from implicit.nearest_neighbours import CosineRecommender

    def answer(folder: Path, user: int) -> list[str]:
        recommender = CosineRecommender.load(str(folder / "implicit.npz"))
        histories = sp.csr_matrix(sp.load_npz(folder / "histories.npz"))
        items, _ = recommender.recommend(user, histories[user], N=LIST_LENGTH)
        return [f"i{item:06}" for item in items.tolist()]

    return answer


def _pickle() -> Answer:
    def answer(folder: Path, user: int) -> list[str]:
        with open(folder / "model.pickle", "rb") as file:
            similarity, histories, positions, item_ids = pickle.load(file)
        history = histories[positions[user_name(user)]]
        scores = (history.astype(np.float64) @ similarity).toarray().ravel()  # (I,)
        scores[history.indices] = -np.inf
        best = np.argpartition(-scores, LIST_LENGTH)[:LIST_LENGTH]
        return [item_ids[item] for item in best[np.argsort(-scores[best], kind="stable")]]

    return answer


LOADERS: dict[str, Callable[[], Answer]] = {
    "mlcore": _mlcore,
    "implicit": _implicit,
    "pickle of scipy matrices": _pickle,
}


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    name, folder, user = argv
    answer = LOADERS[name]()
    begun = time.perf_counter()
    items = answer(Path(folder), int(user))
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "items": items}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""A synthetic model of a given size, as our directory and in the formats of peers.

``python -m benchmarks.big_model FOLDER MEGABYTES`` writes ``FOLDER/model`` (ours),
``FOLDER/implicit.npz`` with ``FOLDER/histories.npz``, and ``FOLDER/model.pickle``. Neighbors,
histories and values are random: opening and answering do not depend on them.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from benchmarks.report import log, run
from mlcore import Model, TrainConfig
from mlcore.errors import ConfigError
from mlcore.ids import IdMap
from mlcore.types import CsrMatrix, Int32Array

__all__ = ["ITEMS", "USERS", "main", "make_model", "num_neighbors_for", "spread_columns"]

USERS, HISTORY_LENGTH = 138_493, 155  # as MovieLens 20M
ITEMS = 100_000
BYTES_OF_ENTRY = 8
ROWS_AT_ONCE = 4096  # changes memory only


def num_neighbors_for(megabytes: int) -> int:
    """Return the number of pairs of each item in a model of this size.

    Args:
        megabytes: of all arrays; histories take 172 of them.

    Raises:
        ConfigError: no number of pairs gives that.

    >>> num_neighbors_for(1000)
    1035
    """
    histories = USERS * HISTORY_LENGTH * BYTES_OF_ENTRY
    k = (megabytes * 10**6 - histories) // (ITEMS * BYTES_OF_ENTRY)
    if not 1 <= k <= ITEMS // 2:
        raise ConfigError(f"megabytes: expected from 200 to 40000, got {megabytes}")
    return k


def spread_columns(
    rows: int, num_columns: int, length: int, rng: np.random.Generator
) -> Int32Array:
    """Return (rows, length) ascending columns, one anywhere in each of ``length`` equal parts.

    Args:
        num_columns: at least 2 * length, so that each part has two columns or more.
    """
    bounds = np.arange(length + 1) * num_columns // length  # (length + 1,)
    columns = rng.integers(bounds[:-1], bounds[1:], (rows, length), dtype=np.int64)
    return columns.astype(np.int32)


def make_model(k: int, seed: int = 1) -> Model:
    """Return a model of random pairs and histories."""
    rng = np.random.default_rng(seed)
    similarity = _random_matrix(ITEMS, k, rng, with_diagonal=False)
    histories = _random_matrix(USERS, HISTORY_LENGTH, rng)
    return Model(
        config_json=TrainConfig(num_neighbors=k).to_json(),
        items=IdMap.from_ids(f"i{number:06}" for number in range(ITEMS)),
        similarity=similarity,
        popularity=np.bincount(histories.indices, minlength=ITEMS).astype(np.int64),
        num_users=USERS,
        num_interactions=histories.num_entries,
        interactions_sha256=hashlib.sha256(b"synthetic").hexdigest(),
        users=IdMap.from_ids(f"u{number:06}" for number in range(USERS)),
        histories=histories,
    )


def _random_matrix(
    rows: int, length: int, rng: np.random.Generator, with_diagonal: bool = True
) -> CsrMatrix:
    columns = np.empty((rows, length), np.int32)
    for begin in range(0, rows, ROWS_AT_ONCE):
        part = columns[begin : begin + ROWS_AT_ONCE]
        part[:] = spread_columns(len(part), ITEMS, length, rng)
    if not with_diagonal:
        row, place = np.nonzero(columns == np.arange(rows)[:, None])
        bounds = np.arange(length + 1) * ITEMS // length
        # The next column, or the one before at the end of the part: others stay where they are.
        columns[row, place] += np.where(row + 1 < bounds[place + 1], 1, -1).astype(np.int32)
    data = rng.random(rows * length, np.float32) + np.float32(0.5)
    return CsrMatrix(np.arange(rows + 1) * length, columns.ravel(), data, ITEMS)


def _write_peers(model: Model, folder: Path) -> None:
    from implicit.nearest_neighbours import CosineRecommender

    assert model.histories is not None and model.users is not None
    similarity = _as_scipy(model.similarity)
    histories = _as_scipy(model.histories)
    recommender = CosineRecommender(K=similarity.nnz // ITEMS)
    recommender.similarity = similarity.astype(np.float64)  # what its training leaves
    recommender.save(str(folder / "implicit.npz"))
    sp.save_npz(folder / "histories.npz", histories.astype(np.float64), compressed=False)
    positions = {user_id: index for index, user_id in enumerate(model.users.ids)}
    content = (similarity, histories, positions, list(model.items.ids))
    with open(folder / "model.pickle", "wb") as file:
        pickle.dump(content, file, protocol=pickle.HIGHEST_PROTOCOL)


def _as_scipy(matrix: CsrMatrix) -> sp.csr_matrix[np.float32]:
    arrays = matrix.data, matrix.indices, matrix.indptr
    return sp.csr_matrix(arrays, (matrix.num_rows, matrix.num_columns))


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    folder, megabytes = Path(argv[0]), int(argv[1])

    def work() -> int:
        model = make_model(num_neighbors_for(megabytes))
        log("write the model")
        folder.mkdir(parents=True, exist_ok=True)
        _write_peers(model, folder)
        model.save(folder / "model", overwrite=True)  # last: what is there then is complete
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

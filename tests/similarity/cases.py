"""What tests of similarities share: random data, neighbors found, and comparisons with dense ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.progress import no_progress
from mlcore.sequences import Sequences
from mlcore.similarity import SIMILARITIES, GramBlocks, Neighborhood, NeighborSettings
from mlcore.similarity.pairs import PairSimilarity
from mlcore.types import CsrMatrix
from tests import oracles

NAMES = sorted(SIMILARITIES)
MEASURES = [name for name in NAMES if issubclass(SIMILARITIES[name], PairSimilarity)]
NEIGHBORHOODS: list[Neighborhood] = ["target", "source"]


def measure(name: str, **parameters: Any) -> PairSimilarity:
    made = SIMILARITIES[name](**parameters)
    assert isinstance(made, PairSimilarity)
    return made


def settings_for(
    name: str,
    num_neighbors: int | None,
    neighborhood: Neighborhood,
    shrinkage: float = 0.0,
    min_cooccurrence: int = 1,
) -> NeighborSettings:
    """Return the settings, without those that the similarity refuses."""
    similarity = SIMILARITIES[name]
    return NeighborSettings(
        num_neighbors,
        neighborhood,
        shrinkage if similarity.uses_shrinkage else 0.0,
        min_cooccurrence if similarity.uses_min_cooccurrence else 1,
    )


def random_x(num_users: int, num_items: int, seed: int, weighted: bool) -> oracles.Dense:
    """Popular and rare items and one without users; no user has so many that tf_idf refuses them."""
    rng = np.random.default_rng(seed)
    taken = num_items - 1
    chances = 1 / np.arange(1, taken + 1)
    x = np.zeros((num_users, num_items))
    for row in x:
        count = int(rng.integers(1, taken))
        items = rng.choice(taken, count, replace=False, p=chances / chances.sum())
        row[items] = rng.lognormal(0, 2, count) if weighted else 1
    return x


def sequences_of(matrix: CsrMatrix) -> Sequences:
    """Return the entries as one event each, in an order of no meaning, with equal times."""
    users, items = matrix.row_of_entry(), matrix.indices
    return Sequences.of(users, items, (users * 7 + items * 5) % 11, matrix.num_rows)


def find(
    x: npt.NDArray[Any],
    name: str = "cosine",
    num_neighbors: int | None = None,
    neighborhood: Neighborhood = "target",
    shrinkage: float = 0.0,
    min_cooccurrence: int = 1,
    threads: int = 1,
    max_block_entries: int | None = None,
    **parameters: Any,
) -> CsrMatrix:
    settings = settings_for(name, num_neighbors, neighborhood, shrinkage, min_cooccurrence)
    matrix = oracles.sparse(x.astype(np.float32))
    gram = GramBlocks(matrix, None, max_block_entries, sequences_of(matrix))
    return SIMILARITIES[name](**parameters).neighbors(gram, settings, threads, no_progress)


def assert_same_bits(found: CsrMatrix, expected: npt.NDArray[np.float32]) -> None:
    """Compare a result with a dense one, and check that it is a canonical sparse matrix."""
    arrays = (found.indptr, found.indices, found.data, expected)
    assert [array.dtype for array in arrays] == ["int64", "int32", "float32", "float32"]
    assert found.indptr[0] == 0 and found.indptr[-1] == len(found.indices) == len(found.data)
    for row in range(found.num_rows):
        columns, values = found.row(row)
        assert (np.diff(columns) > 0).all()
        assert row not in columns
        assert (values != 0).all()
    assert oracles.dense(found).view(np.int32).tolist() == expected.view(np.int32).tolist()


def assert_close(found: CsrMatrix, expected: npt.NDArray[np.float32]) -> None:
    """Compare with a dense one: the same pairs, values that differ in the last bits at most."""
    values = oracles.dense(found)
    assert ((values != 0) == (expected != 0)).all()
    # Centred weights are rounded to float32, and sums of them cancel.
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-7)


def bits(matrix: CsrMatrix) -> tuple[bytes, bytes, bytes]:
    return matrix.indptr.tobytes(), matrix.indices.tobytes(), matrix.data.tobytes()


def assert_by_hand(name: str, parameters: dict[str, Any], ab: float, ba: float, ac: float) -> None:
    """Compare with values worked by hand, with shrinkage 1; ab is source a, target b.

    Users 0 to 5. a is had by 0123, b by 01, c by 034. So n = (4, 2, 3), N = 6; c_ab = 2, c_ac = 2,
    c_bc = 1.
    """
    x = np.zeros((6, 3))
    x[:4, 0] = x[:2, 1] = x[[0, 3, 4], 2] = 1
    kept = oracles.dense(find(x, name, shrinkage=1.0, **parameters))
    np.testing.assert_allclose([kept[0, 1], kept[1, 0], kept[0, 2]], [ab, ba, ac], rtol=1e-7)

"""mlcore.evaluate.diversity: 1 - the mean similarity of the pairs of a list."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.sparse as sp

from mlcore.errors import CsrError
from mlcore.evaluate import diversity
from mlcore.evaluate.diversity import list_diversity
from mlcore.types import CsrMatrix, Float64Array, Int32Array

NUM_ITEMS = 23


def matrix_of(dense: Sequence[Sequence[float]] | Float64Array) -> CsrMatrix:
    return CsrMatrix.from_scipy(sp.csr_matrix(np.array(dense, np.float32)))


def random_matrix(seed: int, density: float, least: float = 0.0) -> Float64Array:
    """Not symmetric; one item is similar to none, and the values are those of float32."""
    rng = np.random.default_rng(seed)
    dense = rng.uniform(least, 3, (NUM_ITEMS, NUM_ITEMS)) * (rng.random((NUM_ITEMS,) * 2) < density)
    np.fill_diagonal(dense, 0)
    dense[4] = dense[:, 4] = 0
    return dense.astype(np.float32).astype(np.float64)


def random_lists(seed: int) -> Int32Array:
    """Lists of any length from 0 on."""
    rng = np.random.default_rng(seed)
    ranked = np.array([rng.permutation(NUM_ITEMS)[:12] for _ in range(50)], np.int32)
    ranked[np.arange(12) >= rng.integers(0, 13, (50, 1))] = -1
    return ranked


def by_the_formula(ranked: Int32Array, dense: Float64Array, n: int) -> list[float]:
    greatest = np.abs(dense).max()
    values = []
    for row in ranked.tolist():
        items = [item for item in row[:n] if item >= 0]
        pairs = [dense[i, j] / greatest for i in items for j in items if i != j]
        values.append(1 - math.fsum(pairs) / len(pairs) if pairs else math.nan)
    return values


def test_diversity_is_what_the_hand_computes() -> None:
    # The greatest value is 0.8. Of the list 2, 0, 1 all six ordered pairs: w(2, 0) = 0.4,
    # w(0, 2) = 0.8, w(1, 0) = -0.2, the other three are not stored.
    similarity = matrix_of([[0, 0, 0.8], [-0.2, 0, 0], [0.4, 0, 0]])
    found = list_diversity(np.array([[2, 0, 1]], np.int32), similarity, [3, 2, 1])
    by_hand = [1 - (0.4 + 0.8 - 0.2) / 0.8 / 6, 1 - (0.4 + 0.8) / 0.8 / 2, math.nan]
    assert found[0] == pytest.approx(by_hand, abs=1e-7, nan_ok=True)


@pytest.mark.parametrize("least", [0.0, -2.0])
@pytest.mark.parametrize("density", [0.05, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_diversity_is_that_of_a_plain_loop(seed: int, density: float, least: float) -> None:
    dense, ranked = random_matrix(seed, density, least), random_lists(seed)
    cutoffs = [12, 2, 5, 1]  # in any order
    found = list_diversity(ranked, matrix_of(dense), cutoffs)
    assert found.shape == (50, 4) and found.dtype == np.float64
    for column, n in enumerate(cutoffs):
        oracle = by_the_formula(ranked, dense, n)
        assert found[:, column] == pytest.approx(oracle, abs=1e-12, nan_ok=True)
    assert np.isnan(found[:, 3]).all() and len(set(found[:, 0].tolist())) > 20


@pytest.mark.parametrize("cells", [1, 40, 300])
def test_no_block_size_changes_a_bit(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    similarity, ranked = matrix_of(random_matrix(7, 0.5, -2)), random_lists(7)
    whole = list_diversity(ranked, similarity, [3, 10])
    for name in ("LIST_CELLS", "PAIR_CELLS", "ROW_CELLS"):
        monkeypatch.setattr(diversity, name, cells)
        assert list_diversity(ranked, similarity, [3, 10]).tobytes() == whole.tobytes(), name


def test_other_lists_and_other_cutoffs_change_no_bit() -> None:
    similarity, ranked = matrix_of(random_matrix(8, 0.5)), random_lists(8)
    whole = list_diversity(ranked, similarity, [2, 7, 10])
    order = np.random.default_rng(8).permutation(50)
    assert np.array_equal(
        list_diversity(ranked[order], similarity, [2, 7, 10]), whole[order], equal_nan=True
    )
    for column, n in enumerate([2, 7, 10]):
        alone = list_diversity(ranked, similarity, [n])[:, 0]
        assert alone == pytest.approx(whole[:, column], abs=1e-15, nan_ok=True)


def test_an_item_is_no_pair_with_itself_though_the_matrix_stores_one() -> None:
    similarity = matrix_of([[4, 1], [0, 0]])
    found = list_diversity(np.array([[0, 1]], np.int32), similarity, [2])
    assert found.tolist() == [[1 - (1 / 4) / 2]]


def test_without_similarities_all_items_are_different() -> None:
    nothing = CsrMatrix(np.zeros(4, np.int64), np.empty(0, np.int32), np.empty(0, np.float32), 3)
    zeros = CsrMatrix(np.array([0, 1, 1, 1]), np.array([1], np.int32), np.zeros(1, np.float32), 3)
    for similarity in (nothing, zeros):
        found = list_diversity(np.array([[1, 0], [2, -1], [-1, -1]], np.int32), similarity, [2])
        assert np.array_equal(found, [[1.0], [math.nan], [math.nan]], equal_nan=True)


def test_no_list_at_all_has_no_diversity() -> None:
    found = list_diversity(np.empty((0, 5), np.int32), matrix_of(np.eye(2)), [5, 2])
    assert found.shape == (0, 2)


def test_items_that_are_all_alike_have_diversity_0_and_all_opposite_2() -> None:
    ranked = np.array([[0, 2, 1]], np.int32)
    alike = np.ones((3, 3)) - np.eye(3)
    assert list_diversity(ranked, matrix_of(5 * alike), [3]).tolist() == [[0]]
    assert list_diversity(ranked, matrix_of(-5 * alike), [3]).tolist() == [[2]]


@pytest.mark.parametrize(("position", "value"), [(2, 0.5), (-1, 0.5), (0, np.nan), (0, np.inf)])
def test_a_faulty_matrix_is_refused(position: int, value: float) -> None:
    similarity = CsrMatrix(
        np.array([0, 0, 1]), np.array([position], np.int32), np.array([value], np.float32), 2
    )
    with pytest.raises(CsrError, match="^similarity.npz: "):
        list_diversity(np.array([[0, 1]], np.int32), similarity, [2])

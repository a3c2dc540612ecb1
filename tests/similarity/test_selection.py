"""mlcore.similarity.selection: the best of each row are kept, whatever the blocks, and float32 holds them."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore import DataError
from mlcore.progress import no_progress
from mlcore.similarity import Neighborhood
from mlcore.similarity.selection import BestOfRows, best_of_columns, best_of_rows, by_source
from tests import oracles
from tests.similarity.cases import NEIGHBORHOODS, assert_same_bits, find


def test_a_similarity_above_float32_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        find(np.array([[1e30, 1e30]]), "dot")
    assert str(caught.value) == (
        "similarity: expected values that float32 holds, got one above 3.4e38"
    )
    assert caught.value.hint == "divide the weights by a common factor"


@pytest.mark.parametrize(
    ("x", "min_cooccurrence"),
    [
        pytest.param(np.array([[1e30, 1e-30]]), 1, id="on the diagonal"),
        pytest.param(np.array([[1e30, 1e30, 0], [0, 0.6, 1], [0, 0.4, 1]]), 2, id="of a rare pair"),
    ],
)
def test_what_is_not_kept_may_be_above_float32(x: oracles.Dense, min_cooccurrence: int) -> None:
    found = find(x, "dot", min_cooccurrence=min_cooccurrence)
    assert found.data.tolist() == [1, 1]  # as 1e30 * 1e-30, and as 1 * 1


@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
def test_values_that_round_to_0_in_float32_are_dropped_and_subnormal_ones_kept(
    neighborhood: Neighborhood,
) -> None:
    # Half of the least float32, 2^-149, is a tie and rounds to even, 0; a bit more rounds up.
    x = np.array([[2.0**-75, 2.0**-75, 2.0**-75 * 1.5]])
    found = find(x, "dot", neighborhood=neighborhood)
    expected = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]], np.float32) * np.float32(2.0**-149)
    assert_same_bits(found, expected)


def test_values_that_round_to_0_do_not_take_the_places_of_negative_ones() -> None:
    # With item 0: 2^-149, the least float32; 2^-151 and 2^-152, which round to 0; below 0.
    x = np.array([[2.0**-75, 2.0**-74, 2.0**-76, 2.0**-77, -1, -2]])
    kept = oracles.dense(find(x, "dot", 2, "source"))
    assert kept[0].tolist() == [0, 2.0**-149, 0, 0, -(2.0**-75), 0]


def test_a_row_with_more_entries_than_are_kept_is_refused_above_float32() -> None:
    with pytest.raises(DataError, match="above 3.4e38"):
        find(np.array([[1.0, 1, 1, 1e30, 1e30, 1]]), "dot", 1)


@pytest.mark.parametrize("k", [1, 3, None])
@pytest.mark.parametrize("cuts", [[0, 8], [0, 1, 5, 8]])
def test_the_best_of_rows_and_columns_are_those_of_a_full_sort(
    k: int | None, cuts: list[int]
) -> None:
    rng = np.random.default_rng(1)
    w = np.round(rng.normal(size=(8, 8)), 1) * (rng.random((8, 8)) < 0.6)  # ties and zeros
    np.fill_diagonal(w, 9.0)
    present = w != 0
    matrix = oracles.sparse(w.astype(np.float32)).to_scipy()
    parts = best_of_rows(
        list(zip(cuts, cuts[1:])),
        lambda begin, end: matrix[begin:end],
        lambda rows, columns, products: products,
        k,
        1,
        no_progress,
    )
    arrays = [np.concatenate(arrays) for arrays in zip(*((p.columns, p.values) for p in parts))]
    lengths = np.concatenate([np.diff(part.indptr) for part in parts])
    found = BestOfRows(np.concatenate([[0], np.cumsum(lengths)]), *arrays)
    values = matrix.toarray()
    assert_same_bits(by_source(found, 8, False), oracles.neighbors(values, present, k, "source"))
    whole = best_of_rows([(0, 8)], lambda *_: matrix, lambda *a: a[2], None, 1, no_progress)[0]
    columns = best_of_columns(whole, 8, k)
    assert_same_bits(by_source(columns, 8, True), oracles.neighbors(values, present, k, "target"))

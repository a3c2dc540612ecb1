"""mlcore.similarity.gram: X' X in blocks that are exact, bounded, and kept within a budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlcore.similarity.products
from mlcore.similarity import SIMILARITIES, CacheBudget, GramBlocks
from tests import oracles
from tests.similarity.cases import bits, find, random_x


@pytest.mark.parametrize("dense", [0, np.inf])
@pytest.mark.parametrize("is_binary", [True, False])
def test_products_are_sums_over_common_users_and_none_is_0(
    is_binary: bool, dense: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of items 0 and 3 the sum is 2 * 3 - 3 * 2 = 0, of items 0 and 4 there is no user.
    x = np.array([[2, 1, 0, 3, 0], [3, 1, 1, -2, 0], [0, 0, 0, 0, 5.0]])
    x = (x > 0).astype(np.float64) if is_binary else x
    monkeypatch.setattr("mlcore.similarity.products.DENSE", dense)
    products = GramBlocks(oracles.sparse(x.astype(np.float32)), None, 10).products
    found = [products.rows(*block) for block in products.blocks]
    assert {str(block.dtype) for block in found} == {"uint16" if is_binary else "float64"}
    assert np.vstack([block.toarray() for block in found]).tolist() == (x.T @ x).tolist()
    assert all((block.data != 0).all() for block in found)


def test_counts_have_a_type_that_holds_the_users_of_every_item() -> None:
    for num_users, kind in ((2**16 - 1, np.uint16), (2**16, np.uint32)):
        products = GramBlocks(oracles.sparse(np.ones((num_users, 2), np.float32))).products
        rows = products.rows(0, 2)
        assert rows.dtype == kind and rows.toarray().tolist() == [[num_users] * 2] * 2


@pytest.mark.parametrize(("max_block_entries", "num_blocks"), [(1, 6), (12, 3), (13, 3), (36, 1)])
def test_blocks_hold_as_many_rows_as_their_bound_allows(
    max_block_entries: int, num_blocks: int
) -> None:
    # Each of the 6 rows of the product may have all 6 entries.
    user_items = oracles.sparse(np.ones((2, 6), np.float32))
    blocks = GramBlocks(user_items, None, max_block_entries).products.blocks
    assert [end for _, end in blocks] == [6 * (n + 1) // num_blocks for n in range(num_blocks)]


def test_norms_sums_and_users_are_those_of_dense_columns() -> None:
    x = random_x(30, 12, seed=2, weighted=True).astype(np.float32)
    gram, wide = GramBlocks(oracles.sparse(x)), x.astype(np.float64)
    np.testing.assert_allclose(gram.norms, (wide**2).sum(axis=0), rtol=1e-14)
    np.testing.assert_allclose(gram.sums, wide.sum(axis=0), rtol=1e-14)
    assert gram.users.tolist() == gram.binary.norms.tolist() == (x > 0).sum(axis=0).tolist()


def test_blocks_are_kept_until_the_budget_is_used() -> None:
    matrix = oracles.sparse(random_x(60, 40, seed=3, weighted=True).astype(np.float32))
    kept = CacheBudget(4000)
    products = GramBlocks(matrix, kept, max_block_entries=60).products
    again = [products.rows(*block) is products.rows(*block) for block in products.blocks]
    assert again[0] and not all(again)
    assert 0 < kept.used <= 4000


UNCOUNTED = ("ease", "slim", "sequential_rules")  # which read no block of X' X, or one matrix


@pytest.mark.parametrize("name", [name for name in SIMILARITIES if name not in UNCOUNTED])
def test_indices_of_int64_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As scipy has them from 2^31 entries on.
    x = random_x(60, 30, seed=4, weighted=True)
    expected = bits(find(x, name, 5))
    plain_to_scipy = mlcore.similarity.products.to_scipy
    wide: list[Any] = []

    def to_scipy(*arguments: Any) -> Any:
        matrix = plain_to_scipy(*arguments)
        matrix.indptr = matrix.indptr.astype(np.int64)
        matrix.indices = matrix.indices.astype(np.int64)
        wide.append(matrix)
        return matrix

    monkeypatch.setattr("mlcore.similarity.products.to_scipy", to_scipy)
    assert bits(find(x, name, 5)) == expected and wide

"""mlcore.similarity.products: rows of X' X are those of a dense product, whichever way they are summed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlcore.similarity import products
from mlcore.similarity.products import CountProduct, HalfProduct
from tests import oracles
from tests.similarity.cases import random_x


def counts_of(x: Any) -> CountProduct:
    return CountProduct(oracles.sparse(x.astype(np.float32)))


@pytest.mark.parametrize("heads", [(), (1, 7), (20,)])
@pytest.mark.parametrize("copied", [1, 50, 10**6])
@pytest.mark.parametrize("cells", [1, 60, 10**6])
def test_counts_are_those_of_a_dense_product(
    heads: tuple[int, ...], copied: int, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, number in {"HEADS": heads, "COPIED": copied, "CELLS": cells}.items():
        monkeypatch.setattr(products, name, number)
    monkeypatch.setattr(products, "DENSE_SPEED", np.inf)  # the longest head
    x = random_x(40, 20, seed=1, weighted=False)
    for per_count in (0, np.inf):
        monkeypatch.setattr(products, "CELLS_PER_COUNT", per_count)  # all by scipy, or none
        product = counts_of(x)
        assert product._head == max(heads, default=0)
        for begin, end in ((0, 20), (3, 4), (5, 11)):
            rows = product.rows(begin, end)
            assert (rows.data > 0).all()
            assert rows.toarray().tolist() == (x.T @ x)[begin:end].tolist()


def test_a_dense_product_counts_where_it_saves_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "HEADS", (2, 4, 8))
    x = np.zeros((10, 8))
    x[:, :4] = 1
    x[0] = 1
    monkeypatch.setattr(products, "DENSE_SPEED", 2)
    assert counts_of(x)._head == 4
    assert counts_of(x[:, ::-1])._head == 4, "whatever the order of items"
    assert counts_of(np.eye(8))._head == 0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("max_block_entries", [1, 30, 10**6])
def test_half_a_product_is_what_lies_below_the_diagonal(
    weighted: bool, max_block_entries: int
) -> None:
    x = np.round(random_x(40, 20, seed=3, weighted=weighted), 0)  # sums are exact in any order
    x[:, 7] = 0  # nobody has it
    half = HalfProduct(oracles.sparse(x.astype(np.float32)), max_block_entries)
    found = np.vstack([half.rows(*block).toarray() for block in half.blocks])
    assert (np.diff((x[:, half.order] > 0).sum(axis=0)) <= 0).all()
    assert found.tolist() == np.tril((x.T @ x)[np.ix_(half.order, half.order)], -1).tolist()

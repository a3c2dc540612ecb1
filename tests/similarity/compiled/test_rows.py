"""mlcore.similarity.compiled.rows: whole rows, by nothing but the layout."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.similarity import Cosine, GramBlocks, NeighborSettings
from mlcore.similarity.compiled.rows import CompiledRows
from tests import oracles

pytestmark = pytest.mark.native


@pytest.mark.parametrize("is_binary", [True, False])
def test_rows_are_those_of_the_formula_in_any_order_of_calls(is_binary: bool) -> None:
    rng = np.random.default_rng(5)
    x = (rng.random((80, 30)) < 0.2) * (1.0 if is_binary else rng.integers(1, 5, (80, 30)))
    measure, gram = Cosine(), GramBlocks(oracles.sparse(x))
    quotient, terms = measure.quotient(80), (measure.source_terms(gram), measure.target_terms(gram))
    assert quotient is not None
    rows = CompiledRows.of(gram, quotient, terms, NeighborSettings(3, "source"), threads=2)
    users = (x > 0).sum(axis=0)
    assert rows.items.tolist() == np.argsort(-users, kind="stable").tolist()
    dense = oracles.similarity("cosine", x, 0.0)
    np.fill_diagonal(dense, 0)
    for begin, end in ((20, 30), (0, 7), (6, 21), (0, 30)):
        found = rows.find(begin, end)
        bounds = np.concatenate([[0], np.cumsum(found.sizes)])
        for place, item in enumerate(rows.items[begin:end].tolist()):
            span = slice(bounds[place], bounds[place + 1])
            best = np.sort(dense[item])[::-1][:3]
            assert np.sort(found.values[span])[::-1] == pytest.approx(best[best > 0], rel=1e-6)
            assert found.values[span] == pytest.approx(dense[item][found.columns[span]], rel=1e-6)


def test_the_work_of_a_row_is_its_products() -> None:
    x = np.array([[1.0, 1, 1], [1, 1, 0], [1, 0, 0]])
    measure, gram = Cosine(), GramBlocks(oracles.sparse(x))
    quotient, terms = measure.quotient(3), (measure.source_terms(gram), measure.target_terms(gram))
    assert quotient is not None
    rows = CompiledRows.of(gram, quotient, terms, NeighborSettings(3), threads=1)
    # Pairs of a user and another item, the users themselves, and a block.
    assert rows.work().tolist() == [3 + 3 + 64, 3 + 2 + 64, 2 + 1 + 64]

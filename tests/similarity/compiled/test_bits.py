"""mlcore.similarity.compiled.bits: pairs counted as common bits are the product of the matrix."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.similarity.compiled import TILE, bits
from mlcore.similarity.compiled.layout import make_layout
from tests import oracles


@pytest.mark.parametrize("num_users", [1, 64, 200])
def test_common_bits_are_common_users(num_users: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(num_users)
    x = (rng.random((num_users, 2 * TILE)) < 0.4).astype(np.float32)
    layout = make_layout(oracles.sparse(x), True, 1)
    sets = np.zeros((2 * TILE, -(-num_users // 64)), np.uint64)
    bits.set_bits(layout, sets)
    sorted_x = x[:, layout.order]
    assert [int(word).bit_count() for word in sets[:, 0]] == sorted_x[:64].sum(axis=0).tolist()
    expected = (sorted_x.T @ sorted_x).astype(np.int64)
    for first in (0, TILE):
        tile = np.full((TILE, 2 * TILE), 9, np.uint16)  # as the kernel has it
        bits.count_tile(first, first + TILE, sets, tile)
        for row in range(TILE):
            stop = first + row + 1  # up to the diagonal; what is beyond it is not read
            assert tile[row, :stop].tolist() == expected[first + row, :stop].tolist()

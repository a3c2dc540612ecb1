"""mlcore.recommend.ranking: popular items complete short lists."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.recommend.ranking import Ranking, complete_lists
from mlcore.types import CsrMatrix


def ranking_of(lists: list[list[int]]) -> Ranking:
    items = np.array([item for row in lists for item in row], np.int32)
    scores = 1 / (1 + np.arange(len(items)))
    indptr = np.cumsum([0, *map(len, lists)])
    return Ranking(indptr, items, scores, np.zeros(len(items), bool))


def histories_of(rows: list[list[int]], num_items: int) -> CsrMatrix:
    items = np.array([item for row in rows for item in row], np.int32)
    indptr = np.cumsum([0, *map(len, rows)])
    return CsrMatrix(indptr, items, np.ones(len(items), np.float32), num_items)


def test_lists_are_completed_as_the_hand_does() -> None:
    # By popularity: 4, 0, 3, 1, 2. The first user has 0 and gets 3, then 4 and 1; the second has
    # nothing and keeps the list as it is; the third has all but 2.
    popular = np.array([4, 0, 3, 1, 2])
    lists = ranking_of([[3], [1], []])
    histories = histories_of([[0], [], [0, 1, 3, 4]], 5)
    found = complete_lists(lists, histories, 3, np.array([True, False, True]), popular)
    assert found.indptr.tolist() == [0, 3, 4, 5]
    assert found.items.tolist() == [3, 4, 1, 1, 2]
    assert found.scores.tolist() == [1, 0, 0, 0.5, 0]
    assert found.filled.tolist() == [False, True, True, False, True]


@pytest.mark.parametrize("seed", range(4))
def test_lists_are_completed_as_by_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    popular = rng.permutation(12)[:9]  # three items are not allowed
    seen, lists = [], []
    for _ in range(20):
        items = rng.permutation(12)
        cut, end = sorted(rng.integers(0, 9, 2).tolist())
        seen.append(sorted(items[:cut].tolist()))
        lists.append(items[cut:end][:4].tolist())
    fill = rng.random(20) < 0.7
    found = complete_lists(ranking_of(lists), histories_of(seen, 12), 4, fill, popular)
    for row, (listed, history) in enumerate(zip(lists, seen)):
        rest = [item for item in popular.tolist() if item not in {*listed, *history}]
        expected = [*listed, *rest[: 4 - len(listed)]] if fill[row] else listed
        span = slice(found.indptr[row], found.indptr[row + 1])
        assert found.items[span].tolist() == expected
        assert found.filled[span].tolist() == [
            place >= len(listed) for place in range(len(expected))
        ]

"""mlcore.evaluate.metrics: per user as trec_eval computes them, over the catalogue as the formulas say."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.evaluate import metrics
from mlcore.evaluate.hits import Hits
from mlcore.evaluate.metrics import USER_METRICS
from mlcore.types import BoolArray, Int64Array
from tests import oracles
from tests.evaluate.trec_eval import OF_TREC_EVAL, trec_eval_of

CUTOFFS = (1, 2, 3, 5, 10, 20)


def random_hits(seed: int) -> tuple[BoolArray, Int64Array]:
    """Users with many hits, with none at all, and with lists that end early."""
    rng = np.random.default_rng(seed)
    hits = rng.random((60, 20)) < rng.choice([0, 0.05, 0.3, 0.9], (60, 1))
    hits[np.arange(20) >= rng.choice([0, 1, 4, 20], (60, 1))] = False
    relevant = np.maximum(hits.sum(axis=1) + rng.choice([0, 1, 7, 40], 60), 1)
    return hits, relevant


def hits_of(hits: BoolArray, relevant: Int64Array) -> Hits:
    users, ranks = np.nonzero(hits)
    return Hits(users, ranks, np.zeros(len(users), np.int64), relevant)


def trec_eval(hits: BoolArray, relevant: Int64Array, n: int) -> list[Mapping[str, float]]:
    run, truth = {}, {}
    for user, row in enumerate(hits):
        # items 0 .. N - 1 of the user stand in the list, the relevant ones beyond are in none
        run[f"u{user}"] = {f"i{rank}": float(len(row) - rank) for rank in range(n)}
        found = [f"i{rank}" for rank in np.flatnonzero(row).tolist()]
        unfound = [f"x{place}" for place in range(int(relevant[user]) - len(found))]
        truth[f"u{user}"] = {item: 1 for item in found + unfound}
    results = trec_eval_of(run, truth, n)
    return [results[f"u{user}"] for user in range(len(hits))]


@pytest.mark.trec_eval
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", CUTOFFS)
def test_user_metrics_equal_those_of_trec_eval(n: int, seed: int) -> None:
    hits, relevant = random_hits(seed)
    expected = trec_eval(hits, relevant, n)
    for name, theirs in OF_TREC_EVAL.items():
        ours = USER_METRICS[name](hits_of(hits, relevant), n)
        assert ours.dtype == np.float64 and ours.shape == (60,)
        difference = ours - [values[theirs.format(n=n)] for values in expected]
        assert np.abs(difference).max() <= 1e-12, name
        assert 0 < ours.max() <= 1 and ours.min() == 0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        # 4 relevant items; hits at ranks 2, 3 and 5 of a list of 5. Cut at 1, 3 and 5.
        ("precision", [0, 2 / 3, 3 / 5]),
        ("recall", [0, 2 / 4, 3 / 4]),
        ("hit_rate", [0, 1, 1]),
        ("map", [0, (1 / 2 + 2 / 3) / 4, (1 / 2 + 2 / 3 + 3 / 5) / 4]),
        ("mrr", [0, 1 / 2, 1 / 2]),
        # Gains at ranks 2, 3, 5: 1 / log2(3), 1 / log2(4) = 1/2, 1 / log2(6). Ideal: the first 3
        # ranks, 1 + 1 / log2(3) + 1/2; with 5 the first 4, since there are 4: + 1 / log2(5).
        (
            "ndcg",
            [
                0,
                (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3) + 1 / 2),
                (1 / math.log2(3) + 1 / 2 + 1 / math.log2(6))
                / (1 + 1 / math.log2(3) + 1 / 2 + 1 / math.log2(5)),
            ],
        ),
    ],
)
def test_each_user_metric_gives_what_the_hand_computes(name: str, values: list[float]) -> None:
    hits = np.array([[False, True, True, False, True]])
    found = [float(USER_METRICS[name](hits_of(hits, np.array([4])), n)[0]) for n in (1, 3, 5)]
    assert found == pytest.approx(values, rel=1e-15, abs=0)


@pytest.mark.parametrize("name", ["recall", "hit_rate", "ndcg", "map", "mrr"])
@pytest.mark.parametrize("relevant", [1, 2, 3])
def test_a_perfect_list_scores_1_and_one_without_hits_0(name: str, relevant: int) -> None:
    perfect = np.arange(5)[None, :] < relevant
    hits = np.concatenate([perfect, np.zeros((1, 5), bool)])
    assert USER_METRICS[name](hits_of(hits, np.array([relevant] * 2)), 5).tolist() == [1, 0]


def test_map_divides_by_all_relevant_items_though_the_list_has_no_room_for_them() -> None:
    hits = hits_of(np.ones((1, 2), bool), np.array([10]))
    assert metrics.average_precision(hits, 2).tolist() == [0.2]
    assert metrics.ndcg(hits, 2).tolist() == [1.0]


# --- over the catalogue -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "coverage", "gini"),
    [
        ([3, 3, 3, 3], 1.0, 0.0),
        ([0, 8, 0, 0], 0.25, 0.75),  # all to one of I items: (I - 1) / I
        ([0, 0, 0], 0.0, 0.0),
        ([5], 1.0, 0.0),
        # ascending 0, 1, 3: (2 - 4) 0 + (4 - 4) 1 + (6 - 4) 3 = 6, / (3 * 4)
        ([1, 3, 0], 2 / 3, 0.5),
    ],
)
def test_coverage_and_gini_give_what_the_hand_computes(
    listed: list[int], coverage: float, gini: float
) -> None:
    assert metrics.catalogue_coverage(np.array(listed)) == coverage
    assert metrics.gini(np.array(listed)) == gini


def test_novelty_gives_what_the_hand_computes() -> None:
    # 8 users; items of 8, 2 and 0 users: log2 of 1, 4 and 8, the last as if one user had it.
    # Listed 1, 2 and 1 times: (0 + 2 * 2 + 3) / 4.
    assert metrics.novelty(np.array([1, 2, 1]), np.array([8, 2, 0]), 8) == 7 / 4
    assert metrics.novelty(np.array([0, 0, 0]), np.array([8, 2, 0]), 8) == 0


@given(st.lists(st.lists(st.integers(0, 7), unique=True, max_size=6), max_size=8))
def test_catalogue_metrics_equal_the_plain_formulas(lists: list[list[int]]) -> None:
    names = [[f"i{item}" for item in items] for items in lists]
    catalogue = [f"i{item}" for item in range(8)]
    users_of_item = {"i0": 9, "i1": 1, "i2": 4, "i3": 4, "i5": 2, "i6": 7, "i7": 3}
    listed = np.bincount([item for items in lists for item in items], minlength=8).astype(np.int64)
    popularity = np.array([users_of_item.get(item, 0) for item in catalogue])
    assert metrics.catalogue_coverage(listed) == oracles.coverage(names, catalogue)
    assert metrics.gini(listed) == pytest.approx(oracles.gini(names, catalogue), abs=1e-12)
    assert metrics.novelty(listed, popularity, 9) == pytest.approx(
        oracles.novelty(names, users_of_item, 9), abs=1e-12
    )


def test_gini_of_a_large_catalogue_does_not_overflow() -> None:
    # 2 rank - I - 1 times x, in integers: 10^6 items, each listed up to 10^6 times
    listed = np.arange(1, 1_000_001)
    # of 1, 2 ... I it is (I - 1) / (3 I)
    assert metrics.gini(listed) == pytest.approx((10**6 - 1) / (3 * 10**6), rel=1e-12)

"""mlcore.recommend.scoring: sums in float64, in one order, with the same bits on every path."""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from mlcore.errors import CsrError
from mlcore.recommend import scoring
from mlcore.recommend.ranking import Filters, Ranking
from mlcore.recommend.scoring import Scorer, stack_histories
from mlcore.types import CsrMatrix
from tests import oracles

History = Mapping[int, float]


@pytest.fixture(autouse=True)
def products_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small data would be scored row by row otherwise; test_scoring_native has the compiled path."""
    monkeypatch.setattr(scoring, "MIN_PRODUCT_ROWS", 1)
    monkeypatch.setattr("mlcore.native.is_available", lambda: False)


def scorer_of(w: npt.NDArray[np.float32], popularity: list[int] | None = None) -> Scorer:
    counts = np.zeros(len(w), np.int64) if popularity is None else np.array(popularity, np.int64)
    return Scorer(oracles.sparse(w), counts)


def stack(histories: list[History], num_items: int) -> CsrMatrix:
    rows = []
    for history in histories:
        items = sorted(history)
        weights = np.array([history[item] for item in items], np.float32)
        rows.append((np.array(items, np.int32), weights))
    return stack_histories(rows, num_items)


def random_w(num_items: int, density: float, seed: int, signed: bool) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    w = rng.lognormal(-2, 3, (num_items, num_items)) * (
        rng.random((num_items, num_items)) < density
    )
    if signed:
        w *= rng.choice([-1, 1], w.shape)
    np.fill_diagonal(w, 0)
    return w.astype(np.float32)


def random_histories(num_items: int, count: int, longest: int, seed: int) -> list[History]:
    rng = np.random.default_rng(seed)
    histories: list[History] = [{}]
    for _ in range(count - 1):
        items = rng.choice(num_items, int(rng.integers(1, longest + 1)), replace=False)
        histories.append(dict(zip(items.tolist(), rng.lognormal(0, 2, len(items)).tolist())))
    return histories


def score_bits(scorer: Scorer, histories: CsrMatrix) -> list[dict[int, bytes]]:
    indptr, items, scores = scorer.score(histories)
    assert [array.dtype for array in (indptr, items, scores)] == ["int64", "int32", "float64"]
    result = []
    for begin, end in zip(indptr, indptr[1:]):
        pairs = zip(items[begin:end].tolist(), scores[begin:end].tolist())
        found = {item: struct.pack("<d", score) for item, score in pairs}
        assert len(found) == end - begin
        result.append(found)
    return result


def oracle_bits(scorer: Scorer, history: History) -> dict[int, bytes]:
    totals = oracles.scores(scorer.similarity, history)
    return {item: struct.pack("<d", score) for item, score in totals.items()}


def on_each_path(scorer: Scorer, histories: CsrMatrix) -> list[list[dict[int, bytes]]]:
    fresh = score_bits(scorer, histories)
    scorer.prepare()
    return [fresh, score_bits(scorer, histories)]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("num_items", "density", "is_sparse"),
    [
        # one row is summed over all items, or only over those it touches where these are few
        pytest.param(30, 0.4, False, id="dense sums"),
        pytest.param(400, 0.004, True, id="sums over the touched"),
    ],
)
def test_scores_have_the_bits_of_a_plain_loop_on_every_path(
    num_items: int, density: float, is_sparse: bool, signed: bool
) -> None:
    scorer = scorer_of(random_w(num_items, density, seed=1, signed=signed))
    histories = random_histories(num_items, 40, 10, seed=2)
    expected = [oracle_bits(scorer, history) for history in histories]
    touched = [
        sum(len(scorer.similarity.row(item)[0]) for item in history) for history in histories[1:]
    ]
    assert {8 * count < num_items for count in touched} == {is_sparse}
    for found in on_each_path(scorer, stack(histories, num_items)):
        assert found == expected
    # scipy leaves out sums of 0, so it is not asked where there may be any
    assert (scorer._product_ready is None) == signed


PATHS = ["one user, sums over all items", "one user, sums over the touched", "many users"]


def score_of_one(pairs: Sequence[tuple[float, float]], path: str) -> float:
    """The score of the only target of a history; the pairs are weights and similarities."""
    count = len(pairs)
    num_items = 9 * count if path == "one user, sums over the touched" else count + 1
    assert (8 * count < num_items) == (path == "one user, sums over the touched")
    indptr = np.minimum(np.arange(num_items + 1), count)
    values = np.array([value for _, value in pairs], np.float32)
    similarity = CsrMatrix(indptr, np.full(count, count, np.int32), values, num_items)
    scorer = Scorer(similarity, np.zeros(num_items, np.int64))
    if path == "many users":
        scorer.prepare()
    history = {item: weight for item, (weight, _) in enumerate(pairs)}
    (found,) = score_bits(scorer, stack([history], num_items))
    (score,) = struct.unpack("<d", found[count])
    return float(score)


@pytest.mark.parametrize("path", PATHS)
def test_sums_are_not_kept_in_float32(path: str) -> None:
    # 1 + 2^-24 rounds to 1 in float32, and the square of the float32 after 1 is none itself
    assert score_of_one([(1, 1), (2.0**-12, 2.0**-12)], path) == 1 + 2.0**-24
    step = float(np.nextafter(np.float32(1), np.float32(2)))
    assert score_of_one([(step, step)] * 2, path) == 2 * step * step
    assert step * step != float(np.float32(step * step))


@pytest.mark.parametrize("path", PATHS)
def test_sums_are_not_added_in_pairs_nor_compensated(path: str) -> None:
    rng = np.random.default_rng(3)
    weights = rng.lognormal(0, 3, 500).astype(np.float32).tolist()
    values = rng.lognormal(0, 3, 500).astype(np.float32).tolist()
    products = [weight * value for weight, value in zip(weights, values)]
    one_by_one = 0.0
    for product in products:
        one_by_one += product
    # the trap is one: other ways of adding round otherwise
    assert one_by_one not in (float(np.sum(products)), math.fsum(products), sum(products[::-1]))
    assert score_of_one(list(zip(weights, values)), path) == one_by_one


@pytest.mark.parametrize("path", PATHS)
def test_history_is_added_in_ascending_item_order(path: str) -> None:
    big, one = (2.0**27, 2.0**26), (1.0, 1.0)
    assert score_of_one([big, one, one], path) == 2.0**53
    assert score_of_one([one, one, big], path) == 2.0**53 + 2


@pytest.mark.parametrize("num_items", [4, 100])
@pytest.mark.parametrize("prepare", [False, True])
def test_a_sum_that_cancels_to_0_is_a_candidate_with_score_plus_0(
    prepare: bool, num_items: int
) -> None:
    # The weights of 0 and 1 for 2 are 0.5 and -0.5; that of 0 for 3 is -1.
    w = np.zeros((num_items, num_items), np.float32)
    w[0, 2], w[1, 2], w[0, 3] = 0.5, -0.5, -1
    scorer = scorer_of(w)
    if prepare:
        scorer.prepare()
    histories = stack([{0: 1, 1: 1}, {1: 1}], num_items)
    zero, minus_half, minus_one = (struct.pack("<d", score) for score in (0.0, -0.5, -1.0))
    assert score_bits(scorer, histories) == [{2: zero, 3: minus_one}, {2: minus_half}]
    ranked = scorer.rank(histories, 10, Filters(), np.zeros(2, bool))
    assert (ranked.indptr.tolist(), ranked.items.tolist()) == ([0, 2, 3], [2, 3, 2])


def lists_of(ranked: Ranking) -> list[list[tuple[int, float, bool]]]:
    triples = list(zip(ranked.items.tolist(), ranked.scores.tolist(), ranked.filled.tolist()))
    assert ranked.indptr[-1] == len(triples)
    return [triples[begin:end] for begin, end in zip(ranked.indptr, ranked.indptr[1:])]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("include_seen", [False, True])
@pytest.mark.parametrize("with_allowed", [False, True])
@pytest.mark.parametrize("n", [1, 3, 1000])
def test_ranks_equal_a_full_sort_of_the_eligible(
    n: int, with_allowed: bool, include_seen: bool, signed: bool
) -> None:
    rng = np.random.default_rng(4)
    w = random_w(25, 0.3, seed=5, signed=signed)
    w = np.sign(w) * np.ceil(np.abs(w)).clip(max=3)  # small numbers, for ties
    histories: list[History] = [
        {item: 1 for item in history} for history in random_histories(25, 30, 8, seed=6)
    ]
    allowed = rng.random(25) < 0.6 if with_allowed else None
    scorer = scorer_of(w.astype(np.float32))
    no_fill = np.zeros(30, bool)
    ties = 0
    for _ in range(2):
        stacked = stack(histories, 25)
        ranked = lists_of(scorer.rank(stacked, n, Filters(allowed, include_seen), no_fill))
        for history, found in zip(histories, ranked):
            never = set() if include_seen else set(history)
            if allowed is not None:
                never |= set(np.flatnonzero(~allowed).tolist())
            totals = oracles.scores(scorer.similarity, history)
            expected = oracles.ranking(totals, n, never)
            assert found == [(item, score, False) for item, score in expected]
            ties += len(totals) - len(set(totals.values()))
        scorer.prepare()
    assert ties > 100


@pytest.mark.parametrize("include_seen", [False, True])
@pytest.mark.parametrize("with_allowed", [False, True])
@pytest.mark.parametrize("n", [1, 4, 25, 1000])
def test_popular_items_complete_the_lists_that_ask_for_it(
    n: int, with_allowed: bool, include_seen: bool
) -> None:
    rng = np.random.default_rng(7)
    popularity = rng.integers(0, 6, 25).tolist()
    by_popularity = sorted(range(25), key=lambda item: (-popularity[item], item))
    assert 0 in popularity  # which is never filled in
    allowed = rng.random(25) < 0.6 if with_allowed else None
    histories = random_histories(25, 30, 8, seed=8)
    fill = rng.random(30) < 0.5
    fill[0] = True  # the empty history
    scorer = scorer_of(random_w(25, 0.05, seed=9, signed=False), popularity)
    ranked = scorer.rank(stack(histories, 25), n, Filters(allowed, include_seen), fill)
    num_filled = 0
    for history, wants, found in zip(histories, fill, lists_of(ranked)):
        barred = set() if allowed is None else set(np.flatnonzero(~allowed).tolist())
        never = barred if include_seen else barred | set(history)
        best = oracles.ranking(oracles.scores(scorer.similarity, history), n, never)
        listed = {item for item, _ in best}
        rest = [
            item
            for item in by_popularity
            if popularity[item] > 0 and item not in listed | barred | set(history)
        ]
        extra = rest[: n - len(best)] if wants else []
        expected = [(item, score, False) for item, score in best]
        assert found == expected + [(item, 0.0, True) for item in extra]
        num_filled += len(extra)
    assert num_filled > (3 if n > 1 else 0)


def test_scores_do_not_depend_on_who_is_ranked_along() -> None:
    scorer = scorer_of(random_w(40, 0.3, seed=10, signed=False))
    scorer.prepare()
    histories = random_histories(40, 25, 12, seed=11)
    together = score_bits(scorer, stack(histories, 40))
    alone = [score_bits(scorer, stack([history], 40))[0] for history in histories]
    assert together == alone


@pytest.mark.native
@pytest.mark.parametrize(
    ("rows", "cells", "n", "expected", "compiled"),
    [
        (1024, 2**22, 3, 1024, 1024),
        (5, 2**22, 3, 5, 5),
        (1024, 100, 4, 10, 25),  # ten items: cells are users x items, or users x items listed
        (1024, 100, 99, 10, 10),
        (1024, 5, 4, 1, 1),
        (1024, 3, 4, 1, 1),
    ],
)
def test_blocks_are_bounded_by_rows_and_by_cells(
    rows: int, cells: int, n: int, expected: int, compiled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "MAX_BLOCK_ROWS", rows)
    monkeypatch.setattr(scoring, "MAX_BLOCK_CELLS", cells)
    scorer = scorer_of(np.zeros((10, 10), np.float32))
    assert scorer.block_rows(n) == scorer.block_rows(n, explain=True) == expected
    monkeypatch.undo()
    monkeypatch.setattr(scoring, "MAX_BLOCK_ROWS", rows)
    monkeypatch.setattr(scoring, "MAX_BLOCK_CELLS", cells)
    scorer = scorer_of(np.zeros((10, 10), np.float32))
    assert scorer.block_rows(n) == compiled
    assert scorer.block_rows(n, explain=True) == expected


UNSOUND = "expected item positions that exist and ascend within a row"


@pytest.mark.parametrize("index", [-1, 0, 1, 3])
@pytest.mark.parametrize("prepare", [False, True])
def test_a_stored_index_that_points_to_no_item_or_does_not_ascend_is_refused(
    prepare: bool, index: int
) -> None:
    indptr = np.array([0, 2, 2, 2])
    similarity = CsrMatrix(indptr, np.array([1, index], np.int32), np.ones(2, np.float32), 3)
    scorer = Scorer(similarity, np.zeros(3, np.int64))
    with pytest.raises(CsrError) as caught:
        scorer.prepare() if prepare else scorer.score(stack([{0: 1}], 3))
    assert str(caught.value) == f"similarity.npz: {UNSOUND}, and finite values, got others"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("prepare", [False, True])
def test_a_stored_value_that_is_not_finite_is_refused(prepare: bool, value: float) -> None:
    scorer = scorer_of(np.array([[0, 1, value], [0, 0, 1], [0, 0, 0]], np.float32))
    with pytest.raises(CsrError) as caught:
        scorer.prepare() if prepare else scorer.score(stack([{0: 1}], 3))
    assert str(caught.value) == f"similarity.npz: {UNSOUND}, and finite values, got others"
    with pytest.raises(CsrError) as caught:
        stack([{0: 1.0}, {1: 1.0, 2: value}], 3)
    assert str(caught.value) == f"histories.npz: {UNSOUND}, and finite weights above 0, got others"


def test_nobody_and_an_empty_model_are_ranked_too() -> None:
    for num_items, prepare in itertools.product((0, 3), (False, True)):
        scorer = scorer_of(np.zeros((num_items, num_items), np.float32))
        if prepare:
            scorer.prepare()
        for count in (0, 2):
            ranked = scorer.rank(
                stack([{}] * count, num_items), 5, Filters(), np.zeros(count, bool)
            )
            assert lists_of(ranked) == [[]] * count

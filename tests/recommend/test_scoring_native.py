"""mlcore.recommend.scoring_native: the items, the order and the bits of the ways without a compiler."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from fixtures import golden
from mlcore import Interactions, Model, Recommender, native, train_from_data
from mlcore.errors import CsrError
from mlcore.recommend import scoring, scoring_native
from mlcore.recommend.ranking import Filters
from mlcore.recommend.ranker import RankedUsers
from mlcore.recommend.request import ListOptions, UserRequest
from mlcore.recommend.scoring import Scorer
from mlcore.types import BoolArray, CsrMatrix
from tests import oracles

Way: TypeAlias = Literal["row by row", "product", "compiled"]
WAYS: tuple[Way, ...] = ("row by row", "product", "compiled")
Lists: TypeAlias = list[list[tuple[int, bytes]]]


@pytest.fixture(autouse=True)
def blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small data would be scored row by row otherwise."""
    monkeypatch.setattr(scoring, "MIN_PRODUCT_ROWS", 1)


@pytest.fixture(params=native.levels())
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the kernel as it was compiled for each of the levels that the processor runs."""
    monkeypatch.setattr(native, "library", lambda: native.load(request.param))
    return str(request.param)


def sparse(rng: np.random.Generator, values: npt.NDArray[Any], density: float) -> CsrMatrix:
    """Keep some of the values of a matrix, whatever they are: 0 and -0.0 may be stored too."""
    rows, columns = np.nonzero(rng.random(values.shape) < density)
    indptr = np.searchsorted(rows, np.arange(len(values) + 1))
    kept = values[rows, columns].astype(np.float32)
    return CsrMatrix(indptr.astype(np.int64), columns.astype(np.int32), kept, values.shape[1])


def values_of(kind: str, rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[Any]:
    if kind == "positive":
        return rng.lognormal(-2, 3, shape)
    if kind == "signed":
        return rng.lognormal(-2, 3, shape) * rng.choice([-1.0, 1.0], shape).astype(np.float64)
    if kind == "negative":
        return -rng.lognormal(-2, 3, shape)
    assert kind in ("ties", "cancelling")  # the latter with sums and terms of 0, of either sign
    values = [1.0, 2.0] if kind == "ties" else [-1.0, -0.0, 0.0, 1.0]
    return rng.choice(values, shape)


KINDS = ["positive", "signed", "negative", "ties", "cancelling"]


def random_scorer(
    kind: str, num_items: int, density: float, seed: int
) -> tuple[Scorer, CsrMatrix, BoolArray]:
    """Return a scorer, histories of 60 users, some of them empty, and items that are allowed."""
    rng = np.random.default_rng(seed)
    similarity = sparse(rng, values_of(kind, rng, (num_items, num_items)), density)
    weights = values_of(
        "ties" if kind in ("ties", "cancelling") else "positive", rng, (60, num_items)
    )
    shares = rng.random((60, 1)) ** 3 * 0.3 * (rng.random((60, 1)) < 0.9)
    rows, columns = np.nonzero(rng.random(weights.shape) < shares)
    histories = CsrMatrix(
        np.searchsorted(rows, np.arange(61)).astype(np.int64),
        columns.astype(np.int32),
        weights[rows, columns].astype(np.float32),
        num_items,
    )
    assert 0 < (np.diff(histories.indptr) == 0).sum() < 50
    return Scorer(similarity, np.zeros(num_items, np.int64)), histories, rng.random(num_items) < 0.5


def in_way(scorer: Scorer, way: Way, monkeypatch: pytest.MonkeyPatch) -> Scorer:
    """Return a scorer of the same model that goes one way only."""
    monkeypatch.setattr(native, "is_available", lambda: way == "compiled")
    fresh = Scorer(scorer.similarity, scorer.popularity)
    if way != "row by row":
        fresh.prepare()
    assert (fresh._rank_rows is not None) == (way == "compiled")
    return fresh


def lists_of(scorer: Scorer, histories: CsrMatrix, n: int, filters: Filters) -> Lists:
    ranking = scorer.rank(histories, n, filters, np.zeros(histories.num_rows, bool))
    arrays = (ranking.indptr, ranking.items, ranking.scores, ranking.filled)
    assert [array.dtype for array in arrays] == ["int64", "int32", "float64", "bool"]
    assert len(ranking.items) == len(ranking.scores) == len(ranking.filled) == ranking.indptr[-1]
    assert not ranking.filled.any()
    pairs = list(zip(ranking.items.tolist(), [score.tobytes() for score in ranking.scores]))
    bounds = ranking.indptr.tolist()
    return [pairs[begin:end] for begin, end in zip(bounds, bounds[1:])]


def expected_lists(
    similarity: CsrMatrix, histories: CsrMatrix, n: int, filters: Filters
) -> tuple[Lists, int]:
    """Return the lists by plain loops, and how many equal scores there were."""
    lists, ties = [], 0
    for row in range(histories.num_rows):
        items, weights = histories.row(row)
        history = dict(zip(items.tolist(), weights.tolist()))
        never = set() if filters.include_seen else set(history)
        if filters.allowed is not None:
            never |= set(np.flatnonzero(~filters.allowed).tolist())
        totals = oracles.scores(similarity, history)
        ranked = oracles.ranking(totals, n, never)
        lists.append([(item, np.float64(score).tobytes()) for item, score in ranked])
        ties += len(totals) - len(set(totals.values()))
    return lists, ties


def test_lists_are_those_worked_out_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    # The weights of 0 and 1 for 2 are 0.5 and -0.5, for 3 -1 and none, for 4 2 and 1, for 5 none and
    # 3, and that of 0 for 1 is 7. Who has 0 and 1, weights 1 and 1: 4 and 5 have
    # 3 each, the smaller first; 2 has 0.5 - 0.5 = 0, 3 has -1; 1 is seen; none for 0.
    w = np.zeros((6, 6), np.float32)
    w[0, [1, 2, 3, 4]], w[1, [2, 4, 5]] = [7, 0.5, -1, 2], [-0.5, 1, 3]
    scorer = in_way(Scorer(oracles.sparse(w), np.zeros(6, np.int64)), "compiled", monkeypatch)
    both = CsrMatrix(np.array([0, 2]), np.array([0, 1], np.int32), np.ones(2, np.float32), 6)
    bits = {score: np.float64(score).tobytes() for score in (-1.0, 0.0, 3.0, 7.0)}
    expected = [(4, bits[3.0]), (5, bits[3.0]), (2, bits[0.0]), (3, bits[-1.0])]
    for n in (1, 2, 3, 4, 6, 2**31 - 1):
        assert lists_of(scorer, both, n, Filters()) == [expected[:n]]
    assert lists_of(scorer, both, 9, Filters(include_seen=True)) == [[(1, bits[7.0]), *expected]]
    odd = np.array([False, True, False, True, False, True])
    assert lists_of(scorer, both, 9, Filters(odd)) == [[expected[1], expected[3]]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("num_items", "density"), [(30, 0.4), (150, 0.1), (900, 0.004)])
def test_every_way_gives_the_items_the_order_and_the_bits_of_plain_loops(
    kind: str, num_items: int, density: float, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, histories, allowed = random_scorer(kind, num_items, density, seed=num_items)
    ways = [in_way(scorer, way, monkeypatch) for way in WAYS]
    all_ties = 0
    for n in (1, 2, 10, num_items - 1, num_items, num_items + 1, 2**31 - 1):
        for filters in (Filters(), Filters(allowed), Filters(allowed, True), Filters(None, True)):
            expected, ties = expected_lists(scorer.similarity, histories, n, filters)
            all_ties += ties
            for way in ways:
                assert lists_of(way, histories, n, filters) == expected
    assert all_ties > 0 if kind in ("ties", "cancelling") else all_ties == 0


def test_both_ways_to_find_what_is_touched_are_taken() -> None:
    # Else the test above would say nothing of the other.
    found = set()
    for num_items, density in [(30, 0.4), (150, 0.1), (900, 0.004)]:
        scorer, histories, _ = random_scorer("positive", num_items, density, seed=num_items)
        pairs = np.diff(scorer.similarity.indptr)
        for row in range(histories.num_rows):
            num_pairs = int(pairs[histories.row(row)[0]].sum())
            if num_pairs:
                found.add((num_items, num_pairs >= num_items))
    assert found >= {(30, True), (30, False), (150, True), (150, False), (900, False)}


def test_some_rows_of_the_grid_are_wide() -> None:
    num_wide = {}
    for num_items, density in [(30, 0.4), (150, 0.1)]:
        similarity = random_scorer("positive", num_items, density, seed=num_items)[0].similarity
        wide = scoring_native.make_wide_rows(similarity)
        num_wide[num_items] = 0 if wide is None else len(wide.values)
    assert 0 < num_wide[30] < 30 and num_wide[150] == 0


def test_the_longest_rows_are_wide_as_far_as_memory_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    w = np.zeros((4, 4), np.float32)
    w[0, 1], w[1, :], w[2, [0, 3]] = -1, 1, [2, 3]
    monkeypatch.setattr(scoring_native, "MAX_WIDE_CELLS", 11)
    wide = scoring_native.make_wide_rows(oracles.sparse(w))
    assert wide is not None
    assert wide.places.tolist() == [-1, 0, 1, -1]
    assert wide.values.tobytes() == np.array([[1] * 4, [2, -0.0, -0.0, 3]], np.float32).tobytes()


@pytest.mark.parametrize("weight", [1.0, 0.0, -1.0])
def test_an_item_without_a_pair_is_no_candidate_for_any_weight(weight: float, level: str) -> None:
    # No weight is 0 or below, but a damaged model may have one.
    similarity = oracles.sparse(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], np.float32))
    wide = scoring_native.make_wide_rows(similarity)
    assert wide is not None
    row = np.array([0, 1]), np.array([0], np.int32), np.array([weight], np.float32)
    for rows in (wide, None):
        found = scoring_native.rank_rows(similarity, CsrMatrix(*row, 3), 3, None, True, wide=rows)
        assert found[1].tolist() == [1]


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_ranked_along_changes_nothing(kind: str) -> None:
    scorer, histories, _ = random_scorer(kind, 150, 0.1, seed=1)
    scorer.prepare()
    together = lists_of(scorer, histories, 5, Filters())
    for row in range(histories.num_rows):
        alone = scoring.slice_histories(histories, row, row + 1)
        assert lists_of(scorer, alone, 5, Filters()) == [together[row]]


@pytest.mark.parametrize("way", WAYS)
def test_nobody_and_an_empty_model_are_ranked_too(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    for num_items in (0, 3):
        empty = oracles.sparse(np.zeros((num_items, num_items), np.float32))
        scorer = in_way(Scorer(empty, np.zeros(num_items, np.int64)), way, monkeypatch)
        for count in (0, 2):
            histories = scoring.stack_histories(
                [(np.empty(0, np.int32), np.empty(0, np.float32))] * count, num_items
            )
            assert lists_of(scorer, histories, 5, Filters()) == [[]] * count


# --- the way that is chosen ----------------------------------------------------------------------


def random_model(num_users: int = 50, num_items: int = 40) -> Model:
    rng = np.random.default_rng(5)
    x = (rng.random((num_users, num_items)) < 0.15) * rng.integers(1, 6, (num_users, num_items))
    x[x.sum(axis=1) == 0, 0] = 1
    return train_from_data(oracles.interactions_of(x.astype(float)))


def gather(blocks: Any) -> list[tuple[str, list[tuple[int, bytes, bool]]]]:
    found = []
    for ranked in blocks:
        assert isinstance(ranked, RankedUsers)
        ranking, bounds = ranked.ranking, ranked.ranking.indptr.tolist()
        scores = [score.tobytes() for score in ranking.scores]
        items = list(zip(ranking.items.tolist(), scores, ranking.filled.tolist()))
        spans = zip(ranked.user_ids, bounds, bounds[1:])
        found += [(user, items[begin:end]) for user, begin, end in spans]
    return found


@pytest.mark.parametrize("options", [ListOptions(5), ListOptions(100, fill="popularity")])
@pytest.mark.parametrize("threads", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("rows", "cells"), [(1, 2**20), (7, 2**20), (1024, 90), (1024, 2**20)])
def test_threads_and_size_of_blocks_change_nothing(
    rows: int, cells: int, threads: int, options: ListOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = random_model()
    fill = options.fill is not None

    def requests(recommender: Recommender) -> list[UserRequest]:
        users = recommender.user_ids()
        return [UserRequest(user, recommender.history_of(user), fill) for user in users]

    plain = Recommender(model)
    expected = gather(plain.rank_requests(requests(plain), options, 1))
    assert [user for user, _ in expected] == oracles.ids("u", 50)
    monkeypatch.setattr(scoring, "MAX_BLOCK_ROWS", rows)
    monkeypatch.setattr(scoring, "MAX_BLOCK_CELLS", cells)
    for is_compiled in (False, True):
        monkeypatch.setattr(native, "is_available", lambda: is_compiled)
        asked, everyone = Recommender(model), Recommender(model)
        found = gather(asked.rank_requests(requests(asked), options, threads))
        assert found == gather(everyone.rank_all_users(options, threads)) == expected


def test_single_requests_and_batches_are_ranked_by_the_kernel_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = random_model()
    expected = Recommender(model).predict_many(["u001"])
    for is_compiled in (True, False):
        monkeypatch.setattr(native, "is_available", lambda: is_compiled)
        recommender = Recommender(model)
        assert recommender.predict("u001") == recommender.predict_many(["u001"])[0] == expected[0]
        assert (recommender._scorer._rank_rows is not None) == is_compiled


@pytest.mark.parametrize(("index", "value"), [(-1, 1.0), (3, 1.0), (1, np.nan), (1, -np.inf)])
def test_a_single_request_reads_only_its_rows_and_refuses_what_is_at_fault_there(
    index: int, value: float
) -> None:
    bad = CsrMatrix(
        np.array([0, 1, 2, 2]), np.array([1, index], np.int32), np.array([1, value], np.float32), 3
    )
    scorer = Scorer(bad, np.zeros(3, np.int64))
    rows = [
        scoring.stack_histories([(np.array([i], np.int32), np.ones(1, np.float32))], 3)
        for i in (0, 1)
    ]
    assert lists_of(scorer, rows[0], 5, Filters()) == [[(1, np.float64(1).tobytes())]]
    with pytest.raises(CsrError, match=r"similarity\.npz: expected item positions that exist"):
        lists_of(scorer, rows[1], 5, Filters())


# --- files ---------------------------------------------------------------------------------------


def test_fixtures_come_out_of_compiled_code_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    num_rows: list[int] = []

    def count_rows(similarity: CsrMatrix, histories: CsrMatrix, *options: Any) -> Any:
        num_rows.append(histories.num_rows)
        return scoring_native.rank_rows(similarity, histories, *options)

    monkeypatch.setattr(scoring, "rank_rows", count_rows)
    assert list(golden.check(golden.FIXTURES)) == []
    assert sum(num_rows) > 1000


def test_an_explained_list_is_the_compiled_list() -> None:
    recommender = Recommender(train_from_data(Interactions.from_columns("uuvvw", "abbca")))
    lists = recommender.predict_many(["u", "v", "w"], explain=True)
    assert recommender._scorer._rank_rows is not None
    for found in (item for items in lists for item in items):
        total = 0.0
        for share in found.because:
            total += share.share
        assert total == found.score > 0
    assert [[item.item_id for item in items] for items in lists] == [["c"], ["a"], ["b"]]

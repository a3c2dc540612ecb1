"""mlcore.similarity.compiled.kernel: the same bits as the kernel on scipy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from mlcore import DataError
from mlcore.progress import no_progress
from mlcore.similarity import (
    SIMILARITIES,
    AsymmetricCosine,
    CacheBudget,
    ConditionalProbability,
    Cosine,
    Dice,
    Dot,
    GramBlocks,
    Jaccard,
    Lift,
    Neighborhood,
    NeighborSettings,
    PointwiseMutualInformation,
    Tversky,
    compiled,
    pairs,
)
from mlcore.similarity.compiled import counting, kernel, layout
from mlcore.similarity.pairs import PairSimilarity
from mlcore.types import CsrMatrix
from tests import oracles

QUOTIENTS: list[PairSimilarity] = [
    Dot(),
    Cosine(),
    AsymmetricCosine(0.3),
    Jaccard(),
    Dice(),
    Tversky(1.4, 0.3),
    ConditionalProbability(0.4),
    Lift(),
]
Find = Callable[..., tuple[bytes, bytes, bytes]]
Array: TypeAlias = npt.NDArray[Any]


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Find:
    """Return a function that finds neighbors by one way of counting, and checks that it did."""
    runs: list[str] = []
    for name in ("push_tile", "push_tail"):
        original = getattr(counting, name)

        def watched(*args: Any, name: str = name, original: Any = original) -> Any:
            runs.append(name)
            return original(*args)

        monkeypatch.setattr(counting, name, watched)

    def find(
        way: str, x: Array, measure: PairSimilarity, *settings: Any, threads: int = 1
    ) -> tuple[bytes, bytes, bytes]:
        runs.clear()
        counts = GramBlocks(oracles.sparse(x.astype(np.float32)))
        rules = NeighborSettings(*settings)
        if way == "scipy":
            monkeypatch.setattr(pairs, "MIN_COMPILED_WORK", np.inf)
            found = measure.neighbors(counts, rules, threads, no_progress)
            assert not runs
        else:
            monkeypatch.setattr(pairs, "MIN_COMPILED_WORK", 0)
            wanted = {"tail": 0, "both": 64, "head": 10**6}[way]
            head = min(wanted, x.shape[1]) // compiled.TILE * compiled.TILE
            monkeypatch.setattr(kernel, "choose_head", lambda work, num_users: head)
            found = measure.neighbors(counts, rules, threads, no_progress)
            head = head if measure.counted(counts).is_binary else 0
            assert set(runs) == {
                *(["push_tile"] if head else []),
                *(["push_tail"] if head < x.shape[1] else []),
            }
        return found.indptr.tobytes(), found.indices.tobytes(), found.data.tobytes()

    return find


def random_x(users: int, items: int, seed: int, weighted: bool) -> Array:
    """Popular and rare items in no order, many ties, one item of no user and one of all."""
    rng = np.random.default_rng(seed)
    chances = rng.permutation(np.linspace(0.6, 0.02, items))
    x = (rng.random((users, items)) < chances) * 1.0
    if weighted:
        x *= rng.integers(1, 4, x.shape) / 2
    x[:, 3], x[:, 5] = 0, 1
    return x


@pytest.mark.parametrize("neighborhood", ["target", "source"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("measure", QUOTIENTS, ids=lambda measure: measure.name)
def test_both_kernels_give_the_same_bits(
    measure: PairSimilarity, weighted: bool, neighborhood: Neighborhood, find: Find
) -> None:
    x = random_x(90, 200, seed=1, weighted=weighted)
    results = set()
    for k, shrinkage, least in ((1, 0.0, 1), (1, 2.5, 3), (7, 0.0, 3), (7, 2.5, 1), (500, 2.5, 3)):
        settings = (k, neighborhood, shrinkage, least)
        expected = find("scipy", x, measure, *settings)
        for way, threads in (("tail", 3), ("both", 2), ("head", 1)):
            assert find(way, x, measure, *settings, threads=threads) == expected
        results.add(expected)
    assert len(results) == 5


def test_users_of_one_weight_each_are_counted_by_their_squares(find: Find) -> None:
    x = random_x(90, 200, seed=5, weighted=False)
    x *= np.random.default_rng(6).lognormal(0, 2, (90, 1)).astype(np.float32)
    assert len(layout.make_layout(oracles.sparse(x), False, 1).user_squares) == 90
    expected = find("scipy", x, Cosine(), 7)
    assert find("tail", x, Cosine(), 7, threads=2) == expected
    x[4, np.flatnonzero(x[4])[0]] *= 2
    assert len(layout.make_layout(oracles.sparse(x), False, 1).user_squares) == 0
    assert find("tail", x, Cosine(), 7) == find("scipy", x, Cosine(), 7) != expected


def test_a_large_catalogue_of_rare_items_gives_the_same_bits(find: Find) -> None:
    rng = np.random.default_rng(9)
    x = np.zeros((300, 2000))
    x[rng.integers(0, 300, 6000), (2000 * rng.random(6000) ** 2).astype(int)] = 1
    one_each = x
    # The least of these products is below 1, as that of a number of common users never is.
    for factor, weight, least in ((1, 1, 1), (1, 1, 2), (1, 1.5, 1), (1, 1.5, 2), (0.3, 1.5, 1)):
        x = factor * one_each
        x[0, 0] = weight
        for measure in (Cosine(), Tversky(1.4, 0.3)):
            for k in (2, 40):
                settings = (k, "target", 0.0, least)
                expected = find("scipy", x, measure, *settings)
                assert find("tail", x, measure, *settings, threads=2) == expected


@pytest.mark.parametrize("way", ["tail", "both", "head"])
@pytest.mark.parametrize(
    "x",
    [
        np.ones((1, 1)),
        np.ones((3, 1)),
        np.ones((1, 130)),
        np.ones((70, 130)),
        np.eye(130),
        np.kron(np.eye(65), np.ones((3, 2))),
    ],
    ids=["one of each", "one item", "one user", "all alike", "no pair", "pairs"],
)
def test_degenerate_data_give_the_same_bits(x: Array, way: str, find: Find) -> None:
    for measure in (Cosine(), Jaccard()):
        for k in (1, 2, 200):
            assert find(way, x, measure, k) == find("scipy", x, measure, k)


def test_every_measure_that_is_a_quotient_stands_above() -> None:
    made = [similarity() for similarity in SIMILARITIES.values()]
    quotients = {
        similarity.name
        for similarity in made
        if isinstance(similarity, PairSimilarity) and similarity.quotient(5) is not None
    }
    assert quotients == {measure.name for measure in QUOTIENTS}


def test_sums_of_many_users_are_those_of_one_order(find: Find) -> None:
    rng = np.random.default_rng(2)
    x = (rng.random((3000, 20)) < 0.5) * rng.lognormal(0, 3, (3000, 20))
    assert find("tail", x, Dot(), 5) == find("scipy", x, Dot(), 5)


def test_values_beyond_float32_are_refused_or_dropped_as_by_scipy(find: Find) -> None:
    tiny = np.array([[2.0**-75, 2.0**-75, 2.0**-75 * 1.5]])
    assert find("tail", tiny, Dot(), 2) == find("scipy", tiny, Dot(), 2)
    for way in ("tail", "scipy"):
        with pytest.raises(DataError, match="above 3.4e38"):
            find(way, np.array([[1e30, 2e30]]), Dot(), 2)


def test_the_head_ends_where_both_ways_together_cost_least() -> None:
    work = np.array([0, *[10**9] * 63, *[1] * 200])
    assert kernel.choose_head(work, num_users=1000) == 64
    assert kernel.choose_head(np.ones(300, np.int64), num_users=10**6) == 0
    assert kernel.choose_head(np.full(300, 10**12), num_users=1000) == 256


def test_the_tail_is_cut_into_parts_that_are_all_of_it() -> None:
    work = np.random.default_rng(3).integers(0, 10**6, 1000)
    for head in (0, 64, 960):
        jobs = kernel.cut_jobs(head, work, 2)
        assert jobs[0][0] == 0 and jobs[-1][1] == 1000
        assert all(one[1] == other[0] for one, other in zip(jobs, jobs[1:]))
        assert {end - begin for begin, end in jobs if end <= head} <= {compiled.TILE}


@pytest.mark.parametrize(
    "reason",
    [
        "no numba",
        "little work",
        "kept counts",
        "all neighbors",
        "long lists",
        "signs",
        "no quotient",
    ],
)
def test_scipy_does_what_the_compiled_kernel_does_not(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> CsrMatrix:
        raise AssertionError("the compiled kernel was called")

    monkeypatch.setattr(kernel, "best_compiled", refuse)
    monkeypatch.setattr(pairs, "MIN_COMPILED_WORK", 10**9 if reason == "little work" else 0)
    x = random_x(20, 30, seed=4, weighted=False)
    kept, k = CacheBudget(2**20 if reason == "kept counts" else 0), None
    if reason == "no numba":
        monkeypatch.setattr(pairs, "find_spec", lambda name: None)
    if reason == "long lists":
        monkeypatch.setattr(pairs, "MAX_LIST_BYTES", 100)
    if reason == "signs":
        x[0, 0] = -1
    measure = PointwiseMutualInformation() if reason == "no quotient" else Dot()
    settings = NeighborSettings(k if reason == "all neighbors" else 5)
    counts = GramBlocks(oracles.sparse(x.astype(np.float32)), kept)
    assert measure.neighbors(counts, settings, 1, no_progress).num_entries > 0


def test_numba_is_not_loaded_for_tiny_data() -> None:
    program = """
import sys
from mlcore import Interactions, train_from_data
model = train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"]))
assert model.similarity.num_entries == 2
assert "numba" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

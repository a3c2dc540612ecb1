"""mlcore.similarity.compiled: the compiled kernel gives the bits of the one on scipy."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mlcore import DataError
from mlcore.progress import silent
from mlcore.similarity import (
    SIMILARITIES,
    AsymmetricCosine,
    ConditionalProbability,
    Cosine,
    Counts,
    Dice,
    Dot,
    Jaccard,
    KeptBytes,
    Lift,
    Neighborhood,
    NeighborSettings,
    Tversky,
    compiled,
    pairs,
)
from mlcore.similarity.pairs import PairSimilarity
from mlcore.types import CsrMatrix
from tests import oracles

MEASURES: list[PairSimilarity] = [
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


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Find:
    """Return a function that finds neighbors with one kernel, and checks that it was this one."""
    runs: list[str] = []
    for name in ("_count_head", "_count_tail", "_add_tail"):
        original = getattr(compiled, name)

        def watched(*args: Any, name: str = name, original: Any = original) -> None:
            runs.append(name)
            original(*args)

        monkeypatch.setattr(compiled, name, watched)

    def find(
        kernel: str, x: npt.NDArray[Any], measure: PairSimilarity, *settings: Any, threads: int = 1
    ) -> tuple[bytes, bytes, bytes]:
        runs.clear()
        expected = set()
        if kernel == "scipy":
            monkeypatch.setattr(pairs, "MIN_COMPILED_WORK", np.inf)
        else:
            monkeypatch.setattr(pairs, "MIN_COMPILED_WORK", 0)
            head = {"tail": 0, "both": 64, "head": 10**6}[kernel]
            fitting = min(head, x.shape[1]) // compiled.TILE * compiled.TILE
            monkeypatch.setattr(compiled, "_choose_head", lambda work, num_users: fitting)
            if measure.binary or (x[x > 0] == 1).all():
                expected = {"_count_head"} if fitting else set()
                expected |= {"_count_tail"} if fitting < x.shape[1] else set()
            else:
                expected = {"_add_tail"}
        counts = Counts(oracles.sparse(x.astype(np.float32)))
        found = measure.neighbors(counts, NeighborSettings(*settings), threads, silent)
        assert set(runs) == expected
        return found.indptr.tobytes(), found.indices.tobytes(), found.data.tobytes()

    return find


def random_x(users: int, items: int, seed: int, weighted: bool) -> npt.NDArray[Any]:
    """Popular and rare items in no order, many ties, one item of nobody and one of everybody."""
    rng = np.random.default_rng(seed)
    chances = rng.permutation(np.linspace(0.6, 0.02, items))
    x = (rng.random((users, items)) < chances) * 1.0
    if weighted:
        x *= rng.integers(1, 4, x.shape) / 2
    x[:, 3], x[:, 5] = 0, 1
    return x


@pytest.mark.parametrize("neighborhood", ["target", "source"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_both_kernels_give_the_same_bits(
    measure: PairSimilarity, weighted: bool, neighborhood: Neighborhood, find: Find
) -> None:
    x = random_x(90, 200, seed=1, weighted=weighted)
    results = set()
    least = (1, 3) if measure.binary or not weighted else (1,)
    for k, shrinkage, rare in itertools.product((1, 7, 500), (0.0, 2.5), least):
        settings = (k, neighborhood, shrinkage, rare)
        expected = find("scipy", x, measure, *settings)
        for kernel, threads in (("tail", 1), ("tail", 3), ("both", 2), ("head", 1)):
            assert find(kernel, x, measure, *settings, threads=threads) == expected
        results.add(expected)
    # Where all targets have one denominator, shrinkage may change no bit; K always does.
    assert len(results) >= 3


@pytest.mark.parametrize("kernel", ["tail", "both", "head"])
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
def test_degenerate_data_give_the_same_bits(x: npt.NDArray[Any], kernel: str, find: Find) -> None:
    for measure in (Cosine(), Jaccard()):
        for k in (1, 2, 200):
            assert find(kernel, x, measure, k) == find("scipy", x, measure, k)


def test_every_measure_that_is_a_quotient_stands_above() -> None:
    made = [similarity() for similarity in SIMILARITIES.values()]
    quotients = {
        similarity.name
        for similarity in made
        if isinstance(similarity, PairSimilarity) and similarity.quotient(5) is not None
    }
    assert quotients == {measure.name for measure in MEASURES}


def test_sums_of_many_users_are_those_of_one_order(find: Find) -> None:
    rng = np.random.default_rng(2)
    x = (rng.random((3000, 20)) < 0.5) * rng.lognormal(0, 3, (3000, 20))
    assert find("tail", x, Dot(), 5) == find("scipy", x, Dot(), 5)


def test_values_beyond_float32_are_refused_or_dropped_as_by_scipy(find: Find) -> None:
    tiny = np.array([[2.0**-75, 2.0**-75, 2.0**-75 * 1.5]])
    assert find("tail", tiny, Dot(), 2) == find("scipy", tiny, Dot(), 2)
    for kernel in ("tail", "scipy"):
        with pytest.raises(DataError, match="above 3.4e38"):
            find(kernel, np.array([[1e30, 2e30]]), Dot(), 2)


def test_the_head_ends_where_both_ways_together_cost_least() -> None:
    work = np.array([0, *[10**9] * 63, *[1] * 200])
    assert compiled._choose_head(work, num_users=1000) == 64
    assert compiled._choose_head(np.ones(300, np.int64), num_users=10**6) == 0
    assert compiled._choose_head(np.full(300, 10**12), num_users=1000) == 256


def test_the_tail_is_cut_into_parts_that_are_all_of_it() -> None:
    work = np.random.default_rng(3).integers(0, 10**6, 1000)
    for head in (0, 64, 960):
        jobs = compiled._jobs(head, work)
        assert jobs[0][0] == 0 and jobs[-1][1] == 1000
        assert all(one[1] == other[0] for one, other in zip(jobs, jobs[1:]))
        assert {end - begin for begin, end in jobs if end <= head} <= {compiled.TILE}


@pytest.mark.parametrize(
    "reason", ["no numba", "little work", "kept counts", "all neighbors", "large heaps", "signs"]
)
def test_scipy_does_what_the_compiled_kernel_does_not(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> CsrMatrix:
        raise AssertionError("the compiled kernel was called")

    monkeypatch.setattr(compiled, "best_quotients", refuse)
    monkeypatch.setattr(pairs, "MIN_COMPILED_WORK", 10**9 if reason == "little work" else 0)
    x = random_x(20, 30, seed=4, weighted=False)
    kept, k = KeptBytes(2**20 if reason == "kept counts" else 0), None
    if reason == "no numba":
        monkeypatch.setattr(pairs, "find_spec", lambda name: None)
    if reason == "large heaps":
        monkeypatch.setattr(pairs, "MAX_HEAP_BYTES", 100)
    if reason == "signs":
        x[0, 0] = -1
    settings = NeighborSettings(k if reason == "all neighbors" else 5)
    counts = Counts(oracles.sparse(x.astype(np.float32)), kept)
    assert Dot().neighbors(counts, settings, 1, silent).num_entries > 0


def test_numba_is_not_loaded_for_tiny_data() -> None:
    program = """
import sys
from mlcore import Interactions, train_from_data
model = train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"]))
assert model.similarity.num_entries == 2
assert "numba" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

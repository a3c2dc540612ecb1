"""mlcore.similarity.compiled.kernel: the same bits as the kernel on scipy."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from mlcore import DataError, native
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
    pairs,
)
from mlcore.similarity.compiled import TILE_USERS, kernel, problem
from mlcore.similarity.compiled.plan import BINARY, WEIGHTED
from mlcore.similarity.compiled.problem import Problem
from mlcore.similarity.formula import Quotient
from mlcore.similarity.pairs import PairSimilarity
from mlcore.types import CsrMatrix
from tests import oracles

pytestmark = pytest.mark.native

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
# K, shrinkage, min_cooccurrence
SETTINGS = [
    *((k, 0.0, 1) for k in (1, 7, 500, 1000)),
    *((k, 2.5, 3) for k in (1, 7, 500, 1000)),
    (7, 0.0, 3),
    (7, 2.5, 1),
]
Array: TypeAlias = npt.NDArray[Any]
Bits: TypeAlias = tuple[bytes, bytes, bytes]


class Way(NamedTuple):
    """How many items are listed, and how many of these in tiles, as far as they fill them."""

    listed: int = 0
    tiled: int = 0


# Half rows and lists that end within a block, and tiles of weights that do.
MIXTURE = Way(405, 272)
WAYS = [Way(), Way(10**6), Way(10**6, 10**6), MIXTURE]


class Find(Protocol):
    def __call__(
        self,
        way: Way | None,
        x: Array | CsrMatrix,
        measure: PairSimilarity,
        *settings: Any,
        threads: int = 1,
        level: str | None = ...,
    ) -> Bits: ...


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Find:
    """Return a function that finds neighbors by one way of counting, or scipy, and checks that it did."""
    runs: set[str] = set()
    call = native.call

    def watched(name: str, problem: Problem, *arguments: Any) -> Any:
        runs.add(f"{name} of {problem.num_listed}, {problem.num_tiled}")
        return call(name, problem, *arguments)

    monkeypatch.setattr(kernel, "call", watched)

    def find(
        way: Way | None,
        x: Array | CsrMatrix,
        measure: PairSimilarity,
        *settings: Any,
        threads: int = 1,
        level: str | None = None,
    ) -> Bits:
        runs.clear()
        matrix = x if isinstance(x, CsrMatrix) else oracles.sparse(x.astype(np.float32))
        counts, rules = GramBlocks(matrix), NeighborSettings(*settings)
        monkeypatch.setattr(pairs, "MIN_COMPILED_WORK", np.inf if way is None else 0)
        if way is not None:
            is_binary = measure.counted(counts).is_binary
            width = (BINARY if is_binary else WEIGHTED).width
            listed = min(way.listed, matrix.num_columns)
            tiled = min(way.tiled, listed) // width * width
            monkeypatch.setattr(kernel, "choose_listed", lambda *_: listed)
            monkeypatch.setattr(kernel, "choose_tiled", lambda *_: tiled)
            monkeypatch.setattr(native, "library", lambda: native.load(level or native.levels()[0]))
        found = measure.neighbors(counts, rules, threads, no_progress)
        compared = {run for run in runs if run.startswith("compare")}
        if way is None:
            assert not runs
        else:
            tiled = 0 if rules.min_cooccurrence > 1 and not is_binary else tiled
            assert compared == {
                *([f"compare_tile of {listed}, {tiled}"] if tiled else []),
                *([f"compare_rows of {listed}, {tiled}"] if tiled < matrix.num_columns else []),
            }
        return found.indptr.tobytes(), found.indices.tobytes(), found.data.tobytes()

    return find


def random_x(users: int, items: int, seed: int, weights: str = "binary") -> Array:
    """Popular and rare items in no order, many ties, one item of no user and one of all."""
    rng = np.random.default_rng(seed)
    chances = rng.permutation(np.linspace(0.6, 0.02, items))
    x = (rng.random((users, items)) < chances) * 1.0
    x[:, 3], x[:, 5] = 0, 1
    if weights == "squares":  # one weight of each user, so that its square is enough
        x *= rng.lognormal(0, 2, (users, 1))
    elif weights == "weights":
        x *= rng.integers(1, 4, x.shape) / 2
    return x


@pytest.mark.parametrize("neighborhood", ["target", "source"])
@pytest.mark.parametrize("weights", ["binary", "squares", "weights"])
@pytest.mark.parametrize("measure", QUOTIENTS, ids=lambda measure: measure.name)
def test_both_kernels_give_the_same_bits(
    measure: PairSimilarity, weights: str, neighborhood: Neighborhood, find: Find
) -> None:
    x = random_x(90, 530, 1, weights)
    results, levels = set(), cycle(native.levels())
    for k, shrinkage, least in SETTINGS:
        settings = (k, neighborhood, shrinkage, least)
        expected = find(None, x, measure, *settings)
        next(levels)  # so that each way meets each level
        for threads, way in enumerate(WAYS, 1):
            level = next(levels)
            found = find(way, x, measure, *settings, threads=threads, level=level)
            assert found == expected, (settings, way, level)
        results.add(expected)
    assert len(results) == len(SETTINGS)


@pytest.mark.parametrize("seed", range(40))
def test_any_data_and_plan_give_the_same_bits(seed: int, find: Find) -> None:
    rng = np.random.default_rng(seed)
    users, items = rng.integers(1, 400), rng.integers(1, 700)
    taken = rng.random((users, items)) < rng.random(items) ** rng.integers(1, 9)
    kinds = (1, rng.lognormal(0, 2, (users, 1)), rng.integers(1, 4, taken.shape) / 2)
    x = taken * kinds[rng.integers(3)]
    measure = QUOTIENTS[rng.integers(len(QUOTIENTS))]
    settings = (int(rng.integers(1, 90)), "target", 0.0, int(rng.integers(1, 4)))
    listed = int(rng.integers(items + 1))
    way = Way(listed, int(rng.integers(listed + 1)))
    expected = find(None, x, measure, *settings)
    assert find(way, x, measure, *settings, threads=int(rng.integers(1, 5))) == expected


@pytest.mark.slow
def test_threads_that_write_to_the_same_lists_change_no_bit(find: Find) -> None:
    x = random_x(100, 450, 7)
    expected = find(None, x, Dot(), 3)  # all lists end among ties
    for way in WAYS[1:]:
        assert {find(way, x, Dot(), 3, threads=4) for _ in range(10)} == {expected}


def test_squares_stand_for_the_weights_of_users_who_have_one_each(find: Find) -> None:
    x = random_x(90, 200, 5, "squares")
    expected = find(None, x, Cosine(), 7)
    assert find(MIXTURE, x, Cosine(), 7, threads=2) == expected
    x[4, np.flatnonzero(x[4])[0]] *= 2
    assert find(MIXTURE, x, Cosine(), 7) == find(None, x, Cosine(), 7) != expected


def rare_items(users: int, items: int, seed: int, per_item: int = 3) -> CsrMatrix:
    """A large catalogue, most of its items of a few users."""
    rng = np.random.default_rng(seed)
    places = (items * rng.random(per_item * items) ** 2).astype(np.int64)
    keys = np.unique(rng.integers(0, users, len(places)) * items + places)
    indptr = np.searchsorted(keys // items, np.arange(users + 1)).astype(np.int64)
    ones = np.ones(len(keys), np.float32)
    return CsrMatrix(indptr, (keys % items).astype(np.int32), ones, items)


@pytest.mark.slow
def test_a_large_catalogue_of_rare_items_gives_the_same_bits(find: Find) -> None:
    one_each = rare_items(300, 2000, seed=9)
    # The least of these products is below 1, as that of a number of common users never is.
    for factor, weight, least in ((1, 1, 1), (1, 1, 2), (1, 1.5, 1), (1, 1.5, 2), (0.3, 1.5, 1)):
        values = np.full(one_each.num_entries, factor, np.float32)
        values[0] = weight
        x = replace(one_each, data=values)
        for measure in (Cosine(), Tversky(1.4, 0.3)):
            for k in (2, 40):
                settings = (k, "target", 0.0, least)
                expected = find(None, x, measure, *settings)
                for way in (Way(), Way(100), Way(700, 300)):
                    assert find(way, x, measure, *settings, threads=2) == expected


@pytest.mark.parametrize("items", [2**16, 2**16 + 1])
def test_items_whose_numbers_need_32_bits_give_the_same_bits(items: int, find: Find) -> None:
    x = rare_items(20_000, items, seed=2)
    weighted = replace(x, data=np.random.default_rng(1).lognormal(size=x.num_entries).astype("f4"))
    for matrix in (x, weighted):
        expected = find(None, matrix, Cosine(), 5)
        for way in (Way(), Way(items), Way(1000, 512)):
            assert find(way, matrix, Cosine(), 5, threads=2) == expected


@pytest.mark.slow
@pytest.mark.parametrize("users", [255, 256, 257, 2**16 - 1, 2**16, 2**16 + 1])
def test_counts_that_need_more_bits_give_the_same_bits(users: int, find: Find) -> None:
    rng = np.random.default_rng(users)
    x = (rng.random((users, 300)) < 20 / users).astype(np.float32)
    x[:, :3] = 1  # with everybody
    for measure in (Dot(), Jaccard()):
        expected = find(None, x, measure, 4)
        for way in WAYS:
            for level in native.levels():
                assert find(way, x, measure, 4, threads=2, level=level) == expected


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize(
    "x",
    [
        np.ones((1, 1)),
        np.ones((3, 1)),
        np.ones((1, 300)),
        np.ones((70, 300)),
        np.eye(300),
        np.kron(np.eye(150), np.ones((3, 2))),
        np.pad(np.ones((3, 2)), ((0, 0), (0, 300))),
        np.pad(np.ones((3, 70)), ((1, 1), (100, 100))),
    ],
    ids="one|one item|one user|all alike|no pair|pairs|no users|users and items of nobody".split(
        "|"
    ),
)
def test_degenerate_data_give_the_same_bits(x: Array, way: Way, find: Find) -> None:
    for measure in (*QUOTIENTS, ConditionalProbability(2000.0)):  # a term is infinite
        for k in (1, 2, 500):
            assert find(way, x, measure, k) == find(None, x, measure, k)
            assert find(way, x * 0.3, measure, k) == find(None, x * 0.3, measure, k)


def test_every_measure_that_is_a_quotient_stands_above() -> None:
    made = [similarity() for similarity in SIMILARITIES.values()]
    quotients = {
        similarity.name
        for similarity in made
        if isinstance(similarity, PairSimilarity) and similarity.quotient(5) is not None
    }
    assert quotients == {measure.name for measure in QUOTIENTS}


@pytest.mark.parametrize("alpha", [1e7, 1e12, 1e17, 1e300, 1.7e308])
def test_a_parameter_however_large_gives_the_same_bits(alpha: float, find: Find) -> None:
    x = random_x(30, 300, 3)
    x[:, 100:120] = x[:, 20:40]  # the same users, so that only the large terms vanish
    for measure in (Tversky(alpha, 0.5), Tversky(alpha, alpha), Tversky(0, 0)):
        with np.errstate(over="ignore"):
            expected = find(None, x, measure, 2, "target", 1e-3)
        for way in WAYS:
            assert find(way, x, measure, 2, "target", 1e-3) == expected


@pytest.mark.parametrize("weights", ["squares", "weights"])
def test_ranges_of_users_change_no_bit(weights: str, find: Find) -> None:
    x = random_x(2 * TILE_USERS + 100, 40, 7, weights)
    x[:TILE_USERS, 7] = 0  # its first user is in the second range
    for measure in (Cosine(), Dot()):
        expected = find(None, x, measure, 5)
        for level in native.levels():
            assert find(Way(40, 32), x, measure, 5, threads=2, level=level) == expected


def test_sums_of_many_users_are_those_of_one_order(find: Find) -> None:
    rng = np.random.default_rng(2)
    x = (rng.random((3000, 40)) < 0.5) * rng.lognormal(0, 3, (3000, 40))
    for way in WAYS:
        assert find(way, x, Dot(), 5) == find(None, x, Dot(), 5)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_values_beyond_float32_are_refused_or_dropped_as_by_scipy(way: Way, find: Find) -> None:
    tiny = np.full((1, 40), 2.0**-75)
    tiny[0, 2] *= 1.5
    assert find(way, tiny, Dot(), 2) == find(None, tiny, Dot(), 2)
    for either in (way, None):
        with pytest.raises(DataError, match="above 3.4e38"):
            find(either, np.full((1, 40), 1e30), Dot(), 2)


def test_progress_ends_with_all_items() -> None:
    seen: list[tuple[int, int]] = []
    counts = GramBlocks(oracles.sparse(random_x(30, 300, 2).astype(np.float32)))
    terms = ((counts.norms,),) * 2
    kernel.best_compiled(
        counts,
        Quotient("sum"),
        terms,
        NeighborSettings(5),
        2,
        lambda stage, done, total: seen.append((done, total)),
    )
    assert seen[-1] == (300, 300) and seen == sorted(seen)


@pytest.mark.parametrize(
    "reason",
    [
        "no compiler",
        "little work",
        "kept counts",
        "all neighbors",
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
    x = random_x(20, 30, seed=4)
    kept, k = CacheBudget(2**20 if reason == "kept counts" else 0), None
    if reason == "no compiler":
        monkeypatch.setattr(pairs, "is_available", lambda: False)
    if reason == "signs":
        x[0, 0] = -1
    measure = PointwiseMutualInformation() if reason == "no quotient" else Dot()
    settings = NeighborSettings(k if reason == "all neighbors" else 5)
    counts = GramBlocks(oracles.sparse(x.astype(np.float32)), kept)
    assert measure.neighbors(counts, settings, 1, no_progress).num_entries > 0

"""The memory plans of training and of a search: as much as is taken, shown or refused in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlcore.similarity.gram
import mlcore.train.train
from cli.train import main as train_main
from mlcore import DataError, Interactions, TrainConfig, train_from_data
from mlcore.memory.available import format_bytes
from mlcore.similarity import SIMILARITIES, GramBlocks, Ease, Similarity, Slim
from mlcore.similarity.memory import shape_of
from mlcore.similarity.pairs import PairSimilarity
from mlcore.train.train import Trainer
from mlcore.train.memory import TrainingPlanner
from mlcore.types import CsrMatrix
from tests import oracles

MIB = 2**20
ROOT = Path(__file__).parents[2]


def made_up(num_users: int, num_items: int, length: int, weighted: bool = False) -> Interactions:
    """Users of log-normal activity, items of falling popularity."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(length) - 0.5, 1, num_users), 2, num_items // 4)
    users = np.repeat(np.arange(num_users), lengths.astype(np.int64))
    chances = 1 / (np.arange(num_items) + 20.0)
    items = rng.permutation(num_items)[
        np.searchsorted(np.cumsum(chances) / chances.sum() * 1.0001, rng.random(len(users)))
    ]
    keys = np.unique(users * num_items + items)
    weights = rng.integers(1, 6, len(keys)).astype(np.float64) if weighted else np.ones(len(keys))
    user_ids, item_ids = ([f"{n:07}" for n in range(count)] for count in (num_users, num_items))
    return Interactions.from_pairs(
        user_ids, item_ids, keys // num_items, keys % num_items, weights, None
    )


@pytest.fixture(scope="module")
def plain() -> Interactions:
    return made_up(4000, 2000, 100)


@pytest.fixture(scope="module")
def rated() -> Interactions:
    return made_up(4000, 2000, 100, weighted=True)


def config_of(name: str, **settings: object) -> TrainConfig:
    return TrainConfig.from_json({"similarity": {"name": name}, **settings})


def share_taken(trainer: Trainer, config: TrainConfig) -> float:
    """What a training takes at most, of its plan, by the arrays that numpy reports."""
    plan = trainer.plan(config)
    tracemalloc.start()
    try:
        trainer.train(config)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (peak + plan.held) / plan.num_bytes


SCIPY = [
    config_of("cosine"),
    config_of("npmi", num_neighbors=20),
    config_of("pearson", neighborhood="source"),
    config_of("rp3beta"),
    config_of("dice", num_neighbors=200),
    config_of("cosine", heavy_users={"name": "sample", "max_interactions": 400}),
]


@pytest.mark.parametrize("config", SCIPY, ids=lambda config: config.similarity.name)
def test_the_kernel_of_scipy_takes_what_is_planned(
    config: TrainConfig, plain: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 1e99)
    threads = 2 if config.similarity.name == "cosine" else 1
    assert 0.6 <= share_taken(Trainer(plain, threads=threads), config) <= 1.1


def test_common_users_of_weighted_items_are_planned_for(
    rated: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 1e99)
    config = config_of("cosine", min_cooccurrence=2)
    assert 0.6 <= share_taken(Trainer(rated, threads=1), config) <= 1.1


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("data", ["plain", "rated"])
@pytest.mark.parametrize(
    "config",
    [
        config_of("cosine"),
        config_of("tversky", neighborhood="source"),
        config_of("dot", min_cooccurrence=2),
    ],
    ids=lambda config: config.similarity.name,
)
def test_the_compiled_kernel_takes_what_is_planned(
    config: TrainConfig,
    data: str,
    threads: int,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 0)
    interactions: Interactions = request.getfixturevalue(data)
    for weights in ([1, 1, 1], [1, 2, 3]):  # loads the code
        train_from_data(Interactions.from_columns("uuv", "aba", weights), config, threads=1)
    assert 0.6 <= share_taken(Trainer(interactions, threads=threads), config) <= 1.1


@pytest.mark.parametrize("similarity", [Ease(), Slim(l1=30, l2=200)], ids=lambda s: s.name)
def test_the_linear_models_take_what_is_planned(
    similarity: Similarity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.similarity.slim.SCRATCH_BYTES", 4 * MIB)
    monkeypatch.setattr("mlcore.similarity.slim.TARGETS", 8)
    monkeypatch.setattr("mlcore.similarity.slim.BATCH_ENTRIES", 2**13)
    monkeypatch.setattr("mlcore.similarity.ease.BLOCK_ENTRIES", 2**16)
    monkeypatch.setattr("mlcore.similarity.gram.MAX_BLOCK_ENTRIES", 2**16)
    interactions = made_up(400, 600, 80)
    config = TrainConfig(similarity, num_neighbors=10)
    assert 0.6 <= share_taken(Trainer(interactions, threads=1), config) <= 1.1


@pytest.mark.parametrize(
    "weighting",
    [
        {"name": "bm25", "smooth": True},
        {"name": "tf_idf", "smooth": True},
        {"name": "log"},
        {"name": "binary", "half_life_days": 9},
    ],
    ids=lambda weighting: weighting["name"],
)
def test_weighing_takes_no_more_than_is_planned(
    weighting: dict[str, Any], rated: Interactions
) -> None:
    times = np.arange(len(rated), dtype=np.int64)
    timed = Interactions(rated.user_ids, rated.item_ids, rated.user_items, times)
    config = TrainConfig.from_json({"weighting": weighting})
    planned = sum(
        part.num_bytes
        for part in Trainer(timed).plan(config).steps["weigh the interactions"]
        if part.name != "interactions"
    )
    tracemalloc.start()
    try:
        config.weighting.apply(timed)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.6 * planned < peak <= 1.1 * planned


def test_slim_foresees_the_entries_of_a_catalogue_that_is_sampled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    counts = GramBlocks(oracles.sparse((rng.random((100, 600)) < 0.03).astype(np.float64)))
    entries = int((oracles.products(counts.user_items.to_scipy().toarray()) > 0).sum())
    settings = TrainConfig().neighbor_settings()

    def planned() -> int:
        fresh = GramBlocks(counts.user_items)
        parts = Slim().planned_bytes(fresh, settings, 1)["fit items"]
        return next(part.num_bytes for part in parts if part.name == "products of all pairs")

    monkeypatch.setattr("mlcore.similarity.slim.SAMPLED_ROWS", 600)
    assert planned() == 16 * entries
    monkeypatch.setattr("mlcore.similarity.slim.SAMPLED_ROWS", 60)
    assert 0.8 < planned() / (16 * entries) < 1.25


def test_ease_plans_for_the_square_of_the_catalogue() -> None:
    pairs = Interactions.from_columns(["u"], ["a"]).with_catalogue(f"{n}" for n in range(99_999))
    plan = TrainingPlanner(pairs).plan(TrainConfig(Ease()), threads=1)
    assert 74.5 < plan.num_bytes / 2**30 < 75.5


@pytest.mark.parametrize("name", SIMILARITIES)
def test_every_similarity_plans_without_weights_of_its_own(name: str, rated: Interactions) -> None:
    plan = TrainingPlanner(rated).plan(config_of(name), threads=1)
    assert plan.num_bytes > plan.held > 12 * len(rated)
    assert {"take the digest", "weigh the interactions", "write the model"} < set(plan.steps)


def test_what_the_shape_says_is_what_dense_counts_say() -> None:
    rng = np.random.default_rng(5)
    x = (rng.random((40, 9)) < 0.3).astype(np.float32)
    shape = shape_of(GramBlocks(oracles.sparse(x)))
    reach = [sum(x[user].sum() - 1 for user in range(40) if x[user, item]) for item in range(9)]
    assert shape.reach.tolist() == reach and shape.is_binary
    assert shape.most_users == x.sum(axis=0).max()
    assert shape.work == sum(n * (n - 1) / 2 for n in x.sum(axis=1))
    assert shape.kept_pairs(3) == sum(min(3, 8, n) for n in reach)


# --- shown, and refused ---------------------------------------------------------------------------


def test_a_plan_is_told_once_from_some_size_on(
    plain: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlcore.train.train, "available_bytes", lambda: 9 * 2**30)
    monkeypatch.setattr(mlcore.train.train, "SHOWN_FROM", 1)
    told: list[str] = []
    train_from_data(plain, TrainConfig(), threads=1, on_message=told.append)
    assert len(told) == 1 and told[0].startswith("memory plan: asymmetric_cosine, ")

    def fail() -> None:
        raise AssertionError("nobody needs to know what is available")

    monkeypatch.setattr(mlcore.train.train, "SHOWN_FROM", 2**60)
    monkeypatch.setattr(mlcore.train.train, "available_bytes", fail)
    train_from_data(plain, TrainConfig(), threads=1, on_message=told.append)
    assert len(told) == 1


@pytest.mark.parametrize("name", ["cosine", "rp3beta", "ease", "slim"])
def test_what_does_not_fit_is_refused_before_the_work(
    name: str, plain: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(name)

    def fail(*args: object) -> None:
        raise AssertionError("the work has begun")

    for step in ("similarity.neighbors", "weighting.apply"):
        part, method = step.split(".")
        monkeypatch.setattr(type(getattr(config, part)), method, fail)
    monkeypatch.setattr(mlcore.train.train, "SHOWN_FROM", 1)
    monkeypatch.setattr(mlcore.train.train, "available_bytes", lambda: MIB)
    with pytest.raises(DataError, match=f"^{name}: memory: expected a need of at most .* MiB, as"):
        train_from_data(plain, config, threads=2)


@pytest.mark.parametrize(
    ("name", "threads", "fitting", "fitting_threads", "cure"),
    [
        ("cosine", 8, config_of("cosine"), 4, "with 4 threads it takes at most "),
        ("cosine", 8, config_of("cosine"), 2, "with 2 threads it takes at most "),
        ("cosine", 2, config_of("cosine"), 1, "with 1 thread it takes at most "),
        (
            "rp3beta", 1, config_of("rp3beta", num_neighbors=20), 1,
            'with "num_neighbors": 20 and 1 thread it takes at most ',
        ),
        (
            "ease", 1, config_of("rp3beta"), 1,
            'with the similarity rp3beta, "num_neighbors": 100 and 1 thread it takes at most ',
        ),
    ],
)  # fmt: skip
def test_the_cure_is_the_smallest_change_that_fits(
    name: str,
    threads: int,
    fitting: TrainConfig,
    fitting_threads: int,
    cure: str,
    plain: Interactions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 1e99)
    planner, config = TrainingPlanner(plain), config_of(name)
    needed = planner.plan(fitting, fitting_threads).num_bytes
    assert needed < planner.plan(config, threads).num_bytes
    assert planner.cure(config, threads, True, needed) == cure + format_bytes(needed)
    assert not planner.cure(config, threads, True, needed - 1).startswith(cure)


def test_where_nothing_fits_less_data_is_the_cure(plain: Interactions) -> None:
    assert (
        TrainingPlanner(plain).cure(config_of("cosine"), 2, True, 0).startswith("drop rare items")
    )


def test_fewer_neighbors_are_a_cure(plain: Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 1e99)
    planner, config = TrainingPlanner(plain), config_of("cosine", num_neighbors=None)
    fitting = planner.plan(config_of("cosine", num_neighbors=50), 1).num_bytes
    cure = planner.cure(config, 1, True, fitting)
    assert cure.startswith('with "num_neighbors": 50 and 1 thread it takes at most ')
    assert fitting < planner.plan(config, 1).num_bytes / 4


def test_without_numba_the_extra_is_a_cure_where_its_kernel_fits(
    plain: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("mlcore.train.memory", "mlcore.similarity.pairs"):
        monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    planner, config = TrainingPlanner(plain), config_of("cosine")
    text = "with the extra [local], which brings numba, and 1 thread it takes at most "
    found = dict(planner._smaller_plans(config, 1, True, 0))
    plan = found["with the extra [local], which brings numba, and 1 thread"]
    assert planner.cure(config, 1, True, plan.num_bytes) == text + format_bytes(plan.num_bytes)
    # A measure that the compiled kernel does not know gains nothing by it.
    assert not any(
        "[local]" in key for key, _ in planner._smaller_plans(config_of("pmi"), 1, True, 0)
    )


def events_file(folder: Path) -> None:
    (folder / "events.csv").write_text("user_id,item_id\nu,a\nu,b\nv,b\n")


def test_a_dry_run_prints_the_plan_and_creates_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    events_file(tmp_path)
    monkeypatch.setattr(mlcore.train.train, "available_bytes", lambda: 3 * 2**30)
    command = "--interactions events.csv --threads 1 --out-dir model --dry-run".split()
    assert train_main(command) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[0] == (
        "memory plan: asymmetric_cosine, 3 interactions, 2 users, 2 items, 1 thread"
    )
    assert lines[-2].startswith("  at most ") and lines[-2].endswith(", 3.0 GiB available")
    assert lines[-1].startswith("  the model directory has at most ")
    assert os.listdir(tmp_path) == ["events.csv"]


def test_a_dry_run_of_what_does_not_fit_ends_with_the_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    events_file(tmp_path)
    monkeypatch.setattr(mlcore.train.train, "available_bytes", lambda: 0)
    assert train_main("--interactions events.csv --out-dir model --dry-run".split()) == 1
    out, err = capsys.readouterr()
    assert out.startswith("memory plan: ")
    error, hint = err.splitlines()
    assert error.startswith("error: events.csv: asymmetric_cosine: memory: expected a need of at")
    assert hint.startswith("hint: ")
    assert os.listdir(tmp_path) == ["events.csv"]


def test_the_command_shows_the_plan_before_the_work_or_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    events_file(tmp_path)
    command = "--interactions events.csv --threads 1 --out-dir".split()
    assert train_main([*command, "quiet"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(mlcore.train.train, "SHOWN_FROM", 1)
    assert train_main([*command, "told"]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("memory plan: ") and out.startswith("trained on 3 interactions")
    monkeypatch.setattr(mlcore.train.train, "available_bytes", lambda: 0)
    assert train_main([*command, "other"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: events.csv: asymmetric_cosine: memory: ")
    assert not Path("other").exists()


def test_a_file_too_long_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("events.csv").write_text("user_id,item_id\n" + 60_000 * "broken\n" + 60_000 * "u,a\n")
    monkeypatch.setattr(mlcore.train.train, "available_bytes", lambda: MIB // 4)
    assert train_main("--interactions events.csv --out-dir model".split()) == 1
    assert "events.csv: memory: expected rows that fit" in capsys.readouterr().err


# --- a search -------------------------------------------------------------------------------------


def test_a_search_plans_for_the_counts_it_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    from cli.tune import main as tune_main

    monkeypatch.chdir(tmp_path)
    events_file(tmp_path)
    command = "--interactions events.csv --validation events.csv --out-dir tuning --dry-run".split()
    assert tune_main(command) == 0
    assert "counts kept for other trainings" in capsys.readouterr().out
    assert tune_main([*command, "--keep-mib", "0"]) == 0
    assert "counts kept" not in capsys.readouterr().out
    assert os.listdir(tmp_path) == ["events.csv"]


def test_a_search_keeps_no_more_than_its_trials_can_fill(plain: Interactions) -> None:
    def kept(keep: int, trainings: int) -> int:
        plan = TrainingPlanner(plain, keep).plan(TrainConfig(), 1, trainings=trainings)
        return plan.num_bytes

    assert kept(0, 9) < kept(2**40, 1) < kept(2**40, 9)
    part = [
        part for part in TrainingPlanner(plain, MIB).plan(TrainConfig(), 1).steps["take the digest"]
    ]
    assert part[0] == ("counts kept for other trainings", MIB, "")


# --- sizes beyond int32, and beyond dense ---------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in SIMILARITIES if name not in ("ease", "slim")])
def test_indices_of_int64_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As scipy has them from 2^31 entries on.
    interactions = made_up(60, 30, 8, weighted=True)
    config = config_of(name, num_neighbors=5)
    expected = train_from_data(interactions, config).similarity
    plain_to_scipy = mlcore.similarity.gram._to_scipy
    wide: list[Any] = []

    def to_scipy(*arguments: Any) -> Any:
        matrix = plain_to_scipy(*arguments)
        matrix.indptr = matrix.indptr.astype(np.int64)
        matrix.indices = matrix.indices.astype(np.int64)
        wide.append(matrix)
        return matrix

    monkeypatch.setattr("mlcore.similarity.gram._to_scipy", to_scipy)
    found = train_from_data(interactions, config).similarity
    assert wide
    for array in ("indptr", "indices", "data"):
        one, other = getattr(found, array), getattr(expected, array)
        assert one.dtype == other.dtype and one.tobytes() == other.tobytes()


def test_slim_finds_pairs_whose_place_in_the_square_is_beyond_int32() -> None:
    # 49,998 x 50,000 + 49,999 is above 2^31.
    last = [f"{item:05}" for item in (49_998, 49_999)]
    pairs = Interactions.from_columns("uuvv", last * 2).with_catalogue(
        f"{item:05}" for item in range(50_000)
    )
    model = train_from_data(pairs, TrainConfig(Slim()))
    assert model.similarity.indices.tolist() == [49_999, 49_998]


def test_row_numbers_can_be_multiplied_by_the_catalogue_on_every_platform() -> None:
    matrix = CsrMatrix(np.array([0, 1]), np.array([0], np.int32), np.ones(1), 1)
    assert matrix.row_of_entry().dtype == np.int64


LARGE_CATALOGUE = """
import resource, sys
import numpy as np
from mlcore import Interactions, TrainConfig, train_from_data
num_users, num_items = 20_000, 200_000
rng = np.random.default_rng(0)
keys = np.unique(rng.integers(0, num_users, 2 * num_items) * num_items
                 + np.tile(np.arange(num_items), 2))
ids = [[f"{n:06}" for n in range(count)] for count in (num_users, num_items)]
interactions = Interactions.from_pairs(
    *ids, keys // num_items, keys % num_items, np.ones(len(keys)), None)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    config = TrainConfig.from_json({"similarity": {"name": name}})
    model = train_from_data(interactions, config, threads=1)
    assert len(model.items) == num_items
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the unit is another")
def test_memory_does_not_grow_with_the_square_of_the_catalogue() -> None:
    # A bit for each pair of 200,000 items would be 5 GB.
    done = subprocess.run(
        [sys.executable, "-c", LARGE_CATALOGUE, "jaccard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) * 1024 < 2**30


def test_every_pair_measure_says_what_the_compiled_kernel_would_take(rated: Interactions) -> None:
    planner = TrainingPlanner(rated)
    for name, similarity in SIMILARITIES.items():
        if issubclass(similarity, PairSimilarity):
            config = config_of(name)
            counts = planner._foreseen(config)
            steps = similarity().compiled_bytes(counts, config.neighbor_settings(), 1)
            assert {"compare items", "gather pairs"} <= set(steps), name


def test_json_of_a_configuration_is_read_before_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    events_file(tmp_path)
    Path("config.json").write_text(json.dumps({"similarity": {"name": "cosinus"}}))
    command = "--interactions events.csv --config config.json --out-dir model --dry-run".split()
    assert train_main(command) == 1
    assert capsys.readouterr().err.startswith("error: config.json: similarity: name: ")

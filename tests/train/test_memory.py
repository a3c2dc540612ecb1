"""mlcore.train.memory: what is planned is taken, and what does not fit is an error before the work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.train import main as train_main
from mlcore import DataError, Interactions, TrainConfig, history_decay, train_from_data
from mlcore.history_decay import order_of_rows
from mlcore.interactions import Events
from mlcore.memory.plan import Plan
from mlcore.similarity import SIMILARITIES, Ease, SequentialRules, Similarity, Slim
from mlcore.similarity.memory import FEWER_ITEMS, FEWER_NEIGHBORS, OTHER_SIMILARITY
from mlcore.similarity.pairs import COMPILER
from mlcore.train.memory import TrainingPlanner
from mlcore.train.train import Trainer

MIB = 2**20
ROOT = Path(__file__).parents[2]
# A plan is never less than what is taken, and less than twice as much.
LEAST_SHARE, MOST_SHARE = 0.5, 1.0


def synthetic(
    num_users: int, num_items: int, length: int, weighted: bool = False, shift: float = 20.0
) -> Interactions:
    """Users of log-normal activity, items whose popularity falls, the less the larger ``shift``."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(length) - 0.5, 1, num_users), 2, num_items // 4)
    users = np.repeat(np.arange(num_users), lengths.astype(np.int64))
    chances = 1 / (np.arange(num_items) + shift)
    items = rng.permutation(num_items)[
        np.searchsorted(np.cumsum(chances) / chances.sum() * 1.0001, rng.random(len(users)))
    ]
    keys = np.unique(users * num_items + items)
    weights = rng.integers(1, 6, len(keys)).astype(np.float64) if weighted else np.ones(len(keys))
    user_ids, item_ids = ([f"{n:07}" for n in range(count)] for count in (num_users, num_items))
    counts = np.bincount(keys // num_items, minlength=num_users)
    return Interactions.from_rows(user_ids, item_ids, counts, keys % num_items, weights, None)


@pytest.fixture(scope="module")
def plain() -> Interactions:
    return synthetic(4000, 2000, 100)


@pytest.fixture(scope="module")
def rated() -> Interactions:
    return synthetic(4000, 2000, 100, weighted=True)


@pytest.fixture(scope="module")
def flat() -> Interactions:
    """A shop: items of few users each, none of them popular."""
    return synthetic(20_000, 10_000, 10, shift=1e6)


def config_of(name: str, **settings: object) -> TrainConfig:
    """Of weights as they are: of those that are all 1 the kernels count users."""
    base = {"weighting": {"name": "none"}, "neighborhood": "target"}
    return TrainConfig.from_json({**base, "similarity": {"name": name}, **settings})


def share_taken(trainer: Trainer, config: TrainConfig) -> float:
    """What a training takes at most, of its plan, by the arrays that numpy reports."""
    plan = trainer.plan(config)
    tracemalloc.start()
    try:
        trainer.train(config)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (most + plan.held) / plan.num_bytes


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
    assert LEAST_SHARE <= share_taken(Trainer(plain, threads=threads), config) <= MOST_SHARE


@pytest.mark.parametrize("num_neighbors", [20, 200])
def test_the_half_product_takes_what_is_planned(
    num_neighbors: int, rated: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 1e99)
    sparse = synthetic(4000, 8000, 20)
    config = config_of("cosine", num_neighbors=num_neighbors)
    for data, threads in ((rated, 1), (rated, 2), (sparse, 1)):
        # Whether two threads take most at once is luck.
        least = LEAST_SHARE if threads == 1 else 0.4
        assert least <= share_taken(Trainer(data, threads=threads), config) <= MOST_SHARE


def test_common_users_of_weighted_items_are_planned_for(
    rated: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 1e99)
    config = config_of("cosine", min_cooccurrence=2)
    assert LEAST_SHARE <= share_taken(Trainer(rated, threads=1), config) <= MOST_SHARE


@pytest.mark.native
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("config", "data"),
    [
        (config_of("cosine"), "plain"),
        (config_of("cosine"), "rated"),
        (config_of("cosine"), "flat"),
        (config_of("tversky", neighborhood="source"), "plain"),
        (config_of("tversky", neighborhood="source"), "flat"),
        (config_of("dot", min_cooccurrence=2), "plain"),
        (config_of("dot", min_cooccurrence=2), "rated"),
        (config_of("cosine", num_neighbors=1000), "rated"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.similarity.name,
)
def test_the_compiled_kernel_takes_what_is_planned(
    config: TrainConfig,
    data: str,
    threads: int,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 0)
    interactions: Interactions = request.getfixturevalue(data)
    trainer = Trainer(interactions, threads=threads)
    assert LEAST_SHARE <= share_taken(trainer, config) <= MOST_SHARE


@pytest.mark.slow
@pytest.mark.parametrize("neighborhood", ["target", "source"])
@pytest.mark.parametrize("steps", [1, 10, 100])
def test_rules_of_events_that_came_several_times_take_what_is_planned(
    neighborhood: str, steps: int, plain: Interactions
) -> None:
    rng = np.random.default_rng(1)
    users = plain.user_items.row_of_entry().astype(np.int32)
    twice = np.repeat(np.arange(len(plain)), 2)
    events = Events(
        plain.user_ids,
        plain.item_ids,
        users[twice],
        plain.user_items.indices[twice],
        np.ones(len(twice)),
        rng.integers(0, 10**6, len(twice)),
    )
    config = TrainConfig(SequentialRules(steps), neighborhood=neighborhood)  # type: ignore[arg-type]
    trainer = Trainer(events.aggregate(keep_events=True), threads=1)
    assert LEAST_SHARE <= share_taken(trainer, config) <= MOST_SHARE


@pytest.mark.parametrize(
    "similarity",
    [
        Ease(),
        Ease(popularity_exponent=0.5, dropout=0.5),
        Ease(user_norm_exponent=1),
        Slim(l1=30, l2=200),
    ],
    ids=repr,
)
def test_the_linear_models_take_what_is_planned(
    similarity: Similarity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.similarity.slim.SCRATCH_BYTES", 4 * MIB)
    monkeypatch.setattr("mlcore.similarity.slim.TARGETS", 8)
    monkeypatch.setattr("mlcore.similarity.slim.BATCH_ENTRIES", 2**13)
    monkeypatch.setattr("mlcore.similarity.ease.BLOCK_ENTRIES", 2**16)
    monkeypatch.setattr("mlcore.similarity.gram.MAX_BLOCK_ENTRIES", 2**16)
    config = TrainConfig(similarity, num_neighbors=10)
    Trainer(synthetic(30, 40, 5), threads=1).train(config)  # loads what loads on first use
    trainer = Trainer(synthetic(400, 600, 80), threads=1)
    assert LEAST_SHARE <= share_taken(trainer, config) <= MOST_SHARE


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
    (planned,) = TrainingPlanner(timed)._preparing(config)
    tracemalloc.start()
    try:
        config.weighting.apply(timed)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert LEAST_SHARE <= most / planned.num_bytes <= MOST_SHARE


def test_the_order_is_planned_for_and_takes_no_more(rated: Interactions) -> None:
    times = np.arange(len(rated), dtype=np.int64)[::-1].copy()
    timed = Interactions(rated.user_ids, rated.item_ids, rated.user_items, times)
    config, plain = config_of("cosine", history_decay={"name": "quadratic"}), config_of("cosine")
    planner = TrainingPlanner(timed)
    order = planner.plan(config, 1).num_bytes - planner.plan(plain, 1).num_bytes
    assert order == planner.plan(config, 1, with_users=False).num_bytes + 4 * len(rated) - (
        planner.plan(plain, 1, with_users=False).num_bytes
    )
    tracemalloc.start()
    try:
        kept = order_of_rows(timed.user_items.indptr, times)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept.nbytes == order and most < order + 60 * history_decay._BLOCK


def test_ease_plans_for_the_square_of_the_catalogue() -> None:
    pairs = Interactions.from_columns(["u"], ["a"]).with_catalogue(f"{n}" for n in range(99_999))
    plan = TrainingPlanner(pairs).plan(TrainConfig(Ease()), threads=1)
    assert 74.5 < plan.num_bytes / 2**30 < 75.5


@pytest.mark.parametrize("name", SIMILARITIES)
def test_every_similarity_plans_without_weights_of_its_own(name: str, rated: Interactions) -> None:
    timed = replace(rated, timestamps=np.arange(len(rated)))
    plan = TrainingPlanner(timed).plan(config_of(name), threads=1)
    assert plan.num_bytes - plan.held > 12 * len(rated)
    assert len(plan.allocations) > 4


# --- shown, and an error --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cosine", "rp3beta", "ease", "slim"])
def test_what_does_not_fit_is_an_error_before_the_work(
    name: str, plain: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(name)

    def fail(*args: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr(type(config.similarity), "neighbors", fail)
    monkeypatch.setattr(type(config.weighting), "apply", fail)
    monkeypatch.setattr("mlcore.memory.plan.SHOWN_FROM", 1)
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: MIB)
    with pytest.raises(DataError, match=f"^{name}: memory: expected a need of at most .* MiB, as"):
        train_from_data(plain, config, threads=2)


def suggestion_of(plan: Plan) -> str:
    error = plan.error(0)
    assert error is not None and error.hint is not None
    return error.hint


@pytest.mark.parametrize(
    ("suggestion", "shape", "before", "after"),
    [
        (
            "use fewer threads, --threads",
            (4000, 2000, 100),
            (config_of("cosine"), 8),
            (config_of("cosine"), 4),
        ),
        (
            FEWER_NEIGHBORS,
            (200, 2000, 300),
            (config_of("cosine", num_neighbors=None), 1),
            (config_of("cosine", num_neighbors=50), 1),
        ),
        (OTHER_SIMILARITY, (3000, 6000, 60), (config_of("ease"), 1), (config_of("rp3beta"), 1)),
        (
            OTHER_SIMILARITY,
            (2000, 4000, 100),
            (config_of("slim"), 1),
            (config_of("rp3beta", num_neighbors=100), 1),
        ),
    ],
)
def test_the_suggestion_makes_the_plan_smaller(
    suggestion: str,
    shape: tuple[int, int, int],
    before: tuple[TrainConfig, int],
    after: tuple[TrainConfig, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 1e99)
    planner = TrainingPlanner(synthetic(*shape))
    plan = planner.plan(*before)
    assert suggestion_of(plan) == suggestion
    assert planner.plan(*after).num_bytes < 0.7 * plan.num_bytes


@pytest.mark.native
def test_many_interactions_suggest_fewer_of_them(plain: Interactions) -> None:
    config = config_of("cosine", num_neighbors=1, heavy_users={"name": "sample"})
    assert suggestion_of(TrainingPlanner(plain).plan(config, 1)) == FEWER_ITEMS


def test_without_the_compiled_kernel_it_is_suggested_where_it_takes_less(
    plain: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", 0)
    planner, config = TrainingPlanner(plain), config_of("cosine", num_neighbors=20)
    monkeypatch.setattr("mlcore.similarity.pairs.is_available", lambda: False)
    plan = planner.plan(config, 1)
    assert suggestion_of(plan) == COMPILER
    # The compiled kernel does not know this measure.
    assert suggestion_of(planner.plan(config_of("pmi", num_neighbors=20), 1)) != COMPILER
    monkeypatch.setattr("mlcore.similarity.pairs.is_available", lambda: True)
    assert planner.plan(config, 1).num_bytes < 0.7 * plan.num_bytes


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a small file of interactions."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,a\nu,b\nv,b\n")
    return tmp_path


def test_a_dry_run_prints_the_plan_and_creates_nothing(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: 3 * 2**30)
    command = "--interactions events.csv --threads 1 --out-dir model --dry-run".split()
    assert train_main(command) == 0
    out, err = capsys.readouterr()
    first, *_, total, last = out.splitlines()
    assert err == ""
    assert first == "memory plan: rp3beta, 3 interactions, 2 users, 2 items, 1 thread"
    assert total.startswith("  at most ") and total.endswith(", 3.0 GiB available")
    assert last.startswith("  the model directory has at most ")
    assert os.listdir(events) == ["events.csv"]
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: 0)
    assert train_main(command) == 1
    out, err = capsys.readouterr()
    *plan, error, hint = err.splitlines()
    assert out == "" and plan[0] == first
    assert error.startswith("error: events.csv: rp3beta: memory: expected a need of at")
    assert hint.startswith("hint: ")
    assert os.listdir(events) == ["events.csv"]


def test_the_command_shows_the_plan_before_the_work_or_one_error(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "--interactions events.csv --threads 1 --out-dir".split()
    assert train_main([*command, "quiet"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("mlcore.memory.plan.SHOWN_FROM", 1)
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: 2**30)
    assert train_main([*command, "line"]) == 0
    out, err = capsys.readouterr()
    assert err == "memory: at most 0.0 MiB of 1.0 GiB\n"
    assert out.startswith("trained on 3 interactions")
    assert train_main([*command, "asked", "--progress"]) == 0
    assert capsys.readouterr().err.startswith("memory plan: ")
    monkeypatch.setattr("mlcore.memory.plan.AMPLE_SHARE", 0)
    assert train_main([*command, "tight"]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("memory plan: ") and out.startswith("trained on 3 interactions")
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: 0)
    assert train_main([*command, "other"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: events.csv: rp3beta: memory: ")
    assert not Path("other").exists()


def test_a_file_too_long_is_an_error_before_it_is_read(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("events.csv").write_text("user_id,item_id\n" + 60_000 * "broken\n" + 60_000 * "u,a\n")
    monkeypatch.setattr("mlcore.memory.input_size.available_bytes", lambda: MIB // 4)
    assert train_main("--interactions events.csv --out-dir model".split()) == 1
    assert "events.csv: memory: expected rows that fit" in capsys.readouterr().err


def test_a_configuration_is_read_before_the_plan(
    events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("config.json").write_text(json.dumps({"similarity": {"name": "cosinus"}}))
    command = "--interactions events.csv --config config.json --out-dir model --dry-run".split()
    assert train_main(command) == 1
    assert capsys.readouterr().err.startswith("error: config.json: similarity: name: ")


# --- a search -------------------------------------------------------------------------------------


def test_a_search_plans_for_the_counts_it_keeps(
    events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli.tune import main as tune_main

    command = "--interactions events.csv --validation events.csv --out-dir tuning --dry-run".split()
    assert tune_main(command) == 0
    assert "counts kept for other trainings" in capsys.readouterr().out
    assert tune_main([*command, "--keep-mib", "0"]) == 0
    assert "counts kept" not in capsys.readouterr().out
    assert os.listdir(events) == ["events.csv"]


def test_a_search_keeps_no_more_than_its_trials_can_fill(plain: Interactions) -> None:
    def kept(keep: int, trainings: int) -> int:
        plan = TrainingPlanner(plain, keep).plan(TrainConfig(), 1, trainings=trainings)
        (part,) = (part for part in plan.allocations if part.name.startswith("counts kept"))
        return part.num_bytes

    assert kept(0, 9) == 0 < kept(2**40, 1) == kept(2**40, 9) / 9
    assert kept(MIB, 9) == MIB


LARGE_CATALOGUE = """
import resource, sys
import numpy as np
from mlcore import Interactions, TrainConfig, train_from_data
num_users, num_items = 20_000, 200_000
rng = np.random.default_rng(0)
keys = np.unique(rng.integers(0, num_users, 2 * num_items) * num_items
                 + np.tile(np.arange(num_items), 2))
ids = [[f"{n:06}" for n in range(count)] for count in (num_users, num_items)]
counts = np.bincount(keys // num_items, minlength=num_users)
interactions = Interactions.from_rows(*ids, counts, keys % num_items, np.ones(len(keys)), None)
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

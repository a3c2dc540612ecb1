"""mlcore.memory: what is there, what is needed, and a refusal before the work instead of a crash."""

from __future__ import annotations

import json
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import mlcore.train
from cli.train import main as train_main
from mlcore import DataError, TrainConfig, train_from_data
from mlcore.memory import available_bytes, format_bytes, plan_memory
from mlcore.progress import silent
from mlcore.similarity import Cosine, Counts, Ease, Similarity, Slim
from tests import oracles

GIB = 2**30


def files(root: Path, contents: dict[str, str]) -> Path:
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


MEMINFO = (
    "MemTotal:       9000 kB\nMemFree:         100 kB\nMemAvailable:   7000 kB\nCached: 5 kB\n"
)


def test_the_machine_says_what_is_available(tmp_path: Path) -> None:
    assert available_bytes(files(tmp_path, {"proc/meminfo": MEMINFO})) == 7000 * 1024


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        pytest.param(
            # A limit of 5,000,000, of which 2,000,000 are used, 300,000 of these for file pages.
            {
                "proc/self/cgroup": "0::/job\n",
                "sys/fs/cgroup/job/memory.max": "5000000\n",
                "sys/fs/cgroup/job/memory.current": "2000000\n",
                "sys/fs/cgroup/job/memory.stat": "anon 7\ninactive_file 300000\nactive_file 9\n",
            },
            3_300_000,
            id="version 2",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/slice/job\n",
                "sys/fs/cgroup/slice/job/memory.max": "max\n",
                "sys/fs/cgroup/slice/job/memory.current": "2000000\n",
                "sys/fs/cgroup/slice/memory.max": "4000000\n",
                "sys/fs/cgroup/slice/memory.current": "3000000\n",
            },
            1_000_000,
            id="a limit further up",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "12:cpu:/job\n4:cpuacct,memory:/job\n1:name=systemd:/a:b\n",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "5000000\n",
                "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "2000000\n",
                "sys/fs/cgroup/memory/job/memory.stat": "inactive_file 1\ntotal_inactive_file 40\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "6000000\n",
            },
            3_000_040,
            id="version 1",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/of/the/host\n",
                "sys/fs/cgroup/memory.max": "5000000\n",
                "sys/fs/cgroup/memory.current": "1000000\n",
            },
            4_000_000,
            id="a container that sees its own group only",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/../../other\n",
                "sys/fs/cgroup/memory.max": "5000000\n",
                "sys/fs/cgroup/memory.current": "1000000\n",
                "sys/other/memory.max": "1\n",
                "sys/other/memory.current": "0\n",
            },
            4_000_000,
            id="a path that leads out",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/job\n",
                "sys/fs/cgroup/job/memory.max": "5\n",
                "sys/fs/cgroup/job/memory.current": "7\n",
            },
            0,
            id="more used than allowed",
        ),
        pytest.param(
            {"proc/self/cgroup": "nonsense\n\n0::/job\n", "sys/fs/cgroup/job/memory.max": "5\n"},
            7000 * 1024,
            id="files that say nothing",
        ),
    ],
)
def test_a_control_group_bounds_what_is_available(
    tmp_path: Path, contents: dict[str, str], expected: int
) -> None:
    assert available_bytes(files(tmp_path, {"proc/meminfo": MEMINFO, **contents})) == expected


def test_the_machine_counts_where_the_limit_of_the_group_is_higher(tmp_path: Path) -> None:
    group = {
        "proc/meminfo": MEMINFO,
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/memory.max": "7168001\n",
        "sys/fs/cgroup/memory.current": "0\n",
    }
    assert available_bytes(files(tmp_path, group)) == 7_168_000


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody says")
def test_this_machine_has_some_memory() -> None:
    available = available_bytes()
    assert available is not None and 0 < available < 2**50


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0.0 MiB"),
        (5 * 2**20, "5.0 MiB"),
        (102 * 2**20, "102.0 MiB"),
        (103 * 2**20, "0.1 GiB"),
        (80 * 10**9, "74.5 GiB"),
    ],
)
def test_sizes_are_shown_in_the_unit_that_fits(size: int, shown: str) -> None:
    assert format_bytes(size) == shown


def test_a_plan_that_does_not_fit_is_refused_with_the_cures() -> None:
    assert plan_memory("ease", GIB, 70_000, GIB) == (
        "ease: needs 1.0 GiB for 70,000 items, 1.0 GiB available"
    )
    assert plan_memory("ease", 99 * GIB, 7, None) == "ease: needs 99.0 GiB for 7 items"
    with pytest.raises(DataError) as caught:
        plan_memory("ease", 80 * 10**9, 100_000, 15 * GIB)
    assert str(caught.value) == (
        "ease: memory: expected a need of at most 15.0 GiB, as available, "
        "got 74.5 GiB for 100,000 items"
    )
    assert caught.value.hint is not None
    assert "--min-item-interactions" in caught.value.hint and "rp3beta" in caught.value.hint


# --- in training --------------------------------------------------------------------------------


def random_x(num_users: int, num_items: int, density: float) -> oracles.Dense:
    rng = np.random.default_rng(3)
    x = (rng.random((num_users, num_items)) < density).astype(np.float64)
    x[:, 0] = 1
    return x


@pytest.mark.parametrize("k", [5, None])
@pytest.mark.parametrize(
    ("similarity", "least"),
    [
        pytest.param(Ease(l2=20), 8 * 600**2, id="ease"),
        pytest.param(Slim(l1=30, l2=200), 16 * 600**2 // 2, id="slim"),
    ],
)
def test_the_plan_is_more_than_the_work_takes_but_not_much(
    similarity: Similarity, least: int, k: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.similarity.ease.SCRATCH_BYTES", 0)
    monkeypatch.setattr("mlcore.similarity.slim.SCRATCH_BYTES", 0)
    monkeypatch.setattr("mlcore.similarity.ease.BLOCK_ENTRIES", 2**13)
    monkeypatch.setattr("mlcore.similarity.slim.TARGETS", 8)
    monkeypatch.setattr("mlcore.similarity.slim.BATCH_ENTRIES", 2**13)
    counts = Counts(oracles.sparse(random_x(100, 600, 0.1)), max_block_entries=2**13)
    settings = TrainConfig(similarity, num_neighbors=k).neighbor_settings()
    planned = similarity.planned_bytes(counts, settings, 1)
    counts.products.rows(0, 1)  # made before the measurement
    tracemalloc.start()
    try:
        similarity.neighbors(counts, settings, 1, silent)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert least < peak
    # Besides, some blocks of 2^13 entries.
    assert peak - 3 * 2**20 < planned < 2 * peak


def test_slim_foresees_the_entries_of_a_catalogue_that_is_sampled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = Counts(oracles.sparse(random_x(100, 600, 0.03)))
    entries = int((oracles.products(counts.user_items.to_scipy().toarray()) > 0).sum())
    monkeypatch.setattr("mlcore.similarity.slim.SCRATCH_BYTES", 0)
    settings = TrainConfig().neighbor_settings()
    monkeypatch.setattr("mlcore.similarity.slim.SAMPLED_ROWS", 600)
    assert Slim().planned_bytes(counts, settings, 1) == 16 * entries
    monkeypatch.setattr("mlcore.similarity.slim.SAMPLED_ROWS", 60)
    assert 0.8 < Slim().planned_bytes(counts, settings, 1) / (16 * entries) < 1.25


def test_each_thread_is_planned_for() -> None:
    counts = Counts(oracles.sparse(np.eye(3)))
    settings = TrainConfig().neighbor_settings()
    for similarity in (Ease(), Slim()):
        one, four = (similarity.planned_bytes(counts, settings, threads) for threads in (1, 4))
        assert four - one >= 3 * 50 * 2**20
    assert Cosine().planned_bytes(counts, settings, 4) == 0


def test_ease_plans_for_the_square_of_the_catalogue() -> None:
    x = np.zeros((1, 100_000), np.float32)
    x[0, 0] = 1
    counts = Counts(oracles.sparse(x))
    settings = TrainConfig().neighbor_settings()
    assert 74.5 < Ease().planned_bytes(counts, settings, 1) / GIB < 75.5


@pytest.mark.parametrize("similarity", [Ease(), Slim()])
def test_training_tells_the_plan_once_and_refuses_what_does_not_fit(
    similarity: Similarity, monkeypatch: pytest.MonkeyPatch
) -> None:
    interactions = oracles.interactions_of(np.ones((2, 3)))
    config = TrainConfig(similarity)
    monkeypatch.setattr(mlcore.train, "available_bytes", lambda: 9 * GIB)
    told: list[str] = []
    train_from_data(interactions, config, threads=1, tell=told.append)
    assert len(told) == 1
    assert told[0].startswith(f"{similarity.name}: needs ")
    assert told[0].endswith(" MiB for 3 items, 9.0 GiB available")

    def fail(*args: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr(mlcore.train, "available_bytes", lambda: 2**20)
    monkeypatch.setattr(type(similarity), "neighbors", fail)
    with pytest.raises(DataError, match=f"^{similarity.name}: memory: expected .* 1.0 MiB"):
        train_from_data(interactions, config, threads=1, tell=told.append)
    assert len(told) == 1


def test_similarities_without_a_plan_ask_for_no_memory_and_tell_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mlcore.train, "available_bytes", lambda: 0)
    told: list[str] = []
    train_from_data(oracles.interactions_of(np.ones((2, 3))), TrainConfig(), tell=told.append)
    assert told == []


def test_the_command_prints_the_plan_before_the_work_or_the_refusal_with_its_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("events.csv").write_text("user_id,item_id\nu,a\nu,b\nv,b\n")
    Path("ease.json").write_text(json.dumps({"similarity": {"name": "ease"}}))
    command = "--interactions events.csv --config ease.json --threads 1 --out-dir".split()
    monkeypatch.setattr(mlcore.train, "available_bytes", lambda: 3 * GIB)
    assert train_main([*command, "model"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "ease: needs 100.0 MiB for 2 items, 3.0 GiB available\n"
    assert shown.out.startswith("trained on 3 interactions")

    monkeypatch.setattr(mlcore.train, "available_bytes", lambda: 30 * 2**20)
    assert train_main([*command, "other"]) == 1
    error, hint = capsys.readouterr().err.splitlines()
    assert error == (
        "error: events.csv: ease: memory: expected a need of at most 30.0 MiB, as available, "
        "got 100.0 MiB for 2 items"
    )
    assert hint.startswith("hint: drop rare items")
    assert not Path("other").exists()

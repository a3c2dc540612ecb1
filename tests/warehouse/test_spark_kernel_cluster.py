"""Training on a standalone cluster of two workers, which Spark sends the files that they map."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.train.train import train_from_path
from mlcore.warehouse.engines import Spark, SparkOptions
from mlcore.warehouse.predict import predict_by_spark_from_path
from mlcore.warehouse.train import train_by_engine_from_path
from tests.warehouse.engines.test_spark_cluster import CONF
from tests.warehouse.spark_cluster import Cluster, standalone_cluster
from tests.warehouse.test_predict import rows_of
from tests.warehouse.test_train import assert_same

# Of pairs by scipy: slow enough for a worker to be killed while it counts.
SETTINGS = {"similarity": {"name": "log_likelihood_ratio"}, "num_neighbors": 20}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not Path("/proc/self/stat").exists():
        pytest.skip("the processes of the cluster are found by /proc")
    with standalone_cluster(tmp_path_factory.mktemp("cluster"), 2) as started:
        yield started


@pytest.fixture(scope="module")
def engine(cluster: Cluster) -> Iterator[Spark]:
    with Spark(SparkOptions(cluster.url, CONF)) as opened:
        yield opened


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 3000, 150_000), (rng.random(150_000) ** 2 * 1500).astype(int)
    path = tmp_path_factory.mktemp("events") / "events.csv"
    lines = [f"u{user:04},i{item:04}" for user, item in zip(users.tolist(), items.tolist())]
    path.write_text("\n".join(["user_id,item_id", *lines]) + "\n")
    return path


@pytest.mark.parametrize("is_shared", [False, True])
def test_workers_find_what_one_process_finds(
    is_shared: bool,
    engine: Spark,
    events: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By files that Spark sends, or those of a folder that all see."""
    table = tmp_path / "events.parquet"
    engine.session.read.csv(str(events), header=True).write.parquet(str(table))
    train_from_path(events, None, tmp_path / "core")
    context, sent = engine.session.sparkContext, list[str]()
    add = context.addFile

    def watched(path: str) -> None:
        sent.append(path)
        add(path)

    monkeypatch.setattr(context, "addFile", watched)
    folder = tmp_path / "shared"
    folder.mkdir()
    train_by_engine_from_path(
        engine,
        table.as_uri(),
        None,
        tmp_path / "spark",
        kernel="compiled",
        temp_directory=folder if is_shared else None,
    )
    assert_same(tmp_path / "core", tmp_path / "spark")
    assert not list(folder.iterdir())
    # Workers that come later ask for all that the application has sent.
    assert bool(sent) != is_shared and all(map(os.path.exists, sent))


@pytest.mark.parametrize("is_shared", [False, True])
def test_workers_rank_by_a_model_that_spark_has_sent_or_that_they_see(
    is_shared: bool,
    engine: Spark,
    events: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = tmp_path / "shared/model"
    train_from_path(events, {"num_neighbors": 20}, model)
    requests = Requests(all_users=True)
    predict_from_path(model, requests, tmp_path / "one.parquet")
    folder = model.parent if is_shared else None
    out = tmp_path / "lists.parquet"
    predict_by_spark_from_path(engine, model, requests, out, temp_directory=folder)
    assert rows_of(out) == rows_of(tmp_path / "one.parquet")


@pytest.mark.slow
def test_lists_are_the_same_although_a_worker_is_killed_in_the_middle(
    events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_from_path(events, {"num_neighbors": 20}, tmp_path / "model")
    requests, options = Requests(histories_path=events), PredictOptions(top_n=200)
    monkeypatch.setattr("mlcore.warehouse.predict.ROWS_PER_TASK", 3000)
    predict_from_path(tmp_path / "model", requests, tmp_path / "one.parquet", options)
    killed: list[int] = []

    with standalone_cluster(tmp_path, 2) as cluster:

        def kill_one(step: str, done: int, total: int) -> None:
            # The first tasks count and look for items.
            if step.startswith("recommend") and done >= 4 and not killed:
                killed.append(done)
                cluster.kill_worker(0)

        with Spark(SparkOptions(cluster.url, CONF)) as engine:
            out = tmp_path / "lists.parquet"
            predict_by_spark_from_path(
                engine, tmp_path / "model", requests, out, options, progress=kill_one
            )
    assert killed and killed[0] < 50, "the lists were made before a worker was killed"
    assert rows_of(out) == rows_of(tmp_path / "one.parquet")


def test_a_model_is_the_same_although_a_worker_is_killed_in_the_middle(
    engine: Spark, cluster: Cluster, events: Path, tmp_path: Path
) -> None:
    train_from_path(events, SETTINGS, tmp_path / "core")
    killed: list[int] = []

    def kill_one(step: str, done: int, total: int) -> None:
        if step.startswith("compare items") and done >= 2 and not killed:
            killed.append(done)
            cluster.kill_worker(0)

    train_by_engine_from_path(
        engine, events, SETTINGS, tmp_path / "spark", kernel="compiled", progress=kill_one
    )
    assert killed and killed[0] < 16, "the ranges were found before a worker was killed"
    assert_same(tmp_path / "core", tmp_path / "spark")

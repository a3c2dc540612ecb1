"""Spark on a standalone cluster of two workers: the same model, even if one of them is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import Interactions, TrainConfig, train_from_data
from mlcore.errors import DataError, MlcoreError
from mlcore.files.interactions import read_interactions
from mlcore.similarity import Cosine
from mlcore.warehouse.engines import Spark, SparkOptions
from mlcore.warehouse.engines.base import Rows
from mlcore.warehouse.query import Query
from mlcore.weighting import Binary
from tests.warehouse.spark_cluster import (
    QUICK_JAVA,
    Cluster,
    is_running,
    standalone_cluster,
    wait_until,
)
from tests.warehouse.sql_cases import queries

FIXTURES = Path(__file__).parents[3] / "fixtures"
CONF = {
    **QUICK_JAVA,
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.executor.memory": "512m",
    "spark.sql.shuffle.partitions": "8",
    # Work for both workers from the beginning, and much of it handed from one to the other.
    "spark.scheduler.minRegisteredResourcesRatio": "1",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "-1",
    "spark.shuffle.io.retryWait": "1s",
}


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


def executors(engine: Spark) -> Sequence[Any]:
    found = engine._context._jsc.sc().statusStore().executorList(False)
    listed = [found.apply(number) for number in range(found.size())]
    return [executor for executor in listed if executor.id() != "driver"]


def neighbors_by_mlcore(
    interactions: Interactions, num_neighbors: int
) -> dict[tuple[str, str], np.float32]:
    config = TrainConfig(Cosine(), Binary(), num_neighbors, "target")
    similarity = train_from_data(interactions, config).similarity
    sources = np.repeat(np.arange(similarity.num_rows), np.diff(similarity.indptr))  # (P,) int64
    ids = interactions.item_ids
    pairs = zip(sources.tolist(), similarity.indices.tolist(), similarity.data, strict=True)
    return {(ids[source], ids[target]): value for source, target, value in pairs}


def neighbors_of(parts: Iterator[Rows], ids: Sequence[str]) -> dict[tuple[str, str], np.float32]:
    found: dict[tuple[str, str], np.float32] = {}
    for part in parts:
        values = part["similarity"].astype(np.float32)  # (P,)
        for item, neighbor, value in zip(part["item_id"], part["neighbor_id"], values):
            if not isinstance(item, str):
                item, neighbor = ids[item], ids[neighbor]
            assert (item, neighbor) not in found
            found[item, neighbor] = value
    return found


def load_positions(engine: Spark, query: Query, interactions: Interactions) -> None:
    users = np.repeat(
        np.arange(len(interactions.user_ids)), np.diff(interactions.user_items.indptr)
    )
    items = interactions.user_items.indices.astype(np.int64)
    engine.load("interactions", query.reads["interactions"], [{"user_id": users, "item_id": items}])


def test_a_cluster_gives_the_neighbors_of_the_numpy_core(engine: Spark) -> None:
    interactions = read_interactions(FIXTURES / "small/train.csv")
    query = queries()["train"]
    counts = np.diff(interactions.user_items.indptr)
    users = np.repeat(np.array(interactions.user_ids, object), counts)
    items = np.array(interactions.item_ids, object)[interactions.user_items.indices]
    engine.load("interactions", query.reads["interactions"], [{"user_id": users, "item_id": items}])
    result = engine.run(query, query.values({"num_neighbors": 7, "neighborhood": "target"}))
    assert neighbors_of(result.parts, []) == neighbors_by_mlcore(interactions, 7)
    assert result.statistics["master"] == "spark" and result.statistics["executors"] == 2
    assert result.statistics["failed_tasks"] == 0
    assert all(executor.completedTasks() for executor in executors(engine))


def test_a_job_is_right_although_a_worker_is_killed_in_the_middle(
    engine: Spark, cluster: Cluster
) -> None:
    # 900 thousand pairs of rows, some seconds of work.
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 2000, 60_000), (rng.random(60_000) ** 2 * 2000).astype(int)
    interactions = Interactions.from_columns(map(str, users.tolist()), map(str, items.tolist()))
    query = queries()["train"].with_integer_ids()
    load_positions(engine, query, interactions)
    written_before = [executor.totalShuffleWrite() for executor in executors(engine)]
    killed: list[int] = []

    def kill_one_while_both_work(step: str, done: int, total: int) -> None:
        found = executors(engine)
        at_work = [
            executor.activeTasks() > 0 and executor.totalShuffleWrite() > before
            for executor, before in zip(found, written_before, strict=True)
        ]
        if not killed and all(at_work):
            killed.append(done)
            cluster.kill_worker(0)

    values = query.values({"num_neighbors": 20, "neighborhood": "target"})
    result = engine.run(query, values, progress=kill_one_while_both_work)
    assert killed, "the job was over before both workers had done and still did some of it"
    assert neighbors_of(result.parts, interactions.item_ids) == neighbors_by_mlcore(
        interactions, 20
    )
    assert [executor.isActive() for executor in executors(engine)].count(False) == 1
    assert result.statistics["executors"] == 1
    # What the lost worker had not handed over was done again.
    repeated = [result.statistics[name] for name in ("failed_tasks", "repeated_stages")]
    assert sum(map(int, repeated)) >= 1, result.statistics


def test_tables_that_would_be_lost_are_not_stored(engine: Spark) -> None:
    query = queries()["split_random"]
    with pytest.raises(DataError, match="^model: expected a catalog that lasts, got ") as caught:
        engine.store(query, query.values({"part": "train"}), "model")
    assert caught.value.hint and "spark.sql.warehouse.dir" in caught.value.hint


def test_the_end_of_java_is_one_line_and_leaves_no_executor(
    engine: Spark, cluster: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    # The last test here: the engine has no Java after it.
    assert engine._own is not None
    java = engine._own._gateway.proc.pid
    left = cluster.executors()
    assert left and all(map(is_running, left))
    query = queries()["train"].with_integer_ids()
    with pytest.raises(MlcoreError, match=f"^{query.place}: expected Java to run .* code -9$"):
        engine.run(query, query.values({}), progress=lambda *told: os.kill(java, signal.SIGKILL))
    wait_until(lambda: not any(map(is_running, left)), "end of the executors")
    assert capfd.readouterr() == ("", "")

"""mlcore.warehouse.spark: from a session that somebody has, which stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcore import DataError, Recommender
from mlcore.evaluate.evaluate import evaluate_from_path
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.train.train import train_from_path
from mlcore.warehouse import spark
from tests.warehouse.spark_cluster import QUICK_JAVA
from tests.warehouse.test_train import assert_same

FIXTURES = Path(__file__).parents[2] / "fixtures"
TRAIN, TEST = FIXTURES / "family/train.csv", FIXTURES / "family/test.csv"


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """As a user's program has it; its Java ends with it."""
    from mlcore.warehouse.engines import SparkOptions
    from mlcore.warehouse.engines.spark_session import OwnSession

    own = OwnSession(SparkOptions("local[2]", {**QUICK_JAVA, "spark.sql.ansi.enabled": "true"}))
    own.session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        yield own.session
    finally:
        own.close()


@pytest.fixture(scope="module")
def frame(session: Any) -> Any:
    schema = "user_id string, item_id string, weight double, timestamp long"
    return session.read.csv(str(TRAIN), header=True, schema=schema)


def test_a_frame_gives_the_model_of_the_core(session: Any, frame: Any, tmp_path: Path) -> None:
    said = train_from_path(TRAIN, None, tmp_path / "core")
    assert spark.train(frame.repartition(3), None, tmp_path / "spark", kernel="compiled") == said
    assert_same(tmp_path / "core", tmp_path / "spark")
    assert session.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    assert not session.catalog.listTables("global_temp")
    assert frame.count() == len(TRAIN.read_text().splitlines()) - 1


def test_without_weights_and_times_each_row_counts_1(frame: Any, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    rows = [line.split(",")[:2] for line in TRAIN.read_text().splitlines()]
    pairs.write_text("\n".join(map(",".join, rows)) + "\n")
    train_from_path(pairs, {"num_neighbors": 3}, tmp_path / "core")
    spark.train(frame.select("user_id", "item_id"), {"num_neighbors": 3}, tmp_path / "spark")
    assert_same(tmp_path / "core", tmp_path / "spark")


def test_what_is_no_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a data frame of a classic session of Spark, got"):
        spark.train(7, None, tmp_path / "model")


def test_a_frame_without_ids_is_refused_and_leaves_no_view(
    session: Any, frame: Any, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="item_id: expected a column of this name, got 'user_id'"):
        spark.train(frame.select("user_id"), None, tmp_path / "model")
    assert not session.catalog.listTables("global_temp")


def test_lists_of_frames_are_those_of_the_core(session: Any, frame: Any, tmp_path: Path) -> None:
    train_from_path(TRAIN, None, tmp_path / "model")
    recommender = Recommender.load(tmp_path / "model")
    users = frame.select("user_id").distinct()
    found = spark.predict(users, tmp_path / "model", PredictOptions(top_n=4))
    expected = recommender.predict_many(recommender.user_ids(), 4).to_rows()
    assert [row.asDict() for row in found.sort("user_id", "rank").collect()] == expected
    everybody = spark.predict(session, tmp_path / "model", PredictOptions(top_n=4))
    assert [row.asDict() for row in everybody.sort("user_id", "rank").collect()] == expected
    found.createOrReplaceTempView("lists")  # in the session of the frame
    assert session.sql("SELECT count(*) FROM lists").first()[0] == len(expected)
    session.catalog.dropTempView("lists")
    of_events = spark.predict(frame.drop("timestamp"), tmp_path / "model", PredictOptions(top_n=4))
    assert [row.asDict() for row in of_events.sort("user_id", "rank").collect()] == expected


def test_frames_evaluate_as_files_do(session: Any, frame: Any, tmp_path: Path) -> None:
    train_from_path(TRAIN, None, tmp_path / "model")
    lists = spark.predict(session, tmp_path / "model")
    truth = session.read.csv(str(TEST), header=True, schema=frame.schema)
    found = spark.evaluate(lists, truth, [3, 5], interactions=frame)
    predict_from_path(tmp_path / "model", Requests(all_users=True), tmp_path / "lists.jsonl")
    paths = tmp_path / "lists.jsonl", TEST, tmp_path / "m.json"
    evaluate_from_path(*paths, [3, 5], model_dir=tmp_path / "model")
    expected = json.loads((tmp_path / "m.json").read_text())
    assert found["metrics"] == pytest.approx(expected["metrics"], rel=1e-12)
    assert {**found, "metrics": 0} == {**expected, "metrics": 0}
    assert not session.catalog.listTables("global_temp")


def test_a_user_without_an_id_is_refused_when_the_frame_is_used(
    session: Any, tmp_path: Path
) -> None:
    train_from_path(TRAIN, None, tmp_path / "model")
    users = session.createDataFrame([("u",), (None,)], "user_id string")
    with pytest.raises(Exception, match="users: user_id: expected values in all rows"):
        spark.predict(users, tmp_path / "model").collect()
    numbers = session.range(3).withColumnRenamed("id", "user_id")
    with pytest.raises(DataError, match="users: user_id: expected STRING, got bigint"):
        spark.predict(numbers, tmp_path / "model")

"""mlcore.warehouse.predict: the lists of cli.predict, by Spark's workers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import cli.predict
from mlcore.errors import ConfigError, DataError
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.train.train import train_from_path
from mlcore.warehouse.engines import Spark, SparkOptions
from mlcore.warehouse.predict import predict_by_spark_from_path
from tests.warehouse.spark_cluster import QUICK_JAVA

pytestmark = [pytest.mark.spark, pytest.mark.duckdb]

FIXTURES = Path(__file__).parents[2] / "fixtures"
TRAIN = FIXTURES / "small/train.csv"
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    folder = str(tmp_path_factory.mktemp("warehouse"))
    conf = {**QUICK_JAVA, "spark.sql.shuffle.partitions": "3", "spark.sql.warehouse.dir": folder}
    with Spark(SparkOptions("local[2]", conf)) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a decay, an order of events and a catalogue."""
    folder = tmp_path_factory.mktemp("model")
    items = sorted({line.split(",")[1] for line in TRAIN.read_text().splitlines()[1:]})
    rows = [f"{item},{'even' if number % 2 else 'odd'}" for number, item in enumerate(items)]
    (folder / "items.csv").write_text("\n".join(["item_id,kind", *rows]) + "\n")
    config = {
        "weighting": {"name": "log", "half_life_days": 30},
        "history_decay": {"name": "quadratic"},
    }
    train_from_path(TRAIN, config, folder / "model", attributes_path=folder / "items.csv")
    return folder / "model"


def rows_of(path: Path) -> Rows:
    import duckdb

    place = f"{path}/*.parquet" if path.is_dir() else f"{path}"
    rows: Rows = duckdb.sql(f"SELECT * FROM '{place}' ORDER BY user_id, rank").fetchall()
    return rows


def users_of(path: Path) -> Sequence[str]:
    return sorted({line.split(",")[0] for line in path.read_text().splitlines()[1:]})


def both(
    engine: Spark, model: Path, requests: Requests, options: PredictOptions, tmp_path: Path
) -> tuple[Rows, Rows]:
    predict_from_path(model, requests, tmp_path / "one.parquet", options)
    predict_by_spark_from_path(engine, model, requests, tmp_path / "lists.parquet", options)
    return rows_of(tmp_path / "one.parquet"), rows_of(tmp_path / "lists.parquet")


@pytest.mark.parametrize(
    "options",
    [
        PredictOptions(),
        PredictOptions(top_n=3, include_seen=True),
        PredictOptions(top_n=400, fill="popularity"),
        PredictOptions(filter={"any_of": {"kind": ["even"]}, "at_most": {"kind": 4}}),
    ],
    ids=str,
)
def test_lists_of_all_users_are_those_of_the_command(
    options: PredictOptions, engine: Spark, model: Path, tmp_path: Path
) -> None:
    one, other = both(engine, model, Requests(all_users=True), options, tmp_path)
    assert other == one and len(one) > 300


def test_lists_of_some_users_and_limits_of_each(engine: Spark, model: Path, tmp_path: Path) -> None:
    users = users_of(TRAIN)[::3]
    (tmp_path / "users.csv").write_text("\n".join(["user_id", *users]) + "\n")
    pairs = [f"{user},{item}" for user in users for item in items_of(TRAIN)[:20]]
    (tmp_path / "pairs.csv").write_text("\n".join(["user_id,item_id", *pairs]) + "\n")
    options = PredictOptions(exclude_pairs_path=tmp_path / "pairs.csv", unknown_user="skip")
    requests = Requests(users_path=tmp_path / "users.csv")
    one, other = both(engine, model, requests, options, tmp_path)
    assert other == one and {row[0] for row in one} == set(users)


def items_of(path: Path) -> Sequence[str]:
    return sorted({line.split(",")[1] for line in path.read_text().splitlines()[1:]})


@pytest.mark.parametrize("at_once", [1, 10_000])
@pytest.mark.parametrize("weights", ["events", "final"])
def test_lists_of_events_are_those_of_the_command(
    weights: Any, at_once: int, engine: Spark, model: Path, tmp_path: Path
) -> None:
    header, *lines = TRAIN.read_text().splitlines()
    path = tmp_path / "events.csv"
    path.write_text("\n".join([header, *lines[: len(lines) // 2], *lines[:30]]) + "\n")
    options = PredictOptions(weights=weights)
    one, other = both(engine, model, Requests(histories_path=path), options, tmp_path)
    assert other == one and one


def test_new_users_are_an_error_left_out_or_filled(
    engine: Spark, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "users.csv").write_text("\n".join(["user_id", "nobody", users_of(TRAIN)[0]]) + "\n")
    requests = Requests(users_path=tmp_path / "users.csv")
    with pytest.raises(
        DataError, match="user_id: expected a user of the model, got 'nobody'"
    ) as caught:
        predict_by_spark_from_path(engine, model, requests, tmp_path / "lists.parquet")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "lists.parquet").exists()
    for unknown_user in ("skip", "fill"):
        folder = tmp_path / unknown_user
        folder.mkdir()
        options = PredictOptions(unknown_user=unknown_user)
        one, other = both(engine, model, requests, options, folder)
        assert other == one
        assert ("nobody" in {row[0] for row in one}) == (unknown_user == "fill")


def test_lists_go_into_a_table_and_what_is_there_stays(
    engine: Spark, model: Path, tmp_path: Path
) -> None:
    requests = Requests(all_users=True)
    said = predict_by_spark_from_path(engine, model, requests, "found_lists")
    predict_from_path(model, requests, tmp_path / "one.parquet")
    found = [
        tuple(row) for row in engine.session.table("found_lists").sort("user_id", "rank").collect()
    ]
    assert found == rows_of(tmp_path / "one.parquet")
    assert said == f"{len(found)} items in lists in found_lists"
    with pytest.raises(
        DataError, match="found_lists: expected what spark can run, got .*ALREADY_EXISTS"
    ):
        predict_by_spark_from_path(engine, model, requests, "found_lists")
    (tmp_path / "lists.parquet").write_text("mine")
    with pytest.raises(DataError, match="lists.parquet: expected a path that does not exist yet"):
        predict_by_spark_from_path(engine, model, requests, tmp_path / "lists.parquet")
    assert (tmp_path / "lists.parquet").read_text() == "mine"


def test_a_folder_of_lists_has_a_line_of_lineage(
    engine: Spark, model: Path, tmp_path: Path
) -> None:
    log = tmp_path / "lineage.jsonl"
    predict_by_spark_from_path(
        engine, model, Requests(all_users=True), tmp_path / "lists.parquet", lineage_path=log
    )
    (line,) = map(json.loads, log.read_text().splitlines())
    assert line["command"] == "predict" and line["engine"] == "spark"
    assert line["output"]["format"] == "parquet" and line["output"]["sha256"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PredictOptions(explain=True), "explain: expected lists in JSON Lines with it, got rows"),
        (PredictOptions(attributes_path="items.csv"), "attributes: expected those of the model"),
    ],
)
def test_what_rows_or_workers_cannot_do_is_refused(
    options: PredictOptions, message: str, engine: Spark, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        predict_by_spark_from_path(
            engine, model, Requests(all_users=True), tmp_path / "lists.parquet", options
        )


def test_options_of_spark_need_the_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model-dir", "model", "--all-users", "--out", str(tmp_path / "lists.parquet")]
    assert cli.predict.main([*options, "--temp-directory", "/tmp"]) == 1
    assert "--temp-directory: expected --engine" in capsys.readouterr().err
    assert cli.predict.main([*options, "--engine", "spark", "--dry-run"]) == 1
    assert "--dry-run: expected no --engine with it" in capsys.readouterr().err

"""mlcore.warehouse.predict: the lists of cli.predict, by Spark's workers."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cli.predict
from mlcore.errors import ConfigError, DataError, DataWarning
from mlcore.evaluate.evaluate import evaluate_from_path
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.recommend.request import ListOptions
from mlcore.train.train import train_from_path
from mlcore.warehouse.engines import Spark, SparkOptions
from mlcore.warehouse.engines.spark_workers import is_seen, rank_events
from mlcore.warehouse.evaluate import EvaluationTables, evaluate_by_engine
from mlcore.warehouse.predict import predict_by_spark_from_path
from tests.warehouse.spark_cluster import QUICK_JAVA

pytestmark = [pytest.mark.spark, pytest.mark.duckdb]

FIXTURES = Path(__file__).parents[2] / "fixtures"
TRAIN = FIXTURES / "small/train.csv"
TEST = FIXTURES / "small/test.csv"
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


def events_of(tmp_path: Path, columns: int = 4) -> Path:
    """Half of the rows, some of them twice, in no order of users; and a few of unknown items."""
    header, *lines = TRAIN.read_text().splitlines()
    lines = [*lines[: len(lines) // 2], *lines[:30], "new,strange,2,1725482705", lines[-1]]
    random.Random(7).shuffle(lines)
    rows = [line.split(",")[:columns] for line in [header, *lines]]
    path = tmp_path / "events.csv"
    path.write_text("\n".join(map(",".join, rows)) + "\n")
    return path


@pytest.mark.parametrize("columns", [2, 3, 4])
@pytest.mark.parametrize(
    "options",
    [
        PredictOptions(),
        PredictOptions(weights="final"),
        PredictOptions(now="2026-01-01T00:00:00Z", fill="popularity", top_n=200),
    ],
    ids=str,
)
def test_lists_of_events_are_those_of_the_command(
    options: PredictOptions, columns: int, engine: Spark, model: Path, tmp_path: Path
) -> None:
    requests = Requests(histories_path=events_of(tmp_path, columns))
    if columns < 4:  # rows without times have no order for a history decay
        config = {"weighting": {"name": "log"}}
        train_from_path(TRAIN, config, tmp_path / "model")
        if options.weights == "events":
            with pytest.raises(DataError, match="timestamp: expected times, as the model has"):
                both(engine, model, requests, replace(options, now=None), tmp_path)
        model, options = tmp_path / "model", replace(options, now=None)
    one, other = both(engine, model, requests, options, tmp_path)
    assert other == one and len({row[0] for row in one}) > 50


@pytest.mark.parametrize("at_once", [1, 10_000])
@pytest.mark.parametrize("rows", [1, 7, 10_000])
def test_events_of_a_user_are_one_history_however_they_come(
    rows: int, at_once: int, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches end anywhere, and so does what is weighed together."""
    import pyarrow.csv

    monkeypatch.setattr("mlcore.warehouse.engines.spark_workers.EVENTS_AT_ONCE", at_once)
    path = events_of(tmp_path)
    types = {"user_id": "string", "item_id": "string", "weight": "double", "timestamp": "int64"}
    read = pyarrow.csv.ConvertOptions(column_types=types)
    events = pyarrow.csv.read_csv(path, convert_options=read).sort_by("user_id")
    made = rank_events(
        str(model.parent),
        model.name,
        ListOptions(),
        "events",
        None,
        events.to_batches(max_chunksize=rows),
    )
    found = [tuple(row.values()) for batch in made for row in batch.to_pylist()]
    predict_from_path(model, Requests(histories_path=path), tmp_path / "one.parquet")
    assert sorted(found) == sorted(rows_of(tmp_path / "one.parquet"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("u,a,1,5\nv,a,1,\n", "timestamp: expected .*values in all rows"),
        ("u,a,0,5\n", "weight: expected a .*number above 0"),
        ("u,,1,5\n", "item_id: expected an id of at least one character"),
    ],
)
def test_events_that_break_a_rule_are_refused(
    rows: str, message: str, engine: Spark, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user_id,item_id,weight,timestamp\n" + rows)
    requests = Requests(histories_path=path)
    with pytest.raises(DataError, match=message):
        predict_by_spark_from_path(engine, model, requests, tmp_path / "lists.parquet")
    assert not (tmp_path / "lists.parquet").exists()


def test_a_file_of_histories_is_refused(engine: Spark, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "histories.jsonl"
    path.write_text('{"user_id": "u", "history": []}\n')
    with pytest.raises(DataError, match="expected a table of events, .*, got JSON Lines"):
        predict_by_spark_from_path(
            engine, model, Requests(histories_path=path), tmp_path / "lists.parquet"
        )


def test_events_of_unknown_items_are_noted_as_by_the_command(
    engine: Spark, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user_id,item_id,timestamp\nu,nothing,1\nv,nothing,2\n")
    requests = Requests(histories_path=path)
    with pytest.warns(DataWarning) as ours:
        said = predict_by_spark_from_path(engine, model, requests, tmp_path / "lists.parquet")
    with pytest.warns(DataWarning) as core:
        predict_from_path(model, requests, tmp_path / "one.parquet")
    assert str(ours[0].message) == str(core[0].message)
    assert said.startswith("0 lists with 0 items") and "every list is empty" in str(ours[1].message)


def test_a_time_that_changes_nothing_is_noted(engine: Spark, model: Path, tmp_path: Path) -> None:
    requests = Requests(histories_path=events_of(tmp_path))
    options = PredictOptions(weights="final", now="2026-01-01T00:00:00Z")
    with pytest.warns(DataWarning, match="now: changes nothing"):
        predict_by_spark_from_path(engine, model, requests, tmp_path / "lists.parquet", options)


def test_users_of_whom_none_is_known_are_refused_as_by_the_command(
    engine: Spark, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "users.csv"
    for users, unknown_user in [("nobody", "skip"), (users_of(TRAIN)[0].upper(), "fill")]:
        path.write_text(f"user_id\n{users}\n")
        requests = Requests(users_path=path)
        options = PredictOptions(unknown_user=unknown_user)  # type: ignore[arg-type]
        with pytest.raises(DataError) as ours:
            predict_by_spark_from_path(engine, model, requests, tmp_path / "lists.parquet", options)
        with pytest.raises(DataError) as core:
            predict_from_path(model, requests, tmp_path / "one.parquet", options)
        assert (str(ours.value), ours.value.hint) == (str(core.value), core.value.hint)


def test_pairs_of_whom_no_user_is_asked_for_are_refused(
    engine: Spark, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "pairs.csv").write_text(f"user_id,item_id\nnobody,{items_of(TRAIN)[0]}\n")
    options = PredictOptions(include_pairs_path=tmp_path / "pairs.csv")
    with pytest.raises(DataError, match="user_id: expected users of the model, got none of them"):
        predict_by_spark_from_path(
            engine, model, Requests(all_users=True), tmp_path / "lists.parquet", options
        )


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
    assert said == f"{len(users_of(TRAIN))} lists with {len(found)} items in found_lists"
    with pytest.raises(
        DataError, match="found_lists: expected what spark can run, got .*ALREADY_EXISTS"
    ):
        predict_by_spark_from_path(engine, model, requests, "found_lists")
    (tmp_path / "lists.parquet").write_text("mine")
    with pytest.raises(DataError, match="lists.parquet: expected a folder of Parquet, got a file"):
        predict_by_spark_from_path(engine, model, requests, tmp_path / "lists.parquet")
    assert (tmp_path / "lists.parquet").read_text() == "mine"


@pytest.mark.filterwarnings("ignore:.*lists.*. read . parts")
@pytest.mark.parametrize("name", ["lists.parquet", "lists/", "file://lists"])
def test_a_folder_is_replaced_whole_and_evaluates(
    name: str, engine: Spark, model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / name.removeprefix("file://").rstrip("/")
    out = folder.as_uri() if "://" in name else tmp_path / name if name[-1] != "/" else f"{folder}/"
    for top_n in (3, 10):
        options = PredictOptions(top_n=top_n)
        predict_by_spark_from_path(engine, model, Requests(all_users=True), out, options)
    predict_from_path(model, Requests(all_users=True), tmp_path / "one.parquet")
    assert rows_of(folder) == rows_of(tmp_path / "one.parquet")
    engine.session.read.parquet(folder.as_uri()).write.mode("overwrite").saveAsTable("kept_lists")
    evaluate_from_path(tmp_path / "one.parquet", TEST, tmp_path / "one.json", [5, 10])
    expected = json.loads((tmp_path / "one.json").read_text())
    # Read by us, where it is, and by Spark.
    for place in (folder, folder.as_uri(), "kept_lists"):
        tables = EvaluationTables(place, TEST)
        found, _ = evaluate_by_engine(engine, tables, [5, 10])
        assert found["metrics"] == pytest.approx(expected["metrics"], rel=1e-12)
        assert {**found, "metrics": 0} == {**expected, "metrics": 0}


def test_a_folder_of_lists_has_a_line_of_lineage(
    engine: Spark, model: Path, tmp_path: Path
) -> None:
    log = tmp_path / "lineage.jsonl"
    (tmp_path / "banned.csv").write_text(f"item_id\n{items_of(TRAIN)[0]}\n")
    options = PredictOptions(exclude_items_path=tmp_path / "banned.csv")
    out = f"{tmp_path}/lists/"
    predict_by_spark_from_path(
        engine, model, Requests(all_users=True), out, options, lineage_path=log
    )
    (line,) = map(json.loads, log.read_text().splitlines())
    assert line["command"] == "predict" and line["engine"] == "spark"
    assert line["output"]["format"] == "parquet" and line["output"]["sha256"]
    assert {one["role"] for one in line["inputs"]} == {"model", "exclude_items"}


@pytest.mark.parametrize("name", ["lists.csv", "lists.jsonl", "-"])
def test_a_file_is_no_output_of_workers(
    name: str, engine: Spark, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="expected a table, or a folder of Parquet"):
        predict_by_spark_from_path(engine, model, Requests(all_users=True), name)


def test_a_table_that_would_be_gone_is_not_made(
    engine: Spark, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = SimpleNamespace(forgets_tables=True)
    monkeypatch.setattr(engine, "_own", own)
    with pytest.raises(DataError, match="lost_lists: expected a catalog that lasts"):
        predict_by_spark_from_path(engine, model, Requests(all_users=True), "lost_lists")


def test_a_folder_that_workers_do_not_see_is_refused(
    engine: Spark, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spark, "is_local", False)
    monkeypatch.setattr("mlcore.warehouse.predict.is_seen", sees_nothing)
    out = tmp_path / "lists.parquet"
    with pytest.raises(DataError, match="lists.parquet: expected a folder that all workers see"):
        predict_by_spark_from_path(engine, model, Requests(all_users=True), out)
    assert not out.exists()


def sees_nothing(path: str, batches: Any) -> Iterator[Any]:
    """As a worker on another machine."""
    yield from is_seen(path + "-elsewhere", batches)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (PredictOptions(explain=True), "explain: expected lists in JSON Lines with it, got rows"),
        (PredictOptions(attributes_path="items.csv"), "attributes: expected those of the model"),
        (PredictOptions(weights="final"), "weights: expected --histories with it"),
        (PredictOptions(now="2026-01-01T00:00:00Z"), "now: expected --histories with it"),
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

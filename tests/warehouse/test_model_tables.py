"""mlcore.warehouse.model_tables: a model gives queries its tables and the parameters of its rule."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cli.lineage
import cli.predict
import cli.run_sql
from mlcore import Interactions, Model, Recommender, TrainConfig, train_from_data
from mlcore.errors import ConfigError, CsrError, DataError
from mlcore.files.histories import read_histories
from mlcore.lineage import QueryRecord, describe_input, read_lineage
from mlcore.warehouse.engines import Engine
from mlcore.warehouse.model_tables import MODEL_TABLES, ModelTables
from mlcore.warehouse.query import Query, parse_query
from mlcore.warehouse.run import SqlRun, run_sql_from_path
from tests.warehouse.sql_cases import ROOT, queries
from tests.warehouse.test_sql_cases import ENGINES

BM25 = ROOT / "fixtures/small/dot_bm25/model"
HALF_LIFE = ROOT / "fixtures/family/cosine_half_life/model"
WITHOUT_RULE = ROOT / "interop/conformance/gold/format-1-mlcore-0.2.0/family_default/model"
WEIGH, RECOMMEND = queries()["weigh_history"], queries()["recommend"]


def reading(*tables: str) -> Query:
    """A query that reads some tables, each with its columns."""
    reads = "".join(f"-- reads: {table}\n" for table in tables)
    sources = " CROSS JOIN ".join(table.partition("(")[0] for table in tables)
    text = f"-- own: 1.\n{reads}-- writes: t(n INT64)\nSELECT 1 AS n FROM {sources}\n"
    return parse_query(Path("own.sql"), text.encode())


def rows_of(model_dir: Path, query: Query, table: str) -> list[tuple[Any, ...]]:
    parts = ModelTables(model_dir, query).parts(table, query.reads[table])
    return [row for part in parts for row in zip(*(cells.tolist() for cells in part.values()))]


# --- tables ---------------------------------------------------------------------------------------


def test_the_tables_are_the_arrays_of_the_model_with_ids_for_positions(tmp_path: Path) -> None:
    # Worked by hand: a and b share user u, c is alone; BM25 with k1 = 2 and b = 0 has norms of 2.
    pairs = Interactions.from_columns("uuv", "abc", [1.0, 4.0, 2.0])
    weighting = {"name": "bm25", "k1": 2, "b": 0, "smooth": True}
    model = train_from_data(pairs, TrainConfig.from_json({"weighting": weighting}))
    model.save(tmp_path / "model")
    similarity = [float(value) for value in model.similarity.data]
    assert model.histories is not None and model.normalization is not None
    weights = [float(value) for value in model.histories.data]
    assert rows_of(tmp_path / "model", RECOMMEND, "neighbors") == [
        ("a", "b", similarity[0]),
        ("b", "a", similarity[1]),
    ]
    assert rows_of(tmp_path / "model", RECOMMEND, "histories") == [
        ("u", "a", weights[0]),
        ("u", "b", weights[1]),
        ("v", "c", weights[2]),
    ]
    assert rows_of(tmp_path / "model", WEIGH, "items") == [("a", 2.0), ("b", 2.0), ("c", 2.0)]
    # ln(1 + I / n) for n = 1, 2, 3 of I = 3 items
    factors = [(n, pytest.approx(np.log1p(3 / n), rel=1e-15)) for n in (1, 2, 3)]
    assert rows_of(tmp_path / "model", WEIGH, "length_factors") == factors


def test_what_a_weighting_does_not_use_is_missing() -> None:
    rows = rows_of(HALF_LIFE, WEIGH, "items")
    assert [norm for _, norm in rows] == [None] * len(Model.load(HALF_LIFE).items)
    assert rows_of(HALF_LIFE, WEIGH, "length_factors") == []


def test_a_query_reads_other_columns_of_a_model_in_its_own_order_or_with_their_default() -> None:
    query = reading(
        "items(boost FLOAT64 = 1.5, count INT64 = 2, item_id STRING, title STRING NULL)"
    )
    assert rows_of(BM25, query, "items")[0] == (1.5, 2, Model.load(BM25).items.ids[0], None)


def test_long_tables_come_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows_of(BM25, RECOMMEND, "neighbors")
    monkeypatch.setattr("mlcore.warehouse.model_tables._ROWS_PER_PART", 100)
    parts = list(ModelTables(BM25, RECOMMEND).parts("neighbors", MODEL_TABLES["neighbors"]))
    assert len(parts) > 10
    assert rows_of(BM25, RECOMMEND, "neighbors") == whole


# --- parameters -----------------------------------------------------------------------------------


def test_the_parameters_are_those_of_the_rule() -> None:
    assert ModelTables(BM25, WEIGH).params == {"aggregate": "sum", "weighting": "bm25", "k1": 2}
    now = 1735504717  # 2024-12-29T20:38:37Z
    assert ModelTables(HALF_LIFE, WEIGH).params == {
        "aggregate": "sum",
        "weighting": "none",
        "half_life_days": 60,
        "now": now,
    }
    given = ModelTables(HALF_LIFE, WEIGH, ["items"], ["now", "weighting"])
    assert given.params == {"aggregate": "sum", "half_life_days": 60}
    assert given.names == ["length_factors"]


def test_a_query_without_such_parameters_gets_none_and_needs_no_rule() -> None:
    assert ModelTables(BM25, RECOMMEND).params == {}
    assert ModelTables(WITHOUT_RULE, RECOMMEND).names == ["neighbors", "histories"]


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model_dir", "query", "message"),
    [
        (
            BM25,
            queries()["deduplicate"],
            "^sql/deduplicate.sql: model_dir: expected a query that reads some of neighbors, histories, "
            "items, length_factors, got one that reads events$",
        ),
        (WITHOUT_RULE, WEIGH, "model: history_rule: expected a model with it, .* got none$"),
        (WITHOUT_RULE, reading("length_factors(num_items INT64)"), "history_rule: expected"),
        (
            BM25,
            reading("neighbors(item_id STRING, similarity INT64)"),
            r"^own.sql: neighbors: expected columns .* \(item_id STRING, neighbor_id STRING, similarity "
            r"FLOAT64\), got similarity INT64$",
        ),
        (
            HALF_LIFE,
            reading("items(item_id STRING, norm FLOAT64)"),
            r"^own.sql: items: expected columns .* \(item_id STRING\), got norm FLOAT64$",
        ),
        (
            BM25,
            reading("items(item_id STRING, title STRING)"),
            "^own.sql: items: expected columns that the model has .* got title STRING$",
        ),
    ],
)
def test_a_query_that_does_not_fit_the_model_is_refused(
    model_dir: Path, query: Query, message: str
) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        ModelTables(model_dir, query)


@pytest.mark.parametrize("decay", [{"name": "exponential", "base": 2}, {"name": "none"}])
def test_a_model_that_decays_by_order_is_refused_whatever_is_read(
    decay: dict[str, object], tmp_path: Path
) -> None:
    model = Model.load(BM25)
    config = {**model.config_json, "history_decay": decay}
    replace(model, config_json=config).save(tmp_path / "model")
    if decay["name"] == "none":
        assert ModelTables(tmp_path / "model", RECOMMEND).names == ["neighbors", "histories"]
        return
    with pytest.raises(
        ConfigError, match="history_decay: expected none, .* got exponential"
    ) as told:
        ModelTables(tmp_path / "model", RECOMMEND)
    assert told.value.hint == "cli.predict --histories applies it"


@pytest.mark.parametrize(
    ("table", "fault", "message"),
    [
        (
            "neighbors",
            {"indices": 10**6},
            "^similarity.npz: expected item positions that exist",
        ),
        ("neighbors", {"data": np.nan}, "^similarity.npz: .* and finite values, got others"),
        ("histories", {"indices": -1}, "^histories.npz: .* finite weights above 0, got others"),
    ],
)
def test_a_faulty_matrix_is_refused(
    table: str, fault: dict[str, float], message: str, tmp_path: Path
) -> None:
    model = Model.load(BM25)
    name = {"neighbors": "similarity", "histories": "histories"}[table]
    matrix = getattr(model, name)
    ((part, value),) = fault.items()
    cells = getattr(matrix, part).copy()
    cells[0] = value
    faulty: dict[str, Any] = {name: replace(matrix, **{part: cells})}
    replace(model, **faulty).save(tmp_path / "model")
    with pytest.raises(CsrError, match=message):
        rows_of(tmp_path / "model", RECOMMEND, table)


def test_faulty_norms_are_refused(tmp_path: Path) -> None:
    model = Model.load(BM25)
    assert model.normalization is not None and model.normalization.item_norms is not None
    norms = np.where(np.arange(len(model.items)) == 3, np.inf, model.normalization.item_norms)
    replace(model, normalization=model.normalization._replace(item_norms=norms)).save(
        tmp_path / "model"
    )
    with pytest.raises(
        CsrError, match="^item_norms.npz: norms.npy: expected finite numbers, got inf"
    ):
        rows_of(tmp_path / "model", WEIGH, "items")


# --- cli.run_sql ----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and events, where the commands run."""
    shutil.copytree(BM25, tmp_path / "model")
    shutil.copy(ROOT / "fixtures/small/events.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    return cli.run_sql.main(list(arguments))


def weigh(*more: str, out: str = "histories.jsonl") -> int:
    return run("--query", "weigh_history", "--model-dir", "model", "--out", out, *more)


def records() -> list[QueryRecord]:
    return [one for one in read_lineage("lineage.jsonl") if isinstance(one, QueryRecord)]


@pytest.mark.duckdb
def test_the_commands_of_the_readme_give_the_lists_of_predict(folder: Path) -> None:
    readme = (ROOT / "sql/README.md").read_text("utf-8")
    commands = re.findall(r"^python -m cli\.run_sql (.*)$", readme, re.MULTILINE)
    assert sum("--model-dir" in command for command in commands) == 2
    for command in commands:
        assert run(*shlex.split(command)) == 0
    rows = [json.loads(line) for line in (folder / "lists.jsonl").read_text().splitlines()]
    arguments = ["--model-dir", "model", "--histories", "events.csv", "--out", "predictions.jsonl"]
    assert cli.predict.main(arguments) == 0
    lists = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    expected = [(one["user_id"], item) for one in lists for item in one["items"]]
    assert len(expected) > 500
    assert [(row["user_id"], row["item_id"]) for row in rows] == [
        (user, item["item_id"]) for user, item in expected
    ]
    np.testing.assert_allclose(
        [row["score"] for row in rows], [item["score"] for _, item in expected], rtol=1e-9
    )


@pytest.mark.parametrize("open_engine", ENGINES)
def test_every_engine_takes_the_tables_of_a_model(
    open_engine: Callable[[], Engine], folder: Path
) -> None:
    head = (folder / "events.csv").read_text().splitlines(keepends=True)[:40]
    (folder / "some.csv").write_text("".join(head))
    given = {"events": "some.csv"}
    with open_engine() as engine:
        weigh_run = SqlRun("weigh_history", given, model_dir="model")
        run_sql_from_path(engine, weigh_run, out_path="histories.jsonl")
    rows = [json.loads(line) for line in (folder / "histories.jsonl").read_text().splitlines()]
    recommender = Recommender.load("model")
    ids = recommender.model.items.ids
    histories: dict[str, dict[str, float]] = {row["user_id"]: {} for row in rows}
    for row in rows:
        histories[row["user_id"]][row["item_id"]] = row["weight"]
    for history in read_histories("some.csv"):
        (items, weights), _ = recommender.encode_history(history.events)
        expected = dict(zip([ids[item] for item in items], weights.tolist()))
        assert histories.get(history.user_id, {}) == expected


@pytest.mark.duckdb
def test_the_model_is_an_input_in_the_lineage(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert weigh("--table", "events=events.csv") == 0
    (record,) = records()
    model, events = record.inputs
    facts = describe_input("model")
    assert facts is not None
    assert (model.table, model.file, model.format) == ("model", "model", "model")
    assert (model.sha256, events.table) == (facts.sha256, "events")
    assert record.params == {
        "aggregate": "sum",
        "weighting": "bm25",
        "k1": 2,
        "half_life_days": 0,
        "now": 0,
    }
    assert cli.lineage.main(["--file", "histories.jsonl"]) == 0
    assert "input   model = model: model" in capsys.readouterr().out
    assert cli.lineage.main(["--check"]) == 0


@pytest.mark.duckdb
def test_a_table_and_a_parameter_that_are_given_come_before_those_of_the_model(
    folder: Path,
) -> None:
    (folder / "items.csv").write_text("item_id\n0008\n")
    (folder / "two.csv").write_text("user_id,item_id,weight\nu,0008,3\nu,0137,2\n")
    given = ["--table", "events=two.csv", "--table", "items=items.csv"]
    assert weigh(*given, "--param", "weighting=none", out="one.csv") == 0
    assert (folder / "one.csv").read_text() == "user_id,item_id,weight\nu,0008,3\n"
    assert [one.table for one in records()[0].inputs] == ["model", "events", "items"]


@pytest.mark.duckdb
def test_a_weight_that_the_rule_refuses_is_one_error_with_its_row(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = ["--param", "half_life_days=1", "--param", "now=1704103784"]
    (folder / "two.csv").write_text(
        "user_id,item_id,timestamp\nu,0008,1704103784\nv,0008,1704103785\n"
    )
    assert weigh("--table", "events=two.csv", *late) == 1
    assert capsys.readouterr().err == (
        "error: histories.jsonl: weight: expected a value in every row, as the header of the query "
        "says, got NULL for user_id 'v', item_id '0008'\n"
        "hint: the comment at the top of the query may say why\n"
    )
    assert not (folder / "histories.jsonl").exists() and not (folder / "lineage.jsonl").exists()


FAULTS: dict[str, tuple[list[str], str]] = {
    "a table that no model has": (
        ["--model-dir", "model"],
        "error: recommend.sql: table: expected neighbors, histories, users, got no users\n"
        "hint: --table users=FILE names one\n",
    ),
    "a table that a model would have": (
        ["--table", "users=events.csv"],
        "error: recommend.sql: table: expected neighbors, histories, users, got no neighbors\n"
        "hint: --table neighbors=FILE names one, --model-dir DIR takes that of a model\n",
    ),
    "no model": (
        ["--model-dir", "none", "--table", "users=events.csv"],
        "error: none: expected a model directory, got no such directory\n",
    ),
    "an output within the model": (
        ["--model-dir", "model", "--table", "users=events.csv", "--out", "model/lists.csv"],
        "error: model/lists.csv: expected a place outside the input --model-dir, got one inside\n",
    ),
    "a log within the model": (
        ["--model-dir", "model", "--table", "users=events.csv", "--lineage", "model/log.jsonl"],
        "error: model/log.jsonl: expected a place outside the input --model-dir, got one inside\n",
    ),
}


@pytest.mark.duckdb
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_clear_error_and_nothing_is_written(
    fault: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    arguments, message = FAULTS[fault]
    assert run("--query", "recommend", "--out", "lists.csv", *arguments) == 1
    assert capsys.readouterr().err.startswith(message)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.duckdb
def test_without_users_a_model_gives_no_histories(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Model.load("model")
    replace(model, users=None, histories=None).save("alone")
    shared = ["--query", "recommend", "--table", "users=events.csv", "--out", "lists.csv"]
    assert run(*shared, "--model-dir", "alone") == 1
    assert capsys.readouterr().err.startswith(
        "error: recommend.sql: table: expected neighbors, histories, users, got no histories\n"
    )
    assert run(*shared, "--model-dir", "alone", "--table", "histories=events.csv") == 0


@pytest.mark.duckdb
def test_a_dry_run_opens_the_model_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.rglob("*"))
    assert weigh("--table", "events=events.csv", "--dry-run") == 0
    assert capsys.readouterr().out.endswith(
        "would write user_id STRING, item_id STRING, weight FLOAT64\n"
    )
    assert sorted(folder.rglob("*")) == before

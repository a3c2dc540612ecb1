"""Evaluation by an engine: the metrics are those of the core, and so are the faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cli.evaluate
from mlcore.errors import DataError, DataWarning
from mlcore.evaluate.evaluate import evaluate_from_path
from mlcore.warehouse.engines import DuckDb
from mlcore.warehouse.evaluate import (
    EvaluationTables,
    estimate_evaluation,
    evaluate_by_engine_from_path,
)
from tests.warehouse.test_train import Warehouse

FIXTURES = Path(__file__).parents[2] / "fixtures"
RUNS = sorted(path.parent for path in FIXTURES.glob("*/*/predictions.jsonl"))


def lists(tmp_path: Path, **items: str) -> Path:
    """A file of predictions: for each user the items of a word."""
    path = tmp_path / "predictions.jsonl"
    lines = [
        json.dumps({"user_id": user, "items": [{"item_id": item, "score": 1} for item in listed]})
        for user, listed in items.items()
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def truth(tmp_path: Path, *rows: str, name: str = "test.csv") -> Path:
    path = tmp_path / name
    path.write_text("user_id,item_id\n" + "".join(f"{row}\n" for row in rows))
    return path


@pytest.fixture(scope="module", name="engine")
def opened_engine() -> Iterator[DuckDb]:
    with DuckDb() as engine:
        yield engine


def metrics_of(
    engine: DuckDb, tmp_path: Path, tables: EvaluationTables, *cutoffs: int, **more: Any
) -> Any:
    evaluate_by_engine_from_path(engine, tables, tmp_path / "m.json", cutoffs, **more)
    return json.loads((tmp_path / "m.json").read_text())


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.parent.name}-{run.name}")
def test_the_metrics_of_every_fixture_are_those_of_the_core(
    run: Path, engine: DuckDb, tmp_path: Path
) -> None:
    expected = json.loads((run / "metrics.json").read_text())
    cutoffs = sorted({int(name.partition("@")[2]) for name in expected["metrics"]})
    data = run.parent
    tables = EvaluationTables(run / "predictions.jsonl", data / "test.csv", data / "train.csv")
    found = metrics_of(engine, tmp_path, tables, *cutoffs)
    assert list(found) == list(expected)
    assert list(found["metrics"]) == list(expected["metrics"])
    assert found["metrics"] == pytest.approx(expected["metrics"], rel=1e-12, abs=1e-12)
    assert {**found, "metrics": 0} == {**expected, "metrics": 0}


def test_every_fixture_is_there() -> None:
    assert len(RUNS) > 20


def test_a_user_without_a_list_counts_and_a_list_without_a_user_does_not(
    engine: DuckDb, tmp_path: Path
) -> None:
    predictions = lists(tmp_path, u="ab", x="a")
    tables = EvaluationTables(predictions, truth(tmp_path, "u,b", "v,a"))
    # u: one hit of 2 at rank 2, of 1 relevant; v: nothing.
    found = metrics_of(engine, tmp_path, tables, 2, extra_users="ignore")
    assert found["metrics"]["recall@2"] == 0.5
    assert found["metrics"]["precision@2"] == 0.25
    assert found["metrics"]["mrr@2"] == 0.25
    assert (found["users"], found["users_without_predictions"], found["ignored_users"]) == (2, 1, 1)
    with pytest.raises(
        DataError, match="user_id: expected users of the ground truth, got 1 others"
    ):
        metrics_of(engine, tmp_path, tables, 2)


def test_an_item_that_the_training_does_not_have_is_refused(engine: DuckDb, tmp_path: Path) -> None:
    tables = EvaluationTables(
        lists(tmp_path, u="ab"),
        truth(tmp_path, "u,b"),
        truth(tmp_path, "u,b", "v,c", name="train.csv"),
    )
    with pytest.raises(DataError, match="item_id: expected items of the training, got 1 others"):
        metrics_of(engine, tmp_path, tables, 2)
    assert not (tmp_path / "m.json").exists()


def test_a_cutoff_beyond_the_longest_list_is_noted(engine: DuckDb, tmp_path: Path) -> None:
    tables = EvaluationTables(lists(tmp_path, u="ab"), truth(tmp_path, "u,b"))
    with pytest.warns(DataWarning, match="no list has more than 2 items: metrics at 3"):
        assert metrics_of(engine, tmp_path, tables, 3)["metrics"]["recall@3"] == 1


@pytest.mark.parametrize("row", ["U,b", "u,B"])
def test_lists_of_other_data_are_refused_as_by_the_core(
    row: str, engine: DuckDb, tmp_path: Path
) -> None:
    predictions, ground_truth = lists(tmp_path, u="ab"), truth(tmp_path, row)
    with pytest.raises(DataError) as ours:
        metrics_of(engine, tmp_path, EvaluationTables(predictions, ground_truth), 2)
    with pytest.raises(DataError) as core:
        evaluate_from_path(predictions, ground_truth, tmp_path / "core.json", [2])
    assert (str(ours.value), ours.value.hint) == (str(core.value), core.value.hint)


def test_the_command_evaluates_by_an_engine(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = FIXTURES / "small/dice_binary"
    shared = ["--predictions", str(run / "predictions.jsonl"), "--cutoffs", "5,10", "--out", "-"]
    shared += ["--ground-truth", str(run.parent / "test.csv")]
    by_engine = [*shared, "--interactions", str(run.parent / "train.csv"), "--engine", "duckdb"]
    assert cli.evaluate.main([*by_engine, "--threads", "1"]) == 0
    found = capfd.readouterr()
    assert cli.evaluate.main([*shared, "--model-dir", str(run / "model")]) == 0
    expected = capfd.readouterr()
    assert found.err == expected.err
    assert json.loads(found.out)["metrics"] == pytest.approx(json.loads(expected.out)["metrics"])
    assert cli.evaluate.main([*by_engine, "--dry-run"]) == 0
    assert "coverage, each of 2 cutoffs: duckdb" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "duckdb", "--model-dir", "m"], "--model-dir: expected no --engine with it"),
        (["--engine", "duckdb", "--confidence", "0.9"], "--confidence: expected no --engine"),
        (["--interactions", "train.csv"], "--interactions: expected an --engine with it, got none"),
        (["--dry-run"], "--dry-run: expected an --engine with it, got none"),
        (["--project", "p"], "--project: expected --engine bigquery, got no --engine"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = ["--predictions", "p.jsonl", "--ground-truth", "t.csv", "--cutoffs", "5"]
    assert cli.evaluate.main([*shared, "--out", "m.json", *options]) == 1
    assert message in capsys.readouterr().err


def test_a_dry_run_takes_the_format_that_the_run_takes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--predictions", str(lists(tmp_path, u="ab").rename(tmp_path / "lists"))]
    arguments += ["--ground-truth", str(truth(tmp_path, "u,b", name="test")), "--cutoffs", "2"]
    arguments += ["--out", str(tmp_path / "m.json"), "--format", "csv", "--engine", "duckdb"]
    for more in ([], ["--dry-run"]):
        assert cli.evaluate.main([*arguments, *more]) == 0
    assert "evaluate, each of 1 cutoffs: duckdb" in capfd.readouterr().out


@pytest.mark.parametrize("row", ["u,b,2", "u,a,3", "u,c,0"])
def test_a_table_whose_lists_are_faulty_is_refused(row: str, tmp_path: Path) -> None:
    long = tmp_path / "lists.csv"
    long.write_text(f"user_id,item_id,position\nu,a,1\nu,d,2\n{row}\n")

    class Shop(Warehouse):
        tables = {"shop.lists": long, "shop.test": truth(tmp_path, "u,b")}

    tables = EvaluationTables("shop.lists", "shop.test")
    with Shop() as engine, pytest.raises(DataError, match="from 1, got 1 faults$"):
        evaluate_by_engine_from_path(engine, tables, tmp_path / "m.json", [2])
    assert not (tmp_path / "m.json").exists()


def test_tables_of_the_engine_are_evaluated_where_they_are(tmp_path: Path) -> None:
    long = tmp_path / "lists.csv"
    long.write_text("user_id,item_id,position,score\nu,a,1,9\nu,b,2,8\n")

    class Shop(Warehouse):
        tables = {"shop.lists": long, "shop.test": truth(tmp_path, "u,b")}

    tables = EvaluationTables("shop.lists", "shop.test")
    with Shop() as engine:
        assert "evaluate, each of 1 cutoffs" in estimate_evaluation(engine, tables, [2])
        evaluate_by_engine_from_path(engine, tables, tmp_path / "m.json", [2])
    assert json.loads((tmp_path / "m.json").read_text())["metrics"]["mrr@2"] == 0.5


def listed_as_table(tmp_path: Path, rows: str) -> Path:
    """A table as ``sql/recommend.sql`` writes it, from words such as ``uab``: user u, items a and b."""
    path = tmp_path / "lists.csv"
    path.write_text(
        "user_id,item_id,position\n"
        + "".join(
            f"{word[0]},{item},{place}\n"
            for word in rows.split()
            for place, item in enumerate(word[1:], 1)
        )
    )
    return path


@pytest.mark.parametrize("where", ["lists", "truth", "both"])
@pytest.mark.parametrize("row", ["U,b", "u,B", "u,x"])
@pytest.mark.parametrize("train", [None, ("u,a", "v,b")])
def test_tables_of_other_data_are_refused_with_the_words_and_the_reason_of_files(
    train: tuple[str, ...] | None, row: str, where: str, tmp_path: Path
) -> None:
    predictions, ground_truth = lists(tmp_path, u="ab"), truth(tmp_path, row)

    class Shop(Warehouse):
        tables = {"shop.lists": listed_as_table(tmp_path, "uab"), "shop.test": ground_truth}

    training = None if train is None else truth(tmp_path, *train, name="train.csv")
    tables = EvaluationTables(
        predictions if where == "truth" else "shop.lists",
        ground_truth if where == "lists" else "shop.test",
        training,
    )
    with pytest.raises(DataError) as core, DuckDb() as files:
        by_files = EvaluationTables(predictions, ground_truth, training)
        evaluate_by_engine_from_path(files, by_files, tmp_path / "m.json", [1, 2])
    with Shop() as engine, pytest.raises(DataError) as ours:
        evaluate_by_engine_from_path(engine, tables, tmp_path / "m.json", [1, 2])
    said = str(ours.value).replace("shop.lists", str(predictions))
    assert (said, ours.value.hint) == (str(core.value), core.value.hint)
    assert core.value.hint and not (tmp_path / "m.json").exists()


def test_lists_without_a_hit_are_evaluated_if_they_share_an_item(tmp_path: Path) -> None:
    class Shop(Warehouse):
        tables = {
            "shop.lists": listed_as_table(tmp_path, "ua vb"),
            "shop.test": truth(tmp_path, "u,b"),
        }

    with Shop() as engine:
        tables = EvaluationTables("shop.lists", "shop.test")
        evaluate_by_engine_from_path(engine, tables, tmp_path / "m.json", [1], extra_users="ignore")
    assert json.loads((tmp_path / "m.json").read_text())["metrics"]["recall@1"] == 0


def test_items_that_the_training_does_not_have_are_counted_as_with_files(
    engine: DuckDb, tmp_path: Path
) -> None:
    train = truth(tmp_path, "u,a", "v,b", name="train.csv")
    files = EvaluationTables(lists(tmp_path, u="ab"), truth(tmp_path, "u,b", "u,y", "u,z"), train)

    class Shop(Warehouse):
        tables = {
            "shop.lists": listed_as_table(tmp_path, "uab"),
            "shop.test": Path(files.ground_truth),
        }

    said = evaluate_by_engine_from_path(engine, files, tmp_path / "m.json", [2])
    with Shop() as other:
        tables = EvaluationTables("shop.lists", "shop.test", train)
        assert evaluate_by_engine_from_path(other, tables, tmp_path / "m.json", [2]) == said
    assert said.startswith("1 users, 2 of their items not in the model: recall@2 0.3333")

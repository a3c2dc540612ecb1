"""cli.evaluate: metrics as JSON, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.cases import Case, check, run
from tests.cli.test_bad_input import ARRAY, NUMBER

EVALUATE = "evaluate --predictions predictions.jsonl --ground-truth truth.csv --out metrics.json"


def predictions_case(name: str, line: str, error: str, hint: str | None = None) -> Case:
    good = '{"user_id": "ann", "items": [{"item_id": "jam"}, {"item_id": "sugar"}]}\n'
    return Case(
        f"predictions, {name}",
        "evaluate --predictions bad.jsonl --ground-truth truth.csv --cutoffs 1 --model-dir model "
        "--out metrics.json --per-user-out users.csv",
        f"bad.jsonl:3: {error}",
        hint,
        {"bad.jsonl": f"{good}\n{line}\n"},
    )


CASES = [
    Case(
        "cutoff beyond any list",
        f"{EVALUATE} --cutoffs 1,2147483648",
        "cutoffs: expected integers below 2147483648, got 2147483648",
    ),
    *(
        Case(f"cutoffs {cutoffs}", f"{EVALUATE} --predictions none --cutoffs={cutoffs}", error)
        for cutoffs, error in [
            ("1,0", "cutoffs: expected integers >= 1, got 0"),
            ("-1", "cutoffs: expected integers >= 1, got -1"),
            ("2,1,2", "cutoffs: expected each once, got 2,1,2"),
        ]
    ),
    Case(
        "confidence of 95",
        f"{EVALUATE} --cutoffs 1 --confidence 95",
        "confidence: expected a number above 0 and below 1, got 95.0",
    ),
    Case(
        "slices without a model",
        f"{EVALUATE} --predictions none --cutoffs 1 --slices popularity",
        "slices: expected a model to go by, got none",
        "--model-dir names it",
    ),
    Case(
        "slices by history of a model without users",
        f"{EVALUATE} --predictions none --cutoffs 1 --slices history-length --model-dir no-users",
        "slices: history-length: expected a model with users, got one trained without",
        "train without --without-users, or ask for --slices popularity alone",
    ),
    Case(
        "edges that nothing uses",
        f"{EVALUATE} --cutoffs 1 --slices popularity --history-edges 2,5 --model-dir model",
        "history_edges: expected slices by history-length to use them for, got none",
        "--slices history-length asks for them",
    ),
    Case(
        "edges not ascending",
        f"{EVALUATE} --cutoffs 1 --slices history-length --history-edges 5,2 --model-dir model",
        "history_edges: expected integers >= 1, ascending, got 5,2",
    ),
    predictions_case(
        "user without ground truth",
        '{"user_id": "zoe", "items": []}\n{"user_id": "bob", "items": []}',
        "user_id: expected a user of the ground truth, got 'zoe' and 1 more",
        "--extra-users ignore passes them over; cli.predict --users takes the ground truth",
    ),
    predictions_case(
        "user twice",
        '{"user_id": "ann", "items": []}',
        "user_id: expected each user once, got 'ann' again (first in line 1)",
    ),
    predictions_case(
        "item twice",
        '{"user_id": "eve", "items": [{"item_id": "tea"}, {"item_id": "jam"}, {"item_id": "tea"}]}',
        "items: expected each item once, got 'tea' again",
    ),
    predictions_case(
        "numbers as items",
        '{"user_id": "eve", "items": [{"item_id": "tea"}, {"item_id": 7}]}',
        "items[1]: item_id: expected a string, got 7",
        NUMBER,
    ),
    predictions_case(
        "ids instead of objects",
        '{"user_id": "eve", "items": ["tea"]}',
        "items[0]: expected an object, got 'tea'",
        "jq -c '.items |= map({item_id: .})' FILE > NEW makes objects of ids",
    ),
    predictions_case(
        "no item",
        '{"user_id": "eve", "items": [{"score": 1}]}',
        "items[0]: item_id: expected a string, got no such key",
    ),
    predictions_case("no list", '{"user_id": "eve"}', "items: expected an array, got no such key"),
    predictions_case(
        "null as list", '{"user_id": "eve", "items": null}', "items: expected an array, got null"
    ),
    predictions_case(
        "number as user", '{"user_id": 7, "items": []}', "user_id: expected a string, got 7", NUMBER
    ),
    predictions_case(
        "item that the model does not have",
        '{"user_id": "eve", "items": [{"item_id": "tea"}, {"item_id": "coffee"}]}',
        "item_id: expected an item of the model, got 'coffee'",
        "the predictions were made by another model: --model-dir names theirs",
    ),
    predictions_case("an array", "[]", "expected a JSON object, got []", ARRAY),
    Case(
        "empty predictions",
        f"{EVALUATE} --predictions bad.jsonl --cutoffs 1",
        "bad.jsonl: expected at least one JSON object, got an empty file",
        files={"bad.jsonl": ""},
    ),
    Case(
        "bad ground truth",
        f"{EVALUATE} --ground-truth bad.csv --cutoffs 1",
        "bad.csv:1: item_id: expected a column of this name, got 'user_id'",
        "--item-column names another",
        {"bad.csv": "user_id\nann\n"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_metrics_are_means_over_users(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = "--model-dir model --per-user-out users.csv"
    assert run(f"{EVALUATE} --cutoffs 1,2 {files}") == 0
    # ann finds jam in place 2, eve tea in place 1.
    metrics = json.loads((folder / "metrics.json").read_text())["metrics"]
    assert (metrics["recall@1"], metrics["recall@2"], metrics["mrr@2"]) == (0.5, 1, 0.75)
    users = [line.split(",")[0] for line in (folder / "users.csv").read_text().splitlines()[1:]]
    assert users == ["ann", "eve"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("option", ["--interactions i.csv", "--dry-run", "--threads 1"])
def test_options_of_engines_need_one(
    option: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"{EVALUATE} --cutoffs 1 {option}") == 1
    name = option.split()[0]
    expected = f"error: {name}: expected an --engine with it, got none\n"
    assert capsys.readouterr() == ("", expected)


@pytest.mark.parametrize(
    "option", ["--per-user-out u.csv", "--diversity", "--confidence 0.9", "--metric-separator _at_"]
)
def test_an_engine_refuses_what_it_does_not_compute(
    option: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"{EVALUATE} --cutoffs 1 --engine duckdb {option}") == 1
    name = option.split()[0]
    expected = f"error: {name}: expected no --engine with it, got duckdb\n"
    assert capsys.readouterr() == ("", expected)


def test_metrics_have_names_that_mlflow_takes_when_asked(folder: Path) -> None:
    assert run(f"{EVALUATE} --cutoffs 1 --per-user-out u.csv") == 0
    metrics, header = json.loads(Path("metrics.json").read_text()), Path("u.csv").read_text()
    assert run(f"{EVALUATE} --cutoffs 1 --per-user-out u.csv --metric-separator _at_") == 0
    renamed = json.loads(Path("metrics.json").read_text().replace("_at_", "@"))
    assert renamed == metrics and "@" not in Path("metrics.json").read_text()
    assert Path("u.csv").read_text() == header.replace("@", "_at_")

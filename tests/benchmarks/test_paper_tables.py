"""benchmarks.paper_tables: every published value is compared with ours, none is passed over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.paper_tables import main
from benchmarks.published import read_table
from mlcore.similarity import SIMILARITIES
from mlcore.types import Float64Array

NUM_ITEMS, NUM_TRAINED_ITEMS = 34, 20
METRICS = ["recall@3", "recall@1", "recall@5"]
CONFIGS: dict[str, dict[str, Any]] = {
    "ItemKNN cosine": {
        "similarity": {"name": "cosine"},
        "weighting": {"name": "tf_idf"},
        "num_neighbors": 4,
        "neighborhood": "target",
        "shrinkage": 7,
    },
    "ItemKNN dice": {
        "similarity": {"name": "dice"},
        "weighting": {"name": "none"},
        "num_neighbors": 3,
        "neighborhood": "source",
        "shrinkage": 2,
    },
    "ItemKNN jaccard": {
        "similarity": {"name": "jaccard"},
        "weighting": {"name": "none"},
        "num_neighbors": 5,
        "neighborhood": "target",
        "shrinkage": 0,
    },
}
TABLES = Path(__file__).parents[2] / "benchmarks/tables"
TOMORROW = {"name": "Graph", "config": {"similarity": {"name": "tomorrow"}}, "values": [0, 0, 0]}


@pytest.fixture(scope="module")
def seen() -> Float64Array:
    """Return the training, (U, I) weights: nothing of the last user, nor of the last items.

    Weights of many digits, so that no two scores are equal by chance.
    """
    rng = np.random.default_rng(5)
    matrix = np.where(rng.random((40, NUM_ITEMS)) < 0.25, rng.uniform(1, 5, (40, NUM_ITEMS)), 0.0)
    matrix[:, NUM_TRAINED_ITEMS:] = 0
    matrix[-1] = 0
    return matrix


@pytest.fixture(scope="module")
def relevant(seen: Float64Array) -> Float64Array:
    """Return the test, (U, I) of 0 and 1: nothing of the first user, all new items of the next."""
    rng = np.random.default_rng(6)
    matrix = np.where((rng.random(seen.shape) < 0.2) & (seen == 0), 1.0, 0.0)
    matrix[1, NUM_TRAINED_ITEMS:] = 1
    matrix[0] = 0
    return matrix


def weigh(seen: Float64Array, config: dict[str, Any], num_items: int) -> Float64Array:
    if config["weighting"]["name"] == "none":
        return seen
    items_of_user = (seen > 0).sum(axis=1)
    factors: Float64Array = np.log(num_items / (1 + items_of_user))
    return seen * factors[:, None]


def similarities(seen: Float64Array, config: dict[str, Any], num_items: int) -> Float64Array:
    """Return all w(i, j) that are kept, (I, I), straight from the published definitions."""
    name = config["similarity"]["name"]
    x = weigh(seen, config, num_items) if name == "cosine" else np.sign(seen)
    c, n = x.T @ x, (x**2).sum(axis=0)
    denominators = {
        "cosine": np.sqrt(n)[:, None] * np.sqrt(n),
        "dice": n[:, None] + n,
        "jaccard": n[:, None] + n - c,
    }
    s = np.divide(c, denominators[name] + config["shrinkage"], out=np.zeros_like(c), where=c > 0)
    np.fill_diagonal(s, 0)
    axis = {"target": 0, "source": 1}[config["neighborhood"]]  # along which the best are kept
    ranks = np.argsort(np.argsort(-s, axis=axis, kind="stable"), axis=axis)
    return np.where(ranks < config["num_neighbors"], s, 0.0)


def recalls(
    seen: Float64Array, relevant: Float64Array, config: dict[str, Any], num_items: int = NUM_ITEMS
) -> list[float]:
    scores = weigh(seen, config, num_items) @ similarities(seen, config, num_items)
    scores[seen > 0] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")  # all items, ties to the smaller index
    listed = relevant * seen.any(axis=1, keepdims=True)  # no list for a user without history
    hits = np.take_along_axis(listed, order, axis=1).cumsum(axis=1)
    users = relevant.any(axis=1)
    cutoffs = [int(metric.partition("@")[2]) for metric in METRICS]
    return [float((hits[users, n - 1] / relevant[users].sum(axis=1)).mean()) for n in cutoffs]


@pytest.fixture
def table(seen: Float64Array, relevant: Float64Array) -> dict[str, Any]:
    rows = [
        {"name": name, "config": config, "values": recalls(seen, relevant, config)}
        for name, config in CONFIGS.items()
    ]
    return {"num_items": NUM_ITEMS, "tolerance": 1e-9, "metrics": METRICS, "rows": rows}


@pytest.fixture
def folder(tmp_path: Path, seen: Float64Array, relevant: Float64Array) -> Path:
    for name, matrix in (("train.csv", seen), ("test.csv", relevant)):
        rows = [
            f"u{user:02},i{item:02},{float(matrix[user, item])!r}\n"
            for user, item in np.argwhere(matrix)
        ]
        (tmp_path / name).write_text("user_id,item_id,weight\n" + "".join(rows))
    return tmp_path


def run(folder: Path, table: dict[str, Any], *arguments: str) -> int:
    (folder / "expected.json").write_text(json.dumps(table))
    return main(["--data", str(folder), *arguments])


def rows_shown(output: str) -> list[str]:
    return re.findall(r"^(.+?) +recall@3 ", output, re.MULTILINE)


def test_values_of_a_dense_oracle_are_met(
    folder: Path, table: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    values = [value for row in table["rows"] for value in row["values"]]
    assert len(set(values)) == 9 and min(values) > 0.01  # or two of them could be exchanged
    assert run(folder, table) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["row", "metric", "published", "ours", "difference"]
    names = [f"{row['name']} {metric}" for row in table["rows"] for metric in METRICS]
    shown = [f"{name} {value:.4f} {value:.4f}" for name, value in zip(names, values, strict=True)]
    assert [" ".join(line.split()[:-1]) for line in lines[1:10]] == shown
    assert lines[10] == "" and lines[11].startswith("worst difference: ") and len(lines) == 12


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize(("error", "code"), [(0.011, 1), (-0.011, 1), (0.009, 0), (-0.009, 0)])
def test_one_value_off_by_more_than_the_tolerance_gives_exit_code_1(
    folder: Path,
    table: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    row: int,
    error: float,
    code: int,
) -> None:
    table["tolerance"] = 0.01
    table["rows"][row]["values"][1] += error
    assert run(folder, table) == code
    name = table["rows"][row]["name"]
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"worst difference: {-error:+.5f} ({name}, recall@1), tolerance: 0.01"


def test_a_row_may_have_a_tolerance_and_a_note_of_its_own(
    folder: Path, table: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    table["tolerance"] = 0.02
    table["rows"][0]["values"][1] += 0.009
    table["rows"][1]["values"][1] += 0.03
    assert run(folder, table) == 1
    table["rows"][1] |= {"tolerance": 0.04, "note": "known to differ."}
    capsys.readouterr()
    assert run(folder, table) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4:] == [
        "",
        "ItemKNN dice: known to differ.",
        "",
        "worst difference: -0.03000 (ItemKNN dice, recall@1), tolerance: 0.04",
    ]
    table["rows"][0]["values"][1] += 0.002  # nearer to its tolerance now, though smaller
    assert run(folder, table) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "worst difference: -0.01100 (ItemKNN cosine, recall@1), tolerance: 0.02"


def test_a_table_may_be_beside_the_folder(folder: Path, table: dict[str, Any]) -> None:
    other = folder.parent / "other.json"
    other.write_text(json.dumps(table))
    assert main(["--data", str(folder), "--table", str(other)]) == 0
    table["num_items"] = 20
    other.write_text(json.dumps(table))
    assert main(["--data", str(folder), "--table", str(other)]) == 1


def test_our_tables_can_be_read_and_each_row_can_be_asked_for_by_name() -> None:
    tables = list(TABLES.glob("*.json"))
    assert tables
    for path in tables:
        for row in read_table(path).rows:
            assert row in read_table(path, [row.name]).rows


def test_the_catalogue_counts_items_that_stand_in_the_test_alone(
    folder: Path,
    table: dict[str, Any],
    seen: Float64Array,
    relevant: Float64Array,
) -> None:
    cosine = table["rows"][0]
    of_training_alone = recalls(seen, relevant, cosine["config"], NUM_TRAINED_ITEMS)
    assert of_training_alone != cosine["values"]
    cosine["values"] = of_training_alone
    assert run(folder, table) == 1


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["ITEMknn D"], ["ItemKNN dice"]),
        (["jaccard", "cos"], ["ItemKNN cosine", "ItemKNN jaccard"]),
        (["knn", "dice"], ["ItemKNN cosine", "ItemKNN dice", "ItemKNN jaccard"]),
    ],
)
def test_rows_are_chosen_by_a_part_of_their_name_in_any_case(
    folder: Path,
    table: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    names: list[str],
    expected: list[str],
) -> None:
    for row in table["rows"]:
        if row["name"] not in expected:
            row["values"][0] += 1
    table["rows"].append(TOMORROW)
    assert run(folder, table, "--rows", *names) == 0
    assert rows_shown(capsys.readouterr().out) == expected


def break_nothing(table: dict[str, Any]) -> None:
    pass


def add_row_of_tomorrow(table: dict[str, Any]) -> None:
    table["rows"].append(TOMORROW)


def drop_tolerance(table: dict[str, Any]) -> None:
    del table["tolerance"]


def drop_a_value(table: dict[str, Any]) -> None:
    table["rows"][1]["values"].pop()


def name_a_strange_metric(table: dict[str, Any]) -> None:
    table["metrics"] = ["recall@3", "recall", "recall@5"]


def claim_another_catalogue(table: dict[str, Any]) -> None:
    table["num_items"] = 20


@pytest.mark.parametrize(
    ("damage", "arguments", "message"),
    [
        (
            add_row_of_tomorrow,
            [],
            "{folder}/expected.json: row 'Graph': similarity: name: "
            "expected one of {measures}, got 'tomorrow'",
        ),
        (
            break_nothing,
            ["--rows", "dice", "slim"],
            "rows: expected a part of one of ItemKNN cosine, ItemKNN dice, ItemKNN jaccard, "
            "got 'slim'",
        ),
        (drop_tolerance, [], "{folder}/expected.json: expected the key 'tolerance', got none"),
        (
            drop_a_value,
            [],
            "{folder}/expected.json: expected a published table, " "got 2 values of 3 metrics",
        ),
        (
            name_a_strange_metric,
            [],
            "{folder}/expected.json: expected a published table, got the metric 'recall'",
        ),
        (
            claim_another_catalogue,
            [],
            "{folder}: num_items: expected 20, as in expected.json, got 34 in train.csv and "
            "test.csv",
        ),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_code_1(
    folder: Path,
    table: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[dict[str, Any]], None],
    arguments: list[str],
    message: str,
) -> None:
    damage(table)
    assert run(folder, table, *arguments) == 1
    output = capsys.readouterr()
    assert output.out == ""
    expected = message.format(folder=folder, measures=", ".join(SIMILARITIES))
    assert output.err == f"error: {expected}\n"


def test_users_of_the_test_must_be_known_from_the_training(
    folder: Path, table: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    train = (folder / "train.csv").read_text()
    (folder / "train.csv").write_text(train.replace("\nu", "\nv"))
    assert run(folder, table) == 1
    assert capsys.readouterr().err == (
        f"error: {folder}: test.csv: expected users of train.csv, got none of them\n"
    )


def test_a_missing_file_is_named(
    folder: Path, table: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "test.csv").unlink()
    assert run(folder, table) == 1
    assert capsys.readouterr().err.startswith(f"error: {folder}/test.csv: expected a readable file")

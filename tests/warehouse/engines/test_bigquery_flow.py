"""The whole way in a warehouse, from a raw log to metrics, equals the way without one."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.__main__ import main as command_main
from mlcore.evaluate.evaluate import evaluate_from_path
from mlcore.files.interactions import read_interactions
from mlcore.interactions import Interactions
from mlcore.preprocess import PreprocessConfig, preprocess_from_path
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.split import SplitConfig, split_from_path
from mlcore.train.train import train_from_path
from tests.lineage.records import ask
from tests.warehouse.fake_bigquery import SECRET, FakeBigQuery, Field

ROOT = Path(__file__).parents[3]
BEGIN, END = 1_000, 2_000
WEIGHT_OF = {"view": 1.0, "buy": 3.0}
# The query takes weights of histories as they are.
CONFIG = {
    "similarity": {"name": "jaccard"},
    "weighting": {"name": "none"},
    "num_neighbors": 4,
}


def raw_log(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """A log with repeated rows, equal times, unknown actions, and rows that lack what they need."""
    users = [None, "", *(f"u{n}é" for n in range(9))]
    items = [None, *("007", "7", "a b", "Z", "z", "é", "中", "🎈")]
    actions = [None, "return", "view", "view", "view", "buy"]
    return [
        (
            users[rng.integers(len(users))],
            items[rng.integers(len(items))],
            actions[rng.integers(len(actions))],
            None if rng.random() < 0.02 else int(rng.integers(BEGIN - 50, END + 50)) // 20 * 20,
        )
        for _ in range(170)
    ]


# Of the commands in docs/warehouse.md, for so little data.
SMALLER = {
    "begin_time=1735689600": f"begin_time={BEGIN}",
    "end_time=1767225600": f"end_time={END}",
    "max_user_interactions=200": "max_user_interactions=6",
    "min_user_interactions=5": "min_user_interactions=3",
    "min_item_interactions=5": "min_item_interactions=4",
    "num_neighbors=50": "num_neighbors=4",
    "n=10": "n=3",
    "5,10": "1,3",
}


def commands_of_the_page() -> list[list[str]]:
    """The commands of the section for a warehouse, with numbers for little data."""
    page = (ROOT / "docs/warehouse.md").read_text("utf-8")
    section = page.partition("\n## BigQuery\n")[2]
    block = section.partition("\n```sh not-run\n")[2].partition("\n```\n")[0]
    words = [line.split() for line in block.splitlines()]
    assert set(SMALLER) <= {word for line in words for word in line}
    return [[SMALLER.get(word, word) for word in line] for line in words]


@dataclass
class Warehouse:
    """A project with a raw log, and what the commands made in it and on this machine."""

    fake: FakeBigQuery
    folder: Path
    said: list[str]

    def rows(self, stored: str) -> list[tuple[Any, ...]]:
        return sorted(self.fake.tables[f"test-project.shop.{stored}"].rows)


def make_warehouse(log: list[tuple[Any, ...]]) -> FakeBigQuery:
    fake = FakeBigQuery()
    fake.rows_per_page = 50
    texts = [Field(name, "STRING") for name in ("user_id", "item_id", "action")]
    moments = [(*row[:3], None if row[3] is None else row[3] * 10**6) for row in log]
    fake.add("shop.log", [*texts, Field("timestamp", "TIMESTAMP")], moments)
    weights = [Field("action", "STRING"), Field("weight", "FLOAT")]
    fake.add("shop.weights", weights, list(WEIGHT_OF.items()))
    return fake


@pytest.fixture(scope="module")
def log() -> list[tuple[Any, ...]]:
    return raw_log(np.random.default_rng(6))


@pytest.fixture(scope="module")
def warehouse(
    log: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """What the commands make."""
    made = Warehouse(make_warehouse(log), tmp_path_factory.mktemp("warehouse"), [])
    shutil.copytree(ROOT / "sql", made.folder / "sql", ignore=shutil.ignore_patterns("*.jsonl"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "mlcore.warehouse.engines.bigquery.connect", lambda options: made.fake.client()
        )
        patch.chdir(made.folder)
        for line in commands_of_the_page():
            _, _, module, *arguments = line
            said = io.StringIO()
            with redirect_stdout(said), redirect_stderr(said):
                status = command_main([module.removeprefix("cli."), *arguments])
            assert status == 0, f"{' '.join(line)}: {said.getvalue()}"
            made.said.append(said.getvalue())
    yield made


@pytest.fixture(scope="module")
def folder(log: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the same steps on this machine."""
    path = tmp_path_factory.mktemp("files")
    with open(path / "events.csv", "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["user_id", "item_id", "weight", "timestamp"])
        for user, item, action, seconds in log:
            if user and item and action in WEIGHT_OF and seconds and BEGIN <= seconds < END:
                lines.writerow([user, item, WEIGHT_OF[action], seconds])
    config = PreprocessConfig(
        max_user_interactions=6, min_user_interactions=3, min_item_interactions=4
    )
    preprocess_from_path(path / "events.csv", path / "core.csv", config)
    split = SplitConfig("last-n")
    split_from_path(path / "core.csv", path / "train.csv", path / "test.csv", split)
    (path / "config.json").write_text(json.dumps(CONFIG))
    train_from_path(path / "train.csv", path / "config.json", path / "model")
    asked = Requests(users_path=path / "test.csv")
    predict_from_path(path / "model", asked, path / "lists.jsonl", PredictOptions(top_n=3))
    evaluate_from_path(path / "lists.jsonl", path / "test.csv", path / "metrics.json", [1, 3])
    return path


def rows_of(interactions: Interactions) -> list[tuple[Any, ...]]:
    matrix = interactions.user_items
    assert interactions.timestamps is not None
    return sorted(
        (interactions.user_ids[row], interactions.item_ids[column], weight, time // 10**6)
        for row, column, weight, time in zip(
            matrix.row_of_entry().tolist(),
            matrix.indices.tolist(),
            matrix.data.tolist(),
            interactions.timestamps.tolist(),
        )
    )


@pytest.mark.parametrize("name", ["core", "train", "test"])
def test_preprocessing_and_split_give_the_rows_of_the_commands(
    warehouse: Warehouse, folder: Path, name: str
) -> None:
    found = warehouse.rows(name)
    assert found == rows_of(read_interactions(folder / f"{name}.csv"))
    assert len(found) >= 7


def test_a_model_with_neighbors_of_bigquery_is_the_same_bytes(
    warehouse: Warehouse, folder: Path
) -> None:
    names = {path.name for path in (folder / "model").iterdir()}
    assert names == {path.name for path in (warehouse.folder / "model").iterdir()}
    for name in names - {"provenance.json"}:
        found = (warehouse.folder / "model" / name).read_bytes()
        assert found == (folder / "model" / name).read_bytes()


def test_recommendations_are_those_of_the_model(warehouse: Warehouse, folder: Path) -> None:
    lines = (folder / "lists.jsonl").read_text("utf-8").splitlines()
    expected = {
        (found["user_id"], position): (item["item_id"], item["score"])
        for found in map(json.loads, lines)
        for position, item in enumerate(found["items"], 1)
    }
    lists = warehouse.rows("recommendations")
    assert {(row[0], row[3]): row[1] for row in lists} == {
        key: item for key, (item, _) in expected.items()
    }
    for user, _, score, position in lists:
        assert score == pytest.approx(expected[user, position][1], rel=1e-6)


def test_metrics_are_those_of_the_files(warehouse: Warehouse, folder: Path) -> None:
    found = json.loads((warehouse.folder / "metrics.json").read_text())
    expected = json.loads((folder / "metrics.json").read_text())
    assert found["metrics"] == pytest.approx(expected["metrics"], rel=1e-12)
    assert found["users"] == expected["users"] and 0 < found["metrics"]["ndcg@3"] < 1


def test_a_dry_run_says_what_the_run_then_does(warehouse: Warehouse) -> None:
    dry, real = warehouse.said[:2]
    assert "extract_events: would process 0.0 MiB, at most $0.0002 on demand" in dry
    count = len(warehouse.fake.tables["test-project.shop.events"].rows)
    assert real == f"extract_events: {count} rows in shop.events\n"
    first = next(path for method, path, _ in warehouse.fake.requests if method == "POST")
    assert first.endswith("/jobs") and warehouse.fake.sent_jobs("query")[0]["dryRun"]


def test_the_rows_stay_in_the_warehouse_and_nothing_is_left_there(warehouse: Warehouse) -> None:
    assert warehouse.fake.uploads == {}
    assert not any("scratch" in stored for stored in warehouse.fake.tables)


def test_no_credentials_reach_the_lineage_or_the_screen(warehouse: Warehouse) -> None:
    lineage = (warehouse.folder / "lineage.jsonl").read_text("utf-8")
    assert len(lineage.splitlines()) == 10 and '"slot_millis": 7' in lineage
    assert SECRET not in lineage + "".join(warehouse.said)


def test_model_and_metrics_are_traced_back_to_the_log_by_the_names_of_tables(
    warehouse: Warehouse,
) -> None:
    for name in ("model", "metrics.json"):
        answer = ask(warehouse.folder / name, warehouse.folder / "lineage.jsonl")
        assert answer.state == "known"
        makers = [step.record.maker for step in answer.steps]
        assert makers[0] in ("train", "evaluate") and "sql/extract_events.sql" in makers
        sources = {
            data.stored
            for step in answer.steps
            for data, line in zip(step.record.inputs, step.made_by)
            if line is None
        }
        assert sources - {None} == {"shop.log", "shop.weights"}

"""Training by an engine: the bytes of the model are those that the numpy core writes."""

from __future__ import annotations

import csv
import filecmp
import json
import shutil
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import cli.train
from mlcore import TrainConfig
from mlcore.errors import ConfigError, DataError
from mlcore.files.options import ColumnNames, InputOptions
from mlcore.similarity import Cosine
from mlcore.train.train import train_from_path
from mlcore.warehouse.engines import DuckDb
from mlcore.warehouse.query import Column
from mlcore.warehouse.tables import provide_table
from mlcore.warehouse.train import estimate_by_engine, train_by_engine_from_path

FIXTURES = Path(__file__).parents[2] / "fixtures"
TRAIN = FIXTURES / "family/train.csv"
# What the formulas of logarithms and powers round is another matter than + - * / and square roots.
MEASURES: list[dict[str, Any]] = [
    {"name": "dot"},
    {"name": "cosine"},
    {"name": "asymmetric_cosine"},
    {"name": "asymmetric_cosine", "alpha": 0.5},
    {"name": "jaccard"},
    {"name": "dice"},
    {"name": "tversky", "alpha": 1.4, "beta": 0.6},
    {"name": "conditional_probability", "popularity_exponent": 0.4},
    {"name": "lift"},
    {"name": "pmi"},
    {"name": "npmi"},
    {"name": "log_likelihood_ratio"},
    {"name": "log_likelihood_ratio", "signed": True},
    {"name": "pearson"},
]
CUTS: list[dict[str, Any]] = [
    {"num_neighbors": None},
    {"num_neighbors": 5, "shrinkage": 2.5, "min_cooccurrence": 2},
    {"num_neighbors": 7, "neighborhood": "source"},
]


class Warehouse(DuckDb):
    """DuckDB with tables of its own, as a warehouse has: names to files."""

    tables = {"shop.train": TRAIN}

    def attach(self, table: str, columns: Sequence[Column], stored: str) -> None:
        if stored not in self.tables:
            raise DataError(f"{stored}: expected a table, got none")
        provide_table(self, table, columns, self.tables[stored])


@pytest.fixture(scope="module")
def engine() -> Iterator[Warehouse]:
    with Warehouse() as opened:
        yield opened


BASE = {"similarity": {"name": "asymmetric_cosine"}, "weighting": {"name": "binary"}}


def config_file(tmp_path: Path, **settings: Any) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**BASE, "neighborhood": "target", **settings}))
    return path


def assert_same(one: Path, other: Path) -> None:
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    names.remove("provenance.json")
    assert "similarity.npz" in names
    assert filecmp.cmpfiles(one, other, names, shallow=False) == (names, [], [])


@pytest.mark.parametrize("cut", CUTS, ids=str)
@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_the_model_is_byte_for_byte_that_of_the_core(
    measure: dict[str, Any], cut: dict[str, Any], engine: Warehouse, tmp_path: Path
) -> None:
    config = config_file(tmp_path, similarity=measure, **cut)
    train_from_path(TRAIN, config, tmp_path / "core")
    train_by_engine_from_path(engine, TRAIN, config, tmp_path / "sql")
    assert_same(tmp_path / "core", tmp_path / "sql")


@pytest.mark.parametrize(
    "settings",
    [
        {"similarity": {"name": "jaccard"}, "weighting": {"name": "tf_idf"}},
        {"similarity": {"name": "lift"}, "heavy_users": {"name": "sample", "max_interactions": 6}},
        {"similarity": {"name": "dice"}, "heavy_users": {"name": "latest", "max_interactions": 6}},
        {"similarity": {"name": "cosine"}, "history_decay": {"name": "exponential"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("place", [TRAIN, "shop.train"], ids=["file", "table"])
def test_weights_act_in_the_histories_and_heavy_users_are_reduced_before(
    place: Path | str, settings: dict[str, Any], engine: Warehouse, tmp_path: Path
) -> None:
    config = config_file(tmp_path, **settings)
    train_from_path(TRAIN, config, tmp_path / "core")
    train_by_engine_from_path(engine, place, config, tmp_path / "sql")
    assert_same(tmp_path / "core", tmp_path / "sql")


def test_the_command_trains_by_an_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_file(tmp_path, similarity={"name": "jaccard"})
    (tmp_path / "items.csv").write_text("item_id\n!first\n")
    arguments = ["--interactions", str(TRAIN), "--config", str(config), "--without-users"]
    arguments += ["--items", str(tmp_path / "items.csv")]
    assert cli.train.main([*arguments, "--out-dir", str(tmp_path / "core")]) == 0
    by_engine = [*arguments, "--engine", "duckdb", "--out-dir", str(tmp_path / "sql")]
    assert cli.train.main(by_engine) == 0
    one, other = capsys.readouterr().out.splitlines()
    assert one == other
    assert_same(tmp_path / "core", tmp_path / "sql")
    assert cli.train.main(by_engine) == 1
    assert cli.train.main([*by_engine, "--overwrite", "--memory-limit", "1GiB"]) == 0


def joined_rows(path: Path) -> int:
    """Return the pairs of items that a user has both of, one by one."""
    with open(path, encoding="utf-8") as file:
        rows = [(row["user_id"], row["item_id"]) for row in csv.DictReader(file)]
    items: dict[str, set[str]] = {}
    for user, item in rows:
        items.setdefault(user, set()).add(item)
    return sum(len(list(combinations(found, 2))) for found in items.values())


def test_a_dry_run_says_what_it_would_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--interactions", str(TRAIN), "--out-dir", str(tmp_path / "m")]
    arguments += ["--similarity", "cosine"]
    assert cli.train.main([*arguments, "--engine", "duckdb", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("train: duckdb ")
    assert not (tmp_path / "m").exists()
    with Warehouse() as engine:
        lines = estimate_by_engine(engine, "shop.train", TrainConfig(Cosine())).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "read_interactions",
        "train",
        "joined rows",
    ]
    assert lines[2].startswith(f"joined rows: {joined_rows(TRAIN):,}, some ")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"similarity": {"name": "slim"}}, "similarity: expected one of dot, cosine, .* got slim$"),
        (
            {"similarity": {"name": "pearson", "missing": "unknown"}},
            'similarity: expected one of .* got pearson with "missing": "unknown"$',
        ),
        (
            {"similarity": {"name": "cosine"}, "weighting": {"name": "none"}},
            "weighting: expected weights of 1 for cosine, as an engine counts users, got others",
        ),
        (
            {
                "similarity": {"name": "dot"},
                "heavy_users": {"name": "down_weight", "power": 0.5},
            },
            "weighting: expected weights of 1 for dot, as an engine counts users, got others",
        ),
    ],
)
def test_a_configuration_that_counts_do_not_suffice_for_is_refused(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    config = config_file(tmp_path, **settings)
    with DuckDb() as engine, pytest.raises(ConfigError, match=f"config.json: {message}"):
        train_by_engine_from_path(engine, FIXTURES / "small/train.csv", config, tmp_path / "m")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_names_of_columns_are_refused_for_a_table(engine: Warehouse, tmp_path: Path) -> None:
    options, config = InputOptions(ColumnNames(weight="rating")), TrainConfig(Cosine())
    message = "shop.train: expected columns called user_id, item_id,"
    with pytest.raises(ConfigError, match=message):
        train_by_engine_from_path(
            engine, "shop.train", config, tmp_path / "m", input_options=options
        )
    with pytest.raises(ConfigError, match=message):
        estimate_by_engine(engine, "shop.train", config, options)


def test_a_dry_run_takes_the_format_that_the_run_takes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(TRAIN, tmp_path / "events")
    arguments = ["--interactions", str(tmp_path / "events"), "--format", "csv"]
    arguments += ["--config", str(config_file(tmp_path)), "--out-dir", str(tmp_path / "model")]
    for more in ([], ["--dry-run", "--overwrite"]):
        assert cli.train.main([*arguments, "--engine", "duckdb", *more]) == 0
    assert "train: duckdb" in capfd.readouterr().out

"""mlcore.warehouse.spark_kernel: models that Spark's workers count, byte for byte those of the core."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cli.train
from mlcore.errors import ConfigError, DataError, MlcoreError
from mlcore.train.train import train_from_path
from mlcore.warehouse.engines import Spark, SparkOptions
from mlcore.warehouse.train import train_by_engine_from_path
from tests.warehouse.spark_cluster import QUICK_JAVA
from tests.warehouse.test_train import assert_same

FIXTURES = Path(__file__).parents[2] / "fixtures"
TRAIN = FIXTURES / "family/train.csv"
SETTINGS: list[dict[str, Any]] = [
    {},
    {"similarity": {"name": "cosine"}, "neighborhood": "target", "shrinkage": 3},
    {"similarity": {"name": "adjusted_cosine"}, "weighting": {"name": "none"}},
    {"similarity": {"name": "npmi"}, "min_cooccurrence": 2},
    {"similarity": {"name": "p3alpha", "normalize": True}, "neighborhood": "target"},
    {"similarity": {"name": "sequential_rules"}},
    {"weighting": {"name": "bm25", "half_life_days": 30}, "aggregate": "max"},
    {"heavy_users": {"name": "latest", "max_interactions": 6}, "aggregate": "last"},
    {"popularity_half_life_days": 9, "history_decay": {"name": "quadratic"}},
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    folder = str(tmp_path_factory.mktemp("warehouse"))
    conf = {**QUICK_JAVA, "spark.sql.shuffle.partitions": "3", "spark.sql.warehouse.dir": folder}
    with Spark(SparkOptions("local[2]", conf)) as opened:
        yield opened


@pytest.fixture(scope="module")
def table(engine: Spark, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a folder of Parquet with repeated rows and times, in many parts."""
    folder = tmp_path_factory.mktemp("table") / "events.parquet"
    frame = engine.session.read.csv(
        str(TRAIN),
        header=True,
        schema="user_id string, item_id string, weight double, timestamp long",
    )
    frame.unionAll(frame.limit(40)).repartition(5).write.parquet(str(folder))
    return folder.as_uri()


@pytest.fixture(scope="module")
def rows(engine: Spark, table: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file that mlcore reads."""
    path = tmp_path_factory.mktemp("rows") / "events.csv"
    found = engine.session.read.parquet(table).collect()
    lines = [",".join(map(str, row)) for row in found]
    path.write_text("\n".join(["user_id,item_id,weight,timestamp", *lines]) + "\n")
    return path


def train(
    engine: Spark, source: object, settings: dict[str, Any], out: Path, **options: Any
) -> str:
    return train_by_engine_from_path(
        engine, source, settings, out, kernel="compiled", **options  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_table_gives_the_model_of_the_core(
    settings: dict[str, Any], engine: Spark, table: str, rows: Path, tmp_path: Path
) -> None:
    said = train_from_path(rows, settings, tmp_path / "core")
    assert train(engine, table, settings, tmp_path / "spark") == said
    assert_same(tmp_path / "core", tmp_path / "spark")
    facts = json.loads((tmp_path / "spark/provenance.json").read_text())
    assert facts["engine"] == {"name": "spark", "version": engine.version}
    assert (
        facts["interactions"]
        == json.loads((tmp_path / "core/provenance.json").read_text())["interactions"]
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["core", "spark"]


def test_a_file_gives_the_model_of_the_core(engine: Spark, rows: Path, tmp_path: Path) -> None:
    items = tmp_path / "items.csv"
    items.write_text("item_id,title\nnew,Something\n")
    options: dict[str, Any] = {"items_path": items, "attributes_path": items, "with_users": False}
    with pytest.warns(match="items of the interactions are not in the catalogue"):
        train_from_path(rows, None, tmp_path / "core", **options)
    with pytest.warns(match="items of the interactions are not in the catalogue"):
        train(engine, rows, {}, tmp_path / "spark", **options)
    assert_same(tmp_path / "core", tmp_path / "spark")


def test_many_small_ranges_and_packs_change_nothing(
    engine: Spark, table: str, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.warehouse.spark_kernel.ROWS_PER_TASK", 50)
    monkeypatch.setattr("mlcore.warehouse.spark_kernel.RESULT_BYTES", 2000)
    train_from_path(rows, None, tmp_path / "core")
    train(engine, table, {}, tmp_path / "spark")
    assert_same(tmp_path / "core", tmp_path / "spark")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "('u', 'a', 1D, 5L), (NULL, 'a', 1D, 5L)",
            "user_id: expected values in all rows, got none",
        ),
        ("('u', 'a', 1D, 5L), ('', 'b', 1D, 5L)", "user_id: expected ids of at least one char"),
        ("('u', 'a', 0D, 5L)", "weight: expected finite numbers above 0, got 0.0"),
        ("('u', 'a', double('NaN'), 5L)", "weight: expected finite numbers above 0, got NaN"),
        (
            "('u', 'a', 1D, 5L), ('u', 'b', 1D, NULL)",
            "timestamp: expected values in all rows or in",
        ),
        (
            "('u', 'a', 1D, 9999999999999L)",
            "timestamp: expected seconds of the years 1 to 9999, got",
        ),
        ("('u', 'a', 1e308, 5L), ('u', 'a', 1e308, 5L)", "weight: .* expected a finite sum"),
    ],
)
def test_a_fault_of_a_table_is_one_line(
    rows: str, message: str, engine: Spark, tmp_path: Path
) -> None:
    folder = tmp_path / "events.parquet"
    query = f"SELECT * FROM VALUES {rows} AS t(user_id, item_id, weight, timestamp)"
    engine.session.sql(query).write.parquet(str(folder))
    with pytest.raises(DataError, match=message) as caught:
        train(engine, folder.as_uri(), {}, tmp_path / "model")
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"similarity": {"name": "cosine"}, "weighting": {"name": "binary"}, "aggregate": "max"},
        {"similarity": {"name": "lift"}, "heavy_users": {"name": "sample", "max_interactions": 6}},
    ],
)
@pytest.mark.parametrize("with_users", [True, False])
def test_sql_over_codes_of_the_engine_gives_the_same_model(
    settings: dict[str, Any],
    with_users: bool,
    engine: Spark,
    table: str,
    rows: Path,
    tmp_path: Path,
) -> None:
    train_from_path(rows, settings, tmp_path / "core", with_users=with_users)
    train_by_engine_from_path(
        engine, table, settings, tmp_path / "sql", kernel="sql", with_users=with_users
    )
    assert_same(tmp_path / "core", tmp_path / "sql")


def test_a_table_without_rows_is_refused(engine: Spark, tmp_path: Path) -> None:
    folder = tmp_path / "events.parquet"
    engine.session.sql("SELECT 'u' AS user_id, 'a' AS item_id LIMIT 0").write.parquet(str(folder))
    with pytest.raises(DataError, match="expected at least one row, got none"):
        train(engine, folder.as_uri(), {}, tmp_path / "model")


def test_a_similarity_without_rows_is_refused_before_the_work(
    engine: Spark, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match="expected one of .*rp3beta.*, whose rows workers find, got"
    ):
        train(engine, "no.such.table", {"similarity": {"name": "slim"}}, tmp_path / "model")


def test_other_workers_are_refused_or_count_by_sql(
    engine: Spark, table: str, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the workers had another version: this process has one that no worker has."""
    monkeypatch.setattr(
        "mlcore.warehouse.engines.spark_workers.version_here", lambda: "mlcore 99 with kernels"
    )
    with pytest.raises(
        MlcoreError, match="^spark: workers: expected mlcore 99 .*, got mlcore "
    ) as caught:
        train(engine, table, {}, tmp_path / "model")
    assert caught.value.hint is not None and "--kernel sql" in caught.value.hint
    told: list[str] = []
    settings = {"similarity": {"name": "jaccard"}, "weighting": {"name": "binary"}}
    train_by_engine_from_path(
        engine,
        table,
        settings,
        tmp_path / "spark",
        on_message=lambda message: told.append(str(message)),
    )
    assert len(told) == 1 and told[0].endswith("takes sql/train.sql")
    train_from_path(rows, settings, tmp_path / "core")
    assert_same(tmp_path / "core", tmp_path / "spark")


def test_the_command_takes_a_kernel_for_spark_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--interactions", str(TRAIN), "--out-dir", str(tmp_path / "model")]
    for engine, got in (([], "no --engine"), (["--engine", "duckdb"], "duckdb")):
        assert cli.train.main([*options, *engine, "--kernel", "sql"]) == 1
        assert f"--kernel: expected --engine spark, got {got}" in capsys.readouterr().err

"""mlcore.train.provenance: what a training notes beside the model, by either way to train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlcore import Model
from mlcore.files.options import ColumnNames, InputOptions
from mlcore.train.train import train_from_path
from mlcore.warehouse.train import train_by_engine_from_path

# The first two rows become one interaction.
ROWS = "reader;book\nann;tea\nann;tea\nann;jam\nbob;tea\n"
OPTIONS = InputOptions(ColumnNames(user="reader", item="book"), delimiter=";")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "events").mkdir()
    (tmp_path / "events/part.csv").write_text(ROWS)
    (tmp_path / "events/rest.csv").write_text("reader;book\neve;jam\n")
    (tmp_path / "items.csv").write_text("book\ntea\njam\ncake\n")
    config = {"similarity": {"name": "jaccard"}, "weighting": {"name": "binary"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def noted(model: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((model / "provenance.json").read_text("utf-8"))
    return {name: found[name] for name in ("interactions", "items", "engine", "options")}


def expected(model: Path, name: str, rows: int = 4) -> dict[str, Any]:
    return {
        "interactions": {
            "name": name,
            "rows": rows,
            "sha256": Model.load(model).interactions_sha256,
        },
        "items": None,
        "engine": None,
        "options": {
            "with_users": True,
            "columns.user": "reader",
            "columns.item": "book",
            "delimiter": ";",
        },
    }


@pytest.mark.filterwarnings("ignore:.*read \\d part")
@pytest.mark.parametrize(
    ("given", "name", "rows"),
    [("events/part.csv", "part.csv", 4), ("events/", "events", 5), ("events/p*.csv", "p*.csv", 4)],
)
def test_input_and_options_stand_without_folders(
    given: str, name: str, rows: int, folder: Path
) -> None:
    train_from_path(f"{folder}/{given}", None, folder / "model", input_options=OPTIONS)
    assert noted(folder / "model") == expected(folder / "model", name, rows)
    assert str(folder) not in (folder / "model/provenance.json").read_text("utf-8")


def test_a_catalogue_and_missing_users_are_noted(folder: Path) -> None:
    train_from_path(
        "events/part.csv",
        folder / "config.json",
        "model",
        items_path=folder / "items.csv",
        with_users=False,
        threads=1,
        input_options=OPTIONS,
    )
    facts = expected(folder / "model", "part.csv")
    facts["options"]["with_users"] = False
    assert noted(folder / "model") == facts | {"items": "items.csv"}


def test_training_again_changes_no_byte_of_the_model(folder: Path) -> None:
    train_from_path("events/part.csv", None, "model", input_options=OPTIONS)
    before = {path.name: path.read_bytes() for path in (folder / "model").iterdir()}
    train_from_path("events/part.csv", None, "model", input_options=OPTIONS, overwrite=True)
    after = {path.name: path.read_bytes() for path in (folder / "model").iterdir()}
    assert after.pop("provenance.json") and before.pop("provenance.json")
    assert after == before


@pytest.mark.duckdb
def test_an_engine_notes_itself_too(folder: Path) -> None:
    from mlcore.warehouse.engines.duckdb import DuckDb

    with DuckDb() as engine:
        train_by_engine_from_path(
            engine, "events/part.csv", "config.json", "model", input_options=OPTIONS
        )
        facts = expected(folder / "model", "part.csv")
        facts["engine"] = {"name": "duckdb", "version": engine.version}
    assert noted(folder / "model") == facts

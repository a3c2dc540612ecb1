"""mlcore.train.provenance: what a training notes beside the model, by either way to train."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mlcore import Model
from mlcore.files.options import ColumnNames, InputOptions
from mlcore.preprocess import PreprocessConfig, preprocess_from_path
from mlcore.train.train import train_from_path
from mlcore.warehouse.train import train_by_engine_from_path
from tests.test_layers import ROOT

# The first two rows become one interaction.
ROWS = "reader;book\nann;tea\nann;tea\nann;jam\nbob;tea\n"
OPTIONS = InputOptions(ColumnNames(user="reader", item="book"), delimiter=";")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "events").mkdir()
    (tmp_path / "events/part.csv").write_text(ROWS)
    (tmp_path / "events/rest.csv").write_text("reader;book\neve;jam\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def noted(model: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((model / "provenance.json").read_text("utf-8"))
    assert found.pop("versions")
    return found


def expected(model: Path, rows: int, *inputs: dict[str, Any]) -> dict[str, Any]:
    digest = Model.load(model).interactions_sha256
    facts = {"interactions": {"rows": rows, "sha256": digest}}
    return {**facts, "inputs": list(inputs), "engine": None, "commit": None, "lineage": None}


def input_of(role: str, format: str | None, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {"role": role, "format": format, "bytes": len(content), "sha256": digest}


@pytest.mark.filterwarnings("ignore:.*read \\d part")
@pytest.mark.parametrize(("given", "rows"), [("events/part.csv", 4), ("events/", 5)])
def test_rows_are_those_of_the_input(given: str, rows: int, folder: Path) -> None:
    train_from_path(folder / given, None, folder / "model", input_options=OPTIONS)
    found = noted(folder / "model")
    assert found == expected(folder / "model", rows, *found["inputs"])


@pytest.mark.parametrize("packed", [False, True])
def test_files_are_noted_by_their_own_digests(packed: bool, folder: Path) -> None:
    content, config = ROWS.encode(), b'{"num_neighbors": 5}'
    name = "part.csv.gz" if packed else "events/part.csv"
    Path(name).write_bytes(gzip.compress(content) if packed else content)
    Path("config.json").write_bytes(config)
    train_from_path(name, "config.json", "model", input_options=OPTIONS)
    assert noted(Path("model"))["inputs"] == [
        input_of("interactions", "csv", content),
        input_of("config", "json", config),
    ]


def test_the_same_rows_from_another_file_give_the_same_folder(folder: Path) -> None:
    rows = [row.split(";") for row in ROWS.splitlines()[1:]]
    lines = [json.dumps({"user_id": user, "item_id": item}) + "\n" for user, item in rows]
    (folder / "other.jsonl").write_text("".join(lines))
    train_from_path("events/part.csv", None, "model", input_options=OPTIONS)
    train_from_path("other.jsonl", None, "again")
    for path in (folder / "model").iterdir():
        if path.name != "provenance.json":  # which names the files that were read
            assert path.read_bytes() == (folder / "again" / path.name).read_bytes(), path.name
    one, two = noted(folder / "model"), noted(folder / "again")
    assert one.pop("inputs") != two.pop("inputs") and one == two


def test_the_commit_is_that_of_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert noted_commit(folder) is None
    monkeypatch.chdir(ROOT)
    assert len(noted_commit(folder) or "") == 40


def noted_commit(folder: Path) -> str | None:
    train_from_path(
        folder / "events/part.csv", None, folder / "model", input_options=OPTIONS, overwrite=True
    )
    found: str | None = noted(folder / "model")["commit"]
    return found


def test_a_log_gives_the_settings_of_the_steps_before(folder: Path) -> None:
    (folder / "lineage.jsonl").touch()
    preprocess_from_path(
        "events/part.csv",
        "clean.csv",
        PreprocessConfig(min_user_interactions=2),
        input_options=OPTIONS,
    )
    train_from_path(folder / "clean.csv", None, "model", with_users=False)
    preprocessing, training = map(json.loads, (folder / "lineage.jsonl").read_text().splitlines())
    found = noted(folder / "model")["lineage"]
    assert found == {
        "params": training["params"],
        "inputs": training["inputs"],
        "runs": [preprocessing],
    }
    assert preprocessing["params"]["min_user_interactions"] == 2
    assert found["inputs"][0]["sha256"] == preprocessing["output"]["sha256"]
    assert found["params"]["with_users"] is False
    assert str(folder) not in (folder / "model/provenance.json").read_text("utf-8")


@pytest.mark.duckdb
def test_an_engine_notes_itself_too(folder: Path) -> None:
    from mlcore.warehouse.engines.duckdb import DuckDb

    (folder / "config.json").write_text(
        json.dumps({"similarity": {"name": "jaccard"}, "weighting": {"name": "binary"}})
    )
    with DuckDb() as engine:
        train_by_engine_from_path(
            engine, "events/part.csv", "config.json", "model", input_options=OPTIONS
        )
        files = [("interactions", "csv", "events/part.csv"), ("config", "json", "config.json")]
        inputs = [input_of(role, kind, Path(name).read_bytes()) for role, kind, name in files]
        facts = expected(folder / "model", 4, *inputs)
        facts["engine"] = {"name": "duckdb", "version": engine.version}
    assert noted(folder / "model") == facts

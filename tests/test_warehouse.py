"""The files that queries made: they are made the same again, on two engines, and lineage answers for all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures import warehouse
from mlcore.engines import DuckDb, Engine
from mlcore.lineage import check, find, find_root, read_lineage
from tests.googlesql import GoogleSql

SOURCES = {"raw_events.jsonl", "action_weights.csv"}
MADE = sorted(path for path in warehouse.FOLDER.iterdir() if path.name not in SOURCES)


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_lineage_answers_for_every_file_that_a_query_made(path: Path) -> None:
    answer = find(path, read_lineage(warehouse.LINEAGE), find_root(warehouse.LINEAGE))
    assert answer.state == "known"
    assert [step.query_state for step in answer.steps] == ["same"] * len(answer.steps)
    names = {step.record.output.file for step in answer.steps}
    assert f"fixtures/warehouse/{path.name}" in names
    # Back to the log that no query made.
    assert "sql/extract_events.sql" in {step.record.query for step in answer.steps}


def test_lineage_knows_of_no_query_that_made_the_sources() -> None:
    records = read_lineage(warehouse.LINEAGE)
    for name in SOURCES:
        answer = find(warehouse.FOLDER / name, records, find_root(warehouse.LINEAGE))
        assert answer.state == "unknown"


def test_every_step_has_its_file_and_every_file_its_step() -> None:
    assert [path.name for path in MADE] == sorted(step.out for step in warehouse.STEPS)
    assert {step.query for step in warehouse.STEPS} == {
        path.stem for path in (warehouse.ROOT / "sql").glob("*.sql")
    } - {"read_interactions"}


def test_the_text_of_every_query_is_found() -> None:
    records = read_lineage(warehouse.LINEAGE)
    assert check(records, find_root(warehouse.LINEAGE)).faults == ()


def test_lines_name_commits_that_have_the_query_and_nothing_of_this_machine() -> None:
    for record in read_lineage(warehouse.LINEAGE):
        assert record.commit is not None and record.committed
        names = [record.query, record.output.file, *(one.file for one in record.inputs)]
        assert all(name and not name.startswith(("/", "..")) for name in names)


def test_the_table_in_the_readme_is_that_of_the_lineage() -> None:
    text = warehouse.README.read_text("utf-8")
    assert warehouse.with_table(text) == text
    assert text.count("`fixtures/warehouse/") == len(MADE)


@pytest.mark.parametrize("make_engine", [DuckDb, GoogleSql])
def test_an_engine_makes_the_files_again(make_engine: Callable[[], Engine]) -> None:
    with make_engine() as engine:
        assert warehouse.check(engine) == []


def test_a_file_that_is_not_as_expected_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in warehouse.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    metrics = json.loads((tmp_path / "metrics.jsonl").read_text())
    (tmp_path / "metrics.jsonl").write_text(
        json.dumps({**metrics, "recall": metrics["recall"] / 2})
    )
    (tmp_path / "capped.csv").write_text("other")
    (tmp_path / "more.csv").write_text("")
    monkeypatch.setattr(warehouse, "FOLDER", tmp_path)
    with DuckDb() as engine:
        assert warehouse.check(engine) == ["capped.csv", "metrics.jsonl", "more.csv"]

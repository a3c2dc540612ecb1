"""mlcore.files.lists: ids, titles and configurations."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.config import TrainConfig
from mlcore.files.lists import read_config, read_ids, read_titles
from tests.files.samples import save, type_in


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "x,user_id\n1,007\n2,b\n\n3,007\n4,7\n"),
        ("a.jsonl", '{"user_id": "007"}\n\n{"user_id": "b"}\n{"user_id": "007"}\n{"user_id": "7"}'),
    ],
)
def test_ids_are_read_once_each_in_order_of_appearance(
    name: str, content: str, tmp_path: Path
) -> None:
    assert read_ids(save(tmp_path, name, content), "user_id") == ["007", "b", "7"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'title,genre,item_id\n"Tea, for two",t,007\n,t,7\n'),
        (
            "a.jsonl",
            '{"item_id": "007", "title": "Tea, for two"}\n{"item_id": "7", "title": ""}\n',
        ),
    ],
)
def test_titles_are_read_as_they_are(name: str, content: str, tmp_path: Path) -> None:
    titles = read_titles(save(tmp_path, name, content))
    assert titles == {"007": "Tea, for two", "7": ""}


def test_the_last_of_several_titles_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.files.csv_tables._BATCH_ROWS", 2)
    rows = ["a,one", "b,two", "a,three", "c,four", "b,five"]
    path = save(tmp_path, "a.csv", "item_id,title\n" + "\n".join(rows))
    assert read_titles(path) == {"a": "three", "b": "five", "c": "four"}


def test_a_configuration_is_read_over_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '{\n  "num_neighbors": null,\n  "shrinkage": 5,\n  "similarity": {"name": "dice"}\n}\n'
    found = read_config(save(tmp_path, "config.json", text))
    defaults = TrainConfig().to_json()
    changed = {"num_neighbors": None, "shrinkage": 5.0, "similarity": {"name": "dice"}}
    assert found.to_json() == defaults | changed
    type_in(monkeypatch, text)
    assert read_config("-") == found
    assert read_config(None) == TrainConfig()

"""A folder of good files and models, for each test a copy to work in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.cases import INTERACTIONS, PREDICTIONS, TRUTH, run, write


@pytest.fixture(scope="module")
def good_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    write(
        folder,
        {"interactions.csv": INTERACTIONS, "predictions.jsonl": PREDICTIONS, "truth.csv": TRUTH},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run("train --interactions interactions.csv --out-dir model") == 0
        assert run("train --interactions interactions.csv --out-dir no-users --without-users") == 0
    return folder


@pytest.fixture
def folder(good_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "work"
    shutil.copytree(good_folder, copy)
    monkeypatch.chdir(copy)
    return copy

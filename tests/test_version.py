"""mlcore.version: one version, which the package shows and every model records."""

from __future__ import annotations

import json
import re
from pathlib import Path

import mlcore
from mlcore.version import VERSION


def test_the_package_shows_it() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert mlcore.__version__ == VERSION


def test_a_model_records_it(tmp_path: Path) -> None:
    interactions = mlcore.Interactions.from_columns(["u"], ["a"])
    mlcore.train_from_data(interactions).save(tmp_path / "model")
    manifest = json.loads((tmp_path / "model/manifest.json").read_text("utf-8"))
    assert manifest["producer"] == {"name": "mlcore", "version": VERSION}

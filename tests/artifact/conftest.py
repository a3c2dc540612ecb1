"""A trained model, and its directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore import Model
from tests.artifact.models import some_rows, train


@pytest.fixture(scope="module")
def model() -> Model:
    return train(some_rows())


@pytest.fixture
def directory(model: Model, tmp_path: Path) -> Path:
    model.save(tmp_path / "model")
    return tmp_path / "model"

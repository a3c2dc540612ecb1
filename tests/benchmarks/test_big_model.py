"""benchmarks.big_model: the synthetic model is a valid one, of the size asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import big_model
from mlcore.artifact import verify_model


def test_the_synthetic_model_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(big_model, "ITEMS", 500)
    monkeypatch.setattr(big_model, "USERS", 300)
    monkeypatch.setattr(big_model, "HISTORY_LENGTH", 40)
    # Half of the catalogue: parts of two columns, where stepping off the diagonal is tightest.
    big_model.make_model(250).save(tmp_path / "model")
    counts = verify_model(tmp_path / "model").counts
    assert (counts.pairs, counts.interactions) == (500 * 250, 300 * 40)

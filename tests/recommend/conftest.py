"""The ways in which a batch is ranked, so that a test can go each of them."""

from __future__ import annotations

import pytest

from mlcore.recommend import scoring


@pytest.fixture(
    params=["row by row", "product", pytest.param("compiled", marks=pytest.mark.native)],
)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make any batch go one way."""
    monkeypatch.setattr(scoring, "MIN_PRODUCT_ROWS", 10**9 if request.param == "row by row" else 1)
    compiled = request.param == "compiled"
    monkeypatch.setattr("mlcore.native.is_available", lambda: compiled)
    return str(request.param)

"""benchmarks.filters: what its filters admit, so that its figures are about what it says."""

from __future__ import annotations

import pytest

from benchmarks import big_model, filters
from mlcore.recommend.filter import ItemFilter


def test_the_filters_admit_the_shares_that_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (big_model, filters):
        monkeypatch.setattr(module, "ITEMS", 20_000)
    monkeypatch.setattr(big_model, "USERS", 20)
    attributes = filters.with_catalogue(big_model.make_model(5)).attributes
    admitted = {
        name: ItemFilter.parse(wanted).admitted(attributes)
        for name, wanted in filters.FILTERS.items()
    }
    one, others, there = (admitted[name] for name in list(filters.FILTERS)[1:4])
    assert one is not None and others is not None and there is not None
    assert one.mean() == pytest.approx(0.01, abs=0.003)
    assert (one == ~others).all() and (one == there).all()

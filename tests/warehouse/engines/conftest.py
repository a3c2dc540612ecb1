"""Fixtures of the engines; each imports its optional packages when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def fake() -> Any:
    """A BigQuery in this process."""
    from tests.warehouse.fake_bigquery import FakeBigQuery

    return FakeBigQuery()


@pytest.fixture
def engine(fake: Any) -> Iterator[Any]:
    """The engine, on the fake."""
    from mlcore.warehouse.engines import BigQuery, BigQueryOptions

    with BigQuery(BigQueryOptions(dataset="scratch"), fake.client()) as opened:
        yield opened

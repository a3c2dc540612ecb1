"""Queries and rows for the tests of BigQuery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.errors import MlcoreError
from mlcore.warehouse.engines.base import Rows
from mlcore.warehouse.engines.bigquery import BigQuery
from mlcore.warehouse.query import Column, Query, parse_query
from tests.warehouse.fake_bigquery import FakeBigQuery, Field

SQL = Path(__file__).parents[3] / "sql"
USER, ITEM = Column("user_id", "STRING"), Column("item_id", "STRING")
WEIGHT = Column("weight", "FLOAT64", default=1.0)
TIME = Column("timestamp", "INT64", nullable=True)
IDS = [Field("user_id", "STRING"), Field("item_id", "STRING")]
# Of each query, for the parameters without a default.
GIVEN: dict[str, dict[str, Any]] = {
    "extract_events": {"begin_time": 0, "end_time": 100},
    "cap_history": {"max_user_interactions": 2},
    "split_random": {"part": "train"},
    "split_last_n": {"part": "train"},
    "split_temporal": {"part": "train", "cutoff": 5},
}

COPY = """-- copy: all rows.
--
-- reads: events({columns})
-- writes: rows({columns})
-- order: user_id
SELECT {names} FROM events
"""


def copy_of(columns: str) -> Query:
    names = ", ".join(column.split()[0] for column in columns.split(", "))
    return parse_query(Path("copy.sql"), COPY.format(columns=columns, names=names).encode())


COPY_USERS = copy_of("user_id STRING, item_id STRING")


def part(**columns: Sequence[Any]) -> Rows:
    kinds = {"weight": np.float64, "timestamp": object, "n": np.int64}
    return {name: np.array(cells, kinds.get(name, object)) for name, cells in columns.items()}


def rows_of(engine: BigQuery, query: Query, **values: Any) -> list[tuple[Any, ...]]:
    result = engine.run(query, query.values({**GIVEN.get(query.name, {}), **values}))
    names = [column.name for column in result.columns]
    return [row for part in result.parts for row in zip(*(part[name].tolist() for name in names))]


def refusal(work: Callable[[], object]) -> MlcoreError:
    with pytest.raises(MlcoreError) as caught:
        work()
    assert "\n" not in str(caught.value)
    return caught.value


def users_table(fake: FakeBigQuery, engine: BigQuery, count: int = 7) -> None:
    fake.add("shop.events", IDS, [(f"u{n}", "i") for n in reversed(range(count))])
    engine.attach("events", COPY_USERS.reads["events"], "shop.events")

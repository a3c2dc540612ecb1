"""Joined rows before they are joined: J, what it takes, and the cap that would fit."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.errors import DataError
from mlcore.types import CsrMatrix
from mlcore.warehouse.engines import DuckDb
from mlcore.warehouse.joined import JoinedRows
from mlcore.warehouse.query import bundled_query

TRAIN = bundled_query("train")


def of_lengths(num_items: int, *lengths: int) -> JoinedRows:
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    indices = np.concatenate([np.arange(length) for length in lengths]).astype(np.int32)
    return JoinedRows.of(CsrMatrix(indptr, indices, np.ones(len(indices)), num_items))


def test_joined_rows_are_the_pairs_of_items_of_each_user() -> None:
    joined = of_lengths(9, 4, 1, 3, 4)
    assert joined.total == 6 + 0 + 3 + 6
    assert joined.at_most(3).total == 3 + 0 + 3 + 3 and joined.num_interactions == 12


def test_an_engine_counts_the_same_histories() -> None:
    rng = np.random.default_rng(7)
    users = np.array([f"u{user}" for user in rng.integers(0, 9, 200)], object)
    items = np.array([f"i{item}" for item in rng.integers(0, 12, 200)], object)
    lengths = [len({item for one, item in zip(users, items) if one == user}) for user in {*users}]
    with DuckDb() as engine:
        columns = TRAIN.reads["interactions"]
        engine.load("interactions", columns, [{"user_id": users, "item_id": items}])
        found = JoinedRows.of_table(engine)
    assert found.total == of_lengths(12, *lengths).total and found.num_items == 12


def histories(length: int, users: int, num_items: int = 10**7) -> JoinedRows:
    return JoinedRows(np.array([1, length]), np.array([5, users]), num_items)


def test_a_join_of_days_is_refused_with_the_cap_that_would_fit() -> None:
    with DuckDb() as engine:
        most = 1000 * 3600 / engine.seconds_per_joined_row
        histories(2000, 10**6, num_items=10**4).check(engine, TRAIN)  # 2e12 rows of 5e7 pairs
        joined = histories(5000, 10**6, num_items=10**4)  # 1.2e13
        with pytest.raises(DataError, match=r"train.sql: joined rows: .* got 1.2e\+13") as caught:
            joined.check(engine, TRAIN)
    assert joined.total > most > joined.at_most(2000).total
    assert (caught.value.hint or "").startswith("cap histories to 2000: 2e+12 rows: ")


def test_pairs_that_the_disk_does_not_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DuckDb, "room", 10**9)
    joined = histories(1000, 100)  # 5e7 rows of 50 bytes
    with DuckDb() as engine, pytest.raises(DataError, match="room to spill to hold") as caught:
        joined.check(engine, TRAIN)
    assert (caught.value.hint or "").startswith("cap histories to 500: 1.2e+07 rows: ")
    few_items = joined._replace(num_items=1000)  # the same pairs over and over
    with DuckDb() as engine:
        few_items.check(engine, TRAIN)

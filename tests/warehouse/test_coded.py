"""Interactions of an engine's table: those of its rows, whatever parts they come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlcore.aggregate import Aggregate
from mlcore.errors import DataError
from mlcore.interactions import Events, Interactions
from mlcore.warehouse.coded import interactions_of_parts

GOOD: dict[str, list[Any]] = {
    "user_id": [0, 1],
    "item_id": [0, 1],
    "weight": [1.0, 2.0],
    "timestamp": [1, 2],
}


def interactions_of(
    columns: dict[str, list[Any]], how: Aggregate = "sum", parts: int = 1
) -> Interactions:
    arrays = {
        name: np.array(values, np.int64 if name.endswith("_id") else object)
        for name, values in columns.items()
    }
    cut = {name: np.array_split(values, parts) for name, values in arrays.items()}
    rows = [{name: cut[name][part] for name in cut} for part in range(parts)]
    size = len(columns["user_id"])
    return interactions_of_parts(rows, size, (["u", "v"], ["a", "b"]), how, "shop.events")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"user_id": [0, 2]}, "user_id: expected the ids that were read, got others"),
        ({"item_id": [-1, 0]}, "item_id: expected the ids that were read, got others"),
        ({"user_id": [1, 1]}, "user_id: expected rows of every user, got none of one"),
        ({"weight": [1.0, 0.0]}, "weight: expected finite numbers above 0, got 0"),
        ({"weight": [1.0, None]}, "weight: expected finite numbers above 0, got None"),
        ({"timestamp": [1, None]}, "timestamp: expected values in all rows or in none"),
        ({"timestamp": [1, 10**12]}, "timestamp: expected seconds of the years 1 to 9999"),
    ],
)
@pytest.mark.parametrize("parts", [1, 2])
def test_rows_of_a_table_keep_the_rules_of_interactions(
    changed: dict[str, list[Any]], message: str, parts: int
) -> None:
    assert len(interactions_of(GOOD, parts=parts)) == 2
    with pytest.raises(DataError, match=f"^shop.events: {message}"):
        interactions_of(GOOD | changed, parts=parts)


def test_a_sum_beyond_float64_is_refused() -> None:
    many: dict[str, list[Any]] = {"user_id": [0, 0, 1], "item_id": [0, 0, 1]}
    many |= {"weight": [1e308, 1e308, 1.0], "timestamp": [None] * 3}
    with pytest.raises(DataError, match="weight: user 'u': expected a finite sum"):
        interactions_of(many)


def test_the_last_row_needs_times() -> None:
    with pytest.raises(DataError, match="timestamp"):
        interactions_of(GOOD | {"timestamp": [None, None]}, "last")


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(DataError, match="interactions: expected at least one row, got none"):
        interactions_of_parts([], 0, (["u"], ["a"]), "sum", "shop.events")


@pytest.mark.parametrize("parts", [1, 2, 7, 200])
@pytest.mark.parametrize("how", ["sum", "max", "last", "count"])
@pytest.mark.parametrize("has_times", [True, False])
def test_a_stream_gives_the_interactions_of_all_rows_at_once(
    parts: int, how: Aggregate, has_times: bool
) -> None:
    if how == "last" and not has_times:
        return
    rng = np.random.default_rng(7)
    users = np.sort(np.concatenate([rng.integers(0, 9, 300), np.arange(9)]))
    items = np.concatenate([rng.integers(0, 7, 302), np.arange(7)])
    weights, seconds = rng.random(309) + 0.1, rng.integers(0, 50, 309)
    user_ids, item_ids = [f"u{user}" for user in range(9)], [f"i{item}" for item in range(7)]
    rows = {"user_id": users, "item_id": items, "weight": weights}
    rows["timestamp"] = seconds if has_times else np.array([None] * 309)
    cuts = {name: np.array_split(values, parts) for name, values in rows.items()}
    rows_of_parts = [{name: cuts[name][part] for name in cuts} for part in range(parts)]
    ids = user_ids, item_ids
    found = interactions_of_parts(rows_of_parts, 309, ids, how, "shop.events")
    codes = users.astype(np.int32), items.astype(np.int32)
    times = seconds * 1_000_000 if has_times else None
    expected = Events(user_ids, item_ids, *codes, weights, times).aggregate(how)
    assert found.sha256() == expected.sha256()
    assert (found.combined_by, found.has_repeats) == (expected.combined_by, expected.has_repeats)

"""mlcore.preprocess: aggregate, drop the light, keep the newest, then the k-core, in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import ConfigError, DataError, Interactions
from mlcore.interactions import Events
from mlcore.preprocess import (
    PreprocessConfig,
    preprocess_from_data,
    preprocess_from_path,
)
from tests import oracles

Row = tuple[str, str, float, int]
Table = dict[tuple[str, str], tuple[float, int]]

PAIRS = st.sets(st.tuples(st.sampled_from("pqrstuvw"), st.sampled_from("abcdef")), min_size=1)
ROWS = st.lists(
    st.tuples(
        st.sampled_from("uvw"),
        st.sampled_from("abcde"),
        st.integers(1, 8).map(float),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=20,
)


def events_of(rows: list[Row]) -> Events:
    user_ids, item_ids = sorted({row[0] for row in rows}), sorted({row[1] for row in rows})
    return Events(
        user_ids,
        item_ids,
        np.array([user_ids.index(row[0]) for row in rows], np.int32),
        np.array([item_ids.index(row[1]) for row in rows], np.int32),
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows], np.int64),
    )


def table(interactions: Interactions) -> Table:
    matrix, times = interactions.user_items, interactions.timestamps
    assert times is not None
    users = matrix.row_of_entry().tolist()
    columns = zip(users, matrix.indices.tolist(), matrix.data.tolist(), times.tolist())
    return {
        (interactions.user_ids[user], interactions.item_ids[item]): (weight, time)
        for user, item, weight, time in columns
    }


def preprocess(rows: list[Row], **settings: Any) -> Table:
    return table(preprocess_from_data(events_of(rows), PreprocessConfig(**settings)))


@given(PAIRS, st.integers(1, 4), st.integers(1, 4))
def test_the_k_core_equals_that_of_plain_sets(
    pairs: set[tuple[str, str]], min_user: int, min_item: int
) -> None:
    rows = [(user, item, 1.0, 0) for user, item in pairs]
    settings = {"min_user_interactions": min_user, "min_item_interactions": min_item}
    expected = oracles.k_core(pairs, min_user, min_item)
    if expected:
        assert preprocess(rows, **settings).keys() == expected
    else:
        with pytest.raises(DataError, match="expected at least one that meets all conditions"):
            preprocess(rows, **settings)


def test_the_k_core_is_repeated_until_nothing_changes() -> None:
    # A chain: u0 has only a, so a loses a user, so u1 loses an item, and so on to the end.
    chain = [(f"u{place}", item) for place in range(6) for item in (place - 1, place) if item >= 0]
    core = [(user, item) for user in "xy" for item in "ab"]
    rows = [(user, f"i{item}", 1.0, 0) for user, item in chain]
    rows += [(user, item, 1.0, 0) for user, item in core]
    found = preprocess(rows, min_user_interactions=2, min_item_interactions=2)
    assert found.keys() == set(core)
    assert len(preprocess(rows, min_user_interactions=2)) == len(rows) - 1
    # u0 has i0; each user after that has two items, and the last item has one user
    assert len(preprocess(rows, min_item_interactions=2)) == len(rows) - 1


def test_each_aggregate_decides_what_is_light() -> None:
    # u, a: 1 then 3 then 2, so sum 6, max 3, last 2, count 3; v, b: one row of 4
    rows = [("u", "a", 1.0, 1), ("u", "a", 3.0, 2), ("u", "a", 2.0, 3), ("v", "b", 4.0, 9)]
    both = {("u", "a"): (6.0, 3), ("v", "b"): (4.0, 9)}
    assert preprocess(rows, min_weight=4) == both
    assert preprocess(rows, aggregate="sum", min_weight=4.5) == {("u", "a"): (6.0, 3)}
    assert preprocess(rows, aggregate="max", min_weight=3) == {**both, ("u", "a"): (3.0, 3)}
    assert preprocess(rows, aggregate="max", min_weight=3.5) == {("v", "b"): (4.0, 9)}
    assert preprocess(rows, aggregate="last", min_weight=2) == {**both, ("u", "a"): (2.0, 3)}
    assert preprocess(rows, aggregate="last", min_weight=2.5) == {("v", "b"): (4.0, 9)}
    assert preprocess(rows, aggregate="count", min_weight=2) == {("u", "a"): (3.0, 3)}


def test_the_newest_are_kept_and_of_equal_times_by_a_hash() -> None:
    rows = [("u", item, 1.0, time) for item, time in zip("abcde", (7, 9, 7, 9, 7))]
    kept = {
        n: "".join(item for _, item in preprocess(rows, max_user_interactions=n))
        for n in range(1, 7)
    }
    # md5sum of u,d,ties is 2986..., of u,b,ties 4f78...; of u,c,ties 1865..., u,a,ties 6972..., u,e,ties cc57...
    assert kept == {1: "d", 2: "bd", 3: "bcd", 4: "abcd", 5: "abcde", 6: "abcde"}


def test_the_latest_row_of_a_pair_says_how_new_it_is() -> None:
    rows = [("u", "a", 1.0, 1), ("u", "b", 1.0, 5), ("u", "a", 1.0, 9)]
    assert preprocess(rows, max_user_interactions=1) == {("u", "a"): (2.0, 9)}


def test_light_interactions_go_before_the_newest_are_counted() -> None:
    # c is the newest, but light: a and b remain, and the newest of them is b
    rows = [("u", "a", 5.0, 1), ("u", "b", 5.0, 2), ("u", "c", 1.0, 3)]
    assert preprocess(rows, min_weight=2, max_user_interactions=1) == {("u", "b"): (5.0, 2)}


def test_the_newest_are_kept_before_the_core_is_found() -> None:
    # Cut to their 2 newest, u and v have b, c and c, d: only c has 2 users, and each user then 1.
    rows = [("u", item, 1.0, time) for time, item in enumerate("abc")]
    rows += [("v", item, 1.0, time) for time, item in enumerate("abcd")]
    found = preprocess(rows, max_user_interactions=2, min_item_interactions=2)
    assert found.keys() == {("u", "c"), ("v", "c")}


@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_changes_nothing(rows: list[Row], random: Any) -> None:
    config = PreprocessConfig(aggregate="last", max_user_interactions=3)
    first = preprocess_from_data(events_of(rows), config)
    second = preprocess_from_data(events_of(random.sample(rows, len(rows))), config)
    assert first.sha256() == second.sha256()


def test_defaults_only_aggregate() -> None:
    rows = [("u", "a", 1.0, 1), ("u", "a", 3.0, 2), ("v", "b", 0.25, 9)]
    assert preprocess(rows) == {("u", "a"): (4.0, 2), ("v", "b"): (0.25, 9)}


@pytest.mark.parametrize(
    "settings",
    [
        {"min_weight": 100},
        {"min_user_interactions": 2},
        {"min_item_interactions": 2},
        {"min_weight": 100, "max_user_interactions": 1},
    ],
)
def test_nothing_left_is_an_error(settings: dict[str, Any]) -> None:
    with pytest.raises(DataError) as caught:
        preprocess([("u", "a", 1.0, 1), ("v", "b", 1.0, 1)], **settings)
    assert str(caught.value) == (
        "interactions: expected at least one that meets all conditions, got none"
    )
    assert caught.value.hint == (
        "lower --min-user-interactions, --min-item-interactions or --min-weight"
    )


@pytest.mark.parametrize(
    ("settings", "purpose"),
    [
        ({"max_user_interactions": 1}, "find the newest rows by"),
        ({"aggregate": "last"}, "find the last row by"),
    ],
)
def test_what_needs_timestamps_says_so(settings: dict[str, Any], purpose: str) -> None:
    one = np.zeros(1, np.int32)
    with pytest.raises(DataError) as caught:
        preprocess_from_data(
            Events(["u"], ["a"], one, one, np.ones(1)), PreprocessConfig(**settings)
        )
    assert str(caught.value) == f"timestamp: expected a column to {purpose}, got none"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"aggregate": "mean"},
            "aggregate: expected 'sum' or 'max' or 'last' or 'count', got 'mean'",
        ),
        ({"min_weight": -1}, "min_weight: expected a finite number >= 0 or null, got -1"),
        (
            {"min_user_interactions": 0},
            "min_user_interactions: expected an integer >= 1, got 0",
        ),
        (
            {"min_item_interactions": 1.5},
            "min_item_interactions: expected an integer >= 1, got 1.5",
        ),
        (
            {"max_user_interactions": 0},
            "max_user_interactions: expected an integer >= 1 or null, got 0",
        ),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PreprocessConfig(**settings)
    assert str(caught.value) == message


def test_files_are_read_and_written(tmp_path: Path) -> None:
    events, out = tmp_path / "events.csv", tmp_path / "clean.csv"
    events.write_text(
        "user_id,item_id,weight,timestamp\n"
        "v,b,1,100\nu,a,2,300\nu,b,0.5,200\nv,a,1,50\nu,a,1,250\nw,c,9,1\n"
    )
    config = PreprocessConfig(min_user_interactions=2)
    summary = preprocess_from_path(events, out, config)
    assert out.read_text() == (
        "user_id,item_id,weight,timestamp\nu,a,3,300\nu,b,0.5,200\nv,a,1,50\nv,b,1,100\n"
    )
    assert summary == "kept 4 of 6 rows: 2 users, 2 items"
    # clean data stay as they are
    again = tmp_path / "again.csv"
    preprocess_from_path(out, again, config)
    assert again.read_bytes() == out.read_bytes()


def test_a_file_of_which_nothing_is_left_is_named_and_nothing_written(tmp_path: Path) -> None:
    events, out = tmp_path / "events.csv", tmp_path / "clean.csv"
    events.write_text("user_id,item_id\nu,a\n")
    with pytest.raises(DataError) as caught:
        preprocess_from_path(events, out, PreprocessConfig(min_user_interactions=2))
    assert str(caught.value) == (
        f"{events}: interactions: expected at least one that meets all conditions, got none"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["events.csv"]


def test_all_events_of_what_is_kept_are_written(tmp_path: Path) -> None:
    events, out = tmp_path / "events.csv", tmp_path / "clean.csv"
    events.write_text(
        "user_id,item_id,timestamp\nu,b,3\nw,c,1\nu,a,2\nv,a,1\nu,b,1\nv,b,9\nw,c,2\n"
    )
    config = PreprocessConfig(min_user_interactions=2, keep_events=True)
    summary = preprocess_from_path(events, out, config)
    rows = ["u,b,1,1", "u,a,1,2", "u,b,1,3", "v,a,1,1", "v,b,1,9"]
    assert out.read_text() == "\n".join(["user_id,item_id,weight,timestamp", *rows, ""])
    assert summary == "kept 5 of 7 rows: 2 users, 2 items"


@given(ROWS)
def test_events_are_kept_with_interactions_that_keep_them(rows: list[Row]) -> None:
    events, config = events_of(rows), PreprocessConfig(keep_events=True)
    whole = events.aggregate(keep_events=True).with_catalogue(["a", "z"])
    one, other = preprocess_from_data(events, config), preprocess_from_data(whole, config)
    assert one.sha256(with_order=True) == other.sha256(with_order=True)
    assert one.item_ids == other.item_ids

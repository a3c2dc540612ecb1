"""The popularity that fills short lists, with a half-life: older users of an item count less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interop.tools.history import exp2
from mlcore import ConfigError, DataError, Interactions, Recommender, TrainConfig, train_from_data
from mlcore.artifact import Model, verify_model
from mlcore.errors import CsrError

DAY = 86_400
Row = tuple[str, str, float, int]  # user, item, weight, seconds


def trained(rows: list[Row], half_life_days: float, **settings: Any) -> Model:
    users, items, weights, times = zip(*rows)
    interactions = Interactions.from_columns(users, items, weights, timestamps=times)
    return train_from_data(interactions, {"popularity_half_life_days": half_life_days, **settings})


def test_a_user_counts_half_after_each_half_life() -> None:
    # On day 10, with a half-life of 5 days; the weights do not count:
    #   a: days 10 and 5, 1 + 1/2     b: day 0, 1/4; of u's two rows the latest     c: day 10, 1
    rows = [("u", "a", 9, 10 * DAY), ("v", "a", 1, 5 * DAY), ("u", "b", 7, 0), ("u", "b", 1, -DAY)]
    model = trained([*rows, ("w", "c", 0.5, 10 * DAY)], 5)
    assert model.decayed_popularity is not None
    assert model.decayed_popularity.tolist() == [1.5, 0.25, 1.0]
    assert model.popularity.tolist() == [2, 1, 1]
    assert model.config.popularity_reference_time == "1970-01-11T00:00:00.000000Z"


def test_the_order_of_filled_items_is_by_time_and_not_by_users() -> None:
    old = [(f"u{user}", "old", 1.0, 0) for user in range(9)]
    rows = [*old, ("v", "new", 1.0, 100 * DAY), ("w", "tie", 1.0, 100 * DAY)]
    for half_life, expected in ((1, ["new", "tie", "old"]), (1000, ["old", "new", "tie"])):
        found = Recommender(trained(rows, half_life)).predict_history([], fill="popularity")
        assert [item.item_id for item in found] == expected
        assert {(item.score, item.source) for item in found} == {(0.0, "popularity")}


def test_an_item_of_the_catalogue_that_nobody_took_is_0_and_is_never_filled_in() -> None:
    pairs = Interactions.from_columns("uv", "bd", timestamps=[0, DAY]).with_catalogue(list("abcde"))
    model = train_from_data(pairs, {"popularity_half_life_days": 1})
    assert model.decayed_popularity is not None
    assert model.decayed_popularity.tolist() == [0.0, 0.5, 0.0, 1.0, 0.0]
    found = Recommender(model).predict_history([], fill="popularity")
    assert [item.item_id for item in found] == ["d", "b"]


ROWS = st.lists(
    st.tuples(
        st.sampled_from("uvwxy"),
        st.sampled_from("abcd"),
        st.floats(0.1, 9),
        st.integers(0, 400 * DAY),
    ),
    min_size=1,
    max_size=30,
)
WEIGHTINGS = st.sampled_from(
    [{"name": "none"}, {"name": "bm25", "smooth": True}, {"name": "log", "half_life_days": 3}]
)


@given(ROWS, st.floats(0.01, 1000), WEIGHTINGS, st.randoms())
def test_it_is_the_sum_of_plain_floats_in_the_order_of_users(
    rows: list[Row], half_life: float, weighting: dict[str, Any], random: Any
) -> None:
    latest: dict[tuple[str, str], int] = {}
    for user, item, _, time in rows:
        latest[user, item] = max(time, latest.get((user, item), 0))
    now, expected = max(latest.values()), dict.fromkeys("abcd", 0.0)
    for (_, item), time in sorted(latest.items()):
        age = (now - time) * 1_000_000 / (half_life * 86_400_000_000)
        expected[item] += max(exp2(-age), 2.0**-1022)
    shuffled = random.sample(rows, len(rows))
    for some in (rows, shuffled):
        model = trained(some, half_life, weighting=weighting)
        found = model.decayed_popularity
        assert found is not None
        items = {item: value for item, value in expected.items() if value}
        assert dict(zip(model.items.ids, found.tolist())) == items


def test_what_is_ever_so_old_still_counts() -> None:
    model = trained([("u", "a", 1, 0), ("v", "b", 1, 10**9), ("v", "a", 1, 1)], 1e-9)
    assert model.decayed_popularity is not None
    assert model.decayed_popularity.tolist() == [2.0**-1021, 1.0]


def test_its_time_is_its_own_or_that_of_the_weighting_or_the_latest() -> None:
    rows = [("u", "a", 1.0, 0), ("v", "b", 1.0, DAY)]
    weighting = {"name": "none", "half_life_days": 9, "reference_time": "1970-01-03T00:00:00Z"}
    own = {"popularity_reference_time": "1970-01-05T00:00:00Z", "weighting": weighting}
    cases: list[tuple[dict[str, Any], int]] = [({}, 2), ({"weighting": weighting}, 3), (own, 5)]
    for settings, day in cases:
        model = trained(rows, 1, **settings)
        assert model.config.popularity_reference_time == f"1970-01-0{day}T00:00:00.000000Z"
        assert model.decayed_popularity is not None
        assert model.decayed_popularity.tolist() == [0.5 ** (day - 1), 0.5 ** (day - 2)]
        again = train_from_data(
            Interactions.from_columns("uv", "ab", timestamps=[0, DAY]), model.config
        )
        assert again.config == model.config


def test_a_model_says_and_keeps_it(tmp_path: Path) -> None:
    rows = [("u", "a", 1.0, 0), ("v", "b", 1.0, DAY), ("v", "a", 1.0, 3)]
    model = trained(rows, 1)
    model.save(tmp_path / "model")
    features = verify_model(tmp_path / "model").features
    assert features == ("history_rule", "decayed_popularity")
    loaded = Model.load(tmp_path / "model")
    assert loaded.decayed_popularity is not None and model.decayed_popularity is not None
    assert loaded.decayed_popularity.tobytes() == model.decayed_popularity.tobytes()
    assert loaded.fallback is loaded.decayed_popularity
    plain = train_from_data(Interactions.from_columns("uv", "ab"))
    plain.save(tmp_path / "plain")
    assert verify_model(tmp_path / "plain").features == ("history_rule",)
    assert plain.decayed_popularity is None and plain.fallback is plain.popularity


def test_it_is_refused_without_times_and_after_its_own(tmp_path: Path) -> None:
    config = {"popularity_half_life_days": 1}
    with pytest.raises(DataError) as caught:
        train_from_data(Interactions.from_columns("u", "a"), config)
    assert (str(caught.value), caught.value.hint) == (
        "timestamp: expected a column to tell the age of interactions by, got none",
        "--timestamp-column names one; without timestamps leave popularity_half_life_days out",
    )
    with pytest.raises(DataError) as caught:
        trained([("u", "a", 1, 1)], 1, popularity_reference_time="1970-01-01T00:00:00Z")
    assert str(caught.value) == (
        "popularity: user 'u', item 'a': expected a timestamp up to the reference time "
        "1970-01-01T00:00:00.000000Z, got 1970-01-01T00:00:01.000000Z"
    )
    assert caught.value.hint == (
        "leave popularity_reference_time out to take the latest timestamp, or set later "
        "interactions aside: cli.split --strategy temporal --cutoff 1970-01-01T00:00:00.000000Z"
    )


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "30", [1], 10**400])
def test_a_half_life_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(
        ConfigError, match="popularity_half_life_days: expected a finite number above"
    ):
        TrainConfig.from_json({"popularity_half_life_days": value})


def test_a_reference_time_alone_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_json({"popularity_reference_time": "2024-01-01T00:00:00Z"})
    assert str(caught.value) == (
        "config: popularity_reference_time: expected null without popularity_half_life_days, "
        "got '2024-01-01T00:00:00.000000Z'"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_faulty_number_gives_an_error_and_never_a_wrong_list(value: float) -> None:
    rows = [("u", "a", 1.0, 0), ("v", "b", 1.0, DAY)]
    model = trained(rows, 1)
    assert model.decayed_popularity is not None
    model.decayed_popularity[1] = value
    with pytest.raises(CsrError, match="popularity.npz: expected finite numbers of at least 0"):
        Recommender(model).predict_history([], fill="popularity")
    assert Recommender(model).predict_history(["a"]) == []

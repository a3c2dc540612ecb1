"""mlcore.recommend.events: the events of a user give what the training made of them, bit for bit."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import (
    ConfigError,
    DataError,
    Interactions,
    Recommender,
    TrainConfig,
    train_from_data,
)
from mlcore.aggregate import AGGREGATES, Aggregate
from mlcore.artifact import HistoryRule
from mlcore.errors import CsrError
from mlcore.files.histories import UserHistory
from mlcore.interactions import Events
from mlcore.recommend import predict as predict_module
from mlcore.columns import time_of
from mlcore.recommend.events import encode_events, events_of
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.recommend.request import ListOptions, UserRequest
from mlcore.weighting import WEIGHTINGS
from tests import oracles

HALF_LIVES = (None, 60.0, 0.5)
SECOND = 1_000_000
Decay = dict[str, Any]
NO_DECAY: Decay = {"name": "none"}
QUADRATIC: Decay = {"name": "quadratic"}
DECAYS: list[Decay] = [
    NO_DECAY,
    QUADRATIC,
    {"name": "exponential"},
    {"name": "exponential", "half_life_items": 0.02},
]
Row = tuple[int, int, float, int]  # user, item, weight, seconds


def events_from(rows: list[Row], num_users: int, num_items: int) -> Events:
    users, items, weights, times = zip(*rows)
    return Events(
        oracles.ids("u", num_users),
        oracles.ids("i", num_items),
        np.array(users, np.int32),
        np.array(items, np.int32),
        np.array(weights, np.float64),
        np.array(times, np.int64) * SECOND,
    )


def config_of(
    name: str, half_life: float | None, aggregate: Aggregate, decay: Decay = NO_DECAY
) -> TrainConfig:
    weighting: dict[str, Any] = {"name": name, "half_life_days": half_life}
    if name in ("tf_idf", "bm25"):
        weighting["smooth"] = True
    return TrainConfig.from_json(
        {"weighting": weighting, "aggregate": aggregate, "history_decay": decay}
    )


def trained(events: Events, config: TrainConfig) -> Recommender:
    return Recommender(train_from_data(events.aggregate(config.aggregate), config))


def events_by_user(events: Events) -> dict[str, list[tuple[str, float, int]]]:
    found = defaultdict(list)
    assert events.timestamps is not None
    columns = (events.users, events.items, events.weights, events.timestamps // SECOND)
    for user, item, weight, seconds in zip(*(column.tolist() for column in columns)):
        found[events.user_ids[user]].append((events.item_ids[item], weight, seconds))
    return found


def assert_users_equal_their_events(recommender: Recommender, events: Events) -> None:
    for user, own in events_by_user(events).items():
        random.Random(user).shuffle(own)
        positions, weights = recommender.history_of(user)
        history = [(item, weight, seconds * SECOND) for item, weight, seconds in own]
        (found, found_weights), unknown = recommender.encode_history(history)
        assert found.tolist() == positions.tolist() and unknown == 0
        assert found_weights.tobytes() == weights.tobytes()
        assert list(recommender.predict_history(own)) == list(recommender.predict(user))


def some_events(seed: int, num_rows: int = 400) -> Events:
    rng = np.random.default_rng(seed)
    users, items = rng.integers(0, 30, num_rows), (20 * rng.random(num_rows) ** 2).astype(int)
    weights = np.round(rng.lognormal(0, 2, num_rows), 3) + 1e-3
    # Many equal times, so that weights order them.
    times = 1_700_000_000 + rng.integers(0, 200, num_rows) * 86_400
    rows = zip(users.tolist(), items.tolist(), weights.tolist(), times.tolist())
    return events_from(list(rows), 30, 20)


@pytest.mark.filterwarnings("ignore:.*half-lives old:UserWarning")
@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("half_life", HALF_LIVES)
@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_the_events_of_a_user_give_the_lists_of_the_user(
    name: str, half_life: float | None, aggregate: Aggregate
) -> None:
    events = some_events(seed=AGGREGATES.index(aggregate))
    for decay in DECAYS:
        config = config_of(name, half_life, aggregate, decay)
        assert_users_equal_their_events(trained(events, config), events)


@pytest.mark.filterwarnings("ignore:.*half-lives old:UserWarning")
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 4),
            st.floats(2.0**-30, 2.0**60),
            # Equal times now and then.
            st.integers(0, 3) | st.integers(-(10**9), 2 * 10**9),
        ),
        min_size=1,
        max_size=25,
    ),
    st.sampled_from(sorted(WEIGHTINGS)),
    st.sampled_from(HALF_LIVES),
    st.sampled_from(AGGREGATES),
    st.sampled_from(DECAYS),
)
def test_any_events_of_a_user_give_the_history_of_the_user(
    rows: list[Row], name: str, half_life: float | None, aggregate: Aggregate, decay: Decay
) -> None:
    events = events_from(rows, 4, 5)
    try:
        recommender = trained(events, config_of(name, half_life, aggregate, decay))
    except DataError:  # a weight that float32 does not hold
        return
    assert_users_equal_their_events(recommender, events)


WITHOUT_TIMES: list[tuple[list[tuple[str, float, int | None]], list[str]]] = [
    # Events, and their items from the first to the last.
    ([("i003", 1.0, None), ("i001", 1.0, None), ("i002", 1.0, None)], ["i003", "i001", "i002"]),
    ([("i003", 1.0, None), ("i001", 1.0, None), ("i003", 1.0, None)], ["i001", "i003"]),
    ([("i003", 1.0, 9), ("i001", 1.0, 9), ("i002", 1.0, 9)], ["i001", "i002", "i003"]),
    ([("i003", 1.0, None), ("i001", 1.0, 99), ("i002", 1.0, 1)], ["i002", "i001", "i003"]),
    ([("i003", 1.0, None), ("i001", 1.0, None), ("i003", 1.0, 99)], ["i003", "i001"]),
    ([("i003", 1.0, 1), ("new", 1.0, 2), ("i001", 1.0, 3), ("i003", 1.0, 4)], ["i001", "i003"]),
]


@pytest.mark.parametrize(("events", "order"), WITHOUT_TIMES)
@pytest.mark.parametrize("with_users", [True, False])
def test_items_without_a_time_come_last_in_the_order_of_the_request(
    events: list[tuple[str, float, int | None]], order: list[str], with_users: bool
) -> None:
    config = config_of("binary", None, "count", QUADRATIC)
    rows = some_events(seed=1).aggregate("count")
    ordered = Recommender(train_from_data(rows, config, with_users=with_users))
    (items, weights), _ = ordered.encode_history(events)
    found = {ordered.model.items.ids[i]: w for i, w in zip(items.tolist(), weights.tolist())}
    length = len(order)
    expected = {item: np.float32((place / length) ** 2) for place, item in enumerate(order, 1)}
    assert found == expected
    others = UserHistory("v", [("i004", 1.0, None)] * 3, "f:1")
    together = ordered.encode_histories([others, UserHistory("u", events, "f:2"), others])
    assert together[1][0][1].tolist() == weights.tolist()
    assert [found.score for found in ordered.predict_history(events[:1], weights="final")] == [
        found.score for found in ordered.similar_items(events[0][0], n=10)
    ]


def test_lists_of_all_users_and_shares_have_the_decay() -> None:
    events = some_events(seed=3)
    recommender = trained(events, config_of("log", 60.0, "sum", QUADRATIC))
    undecayed = trained(events, config_of("log", 60.0, "sum"))
    options = ListOptions(20, explain=True)
    requests = [
        UserRequest(user, recommender.history_of(user), False) for user in recommender.user_ids()
    ]
    for ranked, asked in zip(
        recommender.rank_all_users(options), recommender.rank_requests(requests, options)
    ):
        assert ranked.ranking.items.tolist() == asked.ranking.items.tolist()
        assert ranked.ranking.scores.tobytes() == asked.ranking.scores.tobytes()
    some = [list(recommender.predict(user, explain=True)) for user in recommender.user_ids()]
    assert [list(found) for found in recommender.predict_many(recommender.user_ids())] != [
        list(found) for found in undecayed.predict_many(undecayed.user_ids())
    ]
    assert sum(map(len, some)) > 100
    for item in itertools.chain.from_iterable(some):
        total = 0.0
        for contribution in item.because:
            total += contribution.share
        assert total == item.score
    model = replace(recommender.model, order=None)
    assert list(Recommender(model).predict("u001")) == list(undecayed.predict("u001"))


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_faulty_place_is_the_fault_of_the_model_if_its_user_is_asked(place: int) -> None:
    model = trained(some_events(seed=1), config_of("none", None, "sum", QUADRATIC)).model
    assert model.order is not None
    order = model.order.copy()
    order[0] = place
    faulty = Recommender(replace(model, order=order))
    with pytest.raises(CsrError, match="^order.npz: expected positions from 1 to the items"):
        faulty.predict("u000")
    with pytest.raises(CsrError, match="^order.npz: expected positions from 1 to the items"):
        list(faulty.rank_all_users(ListOptions()))
    assert list(faulty.predict("u001")) == list(Recommender(model).predict("u001"))


@pytest.fixture(scope="module")
def decayed() -> Recommender:
    return trained(some_events(seed=7), config_of("bm25", 60.0, "sum", QUADRATIC))


def test_histories_together_are_those_one_by_one(decayed: Recommender) -> None:
    rng = np.random.default_rng(3)
    ids = [*oracles.ids("i", 20), "new", "other"]
    histories = [
        UserHistory(
            str(row),
            [
                (ids[item], float(weight), None if weight > 3 else 1_700_000_000 * SECOND)
                for item, weight in zip(rng.integers(0, 22, row % 9), rng.lognormal(0, 1, 9))
            ],
            "histories.jsonl:1",
        )
        for row in range(60)
    ]
    together = decayed.encode_histories(histories)
    assert len(together) == 60 and sum(unknown for _, unknown in together) > 5
    for ((items, weights), unknown), history in zip(together, histories):
        (expected, expected_weights), expected_unknown = decayed.encode_history(history.events)
        assert items.tolist() == expected.tolist() and unknown == expected_unknown
        assert weights.tobytes() == expected_weights.tobytes()


def test_a_fault_among_histories_names_its_place(decayed: Recommender) -> None:
    good = UserHistory("s1", [("i000", 1.0, None)], "sessions.jsonl:1")
    late = UserHistory("s2", [("i001", 1.0, 2_000_000_000 * SECOND)], "sessions.jsonl:7")
    with pytest.raises(DataError) as caught:
        decayed.encode_histories([good, late])
    assert str(caught.value).startswith(
        "sessions.jsonl:7: weighting bm25: item 'i001': expected a timestamp up to "
    )


def test_a_history_of_ready_weights_among_others_is_taken_as_it_is(decayed: Recommender) -> None:
    events = [("i000", 2.5, None), ("i003", 0.1, None)]
    raw, final = UserHistory("a", events, "f:1"), UserHistory("b", events, "f:2", is_final=True)
    (first, _), (second, _) = decayed.encode_histories([raw, final])
    assert second[1].tolist() == [2.5, np.float32(0.1)] and first[1].tolist() != second[1].tolist()


def test_now_decides_how_old_an_event_is(decayed: Recommender) -> None:
    rule = decayed.model.history_rule
    assert rule is not None and rule.weighting.reference_time is not None
    reference = time_of("", rule.weighting.reference_time)
    half_life = 60 * 86_400 * SECOND
    ages = [
        decayed.encode_history([("i000", 4.0, reference - age)], now=now)[0][1].tolist()
        for age, now in [(0, None), (0, reference), (half_life, None), (0, reference + half_life)]
    ]
    assert ages[0] == ages[1] and ages[2] == ages[3] and ages[0] != ages[2]
    # An event without a time is new, whenever now is.
    assert decayed.encode_history([("i000", 4.0)], now=0)[0][1].tolist() == ages[0]
    with pytest.raises(DataError, match="expected a timestamp up to now, 1970"):
        decayed.encode_history([("i000", 4.0, reference)], now=0)


def test_without_a_half_life_now_changes_nothing() -> None:
    recommender = trained(some_events(seed=1), config_of("log", None, "sum"))
    expected = list(recommender.predict_history([("i000", 2, 50), "i001"]))
    assert expected == list(recommender.predict_history([("i000", 2, 50), "i001"], now=7))


def test_a_model_without_a_rule_takes_weights_as_final() -> None:
    events = some_events(seed=2)
    model = train_from_data(events.aggregate(), config_of("log", None, "sum"))
    old = Recommender(replace(model, normalization=None))
    assert old.model.history_rule is None
    found = old.predict_history([("i000", 2.0, 7), ("i001", 1.0)])
    final = Recommender(model).predict_history({"i000": 2.0, "i001": 1.0}, weights="final")
    assert list(found) == list(final)
    with pytest.raises(DataError, match="each item once, got 'i000' twice$"):
        old.predict_history(["i000", "i000"])


def test_events_come_in_many_forms() -> None:
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    seconds = int(moment.timestamp())
    forms = [
        "a",
        ("a", 2),
        ["a", 2, seconds],
        ("a", 2, moment),
        {"item_id": "a", "weight": 2, "timestamp": "2026-01-01T00:00:00Z"},
        {"item_id": "a"},
    ]
    time = seconds * SECOND
    assert events_of(forms) == [
        ("a", 1.0, None),
        ("a", 2, None),
        *[("a", 2, time)] * 3,
        ("a", 1.0, None),
    ]
    assert events_of({"a": 2, "b": 3}) == [("a", 2, None), ("b", 3, None)]


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ("ab", "history: expected ids, such as a list of strings, got 'ab'"),
        (7, "history: expected ids, such as a list of strings, got 7"),
        (["a", 7], "history[1]: item_id: expected a string, got 7"),
        ([("a",)], "history[0]: expected an item id, (item id, weight)"),
        ([("a", 1, 2, 3)], "history[0]: expected an item id, (item id, weight)"),
        (
            [{"weight": 1}],
            "history[0]: expected some of item_id, weight, timestamp, got no item_id",
        ),
        ([{"item_id": "a", "time": 1}], "history[0]: expected some of item_id, weight, timestamp"),
        ([("a", 1, "yesterday")], "history[0]: timestamp: expected integer seconds, a datetime or"),
        (
            [("a", 1, datetime(2026, 1, 1))],
            "history[0]: timestamp: expected a time with its zone, got 2026-01-01 00:00:00",
        ),
        ([("a", 1, 1.5)], "history[0]: timestamp: expected integer seconds, a datetime or an RFC"),
    ],
)
def test_anything_else_is_refused_with_its_place(history: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        events_of(history)
    assert str(caught.value).startswith(message)
    if "timestamp: " in message:  # an option of this call, not of frames or commands
        assert caught.value.hint is not None and "datetime.now(timezone.utc)" in caught.value.hint


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), 10**400, "1", None, True])
@pytest.mark.parametrize("item", ["i000", "new"])
def test_a_weight_that_is_no_number_above_0_is_refused(
    weight: Any, item: str, decayed: Recommender
) -> None:
    with pytest.raises(DataError, match=f"^history: item '{item}': weight: expected a finite num"):
        decayed.predict_history([(item, weight)])


def test_sums_beyond_float64_and_weights_beyond_float32_are_refused() -> None:
    recommender = trained(some_events(seed=1), config_of("none", None, "sum"))
    with pytest.raises(DataError, match="^weight: item 'i001': expected a finite sum, got Inf"):
        recommender.predict_history([("i000", 1), ("i001", 1e308), ("i001", 1e308)])
    with pytest.raises(DataError, match="^weighting none: item 'i001': expected a weight above 0"):
        recommender.predict_history([("i001", 1e39)])


def test_weights_and_now_are_checked(decayed: Recommender) -> None:
    with pytest.raises(Exception, match="^weights: expected 'events' or 'final', got 'raw'"):
        decayed.predict_history(["i000"], weights="raw")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="^now: expected integer seconds, a datetime or an RFC"):
        decayed.predict_history(["i000"], now="today")


def test_no_history_at_all_gives_none(decayed: Recommender) -> None:
    rule = decayed.model.history_rule
    assert isinstance(rule, HistoryRule)
    assert encode_events([], [], decayed.model.items, rule) == ([], [])
    (items, weights), unknown = decayed.encode_history([])
    assert not len(items) and not len(weights) and unknown == 0


@pytest.mark.parametrize(
    ("part", "position", "value"),
    [("item_norms", 0, -0.5), ("item_norms", 0, np.nan), ("length_factors", 1, np.inf)],
)
def test_a_faulty_element_is_the_fault_of_the_model_if_it_is_used(
    part: str, position: int, value: float, decayed: Recommender
) -> None:
    normalization = decayed.model.normalization
    assert normalization is not None
    values = np.array(getattr(normalization, part))
    values[position] = value
    faulty = replace(decayed.model, normalization=normalization._replace(**{part: values}))
    with pytest.raises(CsrError, match=f"element {position}: expected a finite number"):
        Recommender(faulty).predict_history(["i000", "i001"])
    other = ["i002"]
    assert list(Recommender(faulty).predict_history(other)) == list(decayed.predict_history(other))


def test_rows_combined_in_another_way_than_the_configuration_says_are_refused() -> None:
    events = some_events(seed=4)
    with pytest.raises(
        DataError, match="^aggregate: expected rows combined by 'count', as the con"
    ):
        train_from_data(events.aggregate("sum"), config_of("none", None, "count"))
    # Without repeats there is nothing to tell; counts are what they are.
    once = Interactions.from_columns(["u", "u"], ["a", "b"], [2, 3], [1, 1])
    assert once.combined_by is None
    train_from_data(once, config_of("none", None, "max"))


def test_a_fault_in_a_table_of_sessions_names_the_user(
    decayed: Recommender, tmp_path: Path
) -> None:
    decayed.model.save(tmp_path / "model")
    rows = [f"s{number:04},i000,{2 if number == 700 else 1}000000000" for number in range(900)]
    path = tmp_path / "sessions.csv"
    path.write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    with pytest.raises(DataError) as caught:
        predict_from_path(tmp_path / "model", Requests(histories_path=path), tmp_path / "out.jsonl")
    assert str(caught.value).startswith(
        f"{path}: user 's0700': weighting bm25: item 'i000': expected a timestamp up to"
    )


def test_blocks_of_histories_end_by_their_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict_module, "EVENTS_AT_ONCE", 10)
    histories = [UserHistory(str(n), [("a", 1.0, None)] * (n % 7), "f:1") for n in range(40)]
    blocks = list(predict_module._blocks(histories))
    assert [one for block in blocks for one in block] == histories
    assert all(sum(1 + len(one.events) for one in block[:-1]) < 10 for block in blocks)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_now_of_no_time_is_refused_in_a_dry_run_too(
    dry_run: bool, decayed: Recommender, tmp_path: Path
) -> None:
    decayed.model.save(tmp_path / "model")
    (tmp_path / "h.jsonl").write_text('{"user_id": "s", "history": []}\n')
    with pytest.raises(ConfigError, match="^now: expected integer seconds or an RFC 3339 time"):
        predict_from_path(
            tmp_path / "model",
            Requests(histories_path=tmp_path / "h.jsonl"),
            tmp_path / "out.jsonl",
            PredictOptions(now="noon"),
            dry_run=dry_run,
        )


def test_weights_of_another_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="^weights: expected 'events' or 'final', got 'Final'"):
        PredictOptions(weights="Final")  # type: ignore[arg-type]

"""mlcore.history_decay: the last items of a history count more, by formulas that plain Python repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interop.tools import history
from mlcore import Interactions, TrainConfig, history_decay, train_from_data
from mlcore.errors import ConfigError, CsrError, DataError
from mlcore.history_decay import (
    HISTORY_DECAYS,
    ExponentialHistoryDecay,
    HistoryDecay,
    NoHistoryDecay,
    QuadraticHistoryDecay,
    order_of_rows,
)
from mlcore.numeric.portable import exp2
from mlcore.parameters import parameters_to_json

HALF_LIVES = (0.01, 2.5)
DECAYS = [
    NoHistoryDecay(),
    QuadraticHistoryDecay(),
    *(ExponentialHistoryDecay(half_life) for half_life in HALF_LIVES),
]
LEAST = 2.0**-149


def by_the_text(decay: HistoryDecay, row: Sequence[int], weights: Sequence[float]) -> list[float]:
    """The weights of one history by section 9 of SPEC.md, word by word, in Python's floats."""
    named = {"name": decay.name, **parameters_to_json(decay)}
    rule = history.Rule("sum", {"name": "none"}, decay=named)
    found = history.decayed(rule, dict(enumerate(weights)), dict(enumerate(row)))
    return [found[item] for item in range(len(row))]


def test_a_decay_can_be_worked_out_on_paper() -> None:
    # Two histories: of four items, taken in the order 2, 0, 3, 1, and of one.
    indptr, order = np.array([0, 4, 5]), np.array([2, 4, 1, 3, 1], np.int32)
    weights = np.array([16, 16, 16, 16, 5], np.float32)
    # (p / 4)^2 = 4/16, 16/16, 1/16, 9/16; 2^-(4 - p) = 1/4, 1, 1/8, 1/2.
    quadratic = QuadraticHistoryDecay().apply(indptr, weights, order)
    assert quadratic.dtype == np.float32 and quadratic.tolist() == [4, 16, 1, 9, 5]
    exponential = ExponentialHistoryDecay(1).apply(indptr, weights, order)
    assert exponential.tolist() == [4, 16, 2, 8, 5]
    assert NoHistoryDecay().apply(indptr, weights, order) is weights


ROWS = st.lists(
    st.lists(st.floats(LEAST, 2.0**127, width=32), max_size=7).flatmap(
        lambda weights: st.tuples(st.just(weights), st.permutations(range(1, len(weights) + 1)))
    ),
    max_size=5,
)


@pytest.mark.parametrize("decay", DECAYS, ids=str)
@given(rows=ROWS)
def test_each_weight_is_multiplied_by_the_factor_of_its_place(
    decay: HistoryDecay, rows: list[tuple[list[float], list[int]]]
) -> None:
    indptr = np.cumsum([0, *(len(weights) for weights, _ in rows)])
    weights = np.array([weight for of_row, _ in rows for weight in of_row], np.float32)
    order = np.array([place for _, places in rows for place in places], np.int32)
    expected = [by_the_text(decay, places, of_row) for of_row, places in rows]
    found = decay.apply(indptr, weights, order)
    assert found.tolist() == [weight for row in expected for weight in row]


@pytest.mark.parametrize("decay", DECAYS, ids=str)
def test_the_last_item_counts_in_full_and_those_before_it_less_and_less(
    decay: HistoryDecay,
) -> None:
    places = np.arange(1, 101, dtype=np.int32)
    factors = decay.factors(places, np.full(100, 100))
    assert factors.dtype == np.float64 and factors[-1] == 1
    assert (np.diff(factors) >= 0).all() and (factors >= 0).all()
    assert decay.uses_order == (factors[0] < 1)


def test_seen_stays_seen_however_much_a_weight_decays() -> None:
    indptr, order = np.array([0, 3]), np.array([1, 2, 3], np.int32)
    weights = np.array([1e-44, 3e38, 1], np.float32)
    for half_life in (5e-324, 1e-300, 0.001):
        found = ExponentialHistoryDecay(half_life).apply(indptr, weights, order)
        assert found.tolist() == [LEAST, LEAST, 1]
    quadratic = QuadraticHistoryDecay().apply(indptr, weights, order)
    assert quadratic[0] == np.float32(weights[0].astype(np.float64) * (1 / 3) ** 2) > 0


def test_the_power_is_the_portable_one_of_a_rounded_quotient() -> None:
    lengths = np.full(50, 50)
    places = np.arange(1, 51, dtype=np.int32)
    found = ExponentialHistoryDecay(3).factors(places, lengths)
    assert found.tolist() == exp2(-np.array([(50 - p) / 3.0 for p in range(1, 51)])).tolist()


@pytest.mark.parametrize("place", [0, -1, 3, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("decay", [QuadraticHistoryDecay(), ExponentialHistoryDecay()], ids=str)
def test_a_place_that_no_history_has_is_refused(decay: HistoryDecay, place: int) -> None:
    order = np.array([1, 1, place], np.int32)
    with pytest.raises(CsrError, match="^a/order.npz: expected positions from 1 to the items"):
        decay.apply(np.array([0, 1, 3]), np.ones(3, np.float32), order, "a/order.npz")


@pytest.mark.parametrize(
    "decay", [QuadraticHistoryDecay(), ExponentialHistoryDecay(0.001)], ids=str
)
def test_a_weight_that_is_none_does_not_become_one(decay: HistoryDecay) -> None:
    weights = np.array([0, -(2.0**-149), -1, 2.0**-149, 1], np.float32)
    order = np.arange(1, 6, dtype=np.int32)
    decayed = decay.apply(np.array([0, 5]), weights, order)
    assert (decayed > 0).tolist() == [False, False, False, True, True]


@given(
    st.lists(st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 2)), max_size=6), max_size=6),
    st.sampled_from([1, 3, 2**13]),
)
def test_the_order_of_a_row_is_that_of_a_stable_sort(
    rows: list[list[tuple[int, int]]], block: int
) -> None:
    expected = []
    for row in rows:
        ordered = sorted(range(len(row)), key=lambda entry: row[entry])
        expected += [1 + ordered.index(entry) for entry in range(len(row))]
    keys = np.array([key for row in rows for key in row], np.int64).reshape(-1, 2)
    indptr = np.cumsum([0, *map(len, rows)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history_decay, "_BLOCK", block)
        found = order_of_rows(indptr, keys[:, 0], keys[:, 1])
    assert found.dtype == np.int32 and found.tolist() == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("quadratic", 'expected an object such as {"name": "none"}, got \'quadratic\''),
        (None, 'expected an object such as {"name": "none"}, got null'),
        ({"name": "linear"}, "name: expected one of none, quadratic, exponential, got 'linear'"),
        ({"name": ["none"]}, 'name: expected one of none, quadratic, exponential, got ["none"]'),
        ({"name": "quadratic", "half_life_items": 2}, "expected no further key, got the key"),
        ({"name": "exponential", "half_life": 2}, "expected one of half_life_items, got the key"),
        *(
            (
                {"name": "exponential", "half_life_items": value},
                "half_life_items: expected a finite number above 0, got ",
            )
            for value in (0, -1, True, "2", None, float("nan"), float("inf"), 10**400, [2])
        ),
    ],
)
def test_a_faulty_decay_is_refused_with_its_key(value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_json({"history_decay": value}, "config.json")
    assert str(caught.value).startswith(f"config.json: history_decay: {message}")


def test_every_decay_is_read_from_what_it_writes() -> None:
    for name, kind in HISTORY_DECAYS.items():
        config = TrainConfig(history_decay=kind())
        assert config.uses_order == (name != "none")
        assert TrainConfig.from_json(config.to_json()) == config
    changed = TrainConfig().with_settings({"history_decay.name": "exponential"})
    assert changed.history_decay == ExponentialHistoryDecay()
    with pytest.raises(ConfigError, match="^history_decay: expected a HistoryDecay object, got 'q"):
        TrainConfig(history_decay="quadratic")  # type: ignore[arg-type]


@pytest.mark.parametrize("with_users", [True, False])
def test_a_decay_without_times_is_refused_with_its_cure(with_users: bool) -> None:
    pairs = Interactions.from_columns("uuv", "aba")
    with pytest.raises(DataError) as caught:
        train_from_data(pairs, {"history_decay": {"name": "quadratic"}}, with_users=with_users)
    assert (
        str(caught.value)
        == "timestamp: expected a column to order the items of a user by, got none"
    )
    assert caught.value.hint is not None and "leave history_decay out" in caught.value.hint


def test_a_similarity_that_counts_orders_keeps_the_order_without_a_decay() -> None:
    config = TrainConfig()
    similarity = config.similarity
    assert not config.uses_order
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(similarity), "uses_order", True)
        assert config.uses_order
        timed = Interactions.from_columns("uuv", "aba", timestamps=[2, 1, 3])
        model = train_from_data(timed, config)
    assert model.order is not None and model.order.tolist() == [2, 1, 1]


def test_the_similarity_never_sees_the_decay() -> None:
    rng = np.random.default_rng(5)
    users, items = rng.integers(0, 20, 300).astype(str), rng.integers(0, 12, 300).astype(str)
    timed = Interactions.from_columns(users, items, timestamps=rng.integers(0, 50, 300))
    plain = train_from_data(timed)
    for decay in DECAYS[1:]:
        model = train_from_data(timed, TrainConfig(history_decay=decay))
        assert model.similarity.data.tobytes() == plain.similarity.data.tobytes()
        assert model.histories is not None and plain.histories is not None
        assert model.histories.data.tobytes() == plain.histories.data.tobytes()
        assert model.interactions_sha256 == plain.interactions_sha256

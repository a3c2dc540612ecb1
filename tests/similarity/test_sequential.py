"""mlcore.similarity.sequential: what follows what, counted in order, and the same bits always."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import ConfigError, Interactions, TrainConfig, train_from_data
from mlcore.heavy_users import Latest, Sample
from mlcore.interactions import Events
from mlcore.progress import no_progress
from mlcore.similarity import GramBlocks, Neighborhood, NeighborSettings, SequentialRules
from tests import oracles
from tests.similarity.cases import NEIGHBORHOODS, bits

Row = tuple[str, str, int]  # user, item, minutes
Weights = dict[tuple[str, str], float]

ROWS = st.lists(
    st.tuples(st.sampled_from("uvw"), st.sampled_from("abcde"), st.integers(0, 12)),
    min_size=1,
    max_size=40,
)
RULES = st.builds(
    SequentialRules,
    steps=st.sampled_from([1, 2, 3, 7, 2**31 - 1]),
    decay=st.sampled_from(["harmonic", "quadratic", "linear"]),
    session_gap_minutes=st.sampled_from([None, 0.5, 1, 2.0, 1e308]),
)


def rows_of(text: str, user: str = "u") -> list[Row]:
    """Return the events of a user, a minute apart."""
    return [(user, item, minute) for minute, item in enumerate(text)]


def interactions_of(rows: list[Row]) -> Interactions:
    users, items, minutes = zip(*rows)
    return Interactions.from_columns(users, items, timestamps=[60 * time for time in minutes])


def find(rows: list[Row], rules: SequentialRules, **settings: Any) -> Weights:
    """Return the weights of a model by source and target."""
    settings.setdefault("num_neighbors", None)
    model = train_from_data(interactions_of(rows), TrainConfig(rules, **settings))
    ids, w = model.items.ids, oracles.dense(model.similarity)
    return {(ids[i], ids[j]): float(w[i, j]) for i, j in np.argwhere(w).tolist()}


def by_definition(rows: list[Row], rules: SequentialRules) -> Weights:
    """Ten lines of plain Python from the definition."""
    found: Weights = defaultdict(float)
    for _, events in groupby(
        sorted(rows, key=lambda row: (row[0], row[2], row[1])), lambda r: r[0]
    ):
        past: list[tuple[str, int]] = []
        for _, item, minute in events:
            gap = rules.session_gap_minutes
            if past and gap is not None and minute - past[-1][1] > gap:
                past = []
            for k, (source, _) in enumerate(reversed(past), 1):
                if k <= rules.steps and source != item:
                    f = {"harmonic": 1 / k, "quadratic": 1 / k**2}
                    f["linear"] = (rules.steps + 1 - k) / rules.steps
                    found[source, item] += f[rules.decay]
            past.append((item, minute))
    return found


def test_rules_are_what_the_hand_computes() -> None:
    # u takes a b a c and v a b, with steps = 2. One step: ab, ba, ac and again ab; two steps: aa,
    # which counts for nothing, and bc. So w(a, b) = 2 f(1), w(b, a) = f(1), w(a, c) = f(1) and
    # w(b, c) = f(2): 1/4, 1/2 or (2 + 1 - 2) / 2.
    rows = rows_of("abac", "u") + rows_of("ab", "v")
    for decay, second in [("harmonic", 0.5), ("quadratic", 0.25), ("linear", 0.5)]:
        expected = {("a", "b"): 2.0, ("b", "a"): 1.0, ("a", "c"): 1.0, ("b", "c"): second}
        assert find(rows, SequentialRules(2, decay)) == expected  # type: ignore[arg-type]


def test_an_item_that_follows_itself_counts_as_a_step_between_others() -> None:
    assert find(rows_of("abbbc"), SequentialRules(1)) == {("a", "b"): 1, ("b", "c"): 1}
    found = find(rows_of("abbbc"), SequentialRules(9, "harmonic"))
    assert found["a", "c"] == 0.25 and found["a", "b"] == pytest.approx(1 + 1 / 2 + 1 / 3)


def test_a_pause_ends_a_sequence_only_if_it_is_longer_than_the_gap() -> None:
    rows = [("u", "a", 0), ("u", "b", 30), ("u", "c", 61)]
    assert find(rows, SequentialRules(9, "harmonic", 30.0)) == {("a", "b"): 1}
    found = find(rows, SequentialRules(9, "harmonic", 31))
    assert found == {("a", "b"): 1, ("b", "c"): 1, ("a", "c"): 0.5}


def test_events_of_equal_times_are_in_the_order_of_their_items() -> None:
    rows = [("u", "b", 5), ("u", "a", 5), ("u", "c", 1)]
    assert find(rows, SequentialRules(1)) == {("c", "a"): 1, ("a", "b"): 1}


def test_weights_and_the_weighting_act_in_the_history_only() -> None:
    plain = interactions_of(rows_of("abcab"))
    heavy = Interactions.from_columns("uuuuu", "abcab", [9, 8, 7, 6, 5], [60 * n for n in range(5)])
    models = [
        train_from_data(plain, oracles.plain(SequentialRules())),
        train_from_data(heavy, oracles.plain(SequentialRules())),
        train_from_data(heavy, TrainConfig.from_json(LOGARITHM)),
    ]
    assert len({bits(model.similarity) for model in models}) == 1
    assert len({bits(model.histories) for model in models if model.histories}) == 3


LOGARITHM = {"similarity": {"name": "sequential_rules"}, "weighting": {"name": "log"}}


@given(ROWS, RULES, st.sampled_from(NEIGHBORHOODS))
def test_rules_equal_the_definition(
    rows: list[Row], rules: SequentialRules, neighborhood: Neighborhood
) -> None:
    found, expected = find(rows, rules, neighborhood=neighborhood), by_definition(rows, rules)
    assert found.keys() == expected.keys()
    for pair, weight in expected.items():
        assert found[pair] == pytest.approx(weight, rel=1e-6)


@given(ROWS, RULES, st.sampled_from(NEIGHBORHOODS), st.integers(1, 3))
def test_the_best_are_kept_with_ties_to_the_smaller_item(
    rows: list[Row], rules: SequentialRules, neighborhood: Neighborhood, k: int
) -> None:
    every = find(rows, rules)
    axis = 1 if neighborhood == "target" else 0
    kept: Weights = {}
    for one in "abcde":
        of_one = [pair for pair in sorted(every) if pair[axis] == one]
        kept |= {pair: every[pair] for pair in sorted(of_one, key=lambda p: -every[p])[:k]}
    assert find(rows, rules, num_neighbors=k, neighborhood=neighborhood) == kept


@given(ROWS, RULES, st.randoms(use_true_random=False))
def test_row_order_changes_no_bit_and_no_digest(
    rows: list[Row], rules: SequentialRules, random: Any
) -> None:
    config = TrainConfig(rules)
    one = train_from_data(interactions_of(rows), config)
    other = train_from_data(interactions_of(random.sample(rows, len(rows))), config)
    assert bits(one.similarity) == bits(other.similarity)
    assert one.interactions_sha256 == other.interactions_sha256


@pytest.mark.parametrize("most_keys", [2**63, 30 * 40])  # the latter makes a block of each row
@pytest.mark.parametrize("neighborhood", NEIGHBORHOODS)
@pytest.mark.parametrize(
    "rules", [SequentialRules(7, "harmonic"), SequentialRules(40, "linear", 9)]
)
def test_block_size_and_threads_change_no_bit(
    rules: SequentialRules,
    neighborhood: Neighborhood,
    most_keys: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    users, items = rng.integers(0, 20, 900), rng.integers(0, 30, 900)
    interactions = Interactions.from_columns(
        [f"u{user}" for user in users],
        [f"i{item}" for item in items],
        timestamps=rng.integers(0, 5000, 900),
    )
    settings = NeighborSettings(6, neighborhood)
    gram = GramBlocks(interactions.user_items, sequences=interactions.sequences)
    results = {bits(rules.neighbors(gram, settings, 1, no_progress))}
    monkeypatch.setattr("mlcore.similarity.sequential.MAX_KEYS", most_keys)
    for size in (1, 50, 10**6):
        for threads in (1, 3):
            gram = GramBlocks(interactions.user_items, None, size, interactions.sequences)
            results.add(bits(rules.neighbors(gram, settings, threads, no_progress)))
    assert len(results) == 1


@pytest.mark.parametrize("way", [Sample(3), Latest(3)])
def test_events_of_pairs_that_heavy_users_lose_are_gone(way: Sample | Latest) -> None:
    rows = rows_of("abcdabcdeab", "u") + rows_of("ba", "v")
    interactions = interactions_of(rows)
    config = TrainConfig(SequentialRules(), num_neighbors=None, heavy_users=way)
    reduced = way.reduce(config.weighting.apply(interactions), interactions)
    ids = interactions.item_ids
    pairs = {(u, ids[i]) for u, row in zip("uv", range(2)) for i in reduced.row(row)[0].tolist()}
    kept = [row for row in rows if row[:2] in pairs]
    assert len(kept) < len(rows)
    found = find(rows, SequentialRules(), heavy_users=way)
    assert found == find(kept, SequentialRules())


def test_down_weights_are_refused_as_they_would_change_nothing() -> None:
    with pytest.raises(ConfigError, match="as sequential_rules counts whatever the weights"):
        TrainConfig.from_json(
            {"similarity": {"name": "sequential_rules"}, "heavy_users": {"name": "down_weight"}}
        )


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ({"steps": 0}, "steps: expected an integer >= 1, got 0"),
        ({"steps": True}, "steps: expected an integer >= 1, got true"),
        ({"steps": 2.5}, "steps: expected an integer >= 1, got 2.5"),
        ({"decay": "cubic"}, "decay: expected 'harmonic' or 'quadratic' or 'linear', got 'cubic'"),
        ({"session_gap_minutes": 0}, "session_gap_minutes: expected .* above 0.*, got 0"),
        ({"session_gap_minutes": float("nan")}, "session_gap_minutes: expected .*finite"),
        ({"half_life": 3}, "expected one of steps, decay, session_gap_minutes"),
    ],
)
def test_faulty_parameters_are_refused(parameters: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        TrainConfig.from_json({"similarity": {"name": "sequential_rules", **parameters}})


@pytest.mark.parametrize("setting", ["shrinkage", "min_cooccurrence"])
def test_settings_that_would_change_nothing_are_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting}: expected ., as sequential_rules does not"):
        TrainConfig.from_json({"similarity": {"name": "sequential_rules"}, setting: 2})


def test_a_user_of_one_event_and_an_item_of_nobody_have_no_rules() -> None:
    interactions = interactions_of([("u", "b", 1)]).with_catalogue(["a", "c"])
    for neighborhood in NEIGHBORHOODS:
        config = TrainConfig(SequentialRules(), neighborhood=neighborhood)
        model = train_from_data(interactions, config)
        assert len(model.items) == 3 and model.similarity.num_entries == 0


def test_events_train_as_their_interactions_do() -> None:
    events = Events(
        ["u"],
        ["a", "b"],
        np.zeros(3, np.int32),
        np.array([0, 1, 0], np.int32),
        np.ones(3),
        np.arange(3),
    )
    config = TrainConfig(SequentialRules())
    one = train_from_data(events, config)
    other = train_from_data(events.aggregate(keep_events=True), config)
    assert bits(one.similarity) == bits(other.similarity) and one.similarity.num_entries == 2
    assert one.interactions_sha256 == other.interactions_sha256

"""mlcore.split: every interaction on exactly one side, and on the same one whatever else there is."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlcore import ConfigError, DataError, Interactions
from mlcore.split import STRATEGIES, SplitConfig, split_from_data, split_from_path

Table = dict[tuple[str, str], tuple[float, int | None]]

EVENTS = st.dictionaries(
    st.tuples(st.sampled_from("uvwxyz"), st.sampled_from("abcdef")),
    st.tuples(st.integers(1, 9).map(float), st.integers(0, 6)),
    min_size=2,
)
CONFIGS = st.one_of(
    st.builds(
        SplitConfig,
        strategy=st.sampled_from(STRATEGIES),
        test_fraction=st.floats(0.01, 0.99),
        n=st.integers(1, 4),
        seed=st.integers(0, 99),
    ),
    st.builds(SplitConfig, strategy=st.just("temporal"), cutoff=st.integers(0, 6_000_000)),
)


def interactions_of(events: dict[tuple[str, str], tuple[float, int]]) -> Interactions:
    return Interactions.from_columns(
        [user for user, _ in events],
        [item for _, item in events],
        [weight for weight, _ in events.values()],
        [time for _, time in events.values()],
    )


def table(interactions: Interactions) -> Table:
    matrix, times = interactions.user_items, interactions.timestamps
    users = matrix.row_of_entry().tolist()
    found: Table = {}
    for entry, (user, item) in enumerate(zip(users, matrix.indices.tolist())):
        time = None if times is None else int(times[entry]) // 1_000_000
        pair = interactions.user_ids[user], interactions.item_ids[item]
        found[pair] = float(matrix.data[entry]), time
    # nobody and nothing stays behind empty
    assert {user for user, _ in found} == set(interactions.user_ids)
    assert {item for _, item in found} == set(interactions.item_ids)
    return found


def split(interactions: Interactions, config: SplitConfig) -> tuple[Table, Table]:
    train, test = split_from_data(interactions, config)
    return table(train), table(test)


def drawn(key: str, seed: int, fraction: float) -> bool:
    """The rule of the docstring, as SQL would compute it: eight hexadecimal digits of an MD5."""
    digits = hashlib.md5(f"{key},{seed}".encode()).hexdigest()[:8]
    return int(digits, 16) < int(fraction * 16**8)


@given(EVENTS, CONFIGS)
def test_every_interaction_is_on_exactly_one_side(
    events: dict[tuple[str, str], tuple[float, int]], config: SplitConfig
) -> None:
    interactions = interactions_of(events)
    try:
        train, test = split(interactions, config)
    except DataError as error:
        assert "expected at least one of the" in str(error)
        return
    assert train and test and not train.keys() & test.keys()
    assert train | test == table(interactions)


@given(EVENTS, CONFIGS, st.randoms(use_true_random=False))
def test_row_order_changes_nothing(
    events: dict[tuple[str, str], tuple[float, int]], config: SplitConfig, random: Any
) -> None:
    shuffled = dict(random.sample(list(events.items()), len(events)))
    try:
        train, test = split_from_data(interactions_of(events), config)
    except DataError:
        assume(False)
    again = split_from_data(interactions_of(shuffled), config)
    assert [side.sha256() for side in again] == [train.sha256(), test.sha256()]


@given(EVENTS, st.integers(1, 4))
def test_last_n_takes_the_newest_of_users_who_have_more(
    events: dict[tuple[str, str], tuple[float, int]], n: int
) -> None:
    expected = set()
    for user in {user for user, _ in events}:
        ranked = sorted(
            (-time, hashlib.md5(f"{user},{item},ties".encode()).hexdigest(), item)
            for (u, item), (_, time) in events.items()
            if u == user
        )
        if len(ranked) > n:
            expected |= {(user, item) for _, _, item in ranked[:n]}
    assume(expected)
    _, test = split(interactions_of(events), SplitConfig("last-n", n=n))
    assert test.keys() == expected


def test_of_equal_times_each_item_is_held_out_as_often() -> None:
    # 400 users with 4 of 10 items: each is held out 40 times by chance, standard deviation 6.
    rng = np.random.default_rng(5)
    events = {
        (f"u{user:03}", f"i{item}"): (1.0, 7)
        for user in range(400)
        for item in rng.choice(10, 4, replace=False)
    }
    _, test = split(interactions_of(events), SplitConfig("last-n"))
    held_out = Counter(item for _, item in test)
    assert len(held_out) == 10 and all(20 <= count <= 60 for count in held_out.values())


def at_times(*times: int) -> Interactions:
    ids = [f"u{place:03}" for place in range(len(times))]
    return Interactions.from_columns(ids, ["a"] * len(times), timestamps=times)


def test_a_cutoff_belongs_to_the_test() -> None:
    interactions = at_times(1, 2, 3, 4)
    train, test = split(interactions, SplitConfig("temporal", cutoff=3_000_000))
    assert [time for _, time in train.values()] == [1, 2]
    assert [time for _, time in test.values()] == [3, 4]
    # one microsecond later it does not
    _, test = split(interactions, SplitConfig("temporal", cutoff=3_000_001))
    assert [time for _, time in test.values()] == [4]


@pytest.mark.parametrize("num_rows", [10, 100, 1000])
@pytest.mark.parametrize("percent", [1, 7, 10, 20, 30, 50, 70, 80, 90, 99])
def test_without_a_cutoff_the_test_is_the_share_of_the_newest(percent: int, num_rows: int) -> None:
    # shares such as 0.9, of which 1 - 0.9 is not 0.1 in float64
    rng = np.random.default_rng(percent)
    interactions = at_times(*rng.permutation(num_rows).tolist())
    config = SplitConfig("temporal", test_fraction=percent / 100)
    num_test = max(1, round(percent * num_rows / 100))
    if num_test == num_rows:
        with pytest.raises(DataError, match="training: expected at least one"):
            split(interactions, config)
    else:
        _, test = split(interactions, config)
        assert {time for _, time in test.values()} == set(range(num_rows - num_test, num_rows))


def test_interactions_of_one_moment_stay_together() -> None:
    config = SplitConfig("temporal", test_fraction=0.2)
    _, test = split(at_times(1, 2, 2, 2, 2), config)
    assert [time for _, time in test.values()] == [2, 2, 2, 2]


def large() -> Interactions:
    rng = np.random.default_rng(1)
    users = [f"u{user}" for user in rng.integers(0, 300, 6000)]
    items = [f"i{item}" for item in rng.integers(0, 200, 6000)]
    return Interactions.from_columns(users, items)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.8])
def test_random_draws_each_interaction_by_the_md5_of_its_ids_and_the_seed(
    fraction: float, seed: int
) -> None:
    interactions = large()
    _, test = split(interactions, SplitConfig("random", test_fraction=fraction, seed=seed))
    pairs = table(interactions)
    expected = {(u, i) for u, i in pairs if drawn(f"{u},{i}", seed, fraction)}
    assert test.keys() == expected
    # five standard deviations of a binomial draw
    spread = 5 * (fraction * (1 - fraction) / len(pairs)) ** 0.5
    assert abs(len(test) / len(pairs) - fraction) < spread


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("fraction", [0.2, 0.8])
def test_user_draws_whole_users_by_the_md5_of_their_id_and_the_seed(
    fraction: float, seed: int
) -> None:
    interactions = large()
    train, test = split(interactions, SplitConfig("user", test_fraction=fraction, seed=seed))
    in_test = {user for user, _ in test}
    assert in_test == {user for user in interactions.user_ids if drawn(user, seed, fraction)}
    assert not in_test & {user for user, _ in train}
    spread = 5 * (fraction * (1 - fraction) / len(interactions.user_ids)) ** 0.5
    assert abs(len(in_test) / len(interactions.user_ids) - fraction) < spread


def test_the_md5_rule_gives_what_md5sum_gives() -> None:
    # printf u,a,0 | md5sum begins with 4982b4d4, then f92f9a6d, 5fc8467a, 4056b7e4, 8cd45b8a,
    # 7b8edede, bdacfa96 and 96822cbe for b to h. Below 80000000 are a, c, d and f.
    interactions = Interactions.from_columns(["u"] * 8, "abcdefgh")
    _, test = split(interactions, SplitConfig("random", test_fraction=0.5))
    assert [item for _, item in test] == ["a", "c", "d", "f"]
    # not below itself: a is in the test from the next number on
    for threshold, items in ((0x4982B4D4, ["d"]), (0x4982B4D5, ["a", "d"])):
        config = SplitConfig("random", test_fraction=threshold / 2**32)
        assert [item for _, item in split(interactions, config)[1]] == items


@pytest.mark.parametrize("strategy", ["random", "user"])
def test_more_rows_move_nobody_to_the_other_side(strategy: Any) -> None:
    whole, config = large(), SplitConfig(strategy, test_fraction=0.3)
    half = whole.select(np.arange(len(whole)) % 2 == 0)
    train, test = split(whole, config)
    train_of_half, test_of_half = split(half, config)
    assert train_of_half.keys() < train.keys() and test_of_half.keys() < test.keys()


@pytest.mark.parametrize("strategy", ["random", "user"])
def test_a_larger_fraction_only_adds_to_the_test_and_another_seed_draws_another(
    strategy: Any,
) -> None:
    tests = [
        split(large(), SplitConfig(strategy, test_fraction=fraction, seed=seed))[1].keys()
        for fraction, seed in ((0.2, 0), (0.4, 0), (0.2, 1))
    ]
    assert tests[0] < tests[1]
    share = len(tests[0] & tests[2]) / len(tests[0])
    assert 0 < share < 0.4, "two seeds draw nearly the same"


def test_weights_and_times_play_no_part_in_a_random_split_which_is_the_default() -> None:
    users, items = ["u"] * 26, "abcdefghijklmnopqrstuvwxyz"
    plain = split(Interactions.from_columns(users, items), SplitConfig())
    weighted = Interactions.from_columns(users, items, range(1, 27), range(26))
    other = split(weighted, SplitConfig("random", test_fraction=0.2, seed=0))
    assert [side.keys() for side in plain] == [side.keys() for side in other]


@pytest.mark.parametrize(
    ("config", "side"),
    [
        (SplitConfig("last-n", n=2), "test"),
        (SplitConfig("temporal", cutoff=5_000_000), "test"),
        (SplitConfig("temporal", cutoff=1_000_000), "training"),
        (SplitConfig("random", test_fraction=1e-9), "test"),
        (SplitConfig("user", test_fraction=1 - 1e-9), "training"),
    ],
)
def test_an_empty_side_is_an_error(config: SplitConfig, side: str) -> None:
    with pytest.raises(DataError) as caught:
        split(at_times(1, 2, 3), config)
    assert str(caught.value) == f"{side}: expected at least one of the 3 interactions, got none"


@pytest.mark.parametrize(
    ("strategy", "purpose"),
    [("last-n", "find the newest rows by"), ("temporal", "split by")],
)
def test_what_needs_timestamps_says_so(strategy: Any, purpose: str) -> None:
    with pytest.raises(DataError) as caught:
        split(Interactions.from_columns("uv", "ab"), SplitConfig(strategy))
    assert str(caught.value) == f"timestamp: expected a column to {purpose}, got none"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"strategy": "leave-one-out"},
            "strategy: expected 'random' or 'last-n' or 'temporal' or 'user', got 'leave-one-out'",
        ),
        (
            {"test_fraction": 0},
            "test_fraction: expected a finite number above 0 and below 1, got 0",
        ),
        (
            {"test_fraction": 1},
            "test_fraction: expected a finite number above 0 and below 1, got 1",
        ),
        (
            {"test_fraction": 1.5},
            "test_fraction: expected a finite number above 0 and below 1, got 1.5",
        ),
        ({"n": 0}, "n: expected an integer >= 1, got 0"),
        ({"seed": -1}, "seed: expected an integer >= 0, got -1"),
        ({"cutoff": 5}, "cutoff: expected strategy 'temporal', got 'random'"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SplitConfig(**settings)
    assert str(caught.value) == message


def test_both_sides_are_written_as_interactions(tmp_path: Path) -> None:
    source = tmp_path / "clean.csv"
    source.write_text(
        "item_id,user_id,timestamp,weight\nb,v,4,1\na,u,1,2\nb,u,3,0.5\nc,u,2,1\na,v,9,1\nd,w,1,1\n"
    )
    train, test = tmp_path / "train.csv", tmp_path / "test.jsonl"
    summary = split_from_path(source, train, test, SplitConfig("last-n"))
    assert train.read_text() == (
        "user_id,item_id,weight,timestamp\nu,a,2,1\nu,c,1,2\nv,b,1,4\nw,d,1,1\n"
    )
    assert test.read_text() == (
        '{"user_id": "u", "item_id": "b", "weight": 0.5, "timestamp": 3}\n'
        '{"user_id": "v", "item_id": "a", "weight": 1, "timestamp": 9}\n'
    )
    assert summary == "train: 4 interactions of 3 users; test: 2 interactions of 2 users"


def test_a_file_that_does_not_split_is_named_and_nothing_written(tmp_path: Path) -> None:
    source = tmp_path / "clean.csv"
    source.write_text("user_id,item_id\nu,a\n")
    with pytest.raises(DataError) as caught:
        split_from_path(source, tmp_path / "train.csv", tmp_path / "test.csv", SplitConfig())
    assert str(caught.value).startswith(f"{source}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["clean.csv"]


def test_a_cutoff_that_is_no_integer_is_refused() -> None:
    with pytest.raises(ConfigError, match="^cutoff: expected integer microseconds, got 'x'$"):
        SplitConfig("temporal", cutoff="x")  # type: ignore[arg-type]


def test_events_go_where_their_interaction_goes(tmp_path: Path) -> None:
    source = tmp_path / "events.csv"
    source.write_text("user_id,item_id,timestamp\nu,a,1\nu,b,2\nu,a,3\nv,b,2\nu,b,1\nv,a,9\n")
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    split_from_path(source, train, test, SplitConfig("last-n", keep_events=True))
    header = "user_id,item_id,weight,timestamp\n"
    assert train.read_text() == f"{header}u,b,1,1\nu,b,1,2\nv,b,1,2\n"
    assert test.read_text() == f"{header}u,a,1,1\nu,a,1,3\nv,a,1,9\n"
    split_from_path(source, train, test, SplitConfig("last-n"))
    assert train.read_text() == f"{header}u,b,2,2\nv,b,1,2\n"

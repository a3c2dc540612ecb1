"""mlcore.generate.generate: the made-up data set is exact, repeatable, and worth learning from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mlcore.errors import ConfigError
from mlcore.generate.generate import SyntheticData, generate_interactions, generate_to_path
from mlcore.types import Float64Array

YEAR_2024 = range(1_704_067_200, 1_735_689_600)


def canonical_csv(data: SyntheticData) -> str:
    rows = zip(data.user_ids, data.item_ids, data.weights, data.timestamps, strict=True)
    lines = ["user_id,item_id,weight,timestamp", *(",".join(map(str, row)) for row in rows)]
    return "\n".join(lines) + "\n"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@pytest.fixture(scope="module")
def data() -> SyntheticData:
    return generate_interactions(num_users=400, num_items=300, num_interactions=12_000, seed=7)


@pytest.mark.parametrize(
    ("num_users", "num_items", "num_interactions"),
    [
        pytest.param(1, 1, 1, id="one of each"),
        pytest.param(1, 40, 13, id="one user"),
        pytest.param(40, 1, 40, id="one item"),
        pytest.param(6, 5, 6, id="one event per user"),
        pytest.param(6, 5, 29, id="all pairs but one"),
        pytest.param(6, 5, 30, id="all pairs"),
        pytest.param(70, 60, 4_200, id="all pairs of three genres"),
        pytest.param(500, 400, 9_999, id="sparse"),
    ],
)
def test_events_are_as_many_as_asked_all_distinct_and_of_every_user(
    num_users: int, num_items: int, num_interactions: int
) -> None:
    data = generate_interactions(num_users, num_items, num_interactions, seed=3)
    assert len(data.user_ids) == len(data.item_ids) == num_interactions
    assert len(data.weights) == len(data.timestamps) == num_interactions
    assert len(set(zip(data.user_ids, data.item_ids))) == num_interactions
    assert len(set(data.user_ids)) == num_users
    assert len(data.catalogue) == num_items
    assert set(data.item_ids) <= {item.item_id for item in data.catalogue}


@pytest.mark.parametrize("skew", [0, 1, 2, 3])
def test_skew_changes_who_has_what_and_not_how_much(skew: int) -> None:
    data = generate_interactions(500, 400, 9_999, seed=3, skew=skew)
    assert len(set(zip(data.user_ids, data.item_ids))) == 9_999
    assert len(set(data.user_ids)) == 500


def test_more_skew_makes_users_and_items_more_unequal() -> None:
    squares = []
    for skew in range(4):
        data = generate_interactions(2_000, 1_000, 60_000, seed=3, skew=skew)
        columns = (data.user_ids, data.item_ids)
        squares.append([sum(n**2 for n in Counter(column).values()) for column in columns])
    for one, other in zip(squares, squares[1:]):
        assert other[0] > 1.1 * one[0] and other[1] > 1.1 * one[1]


@pytest.mark.parametrize("num_interactions", range(4, 25))
def test_every_number_of_events_is_met_exactly(num_interactions: int) -> None:
    data = generate_interactions(4, 6, num_interactions, seed=11)
    assert len(set(zip(data.user_ids, data.item_ids))) == num_interactions


def test_values_are_plain_python_so_that_csv_and_json_write_them_alike(
    data: SyntheticData,
) -> None:
    columns = dataclasses.asdict(data)
    del columns["catalogue"]
    types = {name: {type(value) for value in column} for name, column in columns.items()}
    assert types == {"user_ids": {str}, "item_ids": {str}, "weights": {int}, "timestamps": {int}}


def test_same_seed_gives_same_data(data: SyntheticData) -> None:
    assert generate_interactions(400, 300, 12_000, seed=7) == data


def test_another_seed_gives_other_data(data: SyntheticData) -> None:
    other = generate_interactions(400, 300, 12_000, seed=8)
    pairs = set(zip(data.user_ids, data.item_ids))
    # 0.1 of all pairs in each: unrelated data share about 0.1 to 0.2 of theirs, popular items first
    assert len(pairs & set(zip(other.user_ids, other.item_ids))) < 0.3 * len(pairs)


def test_events_keep_their_bytes_on_every_platform_and_numpy() -> None:
    # Not a value to update lightly: fixtures and their golden results are made from this stream.
    text = canonical_csv(generate_interactions(20, 40, 200, seed=0))
    assert text.splitlines()[1] == "u0017,0018,5,1704096228"
    assert sha256(text) == "c7768a8a1bde327005cc2d61a8a30b59351bf918aa404ddcd3b239e89c93a712"


def test_a_dense_request_keeps_its_bytes_too() -> None:
    # Redrawing does not end here by itself, so this one pins the deterministic completion.
    text = canonical_csv(generate_interactions(12, 31, 12 * 31 - 5, seed=2**64 + 1))
    assert sha256(text) == "6818a2ea06ee9b80d9b36d6b32b1c76ceeed35c16e08ebffc29401def4e4afe6"


def test_skewed_events_keep_their_bytes_too() -> None:
    text = canonical_csv(generate_interactions(20, 40, 200, seed=0, skew=2))
    assert sha256(text) == "326f340fdbc8be9cfbed8bb34d1d775f78ec55f5c7b4798c697e644c8f30c73c"


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
def test_the_files_hold_what_the_function_returns(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = generate_interactions(20, 40, 200, seed=6, skew=2)
    monkeypatch.setattr("mlcore.generate.generate.CHUNK", chunk)  # rows of text at once
    monkeypatch.setattr("mlcore.generate.events.CHUNK", chunk)  # draws at once
    paths = [tmp_path / "events.csv", tmp_path / "events.jsonl"]
    for path in paths:
        generate_to_path(20, 40, 200, 6, path, skew=2)
    assert paths[0].read_text() == canonical_csv(data)
    names = ("user_id", "item_id", "weight", "timestamp")
    rows = zip(data.user_ids, data.item_ids, data.weights, data.timestamps, strict=True)
    expected = [json.dumps(dict(zip(names, row))) for row in rows]
    assert paths[1].read_text().splitlines() == expected


def test_the_items_file_holds_the_catalogue(tmp_path: Path) -> None:
    catalogue = generate_interactions(2, 30, 9, seed=1).catalogue
    generate_to_path(2, 30, 9, 1, tmp_path / "a.csv", tmp_path / "items.jsonl")
    lines = (tmp_path / "items.jsonl").read_text("ascii").splitlines()
    names = ("item_id", "title", "genre")
    assert lines == [json.dumps(dict(zip(names, item))) for item in catalogue]
    generate_to_path(2, 30, 9, 1, tmp_path / "a.csv", tmp_path / "items.csv")
    rows = (tmp_path / "items.csv").read_text("ascii").splitlines()
    assert rows == [",".join(names), *(",".join(item) for item in catalogue)]


def test_catalogue_keeps_its_bytes() -> None:
    catalogue = generate_interactions(1, 2_000, 1, seed=0).catalogue
    text = "".join(f"{item.item_id},{item.title},{item.genre}\n" for item in catalogue)
    assert sha256(text) == "aa4541d07e0c3e02c58058db43cfe32730faf9ac53806b49546310498bbd59b2"


def test_events_stand_in_time_order_with_ties_by_user_then_item() -> None:
    # enough events that some of the 31,622,400 seconds hold two
    data = generate_interactions(300, 200, 40_000, seed=5)
    order = list(zip(data.timestamps, data.user_ids, data.item_ids))
    assert order == sorted(order)
    assert len(set(data.timestamps)) < len(data.timestamps)


def test_each_active_user_is_there_all_year(data: SyntheticData) -> None:
    assert all(time in YEAR_2024 for time in data.timestamps)
    events = Counter(data.user_ids)
    halfway = YEAR_2024[len(YEAR_2024) // 2]
    early = Counter(user for user, time in zip(data.user_ids, data.timestamps) if time < halfway)
    active = [user for user, count in events.items() if count >= 60]
    assert active and all(0.25 < early[user] / events[user] < 0.75 for user in active)


def test_ids_have_leading_zeros() -> None:
    data = generate_interactions(9, 12, 108, seed=1)
    assert (min(data.item_ids), max(data.item_ids)) == ("0001", "0012")
    assert (min(data.user_ids), max(data.user_ids)) == ("u0001", "u0009")


def test_ids_sort_in_number_order_beyond_four_digits() -> None:
    data = generate_interactions(10_001, 10_002, 10_001, seed=1)
    item_ids = [item.item_id for item in data.catalogue]
    assert item_ids == sorted(item_ids)
    assert (item_ids[0], item_ids[-1]) == ("00001", "10002")
    assert sorted(set(data.user_ids)) == [f"u{number:05}" for number in range(1, 10_002)]


@pytest.mark.parametrize(
    ("num_items", "num_genres"), [(1, 1), (2, 2), (5, 2), (59, 2), (60, 3), (300, 15), (999, 20)]
)
def test_number_of_genres_grows_with_the_items(num_items: int, num_genres: int) -> None:
    catalogue = generate_interactions(1, num_items, 1, seed=1).catalogue
    assert len({item.genre for item in catalogue}) == num_genres


def test_a_few_users_and_items_have_most_of_the_events(data: SyntheticData) -> None:
    for column, size in ((data.user_ids, 400), (data.item_ids, 300)):
        counts = sorted(Counter(column).values(), reverse=True)
        assert sum(counts[: size // 5]) > 0.4 * len(column)  # the top fifth
        assert counts[0] > 4 * counts[size // 2]


def test_users_like_their_favourite_genres_better(data: SyntheticData) -> None:
    genre_of = {item.item_id: item.genre for item in data.catalogue}
    genres = [genre_of[item_id] for item_id in data.item_ids]
    per_user: dict[str, Counter[str]] = {}
    for user, genre in zip(data.user_ids, genres):
        per_user.setdefault(user, Counter())[genre] += 1
    favourites = {
        user: {genre for genre, _ in counts.most_common(2)} for user, counts in per_user.items()
    }
    is_top = np.array([g in favourites[u] for u, g in zip(data.user_ids, genres)])  # (E,) bool
    weights = np.array(data.weights)
    assert set(data.weights) == {1, 2, 3, 4, 5}
    # draws: 0.9; less here, where avid readers run out of the 20 items of a genre; by chance: 0.2
    assert is_top.mean() > 0.5
    assert weights[is_top].mean() > weights[~is_top].mean() + 1


def recall_at_10(scores: Float64Array, seen: Float64Array, hidden: Float64Array) -> float:
    """Mean over users of (hidden items among the ten best unseen) / (hidden items)."""
    unseen_scores = np.where(seen > 0, -np.inf, scores)  # (U, I)
    best = np.argsort(-unseen_scores, axis=1, kind="stable")[:, :10]  # (U, 10)
    hits = np.take_along_axis(hidden, best, axis=1).sum(axis=1)  # (U,)
    return float((hits / hidden.sum(axis=1)).mean())


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_item_cosine_beats_popularity_on_the_last_five_events_of_each_user(seed: int) -> None:
    data = generate_interactions(400, 300, 12_000, seed)
    users = np.array([int(user_id[1:]) - 1 for user_id in data.user_ids])  # (E,)
    items = np.array([int(item_id) - 1 for item_id in data.item_ids])  # (E,)
    seen, hidden = np.zeros((400, 300)), np.zeros((400, 300))
    for user in range(400):
        history = items[users == user]  # in time order
        seen[user, history[:-5]] = 1
        hidden[user, history[-5:]] = 1
    has_both = seen.any(axis=1)  # (U,) users with more than five events
    seen, hidden = seen[has_both], hidden[has_both]

    norms = np.maximum(np.sqrt(seen.sum(axis=0)), 1)  # (I,)
    cosine = seen.T @ seen / np.outer(norms, norms)  # (I, I); a seen item is no candidate anyway
    popularity = np.broadcast_to(seen.sum(axis=0), seen.shape)  # (U, I)
    of_cosine = recall_at_10(seen @ cosine, seen, hidden)
    of_popularity = recall_at_10(popularity, seen, hidden)
    assert of_cosine > 1.5 * of_popularity, (of_cosine, of_popularity)


@pytest.mark.parametrize(
    ("num_users", "num_items", "num_interactions", "seed", "message"),
    [
        (0, 5, 6, 1, "users: expected a number from 1, got 0"),
        (6, -2, 6, 1, "items: expected a number from 1, got -2"),
        (6, 5, 6, -1, "seed: expected a number from 0, got -1"),
        (
            6,
            5,
            5,
            1,
            "interactions: expected a number from 6 (one per user) to 30 (users x items), got 5",
        ),
        (
            6,
            5,
            31,
            1,
            "interactions: expected a number from 6 (one per user) to 30 (users x items), got 31",
        ),
    ],
)
def test_an_argument_out_of_range_is_refused(
    num_users: int, num_items: int, num_interactions: int, seed: int, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        generate_interactions(num_users, num_items, num_interactions, seed)
    assert str(caught.value) == message


@pytest.mark.parametrize("skew", [-1, 4])
def test_a_skew_out_of_range_is_refused(skew: int) -> None:
    with pytest.raises(ConfigError, match=f"^skew: expected a number from 0 to 3, got {skew}$"):
        generate_interactions(5, 5, 9, 1, skew)

"""benchmarks.sessions: published lists agree or not, and next items are found or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sessions import compare_lists, evaluate_sessions, main
from mlcore import Interactions, Recommender, train_from_data
from mlcore.files.interactions import read_events

# With 1 / k^2: w(a, b) = 1 + 1/4 by s, w(a, c) = 1/9 + 1 by s and t, w(a, d) = 1/4 by t.
# e is followed by f as by g.
TRAIN = {"s": "abbc", "t": "acd", "u": "ef", "v": "eg"}
TEST = {"x": "ac", "y": "ca", "z": "e"}


def table(sessions: dict[str, str]) -> str:
    rows = [
        f"{user},{item},{t}" for user, items in sessions.items() for t, item in enumerate(items)
    ]
    return "\n".join(["user_id,item_id,timestamp", *rows, ""])


def published(session: str, position: int, **scores: float) -> str:
    items = [{"item_id": item_id, "score": score} for item_id, score in scores.items()]
    return json.dumps({"session": session, "position": position, "items": items})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.csv").write_text(table(TRAIN))
    (tmp_path / "test.csv").write_text(table(TEST))
    # The item itself first, as it may be, so that the others are not scaled to 1.
    c = (1 / 9 + 1) / 2
    lines = [published("x", 0, a=1, b=5 / 8, c=c, d=1 / 8, z=0), published("y", 0, d=1)]
    (tmp_path / "sequential_rules.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_lists_are_compared_without_the_item_itself_and_scaled_anew(folder: Path) -> None:
    train = read_events(folder / "train.csv").aggregate(keep_events=True)
    test = read_events(folder / "test.csv")
    lines = (folder / "sequential_rules.jsonl").read_text().splitlines()
    assert compare_lists(train, test, lines) == (4, 4, 4, 4, 0)
    other = [published("x", 0, b=1.0, c=0.9)]
    assert compare_lists(train, test, other) == (2, 1, 1, 2, 0)
    assert compare_lists(train, test, [published("z", 0, g=1.0)]) == (1, 1, 1, 0, 1)
    other = [published("x", 0, b=1.0, d=0.2)]  # in place of c, which is better
    assert compare_lists(train, test, other) == (2, 2, 2, 1, 0)


def test_the_rank_of_the_next_item_counts() -> None:
    # After a come b, c and d. x asks for c, at rank 2; y asks c for a, which follows nothing.
    users, items = zip(*((user, item) for user, items in TRAIN.items() for item in items))
    times = [n for items in TRAIN.values() for n in range(len(items))]
    config: dict[str, Any] = {"similarity": {"name": "sequential_rules"}}
    train = Interactions.from_columns(users, items, timestamps=times)
    recommender = Recommender(train_from_data(train, config))
    sessions = [
        [(item, 1.0, f"2026-01-01T00:00:0{n}Z") for n, item in enumerate(items)]
        for items in TEST.values()
    ]
    assert evaluate_sessions(recommender, sessions, last_only=False) == (0.5, 0.25)


def test_the_command_prints_both(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "configs.json").write_text('[{"similarity": {"name": "sequential_rules"}}]')
    assert main(["--data", str(folder), "--configs", str(folder / "configs.json")]) == 0
    printed = capsys.readouterr().out
    assert "published values: 4, equal in float64 to 1e-9: 4" in printed
    assert printed.count('{"similarity": {"name": "sequential_rules"}}') == 2

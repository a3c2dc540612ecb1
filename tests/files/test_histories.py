"""mlcore.files.histories: histories from JSON Lines and from tables."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from mlcore.errors import DataError
from mlcore.files.histories import UserHistory, read_histories
from mlcore.files.options import InputOptions
from tests.files.samples import save, type_in


def test_histories_come_in_the_order_of_the_file(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (
        '{"user_id": "s2", "history": [{"item_id": "tea"}, {"item_id": "007", "weight": 2.5, "timestamp": 7}]}\n'
        "\n"
        '{"history": [], "user_id": "s1", "more": 1, "weights": "final"}\n'
    )
    expected = [
        UserHistory("s2", [("tea", 1.0, None), ("007", 2.5, 7_000_000)], "a.jsonl:1"),
        UserHistory("s1", [], "a.jsonl:3", is_final=True),
    ]
    save(tmp_path, "a.jsonl", lines)
    save(tmp_path, "b.jsonl.gz", gzip.compress(lines.encode()))
    assert list(read_histories("a.jsonl")) == expected
    assert [history[:2] for history in read_histories("b.jsonl.gz")] == [
        history[:2] for history in expected
    ]


def test_a_table_of_histories_has_one_for_each_user(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path, "a.csv", "item_id,user_id,weight\ntea,s2,1\n007,s1,2.5\nmilk,s2,3\ntea,s2,1\n")
    first = UserHistory("s1", [("007", 2.5, None)], "a.csv: user 's1'")
    rows = [("tea", 1.0, None), ("milk", 3.0, None), ("tea", 1.0, None)]
    assert list(read_histories("a.csv")) == [first, UserHistory("s2", rows, "a.csv: user 's2'")]
    combined = UserHistory("s2", [("milk", 3.0, None), ("tea", 2.0, None)], "a.csv: user 's2'")
    assert list(read_histories("a.csv", combine="why")) == [first, combined]


def test_a_table_of_histories_has_the_times_of_its_rows(tmp_path: Path) -> None:
    save(tmp_path, "a.csv", "user_id,item_id,timestamp\ns,tea,9\ns,tea,1970-01-01T00:00:01Z\n")
    (history,) = read_histories(tmp_path / "a.csv")
    assert history.events == [("tea", 1.0, 9_000_000), ("tea", 1.0, 1_000_000)]


def test_an_item_may_come_twice_among_events_and_not_among_final_weights(tmp_path: Path) -> None:
    line = '{"user_id": "s", "history": [{"item_id": "a"}, {"item_id": "a"}], "weights": "%s"}'
    save(tmp_path, "a.jsonl", line % "events")
    assert [len(history.events) for history in read_histories(tmp_path / "a.jsonl")] == [2]
    with pytest.raises(DataError, match=r"history\[1\]: item_id: expected each item once, got 'a'"):
        list(read_histories(tmp_path / "a.jsonl", combine="why"))
    save(tmp_path, "b.jsonl", line % "final")
    with pytest.raises(DataError, match=r"history\[1\]: item_id: expected each item once, got 'a'"):
        list(read_histories(tmp_path / "b.jsonl"))


def test_histories_come_from_standard_input_too(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, '{"user_id": "s", "history": []}')
    assert list(read_histories("-", InputOptions(format="jsonl"))) == [
        UserHistory("s", [], "standard input:1")
    ]


FAULTS = {
    '{"history": []}': "user_id: expected a string, got no such key",
    '{"user_id": "", "history": []}': "user_id: expected an id of at least one character",
    '{"user_id": "u"}': "history: expected an array, got no such key",
    '{"user_id": "u", "history": [{"item_id": "a"}, 7]}': "history[1]: expected an object, got 7",
    '{"user_id": "u", "history": [{}]}': "history[0]: item_id: expected a string",
    '{"user_id": "u", "history": [{"item_id": "a", "weight": 0}]}': "history[0]: weight: expected",
    '{"user_id": "u", "history": [{"item_id": "a", "timestamp": "noon"}]}': (
        "history[0]: timestamp: expected"
    ),
    '{"user_id": "u", "history": [], "weights": "ready"}': (
        "weights: expected 'events' or 'final', got 'ready'"
    ),
    '{"user_id": "s", "history": []}': (
        "user_id: expected each user once, got 's' again (first in line 1)"
    ),
}


@pytest.mark.parametrize("line", FAULTS)
def test_a_fault_names_its_line_and_its_place_in_it(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path, "a.jsonl", '{"user_id": "s", "history": []}\n\n' + line)
    with pytest.raises(DataError) as caught:
        list(read_histories("a.jsonl"))
    assert str(caught.value).startswith(f"a.jsonl:3: {FAULTS[line]}")

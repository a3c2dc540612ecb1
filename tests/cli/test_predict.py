"""cli.predict: lists for users and histories, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.cases import Case, check, run
from tests.cli.test_bad_input import NO_ROW, NUMBER, OTHER_TIMES


def history_case(name: str, line: str, error: str, hint: str | None = None) -> Case:
    good = '{"user_id": "s0", "history": []}\n'
    return Case(
        f"histories, {name}",
        "predict --model-dir model --histories bad.jsonl --out new.jsonl",
        f"bad.jsonl:2: {error}",
        hint,
        files={"bad.jsonl": f"{good}{line}\n"},
    )


CASES = [
    Case(
        "unknown user",
        "predict --model-dir model --users bad.csv --out new.jsonl",
        "bad.csv:4: user_id: expected a user of the model, got 'zoe'",
        "--unknown-user skip leaves such users out, fill gives them popular items",
        {"bad.csv": "name,user_id\nAnn,ann\n\nZoe,zoe\nBob,bob\nYves,yves\n"},
    ),
    Case(
        "empty user",
        "predict --model-dir model --users bad.csv --out new.jsonl",
        "bad.csv:3: user_id: expected an id of at least one character, got an empty one",
        None,
        {"bad.csv": 'user_id\nann\n""\n'},
    ),
    Case(
        "all users of a model without users",
        "predict --model-dir no-users --all-users --out new.jsonl",
        "users: expected a model with users, got one trained without",
        "give histories instead, --histories, or train without --without-users",
    ),
    Case(
        "users of a model without users",
        "predict --model-dir no-users --users truth.csv --out new.jsonl",
        "users: expected a model with users, got one trained without",
        "give histories instead, --histories, or train without --without-users",
    ),
    Case(
        "bad list of items",
        "predict --model-dir model --all-users --exclude-items truth.csv --include-items bad.csv "
        "--out new.jsonl",
        "bad.csv:1: item_id: expected a column of this name, got 'item'",
        "--item-column names another",
        {"bad.csv": "item\ntea\n"},
    ),
    Case(
        "no threads",
        "predict --model-dir model --all-users --threads 0 --out new.jsonl",
        "threads: expected an integer from 1 to 1024, got 0",
    ),
    Case(
        "empty lists",
        "predict --model-dir model --all-users --top-n 0 --out new.jsonl",
        "top_n: expected an integer >= 1, got 0",
    ),
    history_case(
        "item twice",
        '{"user_id": "s1", "weights": "final", "history": '
        '[{"item_id": "tea"}, {"item_id": "tea", "weight": 2}]}',
        "history[1]: item_id: expected each item once, got 'tea' again",
        'final weights are ready; without "weights": "final" the model makes them of events',
    ),
    Case(
        "now without histories",
        "predict --model-dir model --all-users --now 0 --out new.jsonl",
        "now: expected --histories with it, got none",
        "the histories of users of the model are ready",
    ),
    Case(
        "final weights without histories",
        "predict --model-dir model --users users.csv --weights final --out new.jsonl",
        "weights: expected --histories with it, got none",
        "the histories of users of the model are ready",
        {"users.csv": "user_id\nann\n"},
    ),
    Case(
        "now of no time",
        "predict --model-dir model --histories h.jsonl --now noon --out new.jsonl",
        "now: expected integer seconds or an RFC 3339 time, got 'noon'",
        OTHER_TIMES,
        {"h.jsonl": '{"user_id": "s", "history": []}'},
    ),
    history_case(
        "user twice",
        '{"user_id": "s0", "history": []}',
        "user_id: expected each user once, got 's0' again (first in line 1)",
    ),
    history_case("no user", '{"history": []}', "user_id: expected a string, got no such key"),
    history_case(
        "number as user",
        '{"user_id": 1, "history": []}',
        "user_id: expected a string, got 1",
        NUMBER,
    ),
    history_case(
        "empty user",
        '{"user_id": "", "history": []}',
        "user_id: expected an id of at least one character, got an empty one",
    ),
    history_case(
        "interactions",
        '{"user_id": "s1", "item_id": "tea"}',
        "history: expected an array, got no such key",
        "these are interactions, a line for each, and not a line for each user; as a table in .csv "
        "--histories takes them: cli.preprocess --out NEW.csv writes one",
    ),
    history_case(
        "lists",
        '{"user_id": "s1", "items": []}',
        "history: expected an array, got no such key",
        "these are lists as predict writes them, which evaluate, compare and show take",
    ),
    history_case("no history", '{"user_id": "s1"}', "history: expected an array, got no such key"),
    history_case(
        "null as history",
        '{"user_id": "s1", "history": null}',
        "history: expected an array, got null",
    ),
    history_case(
        "ids instead of objects",
        '{"user_id": "s1", "history": ["tea"]}',
        "history[0]: expected an object, got 'tea'",
        "jq -c '.history |= map({item_id: .})' FILE > NEW makes objects of ids",
    ),
    history_case(
        "no item",
        '{"user_id": "s1", "history": [{"item_id": "tea"}, {"id": "milk"}]}',
        "history[1]: item_id: expected a string, got no such key",
    ),
    history_case(
        "zero weight",
        '{"user_id": "s1", "history": [{"item_id": "tea", "weight": 0}]}',
        "history[0]: weight: expected a finite number above 0, got 0",
        NO_ROW,
    ),
    history_case(
        "weight beyond float32",
        '{"user_id": "s1", "history": [{"item_id": "tea", "weight": 1e-60}]}',
        "weighting log: item 'tea': expected a weight above 0 that float32 holds, got 1e-60",
    ),
    Case(
        "empty histories",
        "predict --model-dir model --histories bad.jsonl --out new.jsonl",
        "bad.jsonl: expected at least one JSON object, got an empty file",
        files={"bad.jsonl": ""},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_lists_and_a_history_of_the_same_items_are_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = (
        '{"user_id": "ann", "history": [{"item_id": "milk"}, {"item_id": "tea", "weight": 2}]}'
    )
    (folder / "histories.jsonl").write_text(history)
    (folder / "users.csv").write_text("user_id\nann\n")
    for option in ("--users users.csv", "--histories histories.jsonl"):
        assert run(f"predict --model-dir model {option} --out {option.split()[1]}.jsonl") == 0
    lists = (folder / "users.csv.jsonl").read_text()
    assert (folder / "histories.jsonl.jsonl").read_text() == lists
    assert [item["item_id"] for item in json.loads(lists)["items"]] == ["sugar", "jam"]
    assert capsys.readouterr().err == ""

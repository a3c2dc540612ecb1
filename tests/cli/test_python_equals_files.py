"""What a file is refused for, Python and Go are refused for: the same class of error and the same words."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from mlcore import Interactions, MlcoreError, Recommender, TrainConfig, train_from_data
from mlcore.evaluate import (
    EvaluateConfig,
    compare_from_data,
    compare_from_path,
    evaluate_from_data,
    evaluate_from_path,
)
from mlcore.recommend import PredictOptions, Requests, predict_from_path
from mlcore.train import train_from_path
from tests.cli.cases import run
from tests.test_frames import Frame

Lines = list[dict[str, Any]]
LONG = "x" * 65_536
MORE_WORDS = {", a datetime or": " or", " that float32 holds": "", "' twice": "' again"}


def write(name: str, lines: Lines) -> str:
    Path(name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return name


def trained_from(lines: Lines) -> Callable[[], object]:
    return lambda: train_from_path(write("e.jsonl", lines), None, "new")


def frame_of(lines: Lines) -> Any:
    return Frame({name: [line.get(name) for line in lines] for name in lines[0]})


def event(**changes: Any) -> Lines:
    return [{"user_id": "u", "item_id": "a"}, {"user_id": "v", "item_id": "b", **changes}]


def columns(lines: Lines) -> list[Any]:
    names = ("user_id", "item_id", "weight", "timestamp")
    found: list[Any] = [[line.get(name) for line in lines] for name in names]
    defaults: list[Any] = [None, None, 1, 0]
    return [
        [
            default if value is None and name not in line else value
            for value, line in zip(values, lines)
        ]
        for name, values, default in zip(names, found, defaults)
    ]


EVENTS = [
    *(
        {name: value}
        for name in ("user_id", "item_id")
        for value in (7, None, "", "a\nb", "\0", LONG)
    ),
    *({"weight": value} for value in (0, -1, "1", None, True, 10**400)),
    *({"timestamp": value} for value in (1.5, True, None, "soon", 10**13, -(10**13))),
]


@pytest.mark.parametrize("changes", EVENTS, ids=repr)
def test_an_event_is_refused_from_a_file_from_columns_and_from_a_frame(
    changes: dict[str, Any], folder: Path
) -> None:
    lines = event(**changes)
    first = {"weight": 1, "timestamp": 0}
    lines[0] |= {name: first[name] for name in changes if name in first}
    same_refusal(
        trained_from(lines),
        lambda: Interactions.from_columns(*columns(lines)),
        lambda: train_from_data(frame_of(lines)),
    )


@pytest.mark.parametrize(
    "config",
    [
        {"neighbors": 5},
        {"num_neighbors": 0},
        {"num_neighbors": "5"},
        {"similarity": "cosine"},
        {"similarity": {"name": "cosinus"}},
        {"shrinkage": 1, "similarity": {"name": "ease"}},
        [],
    ],
    ids=repr,
)
def test_a_configuration_is_refused_from_a_file_and_as_a_dictionary(
    config: Any, folder: Path
) -> None:
    path = write("c.json", [config])
    events = write("e.jsonl", event())
    same_refusal(
        lambda: train_from_path(events, path, "new"),
        lambda: train_from_data(Interactions.from_columns(["u"], ["a"]), config),
        lambda: TrainConfig.from_json(config),
    )


IDS = [7, 7.5, True, None, ["ann"], {"id": "ann"}]


@pytest.mark.parametrize("id_", IDS, ids=repr)
def test_an_id_is_refused_from_a_file_and_in_a_request(id_: Any, folder: Path) -> None:
    recommender = Recommender.load("model")
    users, items = write("u.jsonl", [{"user_id": id_}]), write("i.jsonl", [{"item_id": id_}])
    history = write("h.jsonl", [{"user_id": "u", "history": [{"item_id": id_}]}])

    def predict(requests: Requests, **options: Any) -> Callable[[], object]:
        return lambda: predict_from_path("model", requests, "p.jsonl", PredictOptions(**options))

    every = Requests(all_users=True)
    same_refusal(
        predict(Requests(users_path=users)),
        lambda: recommender.predict(id_),
        lambda: recommender.predict_many([id_]),
        lambda: recommender.explain(id_, "tea"),
    )
    same_refusal(
        predict(every, include_items_path=items),
        lambda: recommender.predict("ann", include=[id_]),
        lambda: recommender.predict_many(["ann"], include=[id_]),
    )
    same_refusal(
        predict(every, exclude_items_path=items),
        lambda: recommender.predict("ann", exclude=[id_]),
        lambda: recommender.predict_many(["ann"], exclude=[id_]),
    )
    same_refusal(
        predict(Requests(histories_path=history)), lambda: recommender.predict_history([(id_, 1)])
    )


HISTORIES: list[list[tuple[Any, Any]]] = [
    [("tea", 1e308), ("tea", 1e308)],
    [("tea", 0)],
    [("tea", -1)],
    [("tea", "1")],
    [("tea", None)],
    [("tea", True)],
    [("tea", 1e300)],
    [(7, 1)],
]


@pytest.fixture
def raw_model(folder: Path) -> str:
    """A model that takes weights as they are, also too large ones."""
    train = "train --interactions interactions.csv --set weighting.name=none"
    assert run(f"{train} --out-dir raw-model") == 0
    return "raw-model"


@pytest.mark.parametrize("entries", HISTORIES, ids=repr)
def test_a_history_is_refused_from_a_file_and_in_a_request(entries: Any, raw_model: str) -> None:
    rows = [{"item_id": item_id, "weight": weight} for item_id, weight in entries]
    path = write("h.jsonl", [{"user_id": "u", "history": rows}])
    recommender = Recommender.load(raw_model)
    same_refusal(
        lambda: predict_from_path(raw_model, Requests(histories_path=path), "p.jsonl"),
        lambda: recommender.predict_history(entries),
    )


@pytest.mark.parametrize("entries", [[("tea", 1), ("tea", 1)], *HISTORIES[1:]], ids=repr)
def test_final_weights_are_refused_from_a_file_and_in_a_request(entries: Any, folder: Path) -> None:
    rows = [{"item_id": item_id, "weight": weight} for item_id, weight in entries]
    path = write("h.jsonl", [{"user_id": "u", "history": rows}])
    recommender, final = Recommender.load("model"), PredictOptions(weights="final")
    same_refusal(
        lambda: predict_from_path("model", Requests(histories_path=path), "p.jsonl", final),
        lambda: recommender.predict_history(entries, weights="final"),
    )


GO_CASES = [
    *(("--users", [{"user_id": id_}]) for id_ in [*IDS, ""]),
    *(("--include-items", [{"item_id": id_}]) for id_ in [*IDS, ""]),
    *(("--exclude-items", [{"item_id": id_}]) for id_ in [*IDS, ""]),
    *(
        (
            "--histories",
            [{"user_id": "u", "history": [{"item_id": id_, "weight": weight} for id_, weight in rows]}],
        )
        for rows in HISTORIES
    ),
    *(("--histories", [{"user_id": id_, "history": []}]) for id_ in [*IDS, ""]),
    ("--users", [{"user_id": "ANN"}]),
    ("--include-items", [{"item_id": "TEA"}]),
]  # fmt: skip


@pytest.mark.go
@pytest.mark.parametrize(("option", "lines"), GO_CASES, ids=repr)
def test_what_a_file_is_refused_for_go_refuses_with_the_same_words(
    option: str,
    lines: Lines,
    raw_model: str,
    go_reader: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whom = "" if option in ("--users", "--histories") else "--all-users "
    asked = f"--out p.jsonl {whom}{option} {write('a.jsonl', lines)}"
    command = f"predict --model-dir {raw_model} {asked}"
    capsys.readouterr()  # the training
    assert run(command) == 1
    done = subprocess.run([str(go_reader), *command.split()], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, capsys.readouterr().err)


@pytest.mark.parametrize(
    "id_",
    [7, np.int64(7), 7.0, float("nan"), None, b"ann", np.array("ann"), ("ann",), UUID(int=7)],
    ids=repr,
)
def test_what_is_no_text_is_refused_wherever_an_id_is_expected(id_: Any, folder: Path) -> None:
    recommender = Recommender.load("model")
    some = Interactions.from_columns(["u"], ["a"])
    same_refusal(
        lambda: recommender.predict(id_),
        lambda: recommender.predict_many([id_]),
        lambda: recommender.predict("ann", include=[id_]),
        lambda: recommender.predict("ann", exclude=[id_]),
        lambda: recommender.predict_history([(id_, 1)]),
        lambda: recommender.similar_items(id_),
        lambda: recommender.explain("ann", id_),
        lambda: recommender.explain_history([(id_, 1)], "tea"),
        lambda: Interactions.from_columns([id_], ["a"]),
        lambda: some.with_catalogue([id_]),
        lambda: evaluate_from_data({"u": [id_]}, {"u": ["a"]}, [1]),
        lambda: evaluate_from_data({"u": ["a"]}, {"u": [id_]}, [1]),
        lambda: compare_from_data({"u": ["a"]}, {"u": [id_]}, {"u": ["a"]}, [1]),
    )


@pytest.mark.parametrize("ids", ["11", b"11", np.array("11"), 7, None], ids=repr)
def test_one_value_in_place_of_several_ids_is_refused(ids: Any, folder: Path) -> None:
    recommender = Recommender.load("model")
    same_refusal(
        lambda: recommender.predict_many(ids),
        lambda: recommender.predict("ann", exclude=ids),
        lambda: recommender.predict_history(ids),
        lambda: Interactions.from_columns(["u"], ["a"]).with_catalogue(ids),
        lambda: evaluate_from_data({"u": ids}, {"u": ["a"]}, [1]),
        lambda: evaluate_from_data({"u": ["a"]}, {"u": ids}, [1]),
    )


def test_text_of_numpy_and_pandas_is_text(folder: Path) -> None:
    recommender = Recommender.load("model")
    expected = recommender.predict("ann", exclude=["jam"])
    assert recommender.predict(np.str_("ann"), exclude=np.array(["jam"])) == expected
    (found,) = recommender.predict_many(np.array(["ann"], object), exclude={"jam"})
    assert found == expected


LISTS: list[tuple[list[tuple[Any, list[Any]]], list[int]]] = [
    ([("u", ["a", "a"])], [1]),
    ([("u", [7])], [1]),
    ([("u", [""])], [1]),
    ([("u", [None])], [1]),
    ([(7, ["a"])], [1]),
    ([("x", ["a"])], [1]),
    ([("u", ["a"])], [0]),
    ([("u", ["a"])], [1, 1]),
    ([("u", ["a"])], []),
]


@pytest.mark.parametrize(("lists", "cutoffs"), LISTS, ids=repr)
def test_lists_are_refused_from_a_file_and_from_python(
    lists: Any, cutoffs: list[int], folder: Path
) -> None:
    rows = [
        {"user_id": user, "items": [{"item_id": item, "score": 1} for item in items]}
        for user, items in lists
    ]
    path, truth = write("p.jsonl", rows), write("t.jsonl", [{"user_id": "u", "item_id": "a"}])
    same_refusal(
        lambda: evaluate_from_path(path, truth, "m.json", cutoffs),
        lambda: evaluate_from_data(dict(lists), {"u": ["a"]}, cutoffs),
        lambda: compare_from_path(path, path, truth, cutoffs, out_path="m.json"),
    )


def test_what_needs_a_model_is_refused_without_one(folder: Path) -> None:
    config = EvaluateConfig(diversity=True)
    lists = write("p.jsonl", [{"user_id": "u", "items": [{"item_id": "a", "score": 1}]}])
    truth = write("t.jsonl", [{"user_id": "u", "item_id": "a"}])
    same_refusal(
        lambda: evaluate_from_path(lists, truth, "m.json", [1], config=config),
        lambda: evaluate_from_data({"u": ["a"]}, {"u": ["a"]}, [1], config=config),
    )


def same_refusal(*ways: Callable[[], object]) -> None:
    """Fail unless all ways are refused with one class of error, one rule and one value."""
    found = set()
    for way in ways:
        with pytest.raises(MlcoreError) as caught:
            way()
        assert ": expected " in str(caught.value)
        found.add((type(caught.value), said_by(str(caught.value))))
    assert len(found) == 1, found


def said_by(message: str) -> str:
    """Return rule and value as Python shows them."""
    said = message[message.index("expected ") :]
    # Only Python has datetimes; a request says float32 where a file does with what it rounds away.
    for more, plain in MORE_WORDS.items():
        said = said.replace(more, plain)
    rule, _, value = said.rpartition(", got ")
    for shown in (json.loads, ast.literal_eval):
        try:
            return f"{rule}, got {shown(value)!r}"
        except (ValueError, SyntaxError):
            pass
    return said

"""mlcore.recommend.limits: files of items and of pairs, and what is strange about them."""

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import DataError, Recommender, train_from_data
from mlcore.errors import DataWarning
from mlcore.files.options import ColumnNames, InputOptions
from mlcore.recommend import scoring
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from tests import oracles

USERS, ITEMS = oracles.ids("u", 40), oracles.ids("i", 25)
Pairs = list[tuple[str, str]]


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(4)
    x = (rng.random((40, 25)) < 0.2) * rng.random((40, 25))
    x[np.arange(40), np.arange(40) % 25] = 1
    directory = tmp_path_factory.mktemp("limits") / "model"
    train_from_data(oracles.interactions_of(x), {"num_neighbors": 6}).save(directory)
    return directory


def random_pairs(seed: int, users: list[str] = USERS) -> Pairs:
    rng = np.random.default_rng(seed)
    some = [*ITEMS, "unknown"]
    return [(user, item) for user in users for item in some if rng.random() < 0.3]


def by_user(pairs: Pairs) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for user, item in pairs:
        found.setdefault(user, []).append(item)
    return found


def write_pairs(path: Path, pairs: Iterable[tuple[str, str]]) -> Path:
    """Write pairs by the ending of a path, with a column that says nothing."""
    rows = [(*pair, "x") for pair in pairs]
    if ".jsonl" in path.name:
        lines = [json.dumps(dict(zip(("user_id", "item_id", "weight"), row))) for row in rows]
    else:
        lines = ["weight,item_id,user_id", *(",".join(row[::-1]) for row in rows)]
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def lists_of(path: Path) -> dict[str, list[str]]:
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return {line["user_id"]: [item["item_id"] for item in line["items"]] for line in lines}


def predicted(
    folder: Path, model_dir: Path, requests: Requests, **options: Any
) -> tuple[bytes, str, list[str]]:
    """Return what is written, the summary, and the notes."""
    out = folder / "out.jsonl"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        summary = predict_from_path(model_dir, requests, out, PredictOptions(**options))
    return out.read_bytes(), summary, [str(warning.message) for warning in caught]


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.tsv", "pairs.jsonl", "pairs.csv.gz"])
def test_a_file_of_pairs_gives_what_the_mapping_gives_to_all_users_and_to_some(
    name: str, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "MAX_BLOCK_ROWS", 7)
    include, exclude = random_pairs(1, USERS[:30]), random_pairs(2)
    paths = {
        "include_pairs_path": write_pairs(tmp_path / f"include.{name}", include),
        "exclude_pairs_path": write_pairs(tmp_path / f"exclude.{name}", exclude[::-1] * 2),
    }
    if name.endswith(".tsv"):
        for path in paths.values():
            path.write_bytes(path.read_bytes().replace(b",", b"\t"))
    expected = Recommender.load(model_dir).predict_many(
        USERS,
        fill="popularity",
        include_by_user=by_user(include),
        exclude_by_user=by_user(exclude),
    )
    ids = {user: [item.item_id for item in ranked] for user, ranked in zip(USERS, expected)}
    every, summary, notes = predicted(
        tmp_path, model_dir, Requests(all_users=True), fill="popularity", **paths
    )
    assert lists_of(tmp_path / "out.jsonl") == ids and notes == []
    assert summary == (
        f"40 lists, {sum(len(items) < 10 for items in ids.values())} shorter than 10, "
        "1 of 26 items of included pairs unknown, 10 users without included pairs, "
        "1 of 26 items of excluded pairs unknown"
    )
    (tmp_path / "users.csv").write_text("\n".join(["user_id", *USERS]) + "\n")
    users = Requests(users_path=tmp_path / "users.csv")
    assert predicted(tmp_path, model_dir, users, fill="popularity", **paths)[0] == every
    assert len(set(map(len, ids.values()))) > 4 and [] in ids.values()


def test_pairs_hold_for_histories_and_for_unknown_users_too(
    model_dir: Path, tmp_path: Path
) -> None:
    names = [f"s{number}" for number in range(12)]
    histories = [
        {"user_id": name, "history": [{"item_id": item} for item in ITEMS[number : number + 3]]}
        for number, name in enumerate(names)
    ]
    path = tmp_path / "sessions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in histories))
    exclude = random_pairs(3, names[:8])
    pairs = write_pairs(tmp_path / "pairs.csv", exclude)
    recommender = Recommender.load(model_dir)
    _, summary, _ = predicted(
        tmp_path, model_dir, Requests(histories_path=path), exclude_pairs_path=pairs
    )
    for line in histories:
        name = str(line["user_id"])
        expected = recommender.predict_history(
            [entry["item_id"] for entry in line["history"]],  # type: ignore[index]
            exclude=by_user(exclude).get(name, []),
        )
        assert lists_of(tmp_path / "out.jsonl")[name] == [item.item_id for item in expected]
    num_items = len({item for _, item in exclude})
    assert summary.endswith(f"1 of {num_items} items of excluded pairs unknown")
    (tmp_path / "users.csv").write_text("user_id\nu000\nnew\n")
    pairs = write_pairs(tmp_path / "pairs.csv", [("new", item) for item in ITEMS[:4]])
    users = Requests(users_path=tmp_path / "users.csv")
    _, summary, _ = predicted(
        tmp_path, model_dir, users, unknown_user="fill", include_pairs_path=pairs
    )
    found = lists_of(tmp_path / "out.jsonl")
    assert sorted(found["new"]) == ITEMS[:4] and found["u000"] == []
    filled = recommender.predict_history([], include=ITEMS[:4], fill="popularity")
    assert found["new"] == [item.item_id for item in filled]
    assert summary == (
        "2 lists, 2 shorter than 10, 1 unknown users, 1 users without included pairs"
    )


def test_users_that_are_not_asked_for_are_passed_over_and_counted(
    model_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "users.csv").write_text("user_id\nu001\nu000\n")
    pairs = [("u000", ITEMS[3]), ("u030", "i"), ("gone", ITEMS[1]), ("u001", ITEMS[5])]
    path = write_pairs(tmp_path / "pairs.csv", pairs)
    users = Requests(users_path=tmp_path / "users.csv")
    for side in ("include", "exclude"):
        _, summary, _ = predicted(tmp_path, model_dir, users, **{f"{side}_pairs_path": path})
        assert summary.endswith(
            f"1 of 4 items of {side}d pairs unknown, 2 of 4 users of {side}d pairs not asked for"
        )


def refused(folder: Path, model_dir: Path, requests: Requests, **options: Any) -> tuple[str, str]:
    with pytest.raises(DataError) as caught:
        predict_from_path(model_dir, requests, folder / "new.jsonl", PredictOptions(**options))
    assert not (folder / "new.jsonl").exists()
    return str(caught.value), caught.value.hint or ""


def test_candidates_of_no_known_item_or_of_no_user_asked_for_are_refused_and_exclusions_noted(
    model_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "users.csv").write_text("user_id\nu001\n")
    (tmp_path / "sessions.jsonl").write_text(
        '{"user_id": "u001", "history": [{"item_id": "i001"}]}\n'
    )
    every = Requests(all_users=True)
    users = Requests(users_path=tmp_path / "users.csv")
    sessions = Requests(histories_path=tmp_path / "sessions.jsonl")
    path = tmp_path / "pairs.csv"
    cases: list[tuple[Requests, tuple[str, str], str, str]] = [
        (every, ("u001", "I001"), "item_id: expected items of the model",
         "is 'I001' meant to be 'i001'? upper and lower case differ"),
        (every, ("U001", "i001"), "user_id: expected users of the model",
         "is 'U001' meant to be 'u001'? upper and lower case differ"),
        (users, ("u002", "i001"), f"user_id: expected users of {tmp_path / 'users.csv'}",
         f"the first is 'u002', the first of {tmp_path / 'users.csv'} 'u001'"),
        (sessions, ("u002", "i001"), f"user_id: expected users of {tmp_path / 'sessions.jsonl'}",
         f"the first is 'u002', the first of {tmp_path / 'sessions.jsonl'} 'u001'"),
    ]  # fmt: skip
    for requests, pair, message, hint in cases:
        write_pairs(path, [pair])
        expected = f"{path}: {message}, got none of them"
        assert refused(tmp_path, model_dir, requests, include_pairs_path=path) == (expected, hint)
        _, _, notes = predicted(tmp_path, model_dir, requests, exclude_pairs_path=path)
        assert notes == [f"{expected}; {hint}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_id\nu001\n", ":1: item_id: expected a column of this name, got 'user_id'"),
        ("item_id\ni001\n", ":1: user_id: expected a column of this name, got 'item_id'"),
        ("user_id,item_id\n", ": expected rows after the header, got none"),
        ("", ": expected a header line, got an empty file"),
        (
            "user_id,item_id\nu001,\n",
            ":2: item_id: expected an id of at least one character, got an empty one",
        ),
        ("user_id,item_id\nu001,a,b\n", ":2: expected 2 fields as in the header, got 3"),
    ],
)
def test_a_faulty_file_is_refused_with_its_place(
    text: str, message: str, model_dir: Path, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    found, _ = refused(tmp_path, model_dir, Requests(all_users=True), include_pairs_path=path)
    assert found == f"{path}{message}"
    if "rows after" in message or "empty file" in message:  # nothing to exclude is fine
        _, summary, notes = predicted(
            tmp_path, model_dir, Requests(all_users=True), exclude_pairs_path=path
        )
        assert "excluded" not in summary and notes == []


def test_columns_may_have_other_names(model_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("who,what\nu001,i004\n")
    predict_from_path(
        model_dir,
        Requests(all_users=True),
        tmp_path / "out.jsonl",
        PredictOptions(include_pairs_path=path, include_seen=True, fill="popularity"),
        input_options=InputOptions(ColumnNames("who", "what")),
    )
    found = lists_of(tmp_path / "out.jsonl")
    assert {item for items in found.values() for item in items} <= {"i004"}


@pytest.mark.parametrize("name", ["items.csv", "items.jsonl"])
def test_items_for_all_users_in_a_file_with_users_are_noted(
    name: str, model_dir: Path, tmp_path: Path
) -> None:
    path = write_pairs(tmp_path / name, [("u001", "i004"), ("u002", "i005")])
    for side in ("include", "exclude"):
        _, _, notes = predicted(
            tmp_path, model_dir, Requests(all_users=True), **{f"{side}_items_path": path}
        )
        assert notes == [
            f"{path}: user_id: passed over, as these items are {side}d for all users; "
            f"--{side}-pairs takes items of each user"
        ]
    (tmp_path / "plain.csv").write_text("item_id\ni004\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        predict_from_path(
            model_dir,
            Requests(all_users=True),
            tmp_path / "out.jsonl",
            PredictOptions(exclude_items_path=tmp_path / "plain.csv"),
        )

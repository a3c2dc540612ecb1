"""mlcore.recommend.predict: files in, one line for each list out, in the order that was asked for."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import DataError, Recommendation, Recommender, train_from_data
from mlcore.errors import UnknownUserError
from mlcore.files.options import InputOptions
from mlcore.recommend import scoring
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.similarity import Cosine
from tests import oracles


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    x = np.zeros((30, 20))
    for row in x:
        row[rng.choice(18, int(rng.integers(1, 7)), replace=False)] = 1 + rng.random()
    directory = tmp_path_factory.mktemp("predict") / "model"
    train_from_data(oracles.interactions_of(x)).save(directory)
    return directory


def strict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def parse(data: bytes) -> list[tuple[str, list[Recommendation]]]:
    """Read the lists with Python's json, and check that they hold what they should and no more."""
    assert data.endswith(b"\n") and b"\r" not in data
    lists = []
    for line in data.decode().splitlines():
        value = json.loads(line, object_pairs_hook=strict)
        assert list(value) == ["user_id", "items"]
        items = []
        for entry in value["items"]:
            source = entry.pop("source", "similarity")
            assert list(entry) == ["item_id", "score"] and source in ("similarity", "popularity")
            items.append(Recommendation(entry["item_id"], float(entry["score"]), source))
        lists.append((value["user_id"], items))
    return lists


def test_all_users_come_in_order_of_their_ids_with_the_recommenders_lists(
    model_dir: Path, tmp_path: Path
) -> None:
    summary = predict_from_path(model_dir, Requests(all_users=True), tmp_path / "out.jsonl")
    recommender = Recommender.load(model_dir)
    expected = [(user, recommender.predict(user)) for user in oracles.ids("u", 30)]
    found = parse((tmp_path / "out.jsonl").read_bytes())
    assert found == expected
    short = sum(len(items) < 10 for _, items in found)
    assert summary == f"30 lists, {short} shorter than 10" and short
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_lines_are_these_bytes(tmp_path: Path) -> None:
    # Items 0 and 1 have one common user, of 1 and of 3 users: cosine 1 / sqrt(3).
    x = np.array([[1, 1, 0], [0, 1, 1], [0, 1, 0.0]])
    train_from_data(oracles.interactions_of(x), oracles.plain(Cosine())).save(tmp_path / "model")
    history = '{"user_id": "\\"ü\\u0001", "history": [{"item_id": "i000"}]}\n'
    (tmp_path / "histories.jsonl").write_text(history, "utf-8")
    predict_from_path(
        tmp_path / "model",
        Requests(histories_path=tmp_path / "histories.jsonl"),
        tmp_path / "out.jsonl",
        PredictOptions(fill="popularity"),
    )
    # as float32 0.57735025882720947265625, whose shortest name in float64 is this
    assert (tmp_path / "out.jsonl").read_bytes() == (
        '{"user_id": "\\"ü\\u0001", "items": [{"item_id": "i001", "score": 0.5773502588272095}, '
        '{"item_id": "i002", "score": 0, "source": "popularity"}]}\n'
    ).encode()


def test_users_of_a_file_come_in_order_of_first_appearance_each_once(
    model_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "users.csv").write_text("x,user_id\n1,u007\n2,u003\n3,u007\n4,u029\n5,u003\n")
    (tmp_path / "users.jsonl").write_text(
        "".join(f'{{"user_id": "{user}"}}\n' for user in ("u007", "u003", "u007", "u029"))
    )
    recommender = Recommender.load(model_dir)
    expected = [(user, recommender.predict(user, 3)) for user in ("u007", "u003", "u029")]
    for name in ("users.csv", "users.jsonl"):
        requests = Requests(users_path=tmp_path / name)
        predict_from_path(model_dir, requests, tmp_path / "out", PredictOptions(top_n=3))
        assert parse((tmp_path / "out").read_bytes()) == expected


def test_histories_come_in_order_of_their_lines(model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "histories.jsonl").write_text(
        '{"user_id": "s9", "history": [{"item_id": "i003", "weight": 2.5}, {"item_id": "i001"}]}\n'
        '\n{"user_id": "s1", "history": []}\n'
        '{"user_id": "u001", "history": [{"item_id": "new"}, {"item_id": "i002", "weight": 1}]}\n'
    )
    summary = predict_from_path(
        model_dir,
        Requests(histories_path=tmp_path / "histories.jsonl"),
        tmp_path / "out.jsonl",
        PredictOptions(top_n=2),
    )
    recommender = Recommender.load(model_dir)
    assert parse((tmp_path / "out.jsonl").read_bytes()) == [
        ("s9", recommender.predict_history({"i003": 2.5, "i001": 1.0}, 2)),
        ("s1", []),
        ("u001", recommender.predict_history(["i002"], 2)),
    ]
    assert summary == "3 lists, 1 shorter than 2, 1 unknown items passed over"


def test_histories_as_a_table_come_in_order_of_user_ids(model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "histories.csv").write_text(
        "user_id,item_id,weight\ns9,i003,2\ns1,i002,1\ns9,i001,1\ns9,i003,0.5\n"
    )
    requests = Requests(histories_path=tmp_path / "histories.csv")
    predict_from_path(model_dir, requests, tmp_path / "out.jsonl")
    recommender = Recommender.load(model_dir)
    assert parse((tmp_path / "out.jsonl").read_bytes()) == [
        ("s1", recommender.predict_history(["i002"])),
        ("s9", recommender.predict_history({"i003": 2.5, "i001": 1.0})),
    ]


def test_formats_may_be_given_where_names_do_not_tell(model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "users").write_text('{"user_id": "u003"}\n')
    requests = Requests(users_path=tmp_path / "users")
    predict_from_path(
        model_dir, requests, tmp_path / "out", input_options=InputOptions(format="jsonl")
    )
    assert [user for user, _ in parse((tmp_path / "out").read_bytes())] == ["u003"]


def test_an_unknown_user_stops_everything_unless_told_otherwise(
    model_dir: Path, tmp_path: Path
) -> None:
    users = tmp_path / "users.csv"
    users.write_text("user_id\nu003\nnobody\n")
    out = tmp_path / "out.jsonl"
    with pytest.raises(DataError, match="expected a user of the model, got 'nobody'") as caught:
        predict_from_path(model_dir, Requests(users_path=users), out)
    assert str(caught.value).startswith(f"{users}:3: user_id: ")
    assert caught.value.hint == (
        "--unknown-user skip leaves such users out, fill gives them popular items"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["users.csv"]


@pytest.mark.parametrize("name", ["none.csv", "none.jsonl"])
def test_a_list_without_rows_excludes_nothing(name: str, model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text("item_id\n" if name.endswith(".csv") else "")
    for out, options in [
        ("all.jsonl", PredictOptions()),
        ("out.jsonl", PredictOptions(exclude_items_path=tmp_path / name)),
    ]:
        predict_from_path(model_dir, Requests(all_users=True), tmp_path / out, options)
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "all.jsonl").read_bytes()
    with pytest.raises(DataError, match="got none$|got an empty file$"):
        options = PredictOptions(include_items_path=tmp_path / name)
        predict_from_path(model_dir, Requests(all_users=True), tmp_path / "out.jsonl", options)


@pytest.mark.parametrize("fill", [None, "popularity"])
def test_an_unknown_user_may_be_left_out(fill: Any, model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user_id\nnobody\nu003\nno one\n")
    summary = predict_from_path(
        model_dir,
        Requests(users_path=tmp_path / "users.csv"),
        tmp_path / "out.jsonl",
        PredictOptions(top_n=1, fill=fill, unknown_user="skip"),
    )
    recommender = Recommender.load(model_dir)
    expected = [("u003", recommender.predict("u003", 1))]
    assert parse((tmp_path / "out.jsonl").read_bytes()) == expected
    assert summary == "1 lists, 2 unknown users"


def test_an_unknown_user_may_get_popular_items_while_others_get_none(
    model_dir: Path, tmp_path: Path
) -> None:
    recommender = Recommender.load(model_dir)
    short = next(user for user in oracles.ids("u", 30) if len(recommender.predict(user, 19)) < 10)
    (tmp_path / "users.csv").write_text(f"user_id\nnobody\n{short}\n")
    predict_from_path(
        model_dir,
        Requests(users_path=tmp_path / "users.csv"),
        tmp_path / "out.jsonl",
        PredictOptions(top_n=19, unknown_user="fill"),
    )
    assert parse((tmp_path / "out.jsonl").read_bytes()) == [
        ("nobody", recommender.predict_history([], 19, fill="popularity")),
        (short, recommender.predict(short, 19)),
    ]


@pytest.mark.parametrize("include_seen", [False, True])
@pytest.mark.parametrize("fill", [None, "popularity"])
def test_options_are_those_of_the_recommender(
    fill: Any, include_seen: bool, model_dir: Path, tmp_path: Path
) -> None:
    include, exclude = oracles.ids("i", 15), ["i002", "no such item", "i005"]
    (tmp_path / "include.csv").write_text("\n".join(["item_id", *include]) + "\n")
    lines = [json.dumps({"item_id": item, "why": "sold out"}) for item in exclude]
    (tmp_path / "exclude.jsonl").write_text("\n".join(lines) + "\n")
    options = PredictOptions(
        top_n=12,
        include_items_path=tmp_path / "include.csv",
        exclude_items_path=tmp_path / "exclude.jsonl",
        include_seen=include_seen,
        fill=fill,
    )
    predict_from_path(model_dir, Requests(all_users=True), tmp_path / "out.jsonl", options)
    recommender = Recommender.load(model_dir)
    found = parse((tmp_path / "out.jsonl").read_bytes())
    assert found == [
        (
            user,
            recommender.predict(
                user, 12, include=include, exclude=exclude, include_seen=include_seen, fill=fill
            ),
        )
        for user in recommender.user_ids()
    ]
    listed = {item.item_id for _, items in found for item in items}
    assert listed <= set(include) - set(exclude) and len(listed) > 10


@pytest.mark.parametrize("threads", [1, 2, 5, None])
@pytest.mark.parametrize("rows", [1, 4, 1024])
def test_threads_and_block_size_change_no_byte(
    rows: int,
    threads: int | None,
    model_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = PredictOptions(fill="popularity")
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    predict_from_path(model_dir, Requests(all_users=True), one, options, threads=1)
    monkeypatch.setattr(scoring, "MAX_BLOCK_ROWS", rows)
    told: list[tuple[str, int, int]] = []
    predict_from_path(
        model_dir,
        Requests(all_users=True),
        other,
        options,
        threads=threads,
        progress=lambda step, done, total: told.append((step, done, total)),
    )
    assert one.read_bytes() == other.read_bytes()
    assert told == [("recommend", min(end, 30), 30) for end in range(rows, 30 + rows, rows)]


def test_output_may_be_compressed_and_has_the_same_bytes_each_time(
    model_dir: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("out.jsonl", "a.jsonl.gz", "b.jsonl.gz")]
    for path in paths:
        predict_from_path(model_dir, Requests(all_users=True), path)
    plain, first, second = (path.read_bytes() for path in paths)
    assert gzip.decompress(first) == plain
    assert first == second


def test_inputs_may_be_compressed(model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "users.csv.gz").write_bytes(gzip.compress(b"user_id\nu003\n"))
    requests = Requests(users_path=tmp_path / "users.csv.gz")
    predict_from_path(model_dir, requests, tmp_path / "out.jsonl")
    assert [user for user, _ in parse((tmp_path / "out.jsonl").read_bytes())] == ["u003"]


def test_a_faulty_weight_of_a_history_is_named_with_its_line(tmp_path: Path) -> None:
    path, model_dir = tmp_path / "histories.jsonl", tmp_path / "model"
    train_from_data(oracles.interactions_of(np.ones((2, 2))), oracles.plain(Cosine())).save(
        model_dir
    )
    path.write_text(
        '{"user_id": "s1", "history": []}\n'
        '{"user_id": "s2", "history": [{"item_id": "i001", "weight": 1e39}]}\n'
    )
    with pytest.raises(DataError) as caught:
        predict_from_path(model_dir, Requests(histories_path=path), tmp_path / "out.jsonl")
    assert str(caught.value) == (
        f"{path}:2: weighting none: item 'i001': expected a weight above 0 that float32 holds, "
        "got 1e+39"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["histories.jsonl", "model"]


def test_a_model_without_users_takes_histories_only(model_dir: Path, tmp_path: Path) -> None:
    trained = train_from_data(oracles.interactions_of(np.ones((2, 2))), with_users=False)
    trained.save(tmp_path / "model")
    (tmp_path / "users.csv").write_text("user_id\nu000\n")
    for requests in (Requests(all_users=True), Requests(users_path=tmp_path / "users.csv")):
        for unknown_user in ("error", "skip", "fill"):
            options = PredictOptions(unknown_user=unknown_user)
            with pytest.raises(DataError, match="one trained without$") as caught:
                predict_from_path(tmp_path / "model", requests, tmp_path / "out.jsonl", options)
            assert not isinstance(caught.value, UnknownUserError)
    assert not (tmp_path / "out.jsonl").exists()

"""mlcore.recommend.memory: what is planned is taken; the plan is shown, or an error in time."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cli.predict import main as predict_main
from mlcore import Interactions, Model, train_from_data
from mlcore.errors import DataError
from mlcore.history_decay import ExponentialHistoryDecay, HistoryDecay, QuadraticHistoryDecay
from mlcore.ids import IdMap
from mlcore.memory.plan import LARGER_MACHINE
from mlcore.recommend.memory import DECAY_BYTES, ENTRY_BYTES, FEWER_PAIRS, SHORTER_LISTS, plan_lists
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.recommend.filter import ItemFilter
from mlcore.recommend.request import ListOptions
from mlcore.types import CsrMatrix

MIB = 2**20


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 5,000 items with 50 pairs each, and 1,500 users with 40 items each."""
    rng = np.random.default_rng(0)
    num_items, num_users = 5000, 1500

    def matrix(rows: int, length: int) -> CsrMatrix:
        columns = np.sort(rng.integers(0, num_items - length, (rows, length)), axis=1)
        indices = (columns + np.arange(length)).ravel().astype(np.int32)
        data = rng.random(rows * length).astype(np.float32) + np.float32(0.1)
        return CsrMatrix(np.arange(rows + 1) * length, indices, data, num_items)

    histories = matrix(num_users, 40)
    popularity = np.bincount(histories.indices, minlength=num_items).astype(np.int64)
    items, users = (
        IdMap.from_ids([f"{letter}{n:07}" for n in range(count)])
        for letter, count in (("i", num_items), ("u", num_users))
    )
    pairs = matrix(num_items, 50)
    num_interactions = histories.num_entries
    folder = tmp_path_factory.mktemp("plan") / "model"
    Model(
        {}, items, pairs, popularity, num_users, num_interactions, "0" * 64, users, histories
    ).save(folder)  # fmt: skip
    return folder


@pytest.mark.parametrize("top_n", [10, 60])
@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.native)])
def test_recommending_takes_what_is_planned(
    compiled: bool, top_n: int, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.native.is_available", lambda: compiled)
    plan = plan_lists(Model.load(model_dir), model_dir, ListOptions(top_n), 2, all_users=True)
    options = PredictOptions(top_n)
    tracemalloc.start()
    try:
        predict_from_path(model_dir, Requests(all_users=True), tmp_path / "o", options, threads=2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Less than planned, as both threads are seldom at their most at once, on a busy machine never.
    assert 0.45 <= peak / plan.num_bytes <= 1.0


def test_items_that_files_name_are_planned_for(model_dir: Path) -> None:
    model = Model.load(model_dir)
    plain, named = (
        plan_lists(model, model_dir, ListOptions(10), 1, all_users=True, finds_items=finds_items)
        for finds_items in (False, True)
    )
    assert named.num_bytes - plain.num_bytes == ENTRY_BYTES * len(model.items)


@pytest.mark.parametrize("decay", [QuadraticHistoryDecay(), ExponentialHistoryDecay()], ids=str)
def test_the_decay_of_stored_histories_is_planned_for(decay: HistoryDecay, model_dir: Path) -> None:
    model, options = Model.load(model_dir), ListOptions(10)
    assert model.histories is not None
    indptr, num_entries = model.histories.indptr, model.histories.num_entries
    order = np.tile(np.arange(1, 41, dtype=np.int32), 1500)
    ordered = replace(model, order=order)
    more = [
        plan_lists(ordered, model_dir, options, threads, all_users).num_bytes
        - plan_lists(model, model_dir, options, threads, all_users).num_bytes
        for threads, all_users in ((1, True), (2, True), (2, False))
    ]
    assert more[1] == 2 * more[0] > 0 == more[2]
    tracemalloc.start()
    try:
        decay.apply(indptr, model.histories.data, order)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.45 < (most - 16 * len(indptr)) / (DECAY_BYTES * num_entries) <= 1


def test_unknown_users_are_planned_for_as_if_they_touched_all_items(model_dir: Path) -> None:
    model, options = Model.load(model_dir), ListOptions(10)
    known = plan_lists(model, model_dir, options, 2, all_users=True)
    unknown = plan_lists(model, model_dir, options, 2, all_users=False)
    explained = plan_lists(model, model_dir, ListOptions(10, explain=True), 2, all_users=True)
    assert known.num_bytes < min(unknown.num_bytes, explained.num_bytes)


def test_caps_are_planned_for_as_if_they_needed_lists_of_all_items(model_dir: Path) -> None:
    model = Model.load(model_dir)
    capped = ListOptions(10, filter=ItemFilter(at_most={"brand": 1}))
    plans = [
        plan_lists(model, model_dir, options, 2, all_users=True)
        for options in (ListOptions(10), capped)
    ]
    assert plans[0].num_bytes < plans[1].num_bytes


def test_the_suggestion_makes_the_plan_smaller(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model.load(model_dir)

    def planned(n: int, threads: int, all_users: bool = True) -> tuple[int, str | None]:
        plan = plan_lists(model, model_dir, ListOptions(n), threads, all_users)
        error = plan.error(0)
        assert error is not None
        return plan.num_bytes, error.hint

    monkeypatch.setattr("mlcore.native.is_available", lambda: False)
    size, hint = planned(10, 4)
    assert hint == "use fewer threads, --threads" and planned(10, 2)[0] < 0.7 * size
    assert planned(10, 1)[1] == LARGER_MACHINE
    size, hint = planned(5000, 1)
    assert hint == SHORTER_LISTS and planned(100, 1)[0] < 0.7 * size


def test_a_large_model_suggests_fewer_pairs(tmp_path: Path) -> None:
    num_items = 3000
    columns = np.tile(np.arange(num_items, dtype=np.int32), 2500)
    indptr = np.minimum(np.arange(num_items + 1), 2500) * num_items
    pairs = CsrMatrix(indptr, columns, np.ones(len(columns), np.float32), num_items)
    items = IdMap.from_ids([f"{n:04}" for n in range(num_items)])
    counts = np.ones(num_items, np.int64)
    model = Model({}, items, pairs, counts, 1, num_items, "0" * 64, None, None)
    error = plan_lists(model, tmp_path, ListOptions(1), 1, all_users=False).error(0)
    assert error is not None and error.hint == FEWER_PAIRS


def test_a_model_that_is_gone_since_it_was_opened_is_named(model_dir: Path) -> None:
    model, gone = Model.load(model_dir), model_dir / "gone"
    with pytest.raises(DataError, match="gone: expected a model directory, got 'No such file"):
        plan_lists(model, gone, ListOptions(1), 1, all_users=True)


def small_model(folder: Path) -> None:
    train_from_data(Interactions.from_columns("uuv", "aba")).save(folder / "model")


@pytest.mark.parametrize("out", ["lists.jsonl", "-"])
def test_a_dry_run_prints_the_plan_and_creates_nothing(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small_model(tmp_path)
    command = ["--model-dir", "model", "--all-users", "--out", out, "--threads", "1", "--dry-run"]
    assert predict_main(command) == 0
    shown, err = capsys.readouterr()
    first, *_, last = shown.splitlines()
    assert err == ""
    assert first == "memory plan: recommend, top 10 of 2 items, 2 users, 2 pairs, 1 thread"
    assert last.startswith("  besides, the model is mapped: ")
    assert os.listdir(tmp_path) == ["model"]
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: 0)
    assert predict_main(command) == 1
    shown, err = capsys.readouterr()
    assert shown == "" and err.startswith(first) and "\nerror: recommend: memory: " in err


def test_the_command_shows_the_plan_before_the_work_or_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small_model(tmp_path)
    command = ["--model-dir", "model", "--all-users", "--out"]
    assert predict_main([*command, "quiet.jsonl"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("mlcore.memory.plan.SHOWN_FROM", 1)
    assert predict_main([*command, "shown.jsonl"]) == 0
    assert capsys.readouterr().err.startswith("memory: at most ")
    assert Path("shown.jsonl").read_bytes() == Path("quiet.jsonl").read_bytes()
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: MIB // 1024)
    assert predict_main([*command, "other.jsonl"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: recommend: memory: expected a need of at most ")
    assert not Path("other.jsonl").exists()

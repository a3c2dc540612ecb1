"""mlcore.tune.auto: what is held out, what is tried, and when the default is left."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.train import main
from mlcore import DataError, Interactions, Model, Recommender, TrainConfig, train_from_data
from mlcore.artifact import DIRECTORY_FILES
from mlcore.artifact.publish import publish_from_path
from mlcore.interactions import Events
from mlcore.train import Trainer
from mlcore.tune import AutoConfig, auto, select_from_data, train_auto_from_data
from mlcore.tune.holdout import hold_out
from mlcore.tune.ladder import ladder
from tests.tune.cases import library, pairs_of, shuffled

# --- how one is chosen ------------------------------------------------------------------------------


def test_values_are_those_of_training_and_evaluating_by_hand() -> None:
    interactions = library(8)
    found = select_from_data(interactions, AutoConfig("recall@5", budget=8))
    held = hold_out(interactions, 10_000, seed=0)
    assert held is not None
    assert (found.users, found.held_out) == (120, len(held.validation))
    taken = {
        user: {item for one, item in pairs_of(held.validation) if one == user}
        for user in held.validation.user_ids
    }
    values = []
    for one in found.tried:
        recommender = Recommender(train_from_data(held.training, one.config))
        lists = {user: recommender.predict(user, n=5) for user in taken}
        recalls = [
            len({item.item_id for item in lists[user]} & items) / len(items)
            for user, items in taken.items()
        ]
        mean, reach = np.mean(recalls), 1.96 * np.std(recalls, ddof=1) / math.sqrt(120)
        assert one.value == pytest.approx(mean, abs=1e-12)
        assert one.interval == pytest.approx((mean - reach, mean + reach), abs=1e-12)
        values.append(np.array(recalls))
    places = [(-one.rung, -(one.value or 0)) for one in found.tried]
    assert places == sorted(places) and len(set(places)) > 4
    default = next(n for n, one in enumerate(found.tried) if one.config == TrainConfig().to_json())
    assert default and found.difference is not None
    difference = values[0] - values[default]
    mean, reach = difference.mean(), 1.96 * difference.std(ddof=1) / math.sqrt(120)
    assert found.difference == pytest.approx((mean, mean - reach, mean + reach), abs=1e-12)


def sessions(users: int = 400) -> Interactions:
    """Return histories of items below 40 at random, of which the first and the last have one that follows."""
    rng = np.random.default_rng(5)
    rows = []
    for user in range(users):
        first, *others, last = rng.permutation(40)[:6].tolist()
        for place, item in enumerate([first, 40 + first, *others, last, 40 + last]):
            rows.append((f"u{user:03}", f"i{item:02}", 1, place))
    return Interactions.from_columns(*zip(*rows))


def test_what_beats_the_default_by_more_than_chance_is_taken() -> None:
    found = select_from_data(sessions(), settings={"similarity.name": "cosine"})
    assert found.config.history_decay.name != "none"
    assert found.difference is not None and found.difference[1] > 0 and not found.within_chance
    assert found.config.to_json() == found.tried[0].config
    assert f"history_decay.name={found.config.history_decay.name}" in found.summary()


def test_what_may_be_chance_leaves_the_default() -> None:
    rng = np.random.default_rng(2)
    users, items = np.nonzero(rng.random((200, 50)) < 0.2)
    noise = Interactions.from_columns([f"u{u}" for u in users], [f"i{i}" for i in items])
    found = select_from_data(noise)
    assert found.config == TrainConfig()
    assert found.difference is None or found.within_chance
    assert found.summary().startswith("auto: the default configuration")


def test_few_users_say_nothing() -> None:
    found = select_from_data(library(users=29))
    assert (found.config, found.tried, found.users) == (TrainConfig(), [], 29)
    assert found.to_json()["tried"] == []


def test_the_same_interactions_and_seed_give_the_same_document() -> None:
    data = library(with_times=True)
    documents = [
        json.dumps(select_from_data(some, threads=threads).to_json())
        for some, threads in ((data, 1), (shuffled(data), 3))
    ]
    assert documents[0] == documents[1]
    other = select_from_data(data, AutoConfig(seed=1, budget=2)).to_json()
    assert other["seed"] == 1 and len(other["tried"]) == 2


def test_the_best_go_on_to_more_users_and_the_default_to_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rungs = (auto._Rung(1500, 40, 6), auto._Rung(2500, 80, 3), auto._Rung(math.inf, 200, 1))
    monkeypatch.setattr(auto, "RUNGS", rungs)
    monkeypatch.setattr(auto, "WIDE", 30)
    sizes: list[int] = []
    train = Trainer.train

    def note(self: Trainer, config: TrainConfig, **options: Any) -> Model:
        model = train(self, config, **options)
        sizes.append(model.num_interactions)
        return model

    monkeypatch.setattr(Trainer, "train", note)
    found = select_from_data(library(users=200))
    counts = np.bincount([one.rung for one in found.tried])
    assert counts[3] in (3, 4) and counts[2] + counts[3] <= 9
    wide = [one for one in found.tried if one.config["num_neighbors"] == auto.WIDE]
    assert len(wide) == auto.WIDENED and min(one.rung for one in wide) == 2
    assert counts.sum() == len(ladder(library(), {})) + len(wide)
    assert TrainConfig().to_json() in [one.config for one in found.tried if one.rung == 3]
    least, middle, most = sorted(set(sizes))
    assert least <= 1500 < middle <= 2500 < most
    assert (found.users, sizes.count(least)) == (200, counts.sum() - len(wide))


def test_of_many_interactions_only_the_best_and_the_default_are_tried_on_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rungs = (auto._Rung(1500, 40, 6), auto._Rung(2500, 80, 3), auto._Rung(math.inf, 200, 1))
    monkeypatch.setattr(auto, "RUNGS", rungs)
    monkeypatch.setattr(auto, "MANY", 1000)
    found = select_from_data(library(users=200))
    assert sum(one.rung == 3 for one in found.tried) <= 2


def test_a_part_trains_on_the_users_it_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "RUNGS", (auto._Rung(1, 40, 6), auto._Rung(math.inf, 200, 1)))
    assert select_from_data(library(users=200), AutoConfig(budget=2)).tried[0].value


def test_a_configuration_that_cannot_be_trained_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = Trainer.train

    def refuse(self: Trainer, config: TrainConfig, **options: Any) -> Model:
        if config.similarity.name == "asymmetric_cosine":
            raise DataError("memory: expected more")
        return train(self, config, **options)

    monkeypatch.setattr(Trainer, "train", refuse)
    found = select_from_data(library())
    failed = [one for one in found.tried if one.error is not None]
    assert failed and {one.config["similarity"]["name"] for one in failed} == {"asymmetric_cosine"}
    assert {(one.value, one.interval, one.error) for one in failed} == {
        (None, None, "memory: expected more")
    }
    assert found.tried[-len(failed) :] == failed and found.tried[0].value


def test_where_nothing_can_be_trained_the_default_says_why() -> None:
    found = select_from_data(library(), settings={"history_decay.name": "quadratic"})
    assert found.config == TrainConfig().with_settings({"history_decay.name": "quadratic"})
    assert found.summary().startswith(
        "auto: the default configuration, as no other can be trained: timestamp: expected a column"
    )


def test_events_in_order_are_kept_for_a_similarity_of_them() -> None:
    data = library(with_times=True)
    matrix, times = data.user_items, data.timestamps
    assert times is not None
    rows = np.repeat(np.arange(len(data)), 2)  # each twice
    users = matrix.row_of_entry()[rows].astype(np.int32)
    later = 1_000_000 * (np.arange(len(rows)) % 2)
    weights = np.ones(len(rows))
    events = Events(
        data.user_ids, data.item_ids, users, matrix.indices[rows], weights, times[rows] + later
    )
    settings = {"similarity.name": "sequential_rules"}
    model, selection = train_auto_from_data(events, settings=settings)
    assert model.config_json["similarity"] == selection.config.to_json()["similarity"]
    assert {one.error for one in selection.tried} == {None}


# --- the model --------------------------------------------------------------------------------------


def test_the_model_is_that_of_the_choice_on_all_interactions() -> None:
    data = sessions()
    model, selection = train_auto_from_data(data)
    expected = train_from_data(data, selection.config)
    assert model.config_json == selection.config.to_json() and model.num_interactions == len(data)
    assert (model.similarity.data == expected.similarity.data).all()


def test_the_directory_has_the_choice_and_what_it_rests_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = sessions()
    matrix, times = data.user_items, data.timestamps
    assert times is not None
    rows = zip(matrix.row_of_entry().tolist(), matrix.indices.tolist(), times.tolist())
    lines = [f"{data.user_ids[u]},{data.item_ids[i]},{t // 1_000_000}" for u, i, t in rows]
    events, model = tmp_path / "events.csv", tmp_path / "model"
    events.write_text("\n".join(["user_id,item_id,timestamp", *lines]) + "\n")
    command = ["--interactions", str(events), "--config", "auto", "--out-dir", str(model)]
    assert main([*command, "--set", "num_neighbors=20", "--budget", "6", "--metric", "mrr@5"]) == 0
    error = capsys.readouterr().err
    assert (
        "auto: step 1 of 3: 6 configurations" in error
        and "the best of 6 on 400 users: mrr@5" in error
    )
    selection = json.loads((model / "selection.json").read_text())
    config = json.loads((model / "config.json").read_text())
    assert selection["config"] == config and config["num_neighbors"] == 20
    assert (selection["metric"], selection["budget"], len(selection["tried"])) == ("mrr@5", 6, 6)
    expected = select_from_data(data, AutoConfig("mrr@5", 6), settings={"num_neighbors": 20})
    assert selection == json.loads(json.dumps(expected.to_json()))
    # A folder with the file is a model directory: replaced, verified, published.
    assert "selection.json" in DIRECTORY_FILES
    publish_from_path(model, tmp_path / "current")
    assert (tmp_path / "current/selection.json").read_bytes() == (
        model / "selection.json"
    ).read_bytes()
    assert main([*command[:2], "--out-dir", str(model), "--overwrite"]) == 0
    assert not (model / "selection.json").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--metric", "mrr@5"], "error: --metric: expected --config auto with it, got none\n"),
        (["--budget", "3"], "error: --budget: expected --config auto with it, got none\n"),
        (
            ["--config", "auto", "--budget", "0"],
            "error: budget: expected an integer >= 1, got 0\n",
        ),
        (
            ["--config", "auto", "--set", "similarity.beta=-1"],
            "error: --set similarity.beta=-1: expected a finite number >= 0, got -1\n",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused_and_nothing_is_written(
    options: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,a\n")
    command = ["--interactions", str(tmp_path / "events.csv"), "--out-dir", str(tmp_path / "model")]
    assert main([*command, *options]) == 1
    assert capsys.readouterr().err == expected
    assert [path.name for path in tmp_path.iterdir()] == ["events.csv"]


def test_a_dry_run_plans_for_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,a\nu,b\n")
    command = ["--interactions", str(tmp_path / "events.csv"), "--out-dir", str(tmp_path / "model")]
    assert main([*command, "--config", "auto", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("memory plan: rp3beta, 2 interactions")
    assert not (tmp_path / "model").exists()

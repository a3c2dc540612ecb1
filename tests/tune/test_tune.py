"""mlcore.tune.tune: trials, and a search that resumes after a kill as if nothing had happened."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.tune import build_parser, main
from mlcore import (
    ConfigError,
    DataError,
    Interactions,
    MlcoreError,
    Recommender,
    TrainConfig,
    train_from_data,
)
from mlcore.newest import mark_newest
from mlcore.similarity.gram import CacheBudget
from mlcore.train.train import Trainer
from mlcore.tune.config import TuneConfig
from mlcore.tune.directory import open_tuning_directory
from mlcore.tune.optuna_sampler import suggest
from mlcore.tune.space import SearchSpace
from mlcore.tune.trials import Trial
from mlcore.tune.tune import tune_from_data, tune_from_path
from mlcore.tune.validation import validate_model
from tests.tune.conftest import METRIC, SPACE, TRAIN_ROWS, VALID_ROWS, search

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(REPOSITORY)}
DEFAULT_K = TrainConfig().num_neighbors


# --- one trial ---


def test_a_trial_is_worth_what_its_model_recommends_to_the_users_held_out(
    train: Interactions, valid: Interactions
) -> None:
    taken = {user: {item for who, item, _ in VALID_ROWS if who == user} for user in valid.user_ids}
    for trial in search(train, valid, metric="recall@5", trials=6):
        recommender = Recommender(train_from_data(train, TrainConfig.from_json(trial.config)))
        recalls = []
        for user, items in taken.items():
            known = user in train.user_ids
            listed = {one.item_id for one in recommender.predict(user, n=5)} if known else set()
            recalls.append(len(listed & items) / len(items))
        assert trial.value == pytest.approx(np.mean(recalls), rel=1e-12)
        assert trial.value == trial.metrics["recall@5"]
        assert [name.partition("@")[2] for name in trial.metrics] == ["5"] * 6
    assert "u79" in taken and "u79" not in train.user_ids


def test_trial_0_is_the_default_configuration_wherever_the_space_is(
    train: Interactions, valid: Interactions
) -> None:
    space = {"similarity": {"name": "jaccard"}, "num_neighbors": {"int": [1, 3]}}
    first, *others = search(train, valid, space, trials=4)
    assert (first.trial, first.params, first.config) == (0, {}, TrainConfig().to_json())
    assert [trial.config["similarity"] for trial in others] == [{"name": "jaccard"}] * 3
    assert [trial.config["num_neighbors"] for trial in others] == [
        trial.params["num_neighbors"] for trial in others
    ]


# --- the search ---


def test_the_same_search_finds_the_same_and_another_seed_something_else(
    train: Interactions, valid: Interactions
) -> None:
    one, same, other = (search(train, valid, seed=seed) for seed in (4, 4, 5))
    assert one == same
    assert [trial.config for trial in one[1:]] != [trial.config for trial in other[1:]]
    assert one[0] == other[0]
    assert search(train, valid, seed=4, threads=3) == one


@pytest.mark.parametrize("done", [0, 1, 2, 9, 12, 15])
def test_a_resumed_search_tries_what_it_would_have_tried_without_interruption(
    train: Interactions, valid: Interactions, done: int
) -> None:
    whole = search(train, valid)
    assert len({trial.value for trial in whole}) > 10
    assert search(train, valid, past=whole[:done]) == whole[done:]


def test_a_search_finds_how_fast_a_history_decays() -> None:
    rng = np.random.default_rng(2)
    users, items = (rng.integers(0, most, 900).astype(str) for most in (60, 25))
    timed = Interactions.from_columns(users, items, timestamps=rng.integers(0, 10**6, 900))
    held_out = mark_newest(timed, 1)
    known, newest = timed.select(~held_out), timed.select(held_out)
    half_life = {"float": [0.1, 9], "log": True}
    space = {
        "history_decay": {
            "choice": [
                {"name": "quadratic"},
                {"name": "exponential", "half_life_items": half_life},
            ]
        }
    }
    trials = search(known, newest, space, metric="ndcg@5", trials=6)
    names = {trial.config["history_decay"]["name"] for trial in trials}
    assert names == {"none", "quadratic", "exponential"}
    assert len({trial.value for trial in trials}) > 2
    for trial in trials:
        model = train_from_data(known, TrainConfig.from_json(trial.config))
        assert validate_model(model, newest, 5).metrics["ndcg@5"] == trial.value


def test_models_that_differ_in_measure_shrinkage_or_neighbors_are_counted_once(
    train: Interactions, valid: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []  # products of sparse matrices, each of which asks once for room
    take = CacheBudget.take

    def count(self: CacheBudget, size: int) -> bool:
        made.append(size)
        return take(self, size)

    monkeypatch.setattr(CacheBudget, "take", count)
    # A training of its own counts in the way of a search.
    monkeypatch.setattr("mlcore.similarity.pairs.MIN_COMPILED_WORK", np.inf)
    monkeypatch.setattr("mlcore.similarity.pairs._suits_half", lambda *_: False)
    space = {
        "similarity": {
            "choice": [
                {"name": "cosine"},
                {"name": "asymmetric_cosine", "alpha": {"float": [0, 1]}},
                {"name": "pearson"},
            ]
        },
        "num_neighbors": {"int": [1, 20]},
        "shrinkage": {"float": [0, 9]},
    }
    first = search(train, valid, space, trials=1)
    made.clear()
    shared = search(train, valid, space, trials=13, past=first)
    assert len({json.dumps(trial.config) for trial in shared}) == 12
    counted_once = len(made)
    train_from_data(train, TrainConfig.from_json(shared[0].config))
    of_one_training = len(made) - counted_once
    assert of_one_training >= 1
    names = {trial.config["similarity"]["name"] for trial in shared}
    assert names == {"cosine", "asymmetric_cosine", "pearson"}
    made.clear()
    config = TuneConfig(METRIC, 13, 0, keep_mib=0)
    apart = list(tune_from_data(train, valid, SearchSpace.from_json(space), config, past=first))
    assert [trial.value for trial in apart] == [trial.value for trial in shared]
    assert len(made) == 12 * of_one_training
    assert counted_once == of_one_training


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ((["x"], ["i00"]), "validation: user_id: expected users of the training, got none of them"),
        ((["u00"], ["x"]), "validation: item_id: expected items of the training, got none of them"),
    ],
)
def test_validation_must_have_to_do_with_the_training(
    train: Interactions, columns: Any, error: str
) -> None:
    with pytest.raises(DataError) as caught:
        search(train, Interactions.from_columns(*columns))
    assert str(caught.value) == error


def test_past_trials_must_be_of_this_space(train: Interactions, valid: Interactions) -> None:
    past = search(train, valid, trials=2)
    with pytest.raises(ConfigError, match="^trial 1: params: expected values of the"):
        search(train, valid, {"num_neighbors": {"int": [1, 2]}}, past=past)
    past[1] = replace(past[1], config=past[0].config)
    with pytest.raises(ConfigError, match="^trial 1: config: expected that of its params"):
        search(train, valid, past=past)


def test_a_space_of_rules_by_order_searches_on_all_events(tmp_path: Path) -> None:
    rows = [("u", item, time) for time, item in enumerate("abcabdab")]
    rows += [("v", item, time) for time, item in enumerate("cadbacba")]
    lines = [f"{user},{item},{time}" for user, item, time in rows]
    train, valid = tmp_path / "train.csv", tmp_path / "valid.csv"
    space, tuning = tmp_path / "space.json", tmp_path / "tuning"
    train.write_text("\n".join(["user_id,item_id,timestamp", *lines, "w,c,1", ""]))
    valid.write_text("user_id,item_id\nw,a\n")
    steps = [{"name": "sequential_rules", "steps": steps} for steps in (1, 5)]
    space.write_text(json.dumps({"similarity": {"choice": steps}}))
    tune_from_path(train, valid, space, tuning, TuneConfig("mrr@4", trials=6))
    users, items, times = zip(*rows, ("w", "c", 1))
    whole = Interactions.from_columns(users, items, timestamps=times)
    search = json.loads((tuning / "tuning.json").read_text())
    assert search["interactions_sha256"] == whole.sha256(with_order=True) != whole.sha256()
    worth = []
    for config in steps:
        recommender = Recommender(train_from_data(whole, {"similarity": config}))
        listed = [one.item_id for one in recommender.predict("w", n=4)]
        worth.append(1 / (listed.index("a") + 1))
    found = {
        trial["config"]["similarity"].get("steps"): trial["value"] for trial in lines_of(tuning)
    }
    assert found.items() >= {1: worth[0], 5: worth[1]}.items()


# --- the command and its directory ---


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, rows in (("train.csv", TRAIN_ROWS), ("valid.csv", VALID_ROWS)):
        lines = [f"{user},{item},{weight:g}" for user, item, weight in rows]
        (tmp_path / name).write_text("\n".join(["user_id,item_id,weight", *lines]) + "\n")
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMMAND = "--interactions train.csv --validation valid.csv --space space.json --metric ndcg@5"


def tune(more: str = "--trials 8 --out-dir tuning", command: str = COMMAND) -> int:
    return main(shlex.split(f"{command} {more}"))


def lines_of(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "trials.jsonl").read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def without_seconds(folder: Path) -> bytes:
    text = (folder / "trials.jsonl").read_bytes()
    return re.sub(rb'"seconds": \{[^}]*\}', b"", text)


def test_the_command_writes_the_trials_and_the_best_configuration(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune() == 0
    trials = lines_of(folder / "tuning")
    assert [trial["trial"] for trial in trials] == list(range(8))
    assert all(trial.keys() == vars(Trial(0, 0, {}, {})).keys() for trial in trials)
    assert trials[0]["config"] == TrainConfig().to_json()
    best = max(trials, key=lambda trial: float(trial["value"]))
    assert best["trial"] > 0
    assert json.loads((folder / "tuning/config.json").read_text()) == best["config"]
    out, err = capsys.readouterr()
    assert (out.splitlines()[0], err) == (
        f"best of 8 trials: trial {best['trial']}, ndcg@5 {best['value']:.4f}; "
        f"the default configuration has {trials[0]['value']:.4f}; 1 of 80 users have no history",
        "",
    )
    assert sorted(os.listdir(folder / "tuning")) == ["config.json", "trials.jsonl", "tuning.json"]


def test_the_trials_of_the_command_are_those_of_the_function(
    folder: Path, train: Interactions, valid: Interactions
) -> None:
    assert tune("--trials 7 --seed 3 --out-dir tuning") == 0
    found = [Trial(**{**line, "seconds": {}}) for line in lines_of(folder / "tuning")]
    assert found == search(train, valid, trials=7, seed=3)


def test_the_commands_it_names_give_the_value_it_names(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("train.csv", "valid.csv"):
        path = folder / name
        path.write_text(path.read_text("utf-8").replace("weight", "stars", 1), "utf-8")
    shutil.copy("valid.csv", "test.csv")
    (folder / "items.csv").write_text("item_id\nnew one\n")
    assert tune("--trials 6 --out-dir 'a tuning' --items items.csv --weight-column stars") == 0
    best = max(float(line["value"]) for line in lines_of(folder / "a tuning"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "next, on a test set that is in neither file of the search:"
    steps = [line.removeprefix("  mlcore ") for line in lines[2:7]]
    for step in steps:
        name, *arguments = shlex.split(step)
        if name == "predict":
            arguments += ["--unknown-user", "skip"]  # one user of the validation is unknown
        if name == "compare":
            arguments += ["--out", "comparison.json"]
        assert importlib.import_module(f"cli.{name}").main(arguments) == 0, capsys.readouterr().err
    commands = ["train", "train", "predict", "predict", "compare"]
    assert [shlex.split(step)[0] for step in steps] == commands
    comparison = json.loads((folder / "comparison.json").read_text())
    assert f"{best}"[:12] in json.dumps(comparison["metrics"])


def test_trials_are_told_where_progress_is_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "space.json").write_text(f'{{"num_neighbors": {{"choice": [{DEFAULT_K}]}}}}')
    assert tune("--trials 3 --out-dir tuning --progress") == 0
    value = f"{lines_of(folder / 'tuning')[0]['value']:.4f}"
    assert capsys.readouterr().err.splitlines() == [
        f"trial 0: ndcg@5 {value} (best: {value}, trial 0)",
        f"trial 1: ndcg@5 {value}, the configuration of trial 0 (best: {value}, trial 0)",
        f"trial 2: ndcg@5 {value}, the configuration of trial 0 (best: {value}, trial 0)",
    ]


KILLED_WHILE_IT_WRITES = """
import os, signal, sys
from cli.tune import build_parser, main
from mlcore.tune.directory import TuningDirectory

append = TuningDirectory.append

def append_or_die(self, trial):
    if trial.trial < int(sys.argv[1]):
        return append(self, trial)
    self._journal._stream.write(b'{"trial": 5, "value": 0.2')
    os.kill(os.getpid(), signal.SIGKILL)

TuningDirectory.append = append_or_die
main(sys.argv[2:])
"""


def test_a_search_that_was_killed_while_it_wrote_ends_as_one_that_was_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = shlex.split(f"{COMMAND} --trials 14 --out-dir killed")
    for number in ("3", "12"):
        done = subprocess.run(
            [sys.executable, "-c", KILLED_WHILE_IT_WRITES, number, *arguments],
            env=ENVIRONMENT,
            timeout=60,
        )
        assert done.returncode == -signal.SIGKILL
        content = (folder / "killed/trials.jsonl").read_bytes()
        assert content.count(b"\n") == int(number) and not content.endswith(b"\n")
        best = max(map(json.loads, content.splitlines()[:-1]), key=lambda line: line["value"])
        assert json.loads((folder / "killed/config.json").read_bytes()) == best["config"]
    (folder / "killed/.config.json.partial-01234567").write_text("{")
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    note = "note: killed/trials.jsonl: removed a last line that was not written to its end\n"
    assert err == note
    assert main(shlex.split(f"{COMMAND} --trials 14 --out-dir whole")) == 0
    assert capsys.readouterr().out == out.replace("killed", "whole")
    assert without_seconds(folder / "killed") == without_seconds(folder / "whole")
    for name in ("config.json", "tuning.json"):
        assert (folder / "killed" / name).read_bytes() == (folder / "whole" / name).read_bytes()
    assert sorted(os.listdir("killed")) == sorted(os.listdir("whole"))


def test_a_finished_search_can_be_made_longer_and_says_the_same_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune("--trials 4 --out-dir tuning") == 0
    assert tune("--trials 9 --out-dir tuning") == 0
    longer = (folder / "tuning/trials.jsonl").read_bytes()
    capsys.readouterr()
    (folder / "tuning/config.json").unlink()  # as if killed between the line and the file
    assert tune("--trials 4 --out-dir tuning") == 0
    assert capsys.readouterr().out.startswith("best of 9 trials: ")
    assert (folder / "tuning/trials.jsonl").read_bytes() == longer
    assert (folder / "tuning/config.json").exists()
    assert tune("--trials 9 --out-dir at-once") == 0
    assert without_seconds(folder / "tuning") == without_seconds(folder / "at-once")


@pytest.mark.parametrize(
    ("change", "more", "error"),
    [
        ("", "--metric recall@5", "metric: expected 'ndcg@5', with which the search began, got 'recall@5'"),
        ("", "--seed 1", "seed: expected 0, with which the search began, got 1"),
        ("train.csv", "", "interactions_sha256: expected '"),
        ("valid.csv", "", "validation_sha256: expected '"),
        ("", "--items train.csv --item-column item_id", None),
        (
            "space.json",
            "--seed 2",
            "seed: expected 0, with which the search began, got 2 (and another space)",
        ),
    ],
)  # fmt: skip
def test_a_search_resumes_only_with_what_it_began_with(
    folder: Path, capsys: pytest.CaptureFixture[str], change: str, more: str, error: str | None
) -> None:
    assert tune("--trials 2 --out-dir tuning") == 0
    capsys.readouterr()
    before = (folder / "tuning/trials.jsonl").read_bytes()
    if change.endswith(".csv"):
        (folder / change).write_text((folder / change).read_text() + "u01,i01,2\n")
    elif change:
        (folder / change).write_text('{"num_neighbors": {"int": [1, 9]}}')
    assert tune(f"--trials 3 --out-dir tuning {more}") == (0 if error is None else 1)
    if error is not None:
        first, *rest = capsys.readouterr().err.splitlines()
        assert first.startswith(f"error: tuning/tuning.json: {error}")
        assert rest == ["hint: another --out-dir starts another search"]
        assert (folder / "tuning/trials.jsonl").read_bytes() == before


def test_a_space_written_in_another_order_is_the_same_space(folder: Path) -> None:
    assert tune("--trials 3 --out-dir tuning") == 0
    (folder / "space.json").write_text(json.dumps(dict(reversed(SPACE.items())), indent=1))
    assert tune("--trials 6 --out-dir tuning") == 0
    assert tune("--trials 6 --out-dir at-once") == 0
    assert without_seconds(folder / "tuning") == without_seconds(folder / "at-once")


def test_another_version_does_not_resume_a_search(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tune("--trials 2 --out-dir tuning") == 0
    capsys.readouterr()
    monkeypatch.setattr("mlcore.tune.tune.VERSION", "99.0.0")
    assert tune("--trials 3 --out-dir tuning") == 1
    assert "tuning.json: mlcore: expected '" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")
def test_a_search_that_is_running_is_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune("--trials 2 --out-dir tuning") == 0
    capsys.readouterr()
    begun = json.loads((folder / "tuning/tuning.json").read_text())
    with open_tuning_directory(Path("tuning"), begun):
        assert tune("--trials 3 --out-dir tuning") == 1
    error = "tuning: expected a search that is not running, got one in another process"
    assert capsys.readouterr() == ("", f"error: {error}\n")
    assert tune("--trials 3 --out-dir tuning") == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: b"",
        lambda line: b"\xff",
        lambda line: b"{}",
        lambda line: b"[1]",
        lambda line: line.replace(b'"trial": 1', b'"trial": 2'),
        lambda line: line.replace(b'"value": ', b'"value": null, "objective": '),
        lambda line: re.sub(rb'"value": [0-9.]+', b'"value": null', line),
        lambda line: re.sub(rb'"params": \{[^}]*\}', b'"params": 5', line),
    ],
)
def test_a_line_that_is_no_trial_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: Any
) -> None:
    assert tune("--trials 3 --out-dir tuning") == 0
    capsys.readouterr()
    path = folder / "tuning/trials.jsonl"
    lines = path.read_bytes().split(b"\n")
    assert damage(lines[1]) != lines[1]
    lines[1] = damage(lines[1])
    path.write_bytes(b"\n".join(lines))
    assert tune("--trials 4 --out-dir tuning") == 1
    assert capsys.readouterr().err == (
        "error: tuning/trials.jsonl:2: expected trial 1 as it was written, got another line\n"
    )


BAD = {
    "a directory of something else": (
        "--out-dir other",
        "other: expected a directory of a search, got other content",
    ),
    "a file": (
        "--out-dir other/notes.txt",
        "other/notes.txt: expected a directory to write to, got ",
    ),
    "a file around": (
        "--out-dir space.json/where",
        "space.json/where: expected a directory to write to, got ",
    ),
    "metric": ("--out-dir new --metric auc", "metric: expected one of precision, recall, "),
    "trials": ("--out-dir new --trials 0", "trials: expected an integer >= 1, got 0"),
    "threads": ("--out-dir new --threads 0", "threads: expected an integer from 1 to 1024, got 0"),
    "space": (
        "--out-dir new --space bad.json",
        "bad.json: similarity: choice[1]: name: expected one of dot, ",
    ),
    "no JSON": (
        "--out-dir new --space train.csv",
        "train.csv: expected a JSON object, got invalid JSON (",
    ),
    "no file": ("--out-dir new --interactions x.csv", "x.csv: expected a readable file, got "),
    "no common user": (
        "--out-dir new --validation strange.csv",
        "strange.csv: user_id: expected users of the training, got none of them",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (folder / "other").mkdir()
    (folder / "other/notes.txt").write_text("dear diary")
    (folder / "bad.json").write_text(
        '{"similarity": {"choice": [{"name": "cosine"}, {"name": "cosinus"}]}}'
    )
    (folder / "strange.csv").write_text("user_id,item_id\nx,i00\n")
    before = sorted(folder.rglob("*"))
    more, error = BAD[name]
    assert tune(more) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"error: {error}")
    assert len(err.splitlines()) == 1 + ("\nhint: " in err)
    assert sorted(folder.rglob("*")) == before


def test_if_no_trial_succeeds_the_first_error_is_told_and_no_configuration_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Trainer, config: TrainConfig, **options: Any) -> Any:
        raise DataError(f"no room for {config.num_neighbors}")

    monkeypatch.setattr(Trainer, "train", refuse)
    assert tune("--trials 3 --out-dir tuning") == 1
    assert capsys.readouterr() == (
        "",
        "error: trials: expected one that does not fail, got 3 failures, "
        f"the first: no room for {DEFAULT_K}\n",
    )
    assert [line["value"] for line in lines_of(folder / "tuning")] == [None] * 3
    assert not (folder / "tuning/config.json").exists()


def test_an_interrupt_says_where_the_trials_are(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Trainer.train

    def interrupt(self: Trainer, config: TrainConfig, **options: Any) -> Any:
        if len(lines_of(folder / "tuning") if path.stat().st_size else []) == 2:
            raise KeyboardInterrupt
        return plain(self, config, **options)

    path = folder / "tuning/trials.jsonl"
    monkeypatch.setattr(Trainer, "train", interrupt)
    assert tune() == 1
    assert capsys.readouterr().err == (
        "error: interrupted, the finished trials are in tuning/trials.jsonl\n"
        "hint: the same command resumes there\n"
    )
    assert len(lines_of(folder / "tuning")) == 2


def test_without_the_extra_its_name_is_told_and_nothing_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)  # importing it fails
    assert tune() == 1
    assert capsys.readouterr() == (
        "",
        "error: optuna: expected the extra [tune] to be installed, got no such package\n"
        'hint: pip install ".[tune]" in the folder of mlcore, or pip install optuna\n',
    )
    assert not (folder / "tuning").exists()
    with pytest.raises(MlcoreError, match="the extra .tune."):
        suggest(SearchSpace.from_json(SPACE), [], 0, 1)


def test_the_built_in_space_is_searched_if_none_is_given(folder: Path) -> None:
    command = "--interactions train.csv --validation valid.csv --trials 12 --out-dir tuning"
    assert tune("", command) == 0
    names = {line["config"]["similarity"]["name"] for line in lines_of(folder / "tuning")}
    assert len(names) >= 4
    assert all(line["error"] is None for line in lines_of(folder / "tuning"))
    # What tuning.json says can be given as a space.
    begun = json.loads((folder / "tuning/tuning.json").read_text())
    (folder / "space.json").write_text(json.dumps(begun["space"]))
    assert tune("--space space.json --trials 13", command) == 0
    assert len(lines_of(folder / "tuning")) == 13


def test_the_space_in_the_help_is_a_space() -> None:
    text = build_parser().description
    assert text is not None
    (block,) = re.findall(r"^    \{.*?^    \]\}$", text, re.DOTALL | re.MULTILINE)
    SearchSpace.from_json(json.loads(block))

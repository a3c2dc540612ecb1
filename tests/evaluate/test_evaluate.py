"""mlcore.evaluate.evaluate: lists against what users really took, averaged over the users of the truth."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from cli.evaluate import main
from mlcore import ConfigError, DataError, Interactions, ranked_lists, train_from_data
from mlcore.errors import DataWarning, NoUsersError
from mlcore.evaluate.config import METRIC_NAMES, EvaluateConfig, ExtraUsers
from mlcore.evaluate.evaluate import Catalogue, evaluate_from_data, evaluate_from_path
from mlcore.evaluate.metrics import USER_METRICS
from mlcore.ranked_lists import Predictions
from mlcore.recommend.lists import RankedList, Recommendation
from tests import oracles
from tests.evaluate.trec_eval import OF_TREC_EVAL, trec_eval_of
from tests.oracles import predictions_of, truth_of

Lists = Mapping[str, Sequence[str]]


class Frame(list[str]):
    """Iterates over the names of its columns, as data frames do."""

    columns = ("user_id", "item_id")


def random_data(seed: int) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Lists and truth; some lists are short, empty or missing, some users have no hit."""
    rng = np.random.default_rng(seed)
    items = oracles.ids("i", 40)
    taken, lists = {}, {}
    for user in oracles.ids("u", 50):
        taken[user] = rng.choice(items, int(rng.integers(1, 15)), replace=False).tolist()
        length = int(rng.choice([0, 1, 4, 10]))
        if rng.random() < 0.9:
            lists[user] = rng.permutation([*items, *oracles.ids("x", 10)])[:length].tolist()
    lists["u000"] = rng.permutation(items)[:10].tolist()
    # the order of lists in a file is any
    shuffled = {user: lists[user] for user in rng.permutation(list(lists)).tolist()}
    return shuffled, taken


def trec_eval(lists: Lists, taken: Lists, n: int) -> dict[str, dict[str, float]]:
    run = {
        user: {item: 100.0 - rank for rank, item in enumerate(items[:n])}
        for user, items in lists.items()
    }
    return trec_eval_of(run, {user: dict.fromkeys(items, 1) for user, items in taken.items()}, n)


@pytest.mark.trec_eval
@pytest.mark.parametrize("seed", range(4))
def test_metrics_equal_those_of_trec_eval_with_0_for_users_without_a_list(seed: int) -> None:
    lists, taken = random_data(seed)
    found = evaluate_from_data(predictions_of(lists), truth_of(taken), [1, 3, 10])
    assert found.user_ids == sorted(taken)
    assert found.users_without_predictions == len(taken.keys() - lists.keys()) > 0
    assert found.ignored_users == 0
    assert list(found.metrics) == [f"{name}@{n}" for name in METRIC_NAMES for n in (1, 3, 10)]
    assert list(found.metrics) == list(found.per_user)
    for n in (1, 3, 10):
        theirs = trec_eval(lists, taken, n)
        for name, of_theirs in OF_TREC_EVAL.items():
            values = [
                theirs.get(user, {}).get(of_theirs.format(n=n), 0.0) for user in sorted(taken)
            ]
            ours = found.per_user[f"{name}@{n}"]
            assert np.abs(ours - values).max() <= 1e-12
            assert found.metrics[f"{name}@{n}"] == pytest.approx(sum(values) / 50, abs=1e-12)
            assert found.metrics[f"{name}@{n}"] > 0


def test_evaluation_gives_what_the_hand_computes() -> None:
    # u took a, b; its list is c, a. v took a; its list is a. w took a; it has no list.
    lists = {"v": ["a"], "u": ["c", "a"]}
    truth = truth_of({"u": ["a", "b"], "v": ["a"], "w": ["a"]})
    catalogue = Catalogue(["a", "b", "c", "d"], np.array([2, 1, 1, 0]), 4)
    found = evaluate_from_data(predictions_of(lists), truth, [1, 2], catalogue=catalogue)
    expected = {
        "precision@1": (0 + 1 + 0) / 3,
        "precision@2": (1 / 2 + 1 / 2 + 0) / 3,
        "recall@1": (0 + 1 + 0) / 3,
        "recall@2": (1 / 2 + 1 + 0) / 3,
        "mrr@2": (1 / 2 + 1 + 0) / 3,
        # cut at 1 the lists are c and a; cut at 2 they are c, a and a
        "coverage@1": 2 / 4,
        "coverage@2": 2 / 4,
        "gini@1": ((2 * 3 - 5) * 1 + (2 * 4 - 5) * 1) / (4 * 2),
        "gini@2": ((2 * 3 - 5) * 1 + (2 * 4 - 5) * 2) / (4 * 3),
        "novelty@1": (2 + 1) / 2,  # c has 1 of 4 users, 2 bits; a 2 of 4, 1 bit
        "novelty@2": (2 + 1 + 1) / 3,
    }
    assert {name: found.metrics[name] for name in expected} == pytest.approx(expected, rel=1e-15)
    assert found.to_json()["users"] == 3
    assert found.to_json()["users_without_predictions"] == 1
    assert found.per_user["recall@2"].tolist() == [0.5, 1, 0]


@pytest.mark.parametrize("seed", range(3))
def test_catalogue_metrics_equal_the_plain_formulas(seed: int) -> None:
    lists, taken = random_data(seed)
    lists["stranger"] = oracles.ids("i", 10)  # ignored here as everywhere
    items = [*oracles.ids("i", 40), *oracles.ids("x", 12)]
    rng = np.random.default_rng(seed)
    users_of_item = {item: int(rng.integers(0, 30)) for item in items}
    popularity = np.array([users_of_item[item] for item in items])
    found = evaluate_from_data(
        predictions_of(lists),
        truth_of(taken),
        [2, 10],
        catalogue=Catalogue(items, popularity, 30),
        extra_users="ignore",
    )
    assert list(found.metrics)[-6:] == [
        f"{name}@{n}" for n in (2, 10) for name in ("coverage", "gini", "novelty")
    ]
    for n in (2, 10):
        cut = [row[:n] for user, row in lists.items() if user != "stranger"]
        expected = {
            f"coverage@{n}": oracles.coverage(cut, items),
            f"gini@{n}": oracles.gini(cut, items),
            f"novelty@{n}": oracles.novelty(cut, users_of_item, 30),
        }
        ours = {name: found.metrics[name] for name in expected}
        assert ours == pytest.approx(expected, abs=1e-12)


def test_weights_of_the_ground_truth_play_no_part() -> None:
    lists, taken = random_data(1)
    num_pairs = sum(map(len, taken.values()))
    weights = np.random.default_rng(1).lognormal(0, 3, num_pairs).tolist()
    plain = evaluate_from_data(predictions_of(lists), truth_of(taken), [5])
    weighted = evaluate_from_data(predictions_of(lists), truth_of(taken, weights), [5])
    assert plain.to_json() == weighted.to_json()


def test_order_of_the_lists_changes_nothing() -> None:
    lists, taken = random_data(2)
    backwards = dict(reversed(lists.items()))
    catalogue = Catalogue(
        [*oracles.ids("i", 40), *oracles.ids("x", 10)], np.arange(50, dtype=np.int64), 50
    )
    results = [
        evaluate_from_data(predictions_of(rows), truth_of(taken), [1, 10], catalogue=catalogue)
        for rows in (lists, backwards)
    ]
    assert results[0].to_json() == results[1].to_json()


def test_users_without_ground_truth_are_an_error_or_passed_over() -> None:
    lists, taken = random_data(3)
    more = {"stranger": ["i001"], **lists, "other": []}
    with pytest.raises(DataError) as caught:
        evaluate_from_data(predictions_of(more), truth_of(taken), [5])
    assert str(caught.value) == (
        "user_id: expected a user of the ground truth, got 'stranger' and 1 more"
    )
    assert caught.value.hint == (
        "--extra-users ignore passes them over; cli.predict --users takes the ground truth"
    )
    plain = evaluate_from_data(predictions_of(lists), truth_of(taken), [5])
    found = evaluate_from_data(predictions_of(more), truth_of(taken), [5], extra_users="ignore")
    assert found.metrics == plain.metrics
    assert (found.ignored_users, plain.ignored_users) == (2, 0)
    assert found.users_without_predictions == plain.users_without_predictions


@pytest.mark.parametrize(
    ("cutoffs", "message"),
    [
        ([], "cutoffs: expected at least one, got none"),
        ([1, 0], "cutoffs: expected integers >= 1, got 0"),
        ([-5], "cutoffs: expected integers >= 1, got -5"),
        ([2, 1, 2], "cutoffs: expected each once, got 2,1,2"),
    ],
)
def test_a_cutoff_out_of_range_is_refused(cutoffs: list[int], message: str) -> None:
    lists = {"u": ["a", "b", "c"], "v": ["a"]}
    with pytest.raises(ConfigError) as caught:
        evaluate_from_data(predictions_of(lists), truth_of({"u": ["a"], "v": ["b"]}), cutoffs)
    assert str(caught.value) == message


@pytest.mark.parametrize("lists", [{}, {"u": []}, {"u": ["b"]}])
def test_lists_shorter_than_the_cutoff_have_no_hits_after_their_end(lists: Lists) -> None:
    catalogue = Catalogue(["a", "b"], np.array([1, 1]), 2)
    found = evaluate_from_data(
        predictions_of(lists), truth_of({"u": ["a"]}), [3], catalogue=catalogue
    )
    assert {found.metrics[f"{name}@3"] for name in USER_METRICS} == {0}
    assert found.metrics["coverage@3"] == sum(map(len, lists.values())) / 2


def test_an_item_that_is_not_in_the_catalogue_is_refused() -> None:
    lists = {"v": ["a"], "u": ["a", "z"]}
    catalogue = Catalogue(["a"], np.array([1]), 1)
    truth = truth_of({"u": ["a"], "v": ["a"]})
    with pytest.raises(DataError) as caught:
        evaluate_from_data(predictions_of(lists), truth, [1], catalogue=catalogue)
    assert str(caught.value) == "item_id: expected an item of the model, got 'z'"
    assert (
        caught.value.hint == "the predictions were made by another model: --model-dir names theirs"
    )


# --- files --------------------------------------------------------------------------------------


def write_files(folder: Path, lists: Lists, taken: Lists) -> tuple[Path, Path]:
    predictions, truth = folder / "predictions.jsonl", folder / "truth.csv"
    with predictions.open("w") as file:
        for user, items in lists.items():
            entries = [{"item_id": item, "score": -rank} for rank, item in enumerate(items)]
            file.write(json.dumps({"user_id": user, "items": entries}) + "\n")
    with truth.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id"])
        rows.writerows([user, item] for user, items in taken.items() for item in items)
    return predictions, truth


def test_files_give_the_metrics_of_their_data(tmp_path: Path) -> None:
    lists, taken = random_data(1)
    predictions, truth = write_files(tmp_path, lists, taken)
    out = tmp_path / "metrics.json"
    summary = evaluate_from_path(predictions, truth, out, [1, 10])
    expected = evaluate_from_data(predictions_of(lists), truth_of(taken), [1, 10])
    found = json.loads(out.read_text())
    assert list(found) == ["users", "users_without_predictions", "ignored_users", "metrics"]
    assert found == expected.to_json()
    assert list(found["metrics"]) == list(expected.metrics)
    shown = [
        f"{name}@{n} {expected.metrics[f'{name}@{n}']:.4f}"
        for n in (1, 10)
        for name in ("recall", "ndcg")
    ]
    assert expected.users_without_predictions == 6
    assert summary == f"50 users, 6 without a list: {', '.join(shown)}"


def test_a_model_directory_adds_the_metrics_over_its_catalogue(tmp_path: Path) -> None:
    lists, taken = random_data(2)
    items = [*oracles.ids("i", 40), *oracles.ids("x", 10)]
    trained = truth_of({f"t{rank}": items[: 50 - rank] for rank in range(20)})
    train_from_data(trained).save(tmp_path / "model")
    predictions, truth = write_files(tmp_path, lists, taken)
    out = tmp_path / "metrics.json"
    evaluate_from_path(predictions, truth, out, [3], model_dir=tmp_path / "model")
    # item i of 50 was taken by the users 0 .. 49 - i, of whom there are 20
    popularity = np.minimum(20, 50 - np.arange(50))
    catalogue = Catalogue(sorted(items), popularity, 20)
    expected = evaluate_from_data(predictions_of(lists), truth_of(taken), [3], catalogue=catalogue)
    assert json.loads(out.read_text()) == expected.to_json()
    assert "novelty@3" in expected.metrics


@pytest.mark.parametrize("name", ["users.csv", "users.jsonl"])
def test_rows_of_each_user_average_to_the_metrics(name: str, tmp_path: Path) -> None:
    lists, taken = random_data(3)
    odd = 'u"1,é'  # CSV must quote it, and JSON escape it
    taken[odd], lists[odd] = taken.pop("u001"), lists.pop("u001", ["i000"])
    predictions, truth = write_files(tmp_path, lists, taken)
    out, per_user = tmp_path / "metrics.json", tmp_path / name
    evaluate_from_path(predictions, truth, out, [2, 10], per_user_path=per_user)
    metrics = json.loads(out.read_text())["metrics"]
    with per_user.open(newline="", encoding="utf-8") as file:
        rows: list[dict[str, Any]]
        if name.endswith(".csv"):
            rows = list(csv.DictReader(file))
        else:
            rows = [json.loads(line) for line in file]
    assert [row["user_id"] for row in rows] == sorted(taken)
    names = [f"{metric}@{n}" for metric in USER_METRICS for n in (2, 10)]
    assert all(list(row) == ["user_id", *names] for row in rows)
    for column in names:
        mean = sum(float(row[column]) for row in rows) / 50
        assert mean == pytest.approx(metrics[column], abs=1e-12) and mean > 0


@pytest.mark.parametrize(
    ("lists", "note"),
    [
        (
            {"u": ["a", "b", "c"], "v": ["a"]},
            "no list has more than 3 items: metrics at 1000000000 are those of shorter lists; "
            "cli.predict --top-n makes longer ones, if the catalogue has more",
        ),
        ({"u": []}, "every list is empty and counts 0"),
    ],
)
def test_a_cutoff_beyond_the_longest_list_of_a_file_is_noted(
    lists: Lists, note: str, tmp_path: Path
) -> None:
    predictions, truth = write_files(tmp_path, lists, {"u": ["a"], "v": ["b"]})
    with pytest.warns(DataWarning) as noted:
        evaluate_from_path(predictions, truth, tmp_path / "metrics.json", [3, 10**9])
    assert [str(one.message) for one in noted] == [f"{predictions}: {note}"]
    metrics = json.loads((tmp_path / "metrics.json").read_text())["metrics"]
    for name in ("recall", "hit_rate", "ndcg", "map", "mrr"):
        assert metrics[f"{name}@1000000000"] == metrics[f"{name}@3"]
    assert metrics["recall@3"] == (0.5 if lists["u"] else 0)


def test_diversity_at_a_cutoff_beyond_the_longest_list_is_that_of_the_whole_lists() -> None:
    similarity = oracles.sparse(np.array([[0, 0.5], [0.25, 0]], np.float32))
    catalogue = Catalogue(["a", "b"], np.array([1, 1]), 2, similarity)
    config = EvaluateConfig(diversity=True)
    lists, truth = predictions_of({"u": ["a", "b"]}), truth_of({"u": ["a"]})
    found = evaluate_from_data(lists, truth, [9, 2, 10**9], catalogue=catalogue, config=config)
    assert found.metrics["diversity@2"] == 0.25
    assert found.metrics["diversity@9"] == found.metrics["diversity@1000000000"] == 0.25


OTHER = [
    (
        {"U": ["a"]},
        "user_id: expected users",
        "is 'U' meant to be 'u'? upper and lower case differ",
    ),
    (
        {"u": ["A"]},
        "item_id: expected items",
        "is 'A' meant to be 'a'? upper and lower case differ",
    ),
    (
        {"x": ["a"]},
        "user_id: expected users",
        "the first is 'x', the first of the ground truth 'u'",
    ),
]


@pytest.mark.parametrize("extra_users", get_args(ExtraUsers))
@pytest.mark.parametrize(("lists", "fault", "hint"), OTHER)
def test_lists_and_ground_truth_must_share_users_and_items(
    lists: Lists, fault: str, hint: str, extra_users: ExtraUsers, tmp_path: Path
) -> None:
    predictions, truth = write_files(tmp_path, lists, {"u": ["a"], "v": ["b"]})
    out = tmp_path / "metrics.json"
    with pytest.raises(DataError) as caught:
        evaluate_from_path(predictions, truth, out, [1], extra_users=extra_users)
    assert str(caught.value) == f"{predictions}: {fault} of the ground truth, got none of them"
    assert caught.value.hint == hint
    assert not out.exists()


def test_lists_without_a_hit_count_0_where_the_catalogue_has_the_ground_truth() -> None:
    catalogue = Catalogue(["a", "b"], np.array([1, 1]), 2)
    lists, truth = predictions_of({"u": ["a"]}), truth_of({"u": ["b", "new"]})
    found = evaluate_from_data(lists, truth, [1], catalogue=catalogue)
    assert found.metrics["recall@1"] == 0
    summary = "1 users, 1 of their items not in the model: recall@1 0.0000, ndcg@1 0.0000"
    assert found.summary([1]) == summary
    with pytest.raises(DataError, match="expected items of the ground truth, got none of them"):
        evaluate_from_data(lists, truth_of({"u": ["new"]}), [1], catalogue=catalogue)


def test_extra_users_of_a_file_are_named_with_their_line(tmp_path: Path) -> None:
    predictions, truth = write_files(
        tmp_path, {"u": ["a"], "stranger": ["a"]}, {"u": ["a"], "v": ["b"]}
    )
    out = tmp_path / "metrics.json"
    with pytest.raises(DataError) as caught:
        evaluate_from_path(predictions, truth, out, [1])
    assert str(caught.value) == (
        f"{predictions}:2: user_id: expected a user of the ground truth, got 'stranger'"
    )
    assert not out.exists()
    evaluate_from_path(predictions, truth, out, [1], extra_users="ignore")
    found = json.loads(out.read_text())
    assert (found["users"], found["ignored_users"]) == (2, 1)
    assert found["users_without_predictions"] == 1
    assert found["metrics"]["recall@1"] == 0.5


def saved_model(folder: Path, with_users: bool = True) -> Interactions:
    """User t0 has 1 of the items, t1 2 of them and so on; the users of the truth are t1, t2 ..."""
    items = oracles.ids("i", 30)
    trained = truth_of({f"t{rank}": items[: rank + 1] for rank in range(30)})
    train_from_data(trained, with_users=with_users).save(folder / "model")
    return trained


def file_data() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    items = oracles.ids("i", 30)
    rng = np.random.default_rng(9)
    users = [f"t{rank}" for rank in range(1, 20)] + ["zoe"]
    lists = {user: rng.permutation(items)[:10].tolist() for user in users}
    lists["t3"] = lists["t3"][:1]
    return lists, {user: rng.permutation(items)[:5].tolist() for user in users}


def test_the_command_takes_from_the_model_what_the_options_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = saved_model(tmp_path)
    lists, taken = file_data()
    write_files(tmp_path, lists, taken)
    monkeypatch.chdir(tmp_path)
    options = (
        "--predictions predictions.jsonl --ground-truth truth.csv --cutoffs 2,10 --model-dir model "
        "--confidence 0.9 --bootstrap-rounds 30 --seed 4 --slices popularity,history-length "
        "--history-edges 2,9 --popularity-shares 0.3,0.6 --diversity --out metrics.json"
    )
    assert main(options.split()) == 0
    model = train_from_data(trained)
    catalogue = Catalogue(
        trained.item_ids,
        np.arange(30, 0, -1),
        30,
        model.similarity,
        trained.user_ids,
        np.diff(trained.user_items.indptr),
    )
    config = EvaluateConfig(
        0.9, 30, 4, ("popularity", "history-length"), (2, 9), (0.3, 0.6), diversity=True
    )
    expected = evaluate_from_data(
        predictions_of(lists), truth_of(taken), [2, 10], catalogue=catalogue, config=config
    )
    found = json.loads(Path("metrics.json").read_text())
    assert found == expected.to_json()
    assert list(found) == [
        "users", "users_without_predictions", "ignored_users", "confidence", "bootstrap_rounds",
        "seed", "metrics", "users_counted", "confidence_intervals", "slices", "exposure",
    ]  # fmt: skip
    by_length = found["slices"]["history-length"]
    assert {name: part["users"] for name, part in by_length.items()} == {
        "0-1": 1,
        "2-8": 7,
        "9+": 12,
    }
    shown = capsys.readouterr().out.splitlines()
    means = expected.means
    assert shown[0].startswith(
        f"20 users: recall@2 {means.metrics['recall@2']:.4f} "
        f"[{means.intervals['recall@2'][0]:.4f}, {means.intervals['recall@2'][1]:.4f}], diversity@2"
    )
    assert shown[2].startswith("history-length 2-8 (7 users, 35 items): recall@2 ")
    assert shown[-2].startswith("popularity tail (")
    assert shown[-1] == "The intervals of fewer than 30 users are too narrow."
    assert len(shown) == 1 + 3 + 3 + 1


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--slices age", "expected some of history-length,popularity, got 'age'"),
        ("--slices=", "expected some of history-length,popularity, got ''"),
        ("--history-edges 1;2", "expected integers such as 10,50, got '1;2'"),
        ("--popularity-shares 20%", "expected numbers such as 0.2,0.8, got '20%'"),
    ],
)
def test_an_option_of_another_form_is_a_usage_error(
    option: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(f"--predictions p --ground-truth t --cutoffs 5 --out o {option}".split())
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(f"{option.split('=')[0].split()[0]}: {message}\n")


@pytest.mark.parametrize("name", ["users.csv", "users.jsonl"])
def test_rows_of_users_say_where_there_is_no_diversity(name: str, tmp_path: Path) -> None:
    saved_model(tmp_path)
    lists, taken = file_data()
    predictions, truth = write_files(tmp_path, lists, taken)
    evaluate_from_path(
        predictions,
        truth,
        tmp_path / "out.json",
        [10],
        per_user_path=tmp_path / name,
        model_dir=tmp_path / "model",
        config=EvaluateConfig(diversity=True),
    )
    with (tmp_path / name).open(newline="") as file:
        rows: list[dict[str, Any]]
        rows = list(csv.DictReader(file)) if name.endswith("csv") else list(map(json.loads, file))
    missing = "" if name.endswith("csv") else None
    assert [row["user_id"] for row in rows if row["diversity@10"] == missing] == ["t3"]
    values = [float(row["diversity@10"]) for row in rows if row["diversity@10"] != missing]
    mean = json.loads((tmp_path / "out.json").read_text())["metrics"]["diversity@10"]
    assert sum(values) / 19 == pytest.approx(mean, abs=1e-12)


def test_a_model_without_users_has_no_slices_by_history(tmp_path: Path) -> None:
    saved_model(tmp_path, with_users=False)
    lists, taken = file_data()
    predictions, truth = write_files(tmp_path, lists, taken)
    model, out = tmp_path / "model", tmp_path / "out.json"
    both = EvaluateConfig(slices=["popularity", "history-length"])
    with pytest.raises(NoUsersError) as caught:
        evaluate_from_path("none", truth, out, [10], model_dir=model, config=both)
    assert str(caught.value) == (
        "slices: history-length: expected a model with users, got one trained without"
    )
    assert caught.value.hint == (
        "train without --without-users, or ask for --slices popularity alone"
    )
    one = EvaluateConfig(slices=["popularity"])
    evaluate_from_path(predictions, truth, out, [10], model_dir=model, config=one)
    assert list(json.loads(out.read_text())["slices"]) == ["popularity"]


# --- lists and dictionaries of ids, and what a file is refused for


def test_lists_of_lists_and_dictionaries_are_evaluated_as_predictions() -> None:
    lists = {"u": ["b", "a"], "v": [], "w": ["c"]}
    taken = {"u": ["a"], "v": ["a"], "w": ["c", "d"]}
    expected = evaluate_from_data(oracles.predictions_of(lists), oracles.truth_of(taken), [2])
    listed = {user: [Recommendation(id_, 0.5) for id_ in ids] for user, ids in lists.items()}
    rows = list(lists.values()), list(taken.values())
    ranked = [RankedList(entries, user) for user, entries in listed.items()]
    sides: list[tuple[Any, Any]] = [(lists, taken), (listed, taken), rows, (ranked, taken)]
    for predictions, truth in sides:
        found = evaluate_from_data(predictions, truth, [2])
        assert found.metrics == expected.metrics
        for name, values in expected.per_user.items():
            assert found.per_user[name].tolist() == values.tolist()


def test_rows_keep_their_order_beyond_ten() -> None:
    rows = [[str(n)] for n in range(11)]
    found = evaluate_from_data(rows, [*rows[:-1], ["x"]], [1])
    assert found.per_user["recall@1"].tolist() == [1.0] * 10 + [0.0]
    assert found.user_ids[-1] == "10" and found.user_ids[0] == "00"


@pytest.mark.parametrize(
    ("predictions", "truth", "message"),
    [
        ({"u": ["a", "a"]}, {"u": ["a"]}, "user 'u': expected each item once, got 'a' again"),
        ([["b"], ["a", "c", "a"]], [["a"]] * 2, "user '1': expected each item once, got 'a' again"),
        (
            Predictions(["u"], ["a"], np.array([0, 2]), np.array([0, 0], np.int32)),
            {"u": ["a"]},
            "predictions: user 'u': expected each item once, got 'a' again",
        ),
        (
            Predictions(["u", "u"], ["a"], np.array([0, 1, 1]), np.array([0], np.int32)),
            {"u": ["a"]},
            "predictions: user_ids: expected each once, got 'u' again",
        ),
        (
            Predictions(["u"], ["a", "a"], np.array([0, 2]), np.array([0, 1], np.int32)),
            {"u": ["a"]},
            "predictions: item_ids: expected each once, got 'a' again",
        ),
        (
            Predictions(["u"], [7], np.array([0, 1]), np.array([0], np.int32)),  # type: ignore[list-item]
            {"u": ["a"]},
            "predictions: item_ids[0]: expected a string, got 7",
        ),
        ({"u": [7]}, {"u": ["a"]}, "predictions: user 'u': expected a string, got 7"),
        ({7: ["a"]}, {"u": ["a"]}, "predictions: user_ids[0]: expected a string, got 7"),
        ({"u": ["a"]}, {"u": [7]}, "ground_truth: user 'u': expected a string, got 7"),
        ({"u": ["a"]}, {7: ["a"]}, "ground_truth: user_ids[0]: expected a string, got 7"),
        (
            {"u": "ab"},
            {"u": ["a"]},
            "predictions: user 'u': expected ids, such as a list of strings, got 'ab'",
        ),
        ("ab", ["a"], "predictions: expected ids, such as a list of strings, got 'ab'"),
        (
            {"u": ["a"]},
            {"u": "ab"},
            "ground_truth: user 'u': expected ids, such as a list of strings, got 'ab'",
        ),
        (
            [["a"]],
            {"u": ["a"]},
            "predictions: expected lists by user, as in ground_truth, got lists alone",
        ),
        (
            [RankedList(user_id="u")] * 2,
            {"u": ["a"]},
            "predictions: expected lists by user, as in ground_truth, got lists alone",
        ),
        (
            [{"user_id": "u", "item_id": "a"}],
            [{"user_id": "u", "item_id": "a"}],
            "predictions: expected lists by user, got rows",
        ),
        # Neither is in order of the scores: what they give would change from run to run.
        (
            {"u": {"a"}},
            {"u": ["a"]},
            "predictions: user 'u': expected a list, best first, got a set",
        ),
        (
            {"u": {"a": 0.5}},
            {"u": ["a"]},
            "predictions: user 'u': expected a list, best first, got a dict",
        ),
        (
            {"u": [("a", 0.5)]},
            {"u": ["a"]},
            "predictions: user 'u': expected a string, got ('a', 0.5)",
        ),
        (Frame(), {"u": ["a"]}, "predictions: expected ids, such as a list of strings, got Frame"),
        ({"u": ["a"]}, Frame(), "ground_truth: expected ids, such as a list of strings, got Frame"),
        ([["a"]], [["a"], ["b"]], "predictions: expected 2 lists as in ground_truth, got 1"),
        ({"u": ["a"]}, {}, "ground_truth: user_ids: expected at least one row, got none"),
    ],
)
def test_python_refuses_what_a_file_is_refused_for(
    predictions: Any, truth: Any, message: str
) -> None:
    with pytest.raises(DataError, match=f"{re.escape(message)}$"):
        evaluate_from_data(predictions, truth, [2])


@pytest.mark.parametrize("block", [1, 3, 2**20])
def test_an_item_twice_is_found_in_any_block(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranked_lists, "_BLOCK_ENTRIES", block)
    lists: dict[str, list[str]] = {"u": ["a", "b"], "v": [], "w": ["b", "a", "c", "d"], "x": ["d"]}
    Predictions.from_lists(lists).check()
    for user, items in lists.items():
        for place in range(len(items)):
            again = [*items[:place], items[place], *items[place:]]
            with pytest.raises(DataError, match=f"user '{user}': .* got '{items[place]}' again$"):
                Predictions.from_lists({**lists, user: again}).check()


@pytest.mark.parametrize("cutoffs", [10, "10", [2.5], [True], ["1"]])
def test_cutoffs_that_are_no_list_of_integers_are_refused(cutoffs: Any) -> None:
    with pytest.raises(ConfigError, match="^cutoffs: expected .*integers >= 1, got "):
        evaluate_from_data({"u": ["a"]}, {"u": ["a"]}, cutoffs)


def test_another_way_with_extra_users_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="^extra_users: expected 'error' or 'ignore', got 'skip'$"
    ):
        evaluate_from_data({"u": ["a"]}, {"u": ["a"]}, [1], extra_users="skip")  # type: ignore[arg-type]

"""mlcore.evaluate.compare and cli.compare: two recommenders, the same users, what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.compare import main
from mlcore import ConfigError, DataError
from mlcore.errors import DataWarning
from mlcore.evaluate.compare import _compare_metrics, compare_from_data
from mlcore.evaluate.config import METRIC_NAMES, PAIRED_TESTS, CompareConfig
from mlcore.evaluate.evaluate import evaluate_from_data
from mlcore.evaluate.resampling import adjust_holm, bootstrap_interval, paired_test, users_needed
from tests import oracles
from tests.oracles import predictions_of, truth_of

Lists = Mapping[str, Sequence[str]]
AT_10 = ", ".join(f"{name}@10" for name in METRIC_NAMES)
FAST = CompareConfig(rounds=500)


def recommend(taken: Lists, quality: float, seed: int) -> dict[str, list[str]]:
    """Ten items for each user, of which about this share is from what the user takes."""
    rng = np.random.default_rng(seed)
    lists = {}
    for user, items in taken.items():
        good = [item for item in items if rng.random() < quality]
        other = sorted(set(oracles.ids("i", 40)) - set(items))
        bad = rng.choice(other, 10 - len(good), replace=False).tolist()
        lists[user] = rng.permutation([*good, *bad]).tolist()
    return lists


@pytest.fixture(scope="module")
def taken() -> dict[str, list[str]]:
    rng = np.random.default_rng(1)
    items = oracles.ids("i", 40)
    return {
        user: rng.choice(items, int(rng.integers(1, 6)), replace=False).tolist()
        for user in oracles.ids("u", 120)
    }


# --- the numbers ---


def test_a_comparison_gives_what_the_hand_computes() -> None:
    # All four users took a. The baseline has it first for x only, the candidate for u, v and w:
    # differences of hit_rate@1 are 1, 1, 1, -1, their sum is 2. Of the 16 sign patterns the sum is
    # +-4 in 2, +-2 in 8 and 0 in 6: p = 10 / 16. At cutoff 2 v has it in both.
    taken = {user: ["a"] for user in "uvwx"}
    before = {"u": ["b", "c"], "v": ["b", "a"], "w": ["c", "b"], "x": ["a", "c"]}
    after = {"u": ["a", "b"], "v": ["a", "b"], "w": ["a", "c"], "x": ["b", "c"]}
    found = compare_from_data(
        predictions_of(before), predictions_of(after), truth_of(taken), [1, 2], FAST
    )
    assert list(found.metrics) == [f"{name}@{n}" for name in METRIC_NAMES for n in (1, 2)]
    first, second = found.metrics["hit_rate@1"], found.metrics["hit_rate@2"]
    assert (first.baseline, first.candidate, first.difference) == (0.25, 0.75, 0.5)
    assert (first.users_better, first.users_equal, first.users_worse) == (3, 0, 1)
    assert (second.baseline, second.candidate, second.difference) == (0.5, 0.75, 0.25)
    assert (second.users_better, second.users_equal, second.users_worse) == (2, 1, 1)
    assert first.p_value == 10 / 16
    assert second.p_value == 1  # of the sums of 1, 1, -1 all are at least 1 away from 0
    # The difference of mrr@2 is 1/2 for v: those sums are 1 + 1/2 + 1 - 1 = 3/2 and as far from 0.
    assert found.metrics["mrr@2"].p_value == 10 / 16
    assert (found.num_users, found.users_with_other_lists) == (4, 4)
    assert found.deciding == ["ndcg@1"]


@pytest.mark.parametrize("test", PAIRED_TESTS)
def test_each_metric_is_compared_by_its_values_for_each_user(taken: Lists, test: Any) -> None:
    before, after = recommend(taken, 0.4, 2), recommend(taken, 0.5, 3)
    del before["u003"], after["u005"], after["u007"]  # who count 0, on both sides
    config = CompareConfig(test, 300, 7, 0.9)
    lists, truth = (predictions_of(before), predictions_of(after)), truth_of(taken)
    found = compare_from_data(*lists, truth, [3, 10], config)
    old, new = (evaluate_from_data(one, truth, [3, 10]).per_user for one in lists)
    differences = np.column_stack([new[name] - old[name] for name in old])
    p_values = paired_test(differences, test, 300, 7)
    low, high = bootstrap_interval(differences, 0.9, 300, 7)
    holm, needed = adjust_holm(p_values), users_needed(differences, 0.1)
    for m, (name, metric) in enumerate(found.metrics.items()):
        signs = np.sign(np.round(differences[:, m], 9))
        assert metric.baseline == pytest.approx(old[name].mean(), abs=1e-12)
        assert metric.candidate == pytest.approx(new[name].mean(), abs=1e-12)
        assert metric.difference == pytest.approx(metric.candidate - metric.baseline, abs=1e-12)
        assert metric.interval == pytest.approx((low[m], high[m]), abs=1e-12)
        assert (metric.p_value, metric.p_value_holm) == pytest.approx((p_values[m], holm[m]))
        assert metric.users_needed == needed[m]
        counts = (metric.users_better, metric.users_equal, metric.users_worse)
        assert counts == tuple((signs == sign).sum() for sign in (1, 0, -1)) and sum(counts) == 120
    assert found.users_without_predictions == (1, 2)
    assert found.metrics["recall@10"].users_better > found.metrics["recall@10"].users_worse > 0


def test_exchanging_both_sides_mirrors_everything(taken: Lists) -> None:
    one, two = (predictions_of(recommend(taken, *how)) for how in ((0.4, 2), (0.5, 3)))
    there = compare_from_data(one, two, truth_of(taken), config=FAST)
    back = compare_from_data(two, one, truth_of(taken), config=FAST)
    assert there.users_with_other_lists == back.users_with_other_lists == 120
    for name, metric in there.metrics.items():
        mirror = back.metrics[name]
        assert mirror.difference == -metric.difference != 0
        assert mirror.interval == pytest.approx((-metric.interval[1], -metric.interval[0]))
        assert (mirror.p_value, mirror.p_value_holm) == (metric.p_value, metric.p_value_holm)
        assert (mirror.users_better, mirror.users_worse) == (
            metric.users_worse,
            metric.users_better,
        )


def test_the_order_of_lists_and_rows_changes_nothing(taken: Lists) -> None:
    before, after = recommend(taken, 0.4, 2), recommend(taken, 0.5, 3)
    found = compare_from_data(
        predictions_of(before), predictions_of(after), truth_of(taken), config=FAST
    )
    order = np.random.default_rng(0).permutation(list(taken)).tolist()
    other = compare_from_data(
        predictions_of({user: before[user] for user in order}),
        predictions_of({user: after[user] for user in reversed(order)}),
        truth_of({user: taken[user][::-1] for user in order}),
        config=FAST,
    )
    assert other.to_json() == found.to_json()


def test_the_same_seed_gives_the_same_comparison_and_another_one_another(taken: Lists) -> None:
    one, two = (predictions_of(recommend(taken, *how)) for how in ((0.45, 2), (0.5, 3)))
    first, again, other = (
        compare_from_data(one, two, truth_of(taken), config=replace(FAST, seed=seed)).to_json()
        for seed in (1, 1, 2)
    )
    assert first == again
    for key in ("p_value", "confidence_interval"):
        assert first["metrics"]["ndcg@10"][key] != other["metrics"]["ndcg@10"][key]


def test_equal_lists_are_called_equal(taken: Lists) -> None:
    lists = recommend(taken, 0.4, 2)
    same = {user: [*items[:3], *items[:2:-1]] for user, items in lists.items()}  # after the cutoff
    found = compare_from_data(
        predictions_of(lists), predictions_of(same), truth_of(taken), [1, 3], FAST
    )
    assert found.users_with_other_lists == 0
    assert found.conclusions() == ["the lists are equal for each of 120 users: nothing to choose."]
    for metric in found.metrics.values():
        assert (metric.difference, metric.interval, metric.p_value) == (0, (0, 0), 1)
        assert (metric.users_equal, metric.verdict) == (120, "equal")


def test_other_lists_of_equal_value_are_told_from_equal_lists() -> None:
    taken = {"u": ["a"], "v": ["a"], "w": ["b"]}
    before = {"u": ["a", "b"], "v": ["b", "a"], "w": ["a"]}
    after = {"u": ["a", "c"], "v": ["b", "a"]}  # w has lost a list without a hit
    found = compare_from_data(
        predictions_of(before), predictions_of(after), truth_of(taken), [1, 2], FAST
    )
    assert found.users_with_other_lists == 2
    assert found.conclusions() == ["ndcg@1: equal for each of 3 users: nothing to choose."]
    assert found.to_json()["metrics"]["ndcg@2"]["users_needed"] is None


def test_rounding_is_no_difference() -> None:
    before, after = np.array([0.1 + 0.2, 0.5, 0.25]), np.array([0.3, 0.5 + 1e-11, 0.25])
    metric = _compare_metrics({"map@5": before}, {"map@5": after}, FAST)["map@5"]
    assert (metric.users_better, metric.users_equal, metric.users_worse) == (1, 2, 0)


def test_gains_and_losses_that_balance_are_no_difference_whatever_the_rounding() -> None:
    # Ranks of the hit before and after; 1 - 1/2 - 1/4 - 1/3 + (1/3 - 1/4) = 0, in float64 not quite.
    ranks = [(0, 1), (2, 0), (4, 0), (3, 0), (4, 3), (0, 0), (0, 0), (1, 1)]
    sides = [
        {
            f"u{user}": ["a" if place == rank else f"x{place}" for place in range(1, 5)]
            for user, rank in enumerate(of)
        }
        for of in zip(*ranks)
    ]
    truth = {user: ["a"] for user in sides[0]}
    config = CompareConfig(fail_if_worse=["mrr@4"])
    found = compare_from_data(sides[0], sides[1], truth, [4], config)
    assert found.metrics["mrr@4"].difference == 0
    assert found.to_json()["metrics"]["mrr@4"]["users_needed"] is None
    assert found.conclusions()[0].endswith(": gains and losses balance.")


def test_a_recommender_as_good_is_not_told_apart_and_a_better_one_is(taken: Lists) -> None:
    truth = truth_of(taken)
    base = predictions_of(recommend(taken, 0.4, 0))
    verdicts = [
        compare_from_data(base, predictions_of(recommend(taken, 0.4, seed)), truth, config=FAST)
        .metrics["ndcg@10"]
        .verdict
        for seed in range(10, 20)
    ]
    assert verdicts.count("unclear") >= 8
    better = predictions_of(recommend(taken, 0.8, 3))
    assert (
        compare_from_data(base, better, truth, config=FAST).metrics["ndcg@10"].verdict == "better"
    )
    assert compare_from_data(better, base, truth, config=FAST).metrics["ndcg@10"].verdict == "worse"


def test_a_metric_that_is_not_there_is_an_error_that_lists_those_that_are(taken: Lists) -> None:
    lists = predictions_of(recommend(taken, 0.4, 2))
    config = CompareConfig(fail_if_worse=["ndcg@10", "ndcg@5"])
    with pytest.raises(ConfigError) as caught:
        compare_from_data(lists, lists, truth_of(taken), [10], config)
    assert str(caught.value) == (f"fail_if_worse: expected one of {AT_10}, got 'ndcg@5'")


@pytest.mark.parametrize("short", ["baseline", "candidate"])
def test_a_cutoff_above_the_longest_list_of_either_side_is_noted(short: str) -> None:
    sides = {"baseline": ["a", "b", "c"], "candidate": ["c", "b", "a"]}
    sides[short] = sides[short][:2]
    baseline, candidate = (predictions_of({"u": items}) for items in sides.values())
    with pytest.warns(DataWarning) as noted:
        compare_from_data(baseline, candidate, truth_of({"u": ["a", "b"]}), [1, 3])
    (note,) = noted
    assert str(note.message).startswith(f"{short}: no list has more than 2 items: metrics at 3 are")


@pytest.mark.parametrize("other", ["baseline", "candidate"])
def test_lists_of_other_data_are_refused_as_in_an_evaluation(other: str) -> None:
    truth = truth_of({"u": ["a"], "v": ["b"]})
    for lists, name in (({"u": ["A", "B"]}, "item_id"), ({"U": ["a"]}, "user_id")):
        sides = {
            "baseline": predictions_of({"u": ["a"]}),
            "candidate": predictions_of({"u": ["b"]}),
        }
        sides[other] = predictions_of(lists)
        with pytest.raises(DataError) as ours:
            compare_from_data(sides["baseline"], sides["candidate"], truth, [1])
        with pytest.raises(DataError) as alone:
            evaluate_from_data(sides[other], truth, [1])
        assert str(ours.value).startswith(f"{other}: {name}: expected ")
        assert str(ours.value).partition(": ")[2] == str(alone.value).partition(": ")[2]
        assert ours.value.hint == alone.value.hint is not None


@pytest.mark.parametrize("cutoffs", [[], [0], [1, 1]])
def test_cutoffs_are_checked_as_in_an_evaluation(cutoffs: list[int]) -> None:
    lists, truth = predictions_of({"u": ["a"]}), truth_of({"u": ["a"]})
    with pytest.raises(ConfigError) as ours:
        compare_from_data(lists, lists, truth, cutoffs)
    with pytest.raises(ConfigError) as theirs:
        evaluate_from_data(lists, truth, cutoffs)
    assert str(ours.value) == str(theirs.value)


def test_lists_of_other_users_are_an_error_or_passed_over() -> None:
    truth = truth_of({"u": ["a"], "v": ["b"]})
    one = predictions_of({"u": ["a"], "v": ["c"]})
    two = predictions_of({"x": ["b"], "u": ["a"], "v": ["b"], "y": ["c"]})
    for lists in ((one, two), (two, one)):
        with pytest.raises(DataError, match="expected a user of the ground truth, got 'x'"):
            compare_from_data(*lists, truth, [1], FAST)
    found = compare_from_data(one, two, truth, [1], FAST, extra_users="ignore")
    assert (found.num_users, found.ignored_users, found.users_with_other_lists) == (2, (0, 2), 1)
    assert found.metrics["recall@1"].difference == 0.5


# --- the command ---


@pytest.fixture
def folder(taken: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def write(name: str, lists: Lists) -> None:
        rows = [
            {"user_id": user, "items": [{"item_id": item, "score": 1} for item in items]}
            for user, items in lists.items()
        ]
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    write("bad.jsonl", recommend(taken, 0.3, 2))
    write("good.jsonl", recommend(taken, 0.7, 3))
    rows = [f"{user},{item}\n" for user, items in taken.items() for item in items]
    (tmp_path / "test.csv").write_text("user_id,item_id\n" + "".join(rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


FILES = ["bad.jsonl", "good.jsonl", "test.csv"]


def run(baseline: str, candidate: str, *options: str) -> int:
    files = ["--baseline", baseline, "--candidate", candidate, "--ground-truth", "test.csv"]
    return main([*files, "--rounds", "200", *options])


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_command_prints_a_table_and_writes_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("bad.jsonl", "good.jsonl", "--cutoffs", "10,5", "--out", "c.json") == 0
    out, err = capsys.readouterr()
    assert err == "" and names_in(folder) == ["bad.jsonl", "c.json", "good.jsonl", "test.csv"]
    found = json.loads((folder / "c.json").read_text())
    assert list(found["metrics"]) == [f"{name}@{n}" for name in METRIC_NAMES for n in (10, 5)]
    heading, _, head, *rows = out.splitlines()
    assert heading.endswith("; randomization test, 200 rounds, seed 0")
    assert {len(row) for row in rows[:12]} == {len(head)}
    for row, (name, values) in zip(rows, found["metrics"].items()):
        shown = row.split()
        assert shown[0] == name and float(shown[1]) == round(values["baseline"], 4)
        assert float(shown[3]) == round(values["difference"], 4)
        assert [float(shown[4]), float(shown[6])] == np.round(
            values["confidence_interval"], 4
        ).tolist()
        assert shown[-3:] == [str(values[f"users_{side}"]) for side in ("better", "equal", "worse")]
    assert rows[-2] == found["conclusions"][0]
    assert rows[-2].startswith("ndcg@10: the candidate is better by ")
    assert rows[-2].endswith(", p = 0.0050, 120 users): take it.")
    assert rows[-1].startswith("ndcg@10 decides; ") and found["deciding"] == ["ndcg@10"]
    assert found["users"] == 120 and found["gate"] is None
    assert (found["test"], found["rounds"]) == ("randomization", 200)
    assert (found["seed"], found["confidence"]) == (0, 0.95)


def test_all_options_arrive(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--test bootstrap --seed 3 --confidence 0.8 --fail-if-worse mrr@2 --max-loss 0.5"
    options += " --fail-if-worse map@2 --cutoffs 2 --out c.json"
    assert run("bad.jsonl", "good.jsonl", *options.split()) == 0
    found = json.loads((folder / "c.json").read_text())
    assert (found["test"], found["seed"], found["confidence"]) == ("bootstrap", 3, 0.8)
    assert found["deciding"] == ["mrr@2", "map@2"] and len(found["conclusions"]) == 2
    assert found["gate"] == {
        "fail_if_worse": ["mrr@2", "map@2"], "max_loss": 0.5, "passed": True, "faults": [],
    }  # fmt: skip
    assert " 80 % interval " in capsys.readouterr().out


def test_a_failed_gate_ends_with_1_and_the_result_stands(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("good.jsonl", "bad.jsonl", "--out", "free.json") == 0
    free = capsys.readouterr()
    gate = ["--fail-if-worse", "ndcg@10"]
    assert run("good.jsonl", "bad.jsonl", *gate, "--out", "gated.json") == 1
    out, err = capsys.readouterr()
    assert free.err == "" and out == free.out  # the same metric decides
    expected = "error: ndcg@10: expected a candidate that is not worse, got a loss of "
    assert err.startswith(expected) and err.count("\n") == 1
    without, gated = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("free", "gated")
    )
    assert gated["gate"]["passed"] is False
    assert gated["gate"]["faults"] == [err.removeprefix("error: ").rstrip("\n")]
    assert {**gated, "gate": None} == without
    assert run("bad.jsonl", "good.jsonl", *gate) == 0
    assert run("bad.jsonl", "bad.jsonl", *gate, "--max-loss", "0") == 0


def test_a_loss_that_is_not_ruled_out_ends_with_1_only_if_asked(
    folder: Path, taken: Lists, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"user_id": user, "items": [{"item_id": item} for item in items]}
        for user, items in recommend(taken, 0.7, 4).items()
    ]
    (folder / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    gate = ["--fail-if-worse", "recall@10"]
    assert run("good.jsonl", "new.jsonl", *gate) == 0
    assert "recall@10: no significant difference" in capsys.readouterr().out
    assert run("good.jsonl", "new.jsonl", *gate, "--max-loss", "0.5") == 0
    assert "a loss above 0.5 is ruled out: it can be taken.\n" in capsys.readouterr().out
    assert run("good.jsonl", "new.jsonl", *gate, "--max-loss", "0.001") == 1
    out, err = capsys.readouterr()
    assert "a loss above 0.001 is possible: keep the baseline.\n" in out
    assert err.startswith("error: recall@10: expected a loss above 0.001 to be ruled out, got no ")


@pytest.mark.parametrize("status", [0, 1])
def test_json_on_standard_output_stands_there_alone(
    status: int, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sides = ("bad.jsonl", "good.jsonl")[:: 1 - 2 * status]
    assert run(*sides, "--out", "-", "--fail-if-worse", "recall@10") == status
    out, err = capfd.readouterr()
    assert json.loads(out)["gate"]["passed"] is (status == 0)
    assert err.startswith("120 users, ") and err.count("error: recall@10: ") == status
    assert names_in(folder) == FILES


def test_the_same_file_twice_is_called_equal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("good.jsonl", "good.jsonl") == 0
    out = capsys.readouterr().out
    assert "\nthe lists are equal for each of 120 users: nothing to choose.\n" in out
    assert out.count("  0.0000 to 0.0000  1.0000       0    120      0\n") == 6
    assert names_in(folder) == FILES


@pytest.mark.parametrize(
    ("options", "complaint", "hint"),
    [
        (
            "--fail-if-worse ndcg@11",
            f"fail_if_worse: expected one of {AT_10}, got 'ndcg@11'",
            "--cutoffs says which list lengths there are",
        ),
        (
            "--cutoffs 5,2147483648",
            "cutoffs: expected integers below 2147483648, got 2147483648",
            "",
        ),
        ("--rounds 5", "rounds: expected at least 19, fewer have no p as small as 0.05, got 5", ""),
        (
            "--max-loss 0.1",
            "max_loss: expected a metric it holds for, got 0.1 and no metric",
            "--fail-if-worse names the metric",
        ),
        (
            "--candidate none.jsonl",
            "none.jsonl: expected a readable file, got 'No such file or directory'",
            "",
        ),
        (
            "--candidate stranger.jsonl",
            "stranger.jsonl:2: user_id: expected a user of the ground truth, got 'nobody'",
            "--extra-users ignore passes them over; cli.predict --users takes the ground truth",
        ),
        (
            "--baseline test.csv",
            "test.csv: rank: expected a column of this name, or position, got neither",
            "ranks begin at 1; the order of rows is no rank",
        ),
    ],
)
def test_bad_input_is_one_error_and_nothing_is_written(
    options: str, complaint: str, hint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = (folder / "good.jsonl").read_text().splitlines()[0]
    (folder / "stranger.jsonl").write_text(f'{first}\n{{"user_id": "nobody", "items": []}}\n')
    assert run("bad.jsonl", "good.jsonl", "--out", "c.json", *options.split()) == 1
    out, err = capsys.readouterr()
    error, *rest = err.splitlines()
    assert out == "" and error.startswith(f"error: {complaint}")
    assert rest == ([f"hint: {hint}"] if hint else [])
    assert names_in(folder) == sorted([*FILES, "stranger.jsonl"])


def test_extra_users_can_be_ignored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (folder / "good.jsonl").open("a") as stream:
        stream.write('{"user_id": "nobody", "items": []}\n')
    assert run("bad.jsonl", "good.jsonl", "--extra-users", "ignore") == 0
    assert "1 other lists of the candidate ignored" in capsys.readouterr().out


def test_the_ground_truth_may_have_other_columns_and_another_format(
    folder: Path, taken: Lists, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("bad.jsonl", "good.jsonl") == 0
    expected = capsys.readouterr().out
    rows = [{"who": user, "item_id": item} for user, items in taken.items() for item in items]
    (folder / "test.txt").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = "--ground-truth test.txt --format jsonl --user-column who"
    assert run("bad.jsonl", "good.jsonl", *options.split()) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    "options", ["--test t", "--rounds many", "--cutoffs 1;2", "--confidence high"]
)
def test_wrong_usage_exits_with_2(
    options: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run("bad.jsonl", "good.jsonl", *options.split())
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: mlcore compare ")

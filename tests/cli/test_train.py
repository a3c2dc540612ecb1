"""cli.train: what training refuses in interactions, and a model in place of the old one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore import Interactions, Model, train_from_data
from tests.cli.cases import WITHOUT_TIMES, Case, check, run, snapshot

TRAIN = "train --interactions interactions.csv --out-dir new"
CASES = [
    Case(
        "tf_idf and a user with all items",
        "train --interactions bad.csv --config tf_idf.json --out-dir new",
        "bad.csv: weighting tf_idf: user 'ann', item 'milk': expected a weight above 0 that "
        "float32 holds, got -0.4054651081081644",
        "a user has all items or all but one: --set weighting.smooth=true, or cap such users with "
        "cli.preprocess --max-user-interactions",
        WITHOUT_TIMES | {"tf_idf.json": '{"weighting": {"name": "tf_idf"}}'},
    ),
    *(
        Case(
            f"{name} without timestamps",
            "train --interactions bad.csv --config time.json --out-dir new",
            f"bad.csv: timestamp: expected a column to {purpose}, got none",
            f"--timestamp-column names one; without timestamps {hint}",
            WITHOUT_TIMES | {"time.json": config},
        )
        for name, config, purpose, hint in [
            (
                "half-life",
                '{"weighting": {"name": "none", "half_life_days": 7}}',
                "tell the age of interactions by",
                "leave half_life_days out",
            ),
            (
                "latest of heavy users",
                '{"heavy_users": {"name": "latest"}}',
                "find the latest interactions by",
                "take --set heavy_users.name=sample",
            ),
            (
                "history decay",
                '{"history_decay": {"name": "exponential"}}',
                "order the items of a user by",
                "leave history_decay out",
            ),
            (
                "rules by order",
                '{"similarity": {"name": "sequential_rules"}}',
                "put events in order by",
                "take another similarity",
            ),
        ]
    ),
    Case(
        "interaction after the reference time",
        "train --interactions bad.csv --config time.json --out-dir new",
        "bad.csv: weighting log: user 'bob', item 'tea': expected a timestamp up to the reference "
        "time 2024-01-01T23:00:00.000000Z, got 2024-01-01T23:00:01.000000Z",
        "leave reference_time out to take the latest timestamp, or set later interactions aside: "
        "cli.split --strategy temporal --cutoff 2024-01-01T23:00:00.000000Z",
        {
            "bad.csv": "user_id,item_id,timestamp\nann,tea,2024-01-01T23:00:00Z\n"
            "bob,tea,2024-01-01T23:00:01Z\n",
            "time.json": '{"weighting": {"name": "log", "half_life_days": 7, '
            '"reference_time": "2024-01-02T00:00:00+01:00"}}',
        },
    ),
    Case(
        "weight beyond float32",
        "train --interactions bad.csv --set weighting.name=none --out-dir new",
        "bad.csv: weighting none: user 'ann', item 'tea': expected a weight above 0 that float32 "
        "holds, got 1e+39",
        files={"bad.csv": "user_id,item_id,weight\nann,tea,1e39\n"},
    ),
    Case(
        "weights that add up to infinity",
        "train --interactions bad.csv --out-dir new",
        "bad.csv: weight: user 'bob', item 'tea': expected a finite sum, got Infinity",
        files={"bad.csv": "user_id,item_id,weight\nann,tea,1\nbob,tea,1e308\nbob,tea,1e308\n"},
    ),
    Case(
        "no threads",
        f"{TRAIN} --threads 0",
        "threads: expected an integer from 1 to 1024, got 0",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_overwrite_makes_the_model_that_a_new_directory_gets(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"{TRAIN} --without-users") == 0
    assert (
        run("train --interactions interactions.csv --out-dir model --overwrite --without-users")
        == 0
    )
    assert snapshot(folder / "new") == snapshot(folder / "model") == snapshot(folder / "no-users")
    out, err = capsys.readouterr()
    assert out.count("trained on 9 interactions of 4 users and 4 items") == 2 and err == ""


def test_a_dry_run_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(folder)
    assert run(f"{TRAIN} --dry-run") == 0
    assert snapshot(folder) == before
    out, err = capsys.readouterr()
    assert "MiB" in out and err == ""


def test_interactions_too_many_half_lives_old_are_counted_in_a_note(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "user_id,item_id,timestamp\nann,tea,0\nbob,tea,17280000\n"  # 200 days
    (folder / "old.csv").write_text(rows)
    (folder / "time.json").write_text('{"weighting": {"name": "binary", "half_life_days": 1}}')
    assert run("train --interactions old.csv --config time.json --out-dir new") == 0
    assert capsys.readouterr().err == (
        "note: weighting binary: 1 of 2 interactions are so many half-lives old that they keep the "
        "least weight of float32\n"
    )


@pytest.mark.parametrize("keep", ["", " --keep-events"])
def test_rules_by_order_see_all_events_that_the_commands_before_keep(
    keep: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [("u", item, 10 * time) for time, item in enumerate("abcacba")]
    rows += [("v", item, time) for time, item in enumerate("cabba")]
    lines = [f"{user},{item},{time}\n" for user, item, time in rows]
    Path("events.csv").write_text("user_id,item_id,timestamp\n" + "".join(reversed(lines)))
    assert run(f"preprocess --interactions events.csv --out clean.csv{keep}") == 0
    split = (
        "split --interactions clean.csv --strategy last-n --train-out train.csv --test-out test.csv"
    )
    assert run(split + keep) == 0
    train = "train --interactions train.csv --similarity sequential_rules --out-dir model"
    assert run(train) == 0
    # a is the last item of both users, so all its events are in the test.
    left = [row for row in rows if row[1] != "a"]
    if not keep:
        left = [
            row
            for place, row in enumerate(left)
            if row[:2] not in {r[:2] for r in left[place + 1 :]}
        ]
    users, items, times = zip(*left)
    config = {"similarity": {"name": "sequential_rules"}}
    expected = train_from_data(Interactions.from_columns(users, items, timestamps=times), config)
    found = Model.load("model")
    assert found.similarity.data.tobytes() == expected.similarity.data.tobytes()
    assert found.similarity.num_entries == (2 if keep else 1)
    if keep:
        assert found.interactions_sha256 == expected.interactions_sha256

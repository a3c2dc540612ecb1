"""No command writes over one of its inputs, unless asked."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.cli.cases import REPOSITORY, Case, check, run, write

ANOTHER = "write to another file, and rename it when it is done"
FILES: dict[str, str | bytes] = {
    "users.csv": "user_id\nann\n",
    "items.csv": "item_id\ntea\n",
    "pairs.csv": "user_id,item_id\nann,tea\n",
    "sessions.jsonl": '{"user_id": "s1", "history": [{"item_id": "tea"}]}\n',
    "old.jsonl": '{"user_id": "ann", "items": [{"item_id": "tea"}]}\n',
    "space.json": "{}",
    "deduplicate.sql": (REPOSITORY / "sql/deduplicate.sql").read_bytes(),
}
PREDICT = "predict --model-dir model"
EVALUATE = "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 1"
COMPARE = "compare --baseline old.jsonl --candidate predictions.jsonl --ground-truth truth.csv"
TRAIN = "train --interactions interactions.csv"
TUNE = "tune --interactions interactions.csv --validation truth.csv --trials 1"
# A command, the option of its output, and its inputs by option.
COMMANDS = [
    ("split --interactions interactions.csv --strategy random --test-out b.csv", "--train-out", ["--interactions"]),
    ("split --interactions interactions.csv --strategy random --train-out b.csv", "--test-out", ["--interactions"]),
    (f"{PREDICT} --users users.csv --include-items items.csv --exclude-items truth.csv", "--out", ["--users", "--include-items", "--exclude-items"]),
    (f"{PREDICT} --all-users --include-pairs truth.csv --exclude-pairs pairs.csv", "--out", ["--include-pairs", "--exclude-pairs"]),
    (f"{PREDICT} --histories sessions.jsonl", "--out", ["--histories"]),
    (f"{PREDICT} --all-users --attributes truth.csv --filter space.json", "--out", ["--attributes", "--filter"]),
    (EVALUATE, "--out", ["--predictions", "--ground-truth"]),
    (f"{EVALUATE} --out new.json", "--per-user-out", ["--predictions", "--ground-truth"]),
    (f"{EVALUATE} --engine duckdb --interactions interactions.csv", "--out", ["--predictions", "--ground-truth", "--interactions"]),
    (COMPARE, "--out", ["--baseline", "--candidate", "--ground-truth"]),
    (f"{TRAIN} --items items.csv --config space.json", "--out-dir", ["--interactions", "--items", "--config"]),
    (f"{TRAIN} --attributes truth.csv", "--out-dir", ["--attributes"]),
    (f"{TRAIN} --engine duckdb --attributes truth.csv", "--out-dir", ["--interactions", "--attributes"]),
    (f"{TUNE} --items items.csv --space space.json", "--out-dir", ["--interactions", "--validation", "--items", "--space"]),
]  # fmt: skip
CASES = [
    Case(
        f"{command.split()[0]} {output} {option}",
        f"{command} {output} linked{Path(place).suffix}",
        f"linked{Path(place).suffix}: expected another file than the input {option}, got the same",
        ANOTHER,
        FILES,
        lambda folder, place=place: os.link(place, f"linked{Path(place).suffix}"),  # type: ignore[misc]
    )
    for command, output, options in COMMANDS
    for option in options
    for place in [shlex.split(command)[shlex.split(command).index(option) + 1]]
] + [
    Case(
        "run_sql",
        "run_sql --query deduplicate.sql --table events=interactions.csv --out ./interactions.csv",
        "./interactions.csv: expected another file than the input --table events, got the same",
        ANOTHER,
        FILES,
    ),
    Case(
        "preprocess",
        "preprocess --interactions interactions.csv --out ./interactions.csv",
        "./interactions.csv: expected another file than the input --interactions, got the same",
        "--in-place replaces it",
    ),
    *(
        Case(
            f"an output in a model, {command.split()[0]}",
            command,
            f"{shlex.split(command)[-1]}: expected a place outside the input --model-dir, got one inside",
            "the next run would read it as part of that folder; write to another one",
        )
        for command in [
            f"{PREDICT} --all-users --out model/manifest.json",
            f"{PREDICT} --all-users --out model/new.jsonl",
            f"{EVALUATE} --model-dir model --out model/config.json",
        ]
    ),
    *(
        Case(
            f"{command.split()[-2]} in a model, {command.split()[0]}",
            command,
            f"{command.split()[-1]}: expected a place outside of a model directory, "
            f"got one inside 'no-users'",
            "a model directory holds nothing but its model; write beside it",
        )
        for command in [
            f"{PREDICT} --all-users --out no-users/manifest.json",
            f"{PREDICT} --all-users --out new.jsonl --lineage no-users/l.jsonl",
            f"{EVALUATE} --out no-users/metrics.json",
            f"{COMPARE.replace('old', 'predictions')} --out no-users/deep/comparison.json",
            "preprocess --interactions interactions.csv --out no-users/clean.csv",
            f"{TRAIN} --out-dir no-users/model",
            f"{TRAIN} --out-dir no-users --overwrite --lineage no-users/l.jsonl",
            f"{TUNE} --out-dir no-users/tuning",
        ]
    ),
    Case(
        "a lineage in a folder of parts",
        "preprocess --interactions parts --out clean.csv --lineage parts/l.jsonl",
        "parts/l.jsonl: expected a place outside the input --interactions, got one inside",
        "the next run would read it as part of that folder; write to another one",
        {"parts/items.csv": "user_id,item_id\nann,tea\nbob,tea\nbob,milk\n"},
    ),
    *(
        Case(
            f"an output in a folder of parts, {command.split()[0]}",
            command,
            f"{shlex.split(command)[-1]}: expected a place outside the input --interactions, got {got}",
            "the next run would read it as part of that folder; write to another one",
            {"parts/items.csv": "user_id,item_id\nann,tea\nbob,tea\nbob,milk\n"},
        )
        for command, got in [
            ("preprocess --interactions parts --out parts/clean.csv", "one inside"),
            ("train --interactions parts --overwrite --out-dir parts", "the same"),
            ("train --interactions parts --out-dir parts/model", "one inside"),
            ("tune --interactions parts --validation truth.csv --out-dir parts/tuning", "one inside"),
        ]
    ),
    *(
        Case(
            f"an output in a model that is compared: {models}",
            f"diff {models} --out model/config.json",
            "model/config.json: expected a place outside the input --model-dir model, got one inside",
            "the next run would read it as part of that folder; write to another one",
        )
        for models in ["--model-dir no-users --model-dir model", "--model-dir model --model-dir no-users"]
    ),
    Case(
        "an output in a model of a diff",
        "diff --model-dir no-users --model-dir model --out model/manifest.json",
        "model/manifest.json: expected a place outside the input --model-dir model, got one inside",
        "the next run would read it as part of that folder; write to another one",
    ),
    Case(
        "one of several parts, in place",
        "preprocess --interactions parts/*.csv --out parts/b.csv --in-place",
        "parts/b.csv: expected another file than the input --interactions, got the same",
        ANOTHER,
        {"parts/a.csv": "user_id,item_id\nann,tea\n", "parts/b.csv": "user_id,item_id\nbob,tea\n"},
    ),
    Case(
        "an output that the pattern of the input matches",
        "preprocess --interactions parts/*.csv --out parts/clean.csv",
        "parts/clean.csv: expected a name that the pattern of --interactions does not match, got one of it",
        "the next run would read it, too; write to another folder",
        {"parts/a.csv": "user_id,item_id\nann,tea\n"},
    ),
    Case(
        "a link in the model that it would lead to",
        "publish --model-dir model --to model/current",
        "model: expected a place outside the input --model-dir, got the same",
        "the next run would read it as part of that folder; write to another one",
    ),
]  # fmt: skip


def needs_duckdb(case: Case) -> bool:
    return "duckdb" in case.command or case.command.startswith("run_sql")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=pytest.mark.duckdb if needs_duckdb(case) else ())
        for case in CASES
    ],
)
def test_an_output_over_an_input_is_refused(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


@pytest.mark.parametrize(
    "command",
    [
        "preprocess --interactions interactions.csv --out interactions.csv --in-place",
        # What a model is trained on may be files of the model that it replaces.
        f"{TRAIN} --config model/config.json --out-dir model --overwrite",
        "publish --model-dir model --to current",
    ],
)
def test_what_is_asked_for_is_done_twice(command: str, folder: Path) -> None:
    write(folder, FILES)
    assert (run(command), run(command)) == (0, 0)


def test_a_link_may_get_a_new_copy_of_the_model_that_it_leads_to(folder: Path) -> None:
    assert run("publish --model-dir model --to current") == 0
    assert run("publish --model-dir current --to current --keep 1") == 0
    assert run("inspect --model-dir current --verify") == 0

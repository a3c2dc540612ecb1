"""cli.console: complaints about options that are none say which one is meant."""

from __future__ import annotations

import pytest

from tests.cli.cases import run

TRAIN = "train --interactions interactions.csv --out-dir new"
PREDICT = "predict --model-dir model --users users.csv --out new.jsonl"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        # A setting, by its key and by the last part of it.
        (f"{TRAIN} --num-neighbors 50", "unrecognized arguments: --num-neighbors 50; is --set num_neighbors=... meant by --num-neighbors?"),
        (f"{TRAIN} --num_neigbors=50", "unrecognized arguments: --num_neigbors=50; is --set num_neighbors=... meant by --num_neigbors?"),
        (f"{TRAIN} --weighting bm25", "unrecognized arguments: --weighting bm25; is --set weighting.name=... meant by --weighting?"),
        (f"{TRAIN} --half-life-days 3", "unrecognized arguments: --half-life-days 3; is --set weighting.half_life_days=... meant by --half-life-days?"),
        ("config --alpha 0.5", "unrecognized arguments: --alpha 0.5; is --set similarity.alpha=... meant by --alpha?"),
        # A slip, another case, a part or more than the name.
        (f"{TRAIN} --user_column u", "unrecognized arguments: --user_column u; is --user-column meant by --user_column?"),
        (f"{TRAIN} --Threads 2", "unrecognized arguments: --Threads 2; is --threads meant by --Threads?"),
        (f"{PREDICT} --topn 5", "unrecognized arguments: --topn 5; is --top-n meant by --topn?"),
        (f"{PREDICT} --explain-all", "unrecognized arguments: --explain-all; is --explain meant by --explain-all?"),
        ("similar --model-dir model --item-id tea", "the following arguments are required: --item; is --item meant by --item-id?"),
        ("predict --model model --all-users --out new.jsonl", "the following arguments are required: --model-dir; is --model-dir meant by --model?"),
        # A name of other tools; the same one means another option elsewhere.
        (f"{PREDICT} --k 5", "unrecognized arguments: --k 5; is --top-n meant by --k?"),
        ("evaluate --predictions p.jsonl --ground-truth truth.csv --out new.json --k 5", "the following arguments are required: --cutoffs; is --cutoffs meant by --k?"),
        ("train --input interactions.csv --out-dir new", "the following arguments are required: --interactions; is --interactions meant by --input?"),
        ("train --interactions interactions.csv --output new", "the following arguments are required: --out-dir; is --out-dir meant by --output?"),
        # A file without its option.
        ("train interactions.csv --out-dir new", "the following arguments are required: --interactions; is --interactions interactions.csv meant?"),
        # Nothing is alike, or the fault is another one.
        (f"{PREDICT} --zzz", "unrecognized arguments: --zzz"),
        (f"{PREDICT} -5", "unrecognized arguments: -5"),
        (f"{PREDICT} --top-n many --k 5", "argument --top-n: invalid int value: 'many'"),
    ],
)  # fmt: skip
def test_an_unknown_option_is_answered_with_the_one_that_is_meant(
    command: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(command)
    assert caught.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"mlcore {command.split()[0]}: error: {complaint}"

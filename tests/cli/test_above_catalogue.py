"""Lists and cutoffs longer than the catalogue cost what the catalogue costs, and give what it gives."""

from __future__ import annotations

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from mlcore import Recommender
from mlcore.recommend.memory import plan_lists
from mlcore.recommend.request import ListOptions
from tests.cli.cases import run

HUGE = 2**31 - 1
ITEMS = 4  # of INTERACTIONS
MEMORY = 2**26  # a byte for each of HUGE entries would be 32 times as much

PREDICT = "predict --model-dir model --fill popularity --top-n {n}"
EVALUATE = "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 1,{n}"
COMPARE = (
    "compare --baseline predictions.jsonl --candidate predictions.jsonl --ground-truth truth.csv"
)
TUNE = "tune --interactions interactions.csv --validation truth.csv --trials 2"
DETAILS = "--model-dir model --diversity --slices history-length,popularity --confidence 0.9 --per-user-out {n}.csv"
COMMANDS = [
    f"{PREDICT} --all-users --out out",
    f"{PREDICT} --all-users --explain --include-seen --out out",
    f"{PREDICT} --users truth.csv --threads 2 --out out",
    f"{EVALUATE} {DETAILS} --out out",
    pytest.param(f"{EVALUATE} --engine duckdb --interactions interactions.csv --out out", marks=pytest.mark.duckdb),
    f"{COMPARE} --cutoffs {{n}} --out out",
    pytest.param(f"{TUNE} --metric ndcg@{{n}} --out-dir tuning", marks=pytest.mark.optuna),
]  # fmt: skip


def _without_precision(value: Any) -> Any:
    """Return JSON without what is divided by n."""
    if not isinstance(value, dict):
        return value
    kept = {name: each for name, each in value.items() if not name.startswith("precision@n")}
    return {name: _without_precision(each) for name, each in kept.items()}


@pytest.mark.parametrize("command", COMMANDS)
def test_more_than_the_catalogue_is_the_catalogue(
    command: str, folder: Path, tmp_path: Path
) -> None:
    written = []
    for n in (ITEMS, HUGE):
        tracemalloc.start()
        try:
            assert run(command.format(n=n)) == 0
            assert tracemalloc.get_traced_memory()[1] < MEMORY
        finally:
            tracemalloc.stop()
        (out,) = [*folder.glob("out"), *folder.glob("tuning")]
        result = (out / "config.json" if out.is_dir() else out).read_text()
        lines = re.sub(rf"(?<=[@\"]){n}\b", "n", result).splitlines()
        written.append(
            [json.loads(line) for line in lines]
            if command.startswith("predict")
            else _without_precision(json.loads("".join(lines)))
        )
        out.rename(tmp_path / str(n))
    assert written[0] == written[1]


def test_similar_items_are_those_of_the_catalogue(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in (ITEMS, HUGE):
        assert run(f"similar --model-dir model --item tea --top-n {n}") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :] != []
    assert all("score" in json.loads(line) for line in lines)


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize("all_users", [False, True])
def test_a_plan_is_bounded_by_the_catalogue(explain: bool, all_users: bool, folder: Path) -> None:
    model = Recommender.load("model").model
    plans = [
        plan_lists(model, "model", ListOptions(n, explain=explain), 2, all_users)
        for n in (ITEMS, HUGE)
    ]
    assert plans[0].allocations == plans[1].allocations
    assert plans[1].num_bytes < MEMORY

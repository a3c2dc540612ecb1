"""Go's predict writes what Python's does, notes and summary included, whatever options meet."""

from __future__ import annotations

import json
import random
import subprocess
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli import predict, train
from mlcore.aggregate import AGGREGATES
from mlcore.weighting import WEIGHTINGS
from tests.recommend.catalogues import random_filter

ITEMS = ["0001", "1", "a", "b", "e\u0301", 'q"2', "q,1", "x", "y", "\u00e9", "\U0001f600"]
USERS = [f"u{number}" for number in range(9)]
BEFORE_1970, DAY = -(10**7), 86_400
NUM_MODELS, NUM_RUNS = 12, 20
Row = Sequence[Any]


def write_table(path: Path, columns: str, rows: Iterable[Row]) -> Path:
    lines = (",".join('"' + str(field).replace('"', '""') + '"' for field in row) for row in rows)
    path.write_text("\n".join([columns, *lines, ""]), "utf-8")
    return path


def make_model(rng: random.Random, folder: Path) -> Path:
    """Train a model that requires all there is, with random settings."""
    name, decay = rng.choice(sorted(WEIGHTINGS)), rng.choice(["none", "quadratic", "exponential"])
    config = {
        "similarity": {"name": rng.choice(["cosine", "sequential_rules"])},
        "weighting": {"name": name, "half_life_days": rng.choice([0.01, 30, 1e9])}
        | ({"smooth": True} if name in ("tf_idf", "bm25") else {}),
        "aggregate": rng.choice(AGGREGATES),
        "history_decay": {"name": decay}
        | ({"half_life_items": 1.5} if decay == "exponential" else {}),
        "popularity_half_life_days": rng.choice([0.01, 30]),
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    rows = [
        (rng.choice(USERS), rng.choice(ITEMS), rng.choice([0.5, 1, 7]), rng.randint(-9, 9) * DAY)
        for _ in range(50)
    ]
    events = write_table(folder / "events.csv", "user_id,item_id,weight,timestamp", rows)
    items = [[item, *random_facts(rng)] for item in rng.sample(ITEMS, 9) + ["unknown"]]
    columns = "item_id,brand,kind,series,available_from,available_until"
    options = {"interactions": events, "config": path, "out-dir": folder / "model"}
    options["attributes"] = write_table(folder / "items.csv", columns, items)
    assert train.main([f"--{key}={value}" for key, value in options.items()]) == 0
    return folder / "model"


def random_facts(rng: random.Random) -> Row:
    brand, kind = rng.choice(["", "a", "b", "\u00e9"]), rng.choice(["a", "tea", "x,y"])
    return brand, kind, rng.choice(["", "1", "2"]), *(rng.choice(["", 0, 2, 4]) for _ in range(2))


def random_request(rng: random.Random, folder: Path) -> list[str]:
    items, users = [*ITEMS, "unknown", "nobody's"], [*USERS, "new"]

    def table(name: str, columns: str, pick: Any) -> str:
        return str(write_table(folder / f"{name}.csv", columns, [pick() for _ in range(15)]))

    def pair() -> Row:
        return rng.choice(users), rng.choice(items)

    whom = rng.choice(["all-users", "users", "histories"])
    options: dict[str, Any] = {whom: None, "top-n": rng.choice([1, 3, 20])}
    if whom == "users":
        chosen = iter(rng.sample(users, 6) + [f"other{number}" for number in range(9)])
        options |= {whom: table(whom, "user_id", lambda: [next(chosen)]), "unknown-user": "fill"}
    if whom == "histories":
        timed = rng.random() < 0.5
        columns = "user_id,item_id" + ",timestamp" * timed
        options[whom] = table(
            whom, columns, lambda: (*pair(), *[rng.choice([0, 9, BEFORE_1970])] * timed)
        )
        options |= rng.choice([{}, {"weights": "final"}, {"now": 10**8}])
    for name, columns in {"items": "item_id", "pairs": "user_id,item_id"}.items():
        for use in ("include", "exclude"):
            if rng.random() < 0.3:
                path = table(
                    f"{use}-{name}", columns, lambda: pair()[2 - len(columns.split(",")) :]
                )
                options[f"{use}-{name}"] = path
    if rng.random() < 0.7:
        options["filter"] = json.dumps(random_filter(rng, with_caps=rng.random() < 0.5))
    if rng.random() < 0.2:
        options["attributes"] = folder / "items.csv"
    options |= {flag: None for flag in ("include-seen", "explain") if rng.random() < 0.3}
    if rng.random() < 0.5:
        options["fill"] = "popularity"
    return [f"--{key}" + ("" if value is None else f"={value}") for key, value in options.items()]


@pytest.mark.parametrize("seed", range(NUM_MODELS))
def test_every_combination_of_options_gives_the_same_lists_and_words_in_go(
    seed: int, go_reader: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, out, scores = random.Random(seed), tmp_path / "lists.jsonl", 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_model(rng, tmp_path)
    for _ in range(NUM_RUNS):
        options = [f"--model-dir={model}", *random_request(rng, tmp_path), f"--out={out}"]
        capsys.readouterr()
        code, said = predict.main(options), capsys.readouterr()
        by_python = out.read_text("utf-8") if code == 0 else ""
        done = subprocess.run([go_reader, "predict", *options], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (code, said.out, said.err), options
        assert (out.read_text("utf-8") if code == 0 else "") == by_python, options
        scores += by_python.count('"score": ')
    assert scores > 100

"""Raw events give the lists of the users they are from, in Go as in Python, for every rule.

``python -m tests.interop.test_go_events EVENTS READER`` does the same on another table and prints how
many lists differ; READER is Go's ``mlcore``.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcore import DataError, TrainConfig, train_from_data
from mlcore.aggregate import AGGREGATES
from mlcore.errors import DataWarning
from mlcore.files.interactions import read_events
from mlcore.interactions import Events
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.predict import predict_from_path
from mlcore.weighting import WEIGHTINGS

REPOSITORY = Path(__file__).parents[2]
SMALL = REPOSITORY / "fixtures/small/events.csv"
HALF_LIVES = (None, 60, 2.5)
DECAYS: list[dict[str, Any]] = [
    {"name": "none"},
    {"name": "quadratic"},
    {"name": "exponential", "half_life_items": 2.5},
]
RULES = list(itertools.product(sorted(WEIGHTINGS), HALF_LIVES, AGGREGATES))


def config_of(
    name: str, half_life: float | None, aggregate: str, decay: dict[str, Any]
) -> TrainConfig:
    weighting: dict[str, Any] = {"name": name, "half_life_days": half_life}
    if name in ("tf_idf", "bm25"):
        weighting["smooth"] = True
    return TrainConfig.from_json(
        {"weighting": weighting, "aggregate": aggregate, "history_decay": decay}
    )


def lists(folder: Path, events: Events, path: Path, config: TrainConfig, reader: Path) -> list[Any]:
    """Return the lists of all users, of their events by Python, and of their events by Go."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of weights that are very old
        train_from_data(events.aggregate(config.aggregate), config).save(folder / "model")
    found = []
    for requests in (Requests(all_users=True), Requests(histories_path=path)):
        predict_from_path(folder / "model", requests, folder / "lists.jsonl", PredictOptions(10))
        found.append((folder / "lists.jsonl").read_text("utf-8").splitlines())
    command: list[Any] = [
        reader,
        "predict",
        "--model-dir",
        folder / "model",
        "--histories",
        path,
        "--out",
        "-",
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8")
    return [*found, done.stdout.splitlines()]


@pytest.fixture(scope="module")
def small() -> Events:
    return read_events(SMALL)


@pytest.mark.parametrize("decay", DECAYS, ids=lambda decay: decay["name"])
@pytest.mark.parametrize(("name", "half_life", "aggregate"), RULES)
def test_the_events_of_a_user_give_the_list_of_the_user(
    name: str,
    half_life: Any,
    aggregate: str,
    decay: dict[str, Any],
    small: Events,
    go_reader: Path,
    tmp_path: Path,
) -> None:
    config = config_of(name, half_life, aggregate, decay)
    users, by_python, by_go = lists(tmp_path, small, SMALL, config, go_reader)
    assert len(users) > 100 and any('"score"' in line for line in users)
    assert by_python == users
    assert by_go == users


def _measure(path: Path, reader: Path) -> Iterator[str]:
    events = read_events(path)
    for rule in ((*rule, decay) for decay in DECAYS for rule in RULES):
        with tempfile.TemporaryDirectory() as folder:
            try:
                users, *others = lists(Path(folder), events, path, config_of(*rule), reader)
            except DataError as error:
                yield f"{rule}: {error}"
                continue
        differing = [sum(a != b for a, b in zip(users, other, strict=True)) for other in others]
        yield f"{rule}: {len(users)} users, lists that differ: {differing[0]} Python, {differing[1]} Go"


if __name__ == "__main__":
    for line in _measure(Path(sys.argv[1]), Path(sys.argv[2])):
        print(line, flush=True)

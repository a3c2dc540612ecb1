"""Requests per second with filters on a catalogue of 100,000 items, against none.

``python -m benchmarks.filters`` asks a synthetic model for the ten best items, one user after the other and
many at once. Values are random: of ``share`` each item has one of 100, of ``brand`` one of 1,000.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks.big_model import ITEMS, make_model
from benchmarks.report import format_table, log, run
from mlcore import Model, Recommender
from mlcore.artifact import Attributes
from mlcore.files.catalogue import NO_TIME, Catalogue

__all__ = ["FILTERS", "main", "requests_per_second", "with_catalogue"]

NUM_NEIGHBORS = 100
LIST_LENGTH = 10
ONE_BY_ONE, TOGETHER = 300, 3000
REPETITIONS = 5
FILTERS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "1 % by a value": {"any_of": {"share": ["07"]}},
    "99 % by a value": {"none_of": {"share": ["07"]}},
    "1 % there now": {"available_at": 5},
    "at most one of a brand": {"at_most": {"brand": 1}},
    "at most one of a share, of 1 %": {"any_of": {"share": ["07"]}, "at_most": {"share": 1}},
}


def with_catalogue(model: Model, seed: int = 1) -> Model:
    """Return the model with two columns, and times by which one of a hundred items is there."""
    rng = np.random.default_rng(seed)
    values = [f"{number:02}" for number in range(100)] + [f"b{number:03}" for number in range(1000)]
    shares, brands = rng.integers(0, 100, ITEMS), rng.integers(100, 1100, ITEMS)
    ends = np.where(shares == 7, NO_TIME, 0)
    columns = {"share": shares.tolist(), "brand": brands.tolist()}
    table = Catalogue(model.items.ids, columns, values, None, ends.tolist())
    return replace(model, attributes=Attributes.encode(table, model.items))


def requests_per_second(ask: Callable[[Sequence[str]], object], users: Sequence[str]) -> float:
    """Return the median over repetitions, each with users of its own."""
    size = len(users) // REPETITIONS
    speeds = []
    for begin in range(0, size * REPETITIONS, size):
        begun = time.perf_counter()
        ask(users[begin : begin + size])
        speeds.append(size / (time.perf_counter() - begun))
    return median(speeds)


def _one_by_one(recommender: Recommender, wanted: Any, users: Sequence[str]) -> None:
    for user in users:
        recommender.predict(user, LIST_LENGTH, filter=wanted)


def _together(recommender: Recommender, wanted: Any, users: Sequence[str]) -> None:
    recommender.predict_many(users, LIST_LENGTH, filter=wanted)


def _measure() -> int:
    log("make a model")
    recommender = Recommender(with_catalogue(make_model(NUM_NEIGHBORS)))
    users = recommender.user_ids()
    rows = []
    for name, wanted in FILTERS.items():
        log(name)
        _together(recommender, wanted, users[:ONE_BY_ONE])  # checks, and compiles
        one_by_one = partial(_one_by_one, recommender, wanted)
        together = partial(_together, recommender, wanted)
        speeds = [
            requests_per_second(one_by_one, users[: REPETITIONS * ONE_BY_ONE]),
            requests_per_second(together, users[: REPETITIONS * TOGETHER]),
        ]
        rows.append([name, *(f"{speed:,.0f}" for speed in speeds)])
    print(format_table(["filter", "requests/s, one by one", "requests/s, together"], rows))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    ArgumentParser(prog="python -m benchmarks.filters", description=__doc__).parse_args(argv)
    return run(_measure)


if __name__ == "__main__":
    raise SystemExit(main())

"""Filters and caps give the same lists in Go as in Python, and as plain loops do, bit for bit.

``python -m tests.interop.test_go_filters READER SEEDS`` compares more and prints how many; READER is
Go's ``mlcore``.
"""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from interop.python_adapter import answer
from tests.recommend.catalogues import (
    SECOND,
    World,
    capped_list,
    random_filter,
    random_options,
    random_world,
)

Request = dict[str, Any]
NUM_REQUESTS = 400  # of each model


def random_request(rng: random.Random, world: World) -> Request:
    """Return a request of the conformance protocol."""
    options = random_options(rng, world)
    wanted = random_filter(rng, with_caps=rng.random() < 0.5)
    if "available_at" in wanted:
        wanted["available_at"] *= SECOND
    request: Request = {"id": "r", "n": options["n"], "filter": wanted}
    kind, items = rng.choice(["user", "user", "history", "item"]), list(world.facts)
    if kind == "item":
        return {**request, "item": rng.choice(items)}
    if kind == "user":
        request["user"] = rng.choice(world.users)
    else:
        request["history"] = [[item, rng.randint(1, 9) / 4] for item in rng.sample(items, 5)]
    if options["include"] is not None:
        request["include"] = options["include"]
    request |= {key: options[key] for key in ("exclude", "include_seen")}
    return request | {"fill": options["fill"] is not None, "explain": rng.random() < 0.3}


def plain(world: World, request: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Return the list of a user by plain loops: item, bits of the score, whether it is filled in."""
    wanted = dict(request["filter"])
    if "available_at" in wanted:
        wanted["available_at"] //= SECOND
    options = {
        "n": request["n"],
        "include": request.get("include"),
        "exclude": request["exclude"],
        "include_seen": request["include_seen"],
        "fill": "popularity" if request["fill"] else None,
    }
    return [
        (item, struct.pack(">d", score).hex(), source == "popularity")
        for item, score, source in capped_list(world, request["user"], wanted, options)
    ]


def compare(rng: random.Random, reader: Path, folder: Path, num_requests: int) -> int:
    """Return how many lists of random requests to a random model are not empty."""
    world = random_world(rng)
    world.recommender.model.save(folder)
    requests = [random_request(rng, world) for _ in range(num_requests)]
    lines = "".join(f"{json.dumps(request)}\n" for request in requests)
    command: list[str | Path] = [reader, "conformance", "predict", folder]
    done = subprocess.run(command, input=lines, capture_output=True, encoding="utf-8", check=True)
    by_go = [json.loads(line) for line in done.stdout.splitlines()]
    assert by_go == [answer(world.recommender, request) for request in requests]
    for request, found in zip(requests, by_go):
        if "user" in request:
            listed = [(item["item_id"], item["bits"], item["filled"]) for item in found["items"]]
            assert listed == plain(world, request)
    return sum(bool(found["items"]) for found in by_go)


@pytest.mark.parametrize("seed", range(8))
def test_filtered_and_capped_lists_are_the_same_in_go(
    seed: int, go_reader: Path, tmp_path: Path
) -> None:
    listed = compare(random.Random(seed), go_reader, tmp_path / "model", NUM_REQUESTS)
    assert listed > NUM_REQUESTS / 3


if __name__ == "__main__":
    for some_seed in range(int(sys.argv[2])):
        with tempfile.TemporaryDirectory() as some_folder:
            model_dir = Path(some_folder) / "model"
            listed = compare(random.Random(some_seed), Path(sys.argv[1]), model_dir, NUM_REQUESTS)
        print(f"seed {some_seed}: {NUM_REQUESTS} requests are the same, {listed} have items")

"""Requests a second of the Go server, beside one that knows nothing but an answer of the same size.

Sixteen connections ask for the 10 best items of every user of a model in random order, each server in
turns of 0.2 s, on the cores that both share with who asks: the benchmark BesideFixedBody of
``interop/go/internal/server``.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
from pathlib import Path

from benchmarks.go_programs import READER, has_go
from benchmarks.measure import run_child, run_program
from benchmarks.options import PRESETS, make_events
from benchmarks.report import format_table, log, write_json
from benchmarks.results import describe_machine

__all__ = ["compare_servers", "rates_of"]

SHAPE = "1m"
TRAINING = [
    *("--similarity", "cosine", "--set", "num_neighbors=100"),
    *("--set", "weighting.name=none", "--set", "neighborhood=target"),
]
BENCHMARK = ["test", "-run", "-", "-bench", "BesideFixedBody", "-benchtime", "25x"]
RATE = re.compile(r"([\d.]+) (fixed-)?requests/s")


def compare_servers(seed: int, data_dir: Path, repetitions: int, *, out: Path) -> None:
    """Train a model, let both servers answer, print a table and write the figures, if Go is there."""
    if not has_go():
        return
    events = make_events(PRESETS[SHAPE], seed, data_dir)
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/model"
        run_child(["cli.train", "--interactions", str(events), *TRAINING, "--out-dir", model])
        size = json.loads(run_child(["cli.inspect", "--model-dir", model]).output)
        log(f"ask both servers, {repetitions} times 25 turns")
        options = [f"-count={repetitions}", "./internal/server", "-model", model]
        rates = rates_of(run_program(["go", "-C", str(READER), *BENCHMARK, *options]).output)
    print(format_table(["", "requests/s"], [[name, f"{rate:.0f}"] for name, rate in rates.items()]))
    document: dict[str, object] = {
        "data": {name: size[name] for name in ("users", "items", "interactions", "pairs")},
        "machine": describe_machine(()),
        "requests_per_second": rates,
    }
    write_json(out, document)


def rates_of(output: str) -> dict[str, float]:
    """Return the median requests a second of each server, from what ``go test`` printed.

    >>> rates_of("5 ns/op  60.5 fixed-requests/s  33 requests/s")
    {'mlcore': 33.0, 'fixed body': 60.5}
    """
    rates: dict[str, list[float]] = {"": [], "fixed-": []}
    for rate, server in RATE.findall(output):
        rates[server].append(float(rate))
    return dict(zip(("mlcore", "fixed body"), map(statistics.median, rates.values())))

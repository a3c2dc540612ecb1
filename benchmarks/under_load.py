"""The Go server under load: what it answers, how fast, in how much memory, while others ask for much.

Two models of ``middle``, the second for the reload. Who asks is ``interop/go/cmd/load``, on the cores that it shares
with the server; it checks every list. Heavy requests are explained histories of half of the catalogue.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.go_programs import build_program
from benchmarks.measure import run_child, run_program
from benchmarks.options import PRESETS, make_events
from benchmarks.report import format_table, log, write_json
from benchmarks.results import describe_machine
from mlcore import Recommender

__all__ = ["COLUMNS", "measure_load", "rows_of"]

SHAPE = "middle"
NEIGHBORS = 200
HISTORY, N = 6_000, 800  # of a heavy request, whose answer has 4 MB
RELOAD_SECONDS = 3.0


class Load(NamedTuple):
    """Connections of each kind, and whether a new model comes every three seconds."""

    light: int
    heavy: int = 0
    slow: int = 0
    reload: bool = False


LOADS = {
    "plain": Load(16),
    "a new model each 3 s": Load(16, reload=True),
    "500 slow bodies of 1 MiB": Load(16, slow=500),
    "a tenth heavy, 64 connections": Load(58, 6),
    "heavy only, 1 connection": Load(0, 1),
    "heavy only, 64 connections": Load(0, 64),
}


def measure_load(seed: int, data_dir: Path, *, out: Path, seconds: float = 10.0) -> None:
    """Put the server under each load, print a table and write the figures, if Go is there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server, asker = build_program("mlcore", folder), build_program("load", folder)
        if server is None or asker is None:
            return
        models = _train(seed, data_dir, folder)
        body = _write_heavy(models[0], folder, seed)
        figures = {}
        for what, load in LOADS.items():
            log(f"{what}: {seconds:.0f} s")
            with _serving(server, models, folder / "current", load.reload) as (pid, url):
                counts = [f"-light={load.light}", f"-heavy={load.heavy}", f"-slow={load.slow}"]
                options = [*counts, f"-duration={seconds}s", f"-body={body}", f"-url={url}"]
                peak = _Peak(pid)
                answer = run_program([asker, *options, *map(str, models)])
                figures[what] = {**json.loads(answer.output), "peak_bytes": peak.stop()}
    print(format_table(["", *COLUMNS], rows_of(figures)))
    data = {**PRESETS[SHAPE]._asdict(), "neighbors": NEIGHBORS, "seconds": seconds}
    write_json(out, {"data": data, "loads": figures, "machine": describe_machine(())})


COLUMNS = (
    *("lists/s", "p50", "p99", "p99.9 ms"),
    *("heavy/s", "busy", "health p50", "p99", "longest ms", "peak MiB"),
)


def rows_of(figures: dict[str, Any]) -> list[list[str]]:
    """Return the cells of a table: a row for each load."""
    rows = []
    for what, load in figures.items():
        light, heavy, health = (load.get(kind, {}) for kind in ("light", "heavy", "health"))
        cells = [
            *(_cell(light, key) for key in ("rate", "p50_ms", "p99_ms", "p999_ms")),
            _cell(heavy, "rate"),
            f"{sum(kind.get('statuses', {}).get('429', 0) for kind in (light, heavy)):,}",
            *(_cell(health, key) for key in ("p50_ms", "p99_ms", "longest_ms")),
            f"{load['peak_bytes'] / 2**20:.0f}",
        ]
        rows.append([what, *cells])
    return rows


def _cell(figure: dict[str, float], key: str) -> str:
    if key not in figure:
        return ""
    return f"{figure[key]:,.0f}" if figure[key] >= 100 else f"{figure[key]:.3g}"


def _train(seed: int, data_dir: Path, folder: Path) -> list[Path]:
    events = make_events(PRESETS[SHAPE], seed, data_dir)
    models = []
    for similarity in ("cosine", "jaccard"):
        models.append(folder / similarity)
        settings = (f"num_neighbors={NEIGHBORS}", "weighting.name=none", "neighborhood=target")
        sets = [word for setting in settings for word in ("--set", setting)]
        options = ["--similarity", similarity, *sets]
        run_child(
            ["cli.train", "--interactions", str(events), *options, "--out-dir", str(models[-1])]
        )
    return models


def _write_heavy(model: Path, folder: Path, seed: int) -> Path:
    ids = Recommender.load(model).model.items.ids
    history = np.random.default_rng(seed).choice(len(ids), HISTORY, replace=False)
    body = folder / "heavy.json"
    items = [{"item_id": ids[position]} for position in history.tolist()]
    body.write_text(json.dumps({"history": items, "n": N, "explain": True}))
    return body


@contextmanager
def _serving(
    program: str, models: Sequence[Path], link: Path, reload: bool
) -> Iterator[tuple[int, str]]:
    """Serve the first model, or each in turn; give the process and its address."""
    _switch(link, models[0])
    options = ["--model-dir", str(link), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [program, "serve", *options], stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        url = "http://" + next(
            json.loads(line)["address"] for line in server.stderr if "address" in line
        )
        threading.Thread(target=server.stderr.read, daemon=True).start()
        done = threading.Event()
        switching = threading.Thread(target=_switch_often, args=(done, link, models))
        if reload:
            switching.start()
        try:
            yield server.pid, url
        finally:
            done.set()
            if reload:
                switching.join()
            server.terminate()


def _switch_often(done: threading.Event, link: Path, models: Sequence[Path]) -> None:
    turn = 0
    while not done.wait(RELOAD_SECONDS):
        turn += 1
        _switch(link, models[turn % len(models)])


def _switch(link: Path, model: Path) -> None:
    new = link.with_name("next")
    new.symlink_to(model)
    os.replace(new, link)


class _Peak:
    """The most memory of its own, mapped models aside, that a process has from now on (Linux)."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._bytes, self._done = 0, threading.Event()
        self._watching = threading.Thread(target=self._watch)
        self._watching.start()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            for line in self._status.read_text().splitlines():
                if line.startswith("RssAnon:"):
                    self._bytes = max(self._bytes, int(line.split()[1]) * 1024)

    def stop(self) -> int:
        self._done.set()
        self._watching.join()
        return self._bytes

"""Commands killed or stopped at random moments, and several at once: what is left of their outputs.

``python -m tests.cli.kills 40`` prints the figures of 40 kills and 40 stops a command.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcore.artifact import verify_model
from tests.cli.cases import ENVIRONMENT, REPOSITORY

__all__ = [
    "WRITERS",
    "Figures",
    "Writer",
    "kill_often",
    "prepare",
    "stop_often",
    "write_at_once",
]

SQL = REPOSITORY / "sql/cap_history.sql"
TORN = "torn"
SAID = "error: interrupted, nothing was written\n"


@dataclass(frozen=True)
class Writer:
    """A command with outputs in ``out/``, which differ by ``{v}``, the variant.

    Attributes:
        needs: what must be installed.
        log: a file that grows by lines of JSON.
    """

    name: str
    command: str
    needs: str = ""
    log: str = ""


WRITERS = [
    Writer("train", "train --interactions events.csv --config {v}.json --out-dir out/model --overwrite"),
    Writer("publish", "publish --model-dir model-{v} --to out/current --keep 1"),
    Writer("predict", "predict --model-dir model-0 --all-users --top-n 2{v} --out out/lists.jsonl.gz --lineage out/lineage.jsonl", log="out/lineage.jsonl"),
    Writer("predict Parquet", "predict --model-dir model-0 --all-users --top-n 2{v} --out out/lists.parquet", "duckdb"),
    Writer("preprocess", "preprocess --interactions events.csv --min-user-interactions 1{v} --out out/clean.csv"),
    Writer("split", "split --interactions events.csv --strategy random --seed {v} --train-out out/a.csv --test-out out/b.jsonl"),
    Writer("evaluate", "evaluate --predictions lists.jsonl --ground-truth events.csv --cutoffs 1{v} "
           "--out out/metrics.json --per-user-out out/users.csv"),
    Writer("run_sql", f"run_sql --query {shlex.quote(str(SQL))} --table interactions=events.csv "
           "--param max_user_interactions=1{v} --out out/capped.csv --lineage out/lineage.jsonl", "duckdb", "out/lineage.jsonl"),
]  # fmt: skip


@dataclass
class Figures:
    """What was seen.

    Attributes:
        killed: runs that did not end by themselves.
        left: hidden files and folders, summed over the moments after each kill.
        left_after_next: of them after one more run, which may end.
        torn: outputs that were neither those of a variant nor absent.
        mixed: times that all outputs were there, and not of one variant.
        untrue: exit codes that did not say what was there, and promises that were not kept.
        torn_lines: lines of the log that are no JSON, after one more run.
    """

    runs: int = 0
    killed: int = 0
    left: int = 0
    left_after_next: int = 0
    torn: int = 0
    mixed: int = 0
    untrue: int = 0
    torn_lines: int = 0

    def is_clean(self) -> bool:
        faults = self.left_after_next, self.torn, self.mixed, self.untrue, self.torn_lines
        return not any(faults)


def run(folder: Path, command: str) -> None:
    subprocess.run(_words(command), cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)


def _words(command: str) -> list[str]:
    return [sys.executable, "-m", "cli", *shlex.split(command)]


def prepare(folder: Path, num_interactions: int = 30_000) -> None:
    """Write what the commands read, large enough that writing takes a while."""
    run(folder, f"generate --users 1000 --items 500 --interactions {num_interactions} --out events.csv")  # fmt: skip
    for variant in range(3):
        (folder / f"{variant}.json").write_text(json.dumps({"num_neighbors": 50 + variant}))
        run(folder, f"train --interactions events.csv --config {variant}.json --out-dir model-{variant}")  # fmt: skip
    run(folder, "predict --model-dir model-0 --all-users --out lists.jsonl")


def _content(path: Path) -> str:
    """Return a digest of a file or of a model directory, which must verify."""
    if path.is_dir():
        try:
            verify_model(path)
        except Exception:
            return TORN
        path = path / "manifest.json"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _outputs(folder: Path, writer: Writer) -> dict[str, str]:
    """Return the content of the outputs that readers see."""
    return {
        path.name: _content(path)
        for path in folder.iterdir()
        if not path.name.startswith((".", "current.")) and path != folder.parent / writer.log
    }


def _hidden(folder: Path) -> int:
    """Return how many hidden files there are, and copies of models that no link leads to."""
    names = os.listdir(folder)
    copies = sum(name.startswith("current.") for name in names)
    return sum(".partial-" in name for name in names) + max(0, copies - 1)


def _variants(base: Path, writer: Writer) -> tuple[list[dict[str, str]], float]:
    """Return what each variant writes when nothing disturbs it, and the seconds of one."""
    found, begin = [], time.monotonic()
    for variant in range(3):
        _empty(base / "out")
        run(base, writer.command.format(v=variant))
        found.append(_outputs(base / "out", writer))
    _empty(base / "out")
    return found, (time.monotonic() - begin) / 3


def _empty(out: Path) -> None:
    subprocess.run(["rm", "-rf", out], check=True)
    out.mkdir()


def _torn(found: dict[str, str], variants: Sequence[dict[str, str]]) -> int:
    return sum(
        content not in [whole[name] for whole in variants] for name, content in found.items()
    )


def _mixed(found: dict[str, str], variants: Sequence[dict[str, str]]) -> bool:
    return found.keys() == variants[0].keys() and found not in variants


def _torn_lines(path: Path) -> int:
    torn = 0
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            json.loads(line)
            torn += not line.endswith(b"\n")
        except ValueError:
            torn += 1
    return torn


def kill_often(base: Path, writer: Writer, kills: int, seed: int = 0) -> Figures:
    """Kill a command at random moments, half of them while it writes; then let it end once."""
    rng, out, figures = random.Random(seed), base / "out", Figures()
    variants, seconds = _variants(base, writer)
    for number in range(kills):
        status, _ = _run_until(base, writer, number, signal.SIGKILL, rng, seconds)
        figures.runs += 1
        figures.killed += status != 0
        figures.left += _hidden(out)
        found = _outputs(out, writer)
        figures.torn += _torn(found, variants)
        figures.mixed += _mixed(found, variants)
    _finish(base, writer, variants, figures)
    return figures


def _run_until(
    base: Path, writer: Writer, number: int, sent: int, rng: random.Random, seconds: float
) -> tuple[int, str]:
    """Run a variant and send it a signal, every other time while it writes; return code and errors."""
    out = base / "out"
    before = set(os.listdir(out))
    with subprocess.Popen(
        _words(writer.command.format(v=number % 3)),
        cwd=base,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if number % 2:
            while process.poll() is None and set(os.listdir(out)) <= before:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, seconds / 2))
        else:
            time.sleep(rng.uniform(0, 1.1 * seconds))
        process.send_signal(sent)
        _, errors = process.communicate()
    return process.returncode, errors


def stop_often(base: Path, writer: Writer, stops: int, seed: int = 0) -> Figures:
    """Stop a command at random moments: all is as before and it says so, or all is new and it ends well."""
    rng, out, figures = random.Random(seed), base / "out", Figures()
    variants, seconds = _variants(base, writer)
    for number in range(stops):
        before = _outputs(out, writer)
        sent = (signal.SIGTERM, signal.SIGINT)[number // 2 % 2]
        status, errors = _run_until(base, writer, number, sent, rng, seconds)
        figures.runs += 1
        figures.killed += status != 0
        figures.left += _hidden(out)
        found = _outputs(out, writer)
        figures.untrue += found != (variants[number % 3] if status == 0 else before)
        figures.untrue += status == 1 and not errors.endswith(SAID) and "Traceback" not in errors
    _finish(base, writer, variants, figures)
    return figures


def _finish(
    base: Path, writer: Writer, variants: Sequence[dict[str, str]], figures: Figures
) -> None:
    out = base / "out"
    run(base, writer.command.format(v=1))
    figures.left_after_next += _hidden(out)
    figures.torn += _outputs(out, writer) != variants[1]
    if writer.log:
        figures.torn_lines += _torn_lines(base / writer.log)


def write_at_once(base: Path, writer: Writer, rounds: int) -> Figures:
    """Run three variants at once: one of them must be the result, whole."""
    out, figures = base / "out", Figures()
    variants, _ = _variants(base, writer)
    for _ in range(rounds):
        running = [
            subprocess.Popen(
                _words(writer.command.format(v=variant)),
                cwd=base,
                env=ENVIRONMENT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for variant in range(3)
        ]
        for process in running:
            process.wait()
            figures.killed += process.returncode != 0
        figures.runs += len(running)
        figures.left += _hidden(out)
        found = _outputs(out, writer)
        figures.torn += _torn(found, variants) + (found.keys() != variants[0].keys())
        figures.mixed += _mixed(found, variants)
    _finish(base, writer, variants, figures)
    return figures


def main(kills: int) -> None:
    print(
        "| command | runs | killed | left behind | after the next run | torn outputs | mixed outputs "
        "| untrue | torn lines |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))
        for writer in WRITERS:
            for what, found in (
                ("", kill_often(Path(name), writer, kills)),
                (", stopped", stop_often(Path(name), writer, kills)),
                (", three at once", write_at_once(Path(name), writer, kills // 4)),
            ):
                print(
                    f"| {writer.name}{what} | {found.runs} | {found.killed} | {found.left} "
                    f"| {found.left_after_next} | {found.torn} | {found.mixed} | {found.untrue} "
                    f"| {found.torn_lines} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)

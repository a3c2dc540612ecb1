"""cli.console: help, exit codes, progress, standard input and output, of any command."""

from __future__ import annotations

import errno
import importlib
import io
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli import COMMANDS
from cli.console import TerminalProgress
from mlcore.artifact import directory
from mlcore.lineage import Dataset, QueryRecord, append, describe_file
from mlcore.warehouse.query import parse_query
from tests.cli.cases import ENVIRONMENT, REPOSITORY, python, run, snapshot

PIPELINE = """\
generate --users 60 --items 40 --interactions 900 --seed 3 --out events.csv --items-out items.csv
preprocess --interactions events.csv --out clean.csv --min-item-interactions 3
split --interactions clean.csv --strategy last-n --n 3 --train-out train.csv --test-out test.csv
train --interactions train.csv --out-dir model
train --interactions clean.csv --out-dir other-model
predict --model-dir model --users test.csv --out predictions.jsonl
predict --model-dir model --users test.csv --fill popularity --out candidate.jsonl
evaluate --predictions predictions.jsonl --ground-truth test.csv --cutoffs 5,10 --out metrics.json
"""


def record_run(made: str, lineage: str) -> None:
    path = REPOSITORY / "sql/deduplicate.sql"
    query = parse_query(path, path.read_bytes())
    columns = [column.name for column in query.writes]
    record = QueryRecord.of_run(
        query=query,
        values={"aggregate": "sum"},
        engine_name="duckdb",
        engine_version="2.0.0",
        inputs=[
            Dataset.of_file(
                "events.csv", "csv", describe_file("events.csv"), columns, table="events"
            )
        ],
        output=Dataset.of_file(made, "csv", describe_file(made), columns, rows=1),
        statistics={},
        lineage_path=lineage,
    )
    append(lineage, record)


def command(name: str) -> Any:
    return importlib.import_module(f"cli.{name}")


@pytest.fixture(scope="module")
def finished_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in PIPELINE.splitlines():
            assert run(line) == 0
        record_run("clean.csv", "lineage.jsonl")
        shutil.copytree(REPOSITORY / "sql", folder / "sql")
    return folder


@pytest.fixture
def folder(finished_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "work"
    shutil.copytree(finished_folder, copy)
    monkeypatch.chdir(copy)
    return copy


# --- help and usage ---


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_what_the_command_does_and_gives_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        command(name).main(["--help"])
    out, err = capsys.readouterr()
    assert (caught.value.code, err) == (0, "")
    assert out.startswith(f"usage: mlcore {name} ")
    assert command(name).__doc__.strip() in out
    assert f"\nexample:\n  mlcore {name} " in out
    assert "--progress" in out


def example_of(parser: ArgumentParser) -> list[str]:
    assert parser.epilog is not None
    title, line = parser.epilog.split("\n")
    assert title == "example:"
    return shlex.split(line)


PART_OF = {
    "report": pytest.mark.matplotlib,
    "run_sql": pytest.mark.duckdb,
    "tune": pytest.mark.optuna,
}
# Serves until it is stopped: tests/cli/test_explore.py has its example.
ENDLESS = {"explore"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=PART_OF.get(name, ())) for name in COMMANDS if name not in ENDLESS],
)
def test_the_example_of_the_help_works(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, command_name, *arguments = example_of(command(name).build_parser())
    assert (script, command_name) == ("mlcore", name)
    named = {
        value
        for option, value in itertools.pairwise(arguments)
        if option in ("--out", "--to") or option.endswith(("-out", "out-dir"))
    }
    if name == "preprocess":
        (folder / "clean.csv").unlink()
    before = set(os.listdir(folder))
    assert not named & before
    assert command(name).main(arguments) == 0
    out, err = capsys.readouterr()
    assert out != "" and err == ""
    assert named <= set(os.listdir(folder))
    if name != "publish":  # which makes the copy that the link leads to
        assert set(os.listdir(folder)) == named | before


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("train --interactions a.csv", "the following arguments are required: --out-dir"),
        (
            "train --interactions a.csv --out-dir m --unknown 1",
            "unrecognized arguments: --unknown 1",
        ),
        ("train --interactions a.csv --out m", "the following arguments are required: --out-dir"),
        ("train --interactions a.csv --out-dir m --threads two", "argument --threads: invalid int"),
        (
            "train --interactions a.csv --out-dir m --format tsv",
            "argument --format: invalid choice",
        ),
        ("predict --model-dir m --out o", "one of the arguments --all-users --users --histories"),
        (
            "predict --model-dir m --out o --all-users --users u.csv",
            "argument --users: not allowed with argument --all-users",
        ),
        (
            "predict --model-dir m --out o --all-users --fill random",
            "argument --fill: invalid choice",
        ),
        (
            "evaluate --predictions p --ground-truth t --out o --cutoffs 10;50",
            "argument --cutoffs: expected integers such as 10,50, got '10;50'",
        ),
        ("split --interactions a.csv --strategy none", "argument --strategy: invalid choice"),
        ("generate --users 1.5", "argument --users: invalid int value: '1.5'"),
    ],
)
def test_wrong_usage_exits_with_2_and_touches_nothing(
    line: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    name = line.split()[0]
    with pytest.raises(SystemExit) as caught:
        command(name).main(line.split()[1:])
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert err.startswith(f"usage: mlcore {name} ")
    assert err.splitlines()[-1].startswith(f"mlcore {name}: error: {complaint}")
    assert os.listdir(tmp_path) == []


# --- progress ---


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Shows ``now`` until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("cli.console.time", clock)
    return clock


def test_progress_is_silent_when_stderr_is_no_terminal(clock: Clock) -> None:
    stream = io.StringIO()
    progress = TerminalProgress(stream, asked=False)
    clock.now += 1000
    progress("train", 1, 2)
    progress.close()
    assert stream.getvalue() == ""


def test_progress_that_was_asked_for_is_a_line_every_two_seconds(clock: Clock) -> None:
    stream = io.StringIO()
    progress = TerminalProgress(stream, asked=True)
    for eighth in range(50):
        clock.now = 1000 + eighth / 8
        progress("train", eighth, 64)
    progress.close()
    assert stream.getvalue() == "train: 25 % (2 s)\ntrain: 50 % (4 s)\ntrain: 75 % (6 s)\n"


def test_progress_on_a_terminal_is_one_line_that_changes_and_goes(clock: Clock) -> None:
    stream = Terminal()
    progress = TerminalProgress(stream, asked=False)
    for eighth in range(22):
        clock.now = 1000 + eighth / 8
        progress("train", eighth, 64)
    # From the second second on, and at most five times a second: 8 of 64 in each.
    assert stream.getvalue() == (
        "\rtrain [#####...............] 25 %, 8/s, 6 s left\x1b[K"
        "\rtrain [#####...............] 28 %, 8/s, 6 s left\x1b[K"
        "\rtrain [######..............] 31 %, 8/s, 6 s left\x1b[K"
    )
    progress.close()
    progress.close()
    assert stream.getvalue().endswith(" left\x1b[K\r\x1b[K")
    assert stream.getvalue().count("\r\x1b[K") == 1


def test_the_line_of_a_terminal_says_what_is_known_and_fits(clock: Clock) -> None:
    def shown(*reports: tuple[str, int, int]) -> str:
        stream = Terminal()
        progress = TerminalProgress(stream, asked=False)
        for report in reports:
            progress(*report)
            clock.now += 4
        return stream.getvalue().removeprefix("\r").removesuffix("\x1b[K")

    assert (
        shown(("read a", 1000, 0), ("read a", 9_001_000, 0))
        == "read a: 9,001,000, 2,250,000/s (4 s)"
    )
    assert shown(("wait", 0, 0), ("wait", 0, 0)) == "wait (4 s)"
    # The rate is that of what was done since the step was seen first.
    assert shown(("fit", 50, 100), ("fit", 52, 100)).endswith("] 52 %, 0.5/s, 96 s left")
    assert shown(("fit", 50, 100), ("fit", 50, 100)) == "fit [##########..........] 50 %"
    assert shown(("\x1bx" * 99, 0, 9), ("\x1bx" * 99, 9, 9)) == (r"\x1bx" * 99)[:79]


class Gone(Terminal):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_terminal_that_is_gone_stops_no_work(clock: Clock) -> None:
    progress = TerminalProgress(Gone(), asked=True)
    clock.now += 10
    progress("train", 1, 2)
    progress.detail("trial 0")
    clock.now += 10
    progress("train", 2, 2)
    progress.close()


def test_short_work_shows_nothing_even_on_a_terminal(clock: Clock) -> None:
    stream = Terminal()
    progress = TerminalProgress(stream, asked=True)
    for step in ("read", "train", "write"):
        progress(step, 1, 2)
        clock.now += 1.9
        progress(step, 2, 2)
    progress.close()
    assert stream.getvalue() == ""


def test_progress_without_a_known_end_shows_how_much_is_done(clock: Clock) -> None:
    stream = io.StringIO()
    progress = TerminalProgress(stream, asked=True)
    progress("recommend", 100, 0)
    clock.now += 2
    progress("recommend", 2500, 0)
    assert stream.getvalue() == "recommend: 2500 (2 s)\n"
    progress("start Spark", 0, 0)
    clock.now += 3
    progress("start Spark", 0, 0)
    assert stream.getvalue().endswith("\nstart Spark (3 s)\n")


def is_progress(line: str) -> bool:
    return re.fullmatch(r"\S.* \(\d+ s\)", line) is not None


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show every report, as if each step took long."""
    monkeypatch.setattr("cli.console.QUIET_SECONDS", 0)
    times = itertools.count()
    monkeypatch.setattr("cli.console.time", SimpleNamespace(monotonic=lambda: next(times)))


LONG_WORK = {
    "train": ("train --interactions train.csv --out-dir new", "read train.csv: 100 % "),
    "preprocess": ("preprocess --interactions events.csv --out new.csv", "read events.csv: 100 % "),
    "split": (
        "split --interactions clean.csv --strategy random --train-out a.csv --test-out b.csv",
        "read clean.csv: 100 % ",
    ),
    "predict": ("predict --model-dir model --all-users --out new.jsonl", "recommend: 100 % "),
    "evaluate": (
        "evaluate --predictions predictions.jsonl --ground-truth test.csv --cutoffs 5 --out m.json",
        "read predictions.jsonl: 100 % ",
    ),
    "compare": (
        "compare --baseline predictions.jsonl --candidate candidate.jsonl --ground-truth test.csv "
        "--rounds 99 --out m.json",
        "read candidate.jsonl: 100 % ",
    ),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", LONG_WORK)
def test_long_work_shows_its_progress_if_asked_and_nothing_if_not(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line, report = LONG_WORK[name]
    assert run(f"{line} --progress") == 0
    asked = capsys.readouterr()
    assert report in asked.err
    assert all(is_progress(shown) for shown in asked.err.splitlines())
    for path in ("new", "new.csv", "a.csv", "b.csv", "new.jsonl", "m.json"):
        if (folder / path).exists():
            (folder / path).rename(folder / f"old-{path}")
    assert run(line) == 0
    assert capsys.readouterr() == (asked.out, "")


@pytest.mark.usefixtures("impatient")
def test_a_terminal_is_clean_before_the_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert (
        run(
            "split --interactions clean.csv --strategy last-n --n 99 --train-out a.csv --test-out b.csv"
        )
        == 1
    )
    progress, _, rest = terminal.getvalue().partition("\r\x1b[K")
    assert progress.startswith("\rread clean.csv [")
    assert rest.startswith("error: clean.csv: test: expected ") and "\r" not in rest


# --- standard input and output ---


def test_a_result_on_standard_output_stands_there_alone(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("predict --model-dir model --all-users --out new.jsonl") == 0
    summary = capfd.readouterr()
    assert summary.out.startswith("60 lists") and summary.err == ""
    assert run("predict --model-dir model --all-users --out -") == 0
    assert capfd.readouterr() == ((folder / "new.jsonl").read_text(), summary.out)


def test_commands_work_in_a_pipe(folder: Path) -> None:
    events = (folder / "events.csv").read_bytes()
    options = ["--format", "csv", "--min-item-interactions", "3"]
    done = python(
        folder, "-m", "cli.preprocess", "--interactions", "-", "--out", "-", *options,
        input=events, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout == (folder / "clean.csv").read_bytes()
    assert done.stderr.startswith(b"kept ") and done.stderr.count(b"\n") == 1


def closed_pipe() -> int:
    """Return the writing end of a pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize(
    "line",
    ["similar --model-dir model --item 0001", "predict --model-dir model --all-users --out -"],
)
def test_a_closed_pipe_ends_a_command_quietly(line: str, folder: Path) -> None:
    name, *arguments = shlex.split(line)
    writer = closed_pipe()
    try:
        done = python(
            folder, "-m", f"cli.{name}", *arguments, stdout=writer, stderr=subprocess.PIPE
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_head_may_take_one_line_of_many(folder: Path) -> None:
    # More lines than a pipe holds, so that the command still writes when head has gone.
    lines = (
        f'{{"user_id": "s{number}", "history": [{{"item_id": "0001"}}]}}\n'
        for number in range(2000)
    )
    (folder / "sessions.jsonl").write_text("".join(lines))
    script = (
        f"{shlex.quote(sys.executable)} -m cli.predict --model-dir model "
        "--histories sessions.jsonl --out - | head -n 1"
    )
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["user_id"] == "s0"


# --- signals, threads, notes ---


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def press_ctrl_c(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlcore.recommend.predict._write", press_ctrl_c)


@pytest.mark.usefixtures("interrupted")
@pytest.mark.parametrize(
    ("out", "message"),
    [("new.jsonl", "error: interrupted, nothing was written\n"), ("-", "error: interrupted\n")],
)
def test_an_interrupted_command_promises_only_what_is_true(
    out: str, message: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(f"predict --model-dir model --all-users --out {out}") == 1
    assert capfd.readouterr().err == message
    assert not (folder / "new.jsonl").exists()


# Outputs that stand there already, so that all there is to rename is renamed.
WRITING = [
    "split --interactions train.csv --strategy random --test-fraction 0.5 "
    "--train-out a.csv --test-out b.csv",
    "evaluate --predictions predictions.jsonl --ground-truth test.csv --cutoffs 1 "
    "--out a.json --per-user-out b.csv --lineage lineage.jsonl",
    "generate --users 5 --items 5 --interactions 9 --out a.csv --items-out b.csv",
    "preprocess --interactions train.csv --out a.csv --lineage lineage.jsonl",
    "predict --model-dir model --all-users --out a.jsonl",
    "train --interactions train.csv --out-dir new --overwrite --lineage lineage.jsonl",
    "publish --model-dir model --to current --keep 1",
]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", WRITING, ids=lambda command: command.split()[0])
def test_a_signal_at_any_rename_comes_too_late(
    command: str,
    number: signal.Signals,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run(command) == 0
    expected, sent = capsys.readouterr(), []

    def sending(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **more: Any) -> Any:
            for _ in range(2):  # impatient
                signal.raise_signal(number)
            sent.append(call)
            return call(*arguments, **more)

        return step

    before = snapshot(folder)
    for name in ("rename", "replace", "link", "symlink"):
        monkeypatch.setattr(os, name, sending(getattr(os, name)))
    monkeypatch.setattr(directory, "_put_in_place", sending(directory._put_in_place))
    assert run(command) == 0
    assert len(sent) > 0
    shown = capsys.readouterr()
    if not command.startswith("publish"):  # whose copy is named after the time
        assert shown == expected
        assert snapshot(folder).keys() == before.keys()
    assert [name for name in os.listdir(folder) if ".partial-" in name] == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_summary_that_cannot_be_printed_is_noted_when_the_files_are_there(folder: Path) -> None:
    with open("/dev/full", "wb") as full:
        command = "preprocess --interactions train.csv --out new.csv"
        done = python(folder, "-m", "cli", *command.split(), stdout=full, stderr=subprocess.PIPE)
    assert done.stderr == (
        b"note: standard output: expected room to write, got 'No space left on device'\n"
    )
    assert (done.returncode, (folder / "new.csv").exists()) == (0, True)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["/dev/full", "a closed pipe"])
@pytest.mark.parametrize("out", ["new.csv", "-"])  # whose summary is on standard error, too
def test_notes_that_cannot_be_printed_stop_no_work(name: str, out: str, folder: Path) -> None:
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbfuser_id,item_id\nann,tea\nann,milk\n")
    command = f"preprocess --interactions bom.csv --format csv --out {out}"
    errors = os.open(name, os.O_WRONLY) if name == "/dev/full" else closed_pipe()
    try:
        done = python(folder, "-m", "cli", *command.split(), stdout=subprocess.PIPE, stderr=errors)
    finally:
        os.close(errors)
    written = done.stdout if out == "-" else (folder / out).read_bytes()
    assert (done.returncode, written) == (0, b"user_id,item_id,weight\nann,milk,1\nann,tea,1\n")


def test_a_gate_counts_even_if_nobody_reads_the_summary(folder: Path) -> None:
    command = "diff --model-dir model --model-dir other-model --fail-if rbo<2 --out new.json"
    reader, writer = os.pipe()
    os.close(reader)
    done = python(folder, "-m", "cli", *command.split(), stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (folder / "new.json").exists()
    assert done.returncode == 1, done.stderr


def test_the_handler_of_sigterm_is_put_back(folder: Path) -> None:
    def ours(number: int, frame: object) -> None:
        pytest.fail("no signal was sent")

    before = signal.signal(signal.SIGTERM, ours)
    try:
        assert run("inspect --model-dir model") == 0
        assert run("inspect --model-dir nowhere") == 1
        assert signal.getsignal(signal.SIGTERM) is ours
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_command_runs_in_any_thread(folder: Path) -> None:
    # Where signals cannot be caught.
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(run("inspect --model-dir model")))
    thread.start()
    thread.join()
    assert statuses == [0]


def test_a_note_is_printed_every_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbfuser_id,item_id\nann,tea\nann,milk\n")
    for _ in range(2):
        assert run("preprocess --interactions bom.csv --out new.csv") == 0
        assert capsys.readouterr().err == "note: bom.csv:1: skipped a byte order mark\n"


def test_a_pair_is_called_as_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("config --set num_neighbors 5")
    assert "argument --set: expected KEY=VALUE, got 'num_neighbors'" in capsys.readouterr().err


def refuse_memory(*arguments: object, **options: object) -> None:
    raise MemoryError("Unable to allocate 3.00 GiB for an array with shape (402653184,)")


@pytest.mark.parametrize("planned", [False, True])
def test_memory_that_the_system_refuses_is_one_line_and_nothing_is_written(
    planned: bool,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("mlcore.recommend.scoring.Scorer.prepare", refuse_memory)
    monkeypatch.setattr("mlcore.memory.plan.SHOWN_FROM", 0 if planned else 2**60)
    before = sorted(folder.rglob("*"))
    assert run("predict --model-dir model --all-users --out new.jsonl") == 1
    said = capsys.readouterr().err.splitlines()
    if planned:
        assert said[0].startswith("memory: at most ")
        assert re.fullmatch(
            r"error: recommend: memory: expected [\d.]+ MiB at most, as planned, got less from the "
            "system",
            said[1],
        )
        assert said[2].startswith("hint: ") and len(said) == 3
    else:
        assert said == [
            "error: memory: expected enough for the work, got 'Unable to allocate 3.00 GiB for an array "
            "with shape (402653184,)'",
            "hint: use a machine with more memory",
        ]
    assert sorted(folder.rglob("*")) == before

"""Names, ids and titles that would steer a terminal, or add lines to a log: shown as escapes.

Data stays as it is: what a command writes into files or, for programs, to standard output.
"""

from __future__ import annotations

import importlib
import io
import itertools
import json
import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from cli import COMMANDS
from cli.console import TerminalProgress, run
from mlcore.errors import DataError, DataWarning, os_errors_at
from mlcore.lineage import append, read_lineage
from mlcore.lineage.command_run import CommandRun
from mlcore.notebook import html_table
from mlcore.printable import JOINERS, printable
from tests.lineage.records import RECORD

# Clears the screen, in seven bits and in eight; turns the order around; and would be a line of ours.
BAD_ID = "a\x1b[2J\x9b2J\u202eb\u2028c\u200b"
BAD = f"{BAD_ID}\nerror: forged\r"  # which no id may be
NOT_UTF8 = os.fsdecode(b"\xff\x1b[2J")
FAMILY = "👩\u200d👧"


def call(name: str, *arguments: str) -> int:
    """Run a command; usage errors have a status, too."""
    try:
        status: int = importlib.import_module(f"cli.{name}").main(arguments)
    except SystemExit as error:
        assert isinstance(error.code, int)
        return error.code
    return status


def check_shown(text: str) -> None:
    for line in text.split("\n"):
        assert "".join(char for char in line if char not in JOINERS).isprintable(), repr(line)
        assert not line.startswith(("error: forged", "forged")), text


class Shown:
    """What a command has printed for people."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self) -> str:
        out, err = self._capsys.readouterr()
        check_shown(out + err)
        return out + err


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    return Shown(capsys)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_events(path: str, *items: str) -> None:
    """Each of three users took all items."""
    rows = [f'"{user}","{item}"\n' for user in (f"u{BAD_ID}", "v", "w") for item in items]
    Path(path).write_text("user_id,item_id\n" + "".join(rows), "utf-8", newline="")


# --- errors, notes and usage ---


def test_an_error_and_a_note_are_one_line_wherever_they_are_shown() -> None:
    error = DataError(f"{BAD}: expected a file, got none", f"mkdir -p {BAD}")
    with pytest.raises(DataError) as caught, os_errors_at(BAD, "a readable file"):
        open(BAD)
    with pytest.warns(DataWarning) as noted:
        warnings.warn(BAD, DataWarning, stacklevel=1)
    for text in (str(error), error.hint, str(caught.value), str(noted[0].message)):
        assert text is not None and text.isprintable()
    assert str(error).startswith("a\\x1b[2J\\x9b2J\\u202eb\\u2028c\\u200b\\nerror: forged\\r: exp")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("text", [BAD, NOT_UTF8, f"--{BAD}"])
def test_what_was_typed_is_escaped_in_the_complaint(
    name: str, text: str, folder: Path, shown: Shown
) -> None:
    assert call(name, text) == 2
    assert "usage: " in shown()


@pytest.mark.parametrize("text", [BAD, NOT_UTF8])
@pytest.mark.parametrize(
    "line",
    [
        "preprocess --interactions NAME --out o.csv",
        "split --interactions NAME --strategy random --train-out a.csv --test-out b.csv",
        "train --interactions e.csv --config NAME --out-dir m",
        "train --interactions e.csv --similarity NAME --out-dir m",
        "train --interactions e.csv --set NAME=1 --out-dir m",
        "train --interactions e.csv --item-column NAME --out-dir m",
        "predict --model-dir NAME --all-users --out o.jsonl",
        "evaluate --predictions NAME --ground-truth e.csv --cutoffs 5 --out m.json",
        "compare --baseline NAME --candidate NAME --ground-truth e.csv --cutoffs 5",
        "diff --model-dir NAME --model-dir NAME",
        "similar --model-dir NAME --item NAME",
        "inspect --model-dir NAME",
        "show --predictions NAME --items i.csv",
        "publish --model-dir NAME --to NAME",
        "lineage --file NAME",
        "run_sql --query NAME --out o.csv",
        "config --config NAME",
    ],
)
def test_a_name_is_escaped_in_the_error(line: str, text: str, folder: Path, shown: Shown) -> None:
    write_events("e.csv", "x", "y")
    Path("i.csv").write_text("item_id,title\nx,X\n")
    Path("lineage.jsonl").touch()
    name, *words = line.split()
    assert call(name, *(word.replace("NAME", text) for word in words)) == 1
    assert printable(text)[:8] in shown()


@pytest.mark.optuna
def test_a_name_that_is_escaped_stands_once_before_the_fault(folder: Path, shown: Shown) -> None:
    write_events("e.csv", "x", "y")
    Path(BAD).write_text('{"similarity": {"name": "none"}}')
    options = ["--interactions", "e.csv", "--validation", "e.csv", "--metric", "recall@5"]
    assert call("tune", *options, "--space", BAD, "--out-dir", "found") == 1
    assert f"error: {printable(BAD)}: similarity: name: expected one of" in shown()


# --- summaries, progress and results ---


def test_whatever_work_says_is_escaped(shown: Shown) -> None:
    def succeed(progress: TerminalProgress) -> str:
        progress.show(f"shown {BAD_ID}\n  and {FAMILY}")
        return f"done {BAD_ID}\n  and {FAMILY}"

    def fail(progress: TerminalProgress) -> str:
        raise OSError(f"refused {BAD}")

    assert run(succeed, Namespace(progress=False)) == 0
    assert f"  and {FAMILY}\n" in shown()
    assert run(fail, Namespace(progress=False)) == 1
    assert f"error: refused {printable(BAD)}\n" == shown()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show every report, as if each step took long."""
    monkeypatch.setattr("cli.console.QUIET_SECONDS", 0)
    times = itertools.count()
    monkeypatch.setattr("cli.console.time", SimpleNamespace(monotonic=lambda: next(times)))


STEPS: Sequence[Sequence[str]] = [
    ["preprocess", "--interactions", "E.csv", "--out", "C.csv"],
    ["split", "--interactions", "C.csv", "--strategy", "random"]
    + ["--train-out", "T.csv", "--test-out", "V.csv"],
    ["train", "--interactions", "E.csv", "--out-dir", "M"],
    ["train", "--interactions", "E.csv", "--out-dir", "N", "--similarity", "dot", "--dry-run"],
    ["train", "--interactions", "E.csv", "--out-dir", "N", "--similarity", "dot"],
    ["predict", "--model-dir", "M", "--all-users", "--include-seen", "--out", "P.jsonl"],
    ["evaluate", "--predictions", "P.jsonl", "--ground-truth", "E.csv", "--cutoffs", "5"]
    + ["--model-dir", "M", "--slices", "popularity", "--out", "R.json"],
    ["compare", "--baseline", "P.jsonl", "--candidate", "P.jsonl", "--ground-truth", "E.csv"],
    ["diff", "--model-dir", "M", "--model-dir", "N"],
    ["publish", "--model-dir", "M", "--to", "L"],
    ["show", "--predictions", "P.jsonl", "--items", "I.csv", "--histories", "E.csv"],
    ["inspect", "--model-dir", "M", "--verify"],
    ["lineage", "--file", "C.csv", "--lineage", "lineage.jsonl"],
    ["lineage", "--check", "--lineage", "lineage.jsonl"],
    ["lineage", "--file", "M", "--lineage", "lineage.jsonl", "--json"],
]
SEARCH = ["tune", "--interactions", "E.csv", "--validation", "V.csv", "--metric", "recall@5"]


def named(word: str) -> str:
    """Give a file of ``STEPS`` a bad name."""
    stem, dot, ending = word.partition(".")
    return f"{stem}{BAD}{dot}{ending}" if len(stem) == 1 and stem.isupper() else word


def texts_of(value: object) -> Iterator[str]:
    """Yield all texts in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_of(part)


def write_inputs() -> None:
    write_events(named("E.csv"), f"i{BAD_ID}", FAMILY, "z")
    titles = [f'"i{BAD_ID}","t{BAD}"', f"{FAMILY},{FAMILY}"]
    Path(named("I.csv")).write_text("item_id,title\n" + "\n".join(titles) + "\n", newline="")
    Path("lineage.jsonl").touch()


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_no_command_shows_a_name_an_id_or_a_title_as_it_is(folder: Path, shown: Shown) -> None:
    write_inputs()
    for step in STEPS:
        more = () if step[0] in ("inspect", "lineage") else ("--progress",)
        assert call(*map(named, step), *more) == 0, shown()
        text = shown()
        if step[0] == "inspect" or "--json" in step:
            assert BAD in "\n".join(texts_of(json.loads(text)))
        if step[0] == "show":
            assert f"t{printable(BAD)}" in text and FAMILY in text
    check_shown(Path("lineage.jsonl").read_text("utf-8"))
    assert read_lineage("lineage.jsonl")[0].output.file == named("C.csv")


@pytest.mark.slow
@pytest.mark.optuna
@pytest.mark.usefixtures("impatient")
def test_no_search_shows_a_name_as_it_is(folder: Path, shown: Shown) -> None:
    write_inputs()
    write_events(named("V.csv"), "z")
    assert call(*map(named, [*SEARCH, "--trials", "2", "--out-dir", "S", "--progress"])) == 0
    assert printable(named("E.csv")) in shown()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_data_is_escaped_on_a_terminal_and_as_it_is_for_programs(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_events("e.csv", "x", BAD_ID)
    assert call("train", "--interactions", "e.csv", "--out-dir", "m") == 0
    capsys.readouterr()
    asked = ("similar", "--model-dir", "m", "--item", "x")
    assert call(*asked) == 0
    data = capsys.readouterr().out
    assert "\u202e" in data and json.loads(data)["item_id"] == BAD_ID
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert call(*asked) == 0
    check_shown(terminal.getvalue())
    assert json.loads(terminal.getvalue()) == json.loads(data)


def test_a_name_that_is_not_utf8_can_be_printed(folder: Path, shown: Shown) -> None:
    write_events("e.csv", "x", "y")
    assert call("train", "--interactions", "e.csv", "--out-dir", "m") == 0
    assert call("publish", "--model-dir", "m", "--to", NOT_UTF8) == 0
    assert "\\udcff\\x1b[2J" in shown()


def test_a_lineage_of_others_is_shown_line_by_line(folder: Path, shown: Shown) -> None:
    Path("made.csv").write_text("n\n")
    split = CommandRun("split", {"one": "made.csv"}, "lineage.jsonl")
    split.note(note=BAD)
    split.take_stored(interactions=f"t{BAD}")
    split.on_written([Path("made.csv")])
    line = Path("lineage.jsonl").read_text().replace('"split"', json.dumps(f"split{BAD}"))
    Path("lineage.jsonl").write_text(line)
    append("lineage.jsonl", RECORD)
    assert call("lineage", "--file", "made.csv") == 0
    assert shown().count("forged") == 3


def test_a_page_turns_no_text_around() -> None:
    page = html_table(BAD, [{BAD: BAD}, {BAD: FAMILY}], 2)
    texts = list(ElementTree.fromstring(f"<div>{page}</div>").itertext())
    assert texts == [printable(BAD)] * 3 + [FAMILY]

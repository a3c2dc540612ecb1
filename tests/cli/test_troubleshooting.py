"""Each entry of docs/troubleshooting.md happens as the page says, and its cure works."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from mlcore.errors import MlcoreError
from tests.cli.cases import run, write
from tests.cli.troubleshooting import PAGE, SECTIONS, Entry, render

ENTRIES = [entry for entries in SECTIONS.values() for entry in entries]


def happens(line: str, entry: Entry, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    if not entry.is_python:
        status = run(line)
        out, err = capsys.readouterr()
        return status, f"{err}{out}".removesuffix("\n")
    try:
        exec(line, {})
    except MlcoreError as error:
        hint = f"\nhint: {error.hint}" if error.hint else ""
        return 1, f"{type(error).__name__}: {error}{hint}"
    return 0, capsys.readouterr().out.removesuffix("\n")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.title)
def test_each_entry_happens_and_its_cure_works(
    entry: Entry, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, entry.files)
    assert happens(entry.run, entry, capsys) == (entry.status, entry.says)
    if entry.cured_by:
        status, said = happens(entry.cured_by, entry, capsys)
        assert (status, "error: " in said) == (0, False), said


@pytest.mark.go
@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry.in_go], ids=lambda entry: entry.title
)
def test_the_reader_in_go_says_the_same(entry: Entry, folder: Path, go_reader: Path) -> None:
    write(folder, entry.files)
    command = [str(go_reader), *shlex.split(entry.run)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    said = f"{done.stderr}{done.stdout}".removesuffix("\n")
    assert (done.returncode, said) == (entry.status, entry.says)


def test_the_page_is_what_the_entries_give() -> None:
    assert PAGE.read_text("utf-8") == render()


def test_each_title_is_there_once() -> None:
    titles = [entry.title for entry in ENTRIES]
    assert sorted(set(titles)) == sorted(titles)

"""Go's messages show what would steer a terminal as Python's do; data for programs is the same, too."""

from __future__ import annotations

import importlib
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli import train

BAD = "a\x1b[2J\x9b\u202eb\u2028c\u200b\U000e0001\u00a0é שלום\t\nerror: forged"
BAD_ID = "b\x1b[2J\x9b\u202e\u2028\u200d\U000e0001"
NOT_UTF8 = os.fsdecode(b"\xff\x9b\x1b[2J")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f'{user},"{item}"\n' for user in "uvw" for item in ("a", BAD_ID))
    Path("events.csv").write_text(f"user_id,item_id\n{rows}", "utf-8")
    Path("items.csv").write_text(f'item_id,"brand{BAD_ID}"\na,x\n', "utf-8")
    options = ["--interactions=events.csv", "--attributes=items.csv", "--out-dir=model"]
    assert train.main(options) == 0
    Path("model/provenance.json").unlink()  # which Go passes over
    return "model"


@pytest.mark.parametrize("name", [BAD, NOT_UTF8])
def test_messages_are_the_same_in_go(
    name: str, go_reader: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_text("\ufeffuser_id,n\nu,1\n", "utf-8")
    Path(f"{name}.csv").write_text("who\nu\n", "utf-8")
    predict = ["predict", f"--model-dir={model}", "--out=-"]
    for arguments in (
        ["inspect", f"--model-dir={name}"],
        ["inspect", f"--model-dir={name}2"],
        ["similar", f"--model-dir={name}2", "--item=a"],
        ["similar", f"--model-dir={model}", f"--item={BAD}"],
        ["similar", f"--model-dir={model}", "--item=a", '--filter={"any_of": {"\\u202e": ["x"]}}'],
        ["similar", f"--model-dir={model}", "--item=a", f"--attributes={name}.csv"],
        [*predict, f"--users={name}"],  # a note
        [*predict, f"--users={name}.csv"],
        [*predict, f"--users={name}2.csv"],
        ["predict", f"--model-dir={model}", "--all-users", f"--out=none/{name}.jsonl"],
    ):
        capsys.readouterr()
        code = importlib.import_module(f"cli.{arguments[0]}").main(arguments[1:])
        out, said = capsys.readouterr()
        done = subprocess.run(
            [go_reader, *arguments], capture_output=True, text=True, errors="backslashreplace"
        )
        assert said.replace("\n", "").isprintable(), arguments
        assert (done.returncode, done.stderr) == (code, said), arguments
        assert done.stdout == out, arguments


def on_terminal(command: Sequence[str]) -> bytes:
    """Return what a command prints on a terminal."""
    ours, terminal = pty.openpty()
    subprocess.run(command, stdout=terminal, check=True)
    os.close(terminal)
    with open(ours, "rb", buffering=0) as stream:
        return stream.read(1 << 16) or b""


@pytest.mark.slow
def test_results_are_exact_for_programs_and_safe_on_a_terminal(go_reader: Path, model: str) -> None:
    for name, options, is_exact in (("similar", ["--item=a"], True), ("inspect", [], False)):
        by_python = [sys.executable, "-m", f"cli.{name}", f"--model-dir={model}", *options]
        by_go = [str(go_reader), name, *by_python[3:]]
        for_programs = subprocess.run(by_python, capture_output=True, check=True).stdout
        assert ("\u202e" in for_programs.decode()) is is_exact
        assert subprocess.run(by_go, capture_output=True, check=True).stdout == for_programs
        shown = on_terminal(by_python)
        assert on_terminal(by_go) == shown
        assert shown.decode().replace("\r\n", "").isprintable()

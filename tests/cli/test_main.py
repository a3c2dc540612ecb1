"""The list of commands, and the ways to start one: mlcore, python -m mlcore, -m cli, -m cli.NAME."""

from __future__ import annotations

import importlib
import os
import signal
import tomllib
from pathlib import Path

import pytest

import cli
import cli.__main__
from cli import COMMANDS
from mlcore.version import VERSION
from tests.cli.cases import ENVIRONMENT, REPOSITORY, python


def test_every_command_is_listed() -> None:
    modules = {path.stem for path in (REPOSITORY / "cli").glob("[!_]*.py")}
    assert set(COMMANDS) == modules - {"console", "engines", "options"}
    assert len(set(COMMANDS)) == len(COMMANDS)


def test_the_overview_names_each_command_and_what_it_does(tmp_path: Path) -> None:
    done = python(tmp_path, "-m", "cli", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    head, empty, *lines = done.stdout.splitlines()
    assert head.startswith("usage: python -m cli COMMAND ") and empty == ""
    modules = [importlib.import_module(f"cli.{name}") for name in COMMANDS]
    first_lines = [str(module.__doc__).splitlines()[0] for module in modules]
    assert [tuple(line.split(maxsplit=1)) for line in lines] == list(zip(COMMANDS, first_lines))
    assert max(map(len, lines)) <= 110


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"], ["help"]])
def test_help_of_the_script_is_the_overview(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.__main__.main(arguments) == 0
    assert capsys.readouterr() == (cli.__main__.overview() + "\n", "")


def test_the_installed_script_is_this_main() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"mlcore": "mlcore.__main__:main"}


def test_the_script_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.__main__.main(["--version"]) == 0
    assert capsys.readouterr() == (f"mlcore {VERSION}\n", "")


def test_the_script_refuses_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.__main__.main(["trian", "--help"]) == 2
    out, err = capsys.readouterr()
    expected = f"error: command: expected one of {', '.join(COMMANDS)}, got 'trian'\n"
    assert (out, err) == ("", expected + "hint: mlcore train\n")
    assert cli.__main__.main(["recommend-something"]) == 2
    assert "hint" not in capsys.readouterr().err


@pytest.fixture
def script(tmp_path: Path) -> str:
    """The script as pip installs it."""
    path = tmp_path / "bin" / "mlcore"
    path.parent.mkdir()
    path.write_text("import sys\nfrom mlcore.__main__ import main\nsys.exit(main())\n")
    return str(path)


def test_the_script_and_the_modules_do_the_same(folder: Path, script: str) -> None:
    arguments = ["--model-dir", "model", "--item", "tea"]
    results = [
        python(folder, *start.split(), *arguments, capture_output=True, text=True)
        for start in ("-m cli.similar", f"{script} similar")
    ]
    assert {result.returncode for result in results} == {0}
    assert results[0].stdout.count("\n") == 3
    assert {result.stdout for result in results} == {results[0].stdout}


@pytest.mark.parametrize(
    ("start", "typed"),
    [
        ("-m cli.train", "python -m cli.train"),
        ("-m cli train", "python -m cli train"),
        ("-m mlcore train", "python -m mlcore train"),
        ("{script} train", "mlcore train"),
    ],
)
def test_help_and_errors_say_the_name_that_was_typed(
    start: str, typed: str, tmp_path: Path, script: str
) -> None:
    arguments = start.format(script=script).split()
    shown = python(tmp_path, *arguments, "--help", capture_output=True, text=True)
    assert shown.stdout.startswith(f"usage: {typed} [-h] ")
    assert f"\nexample:\n  {typed} --interactions " in shown.stdout
    refused = python(tmp_path, *arguments, capture_output=True, text=True)
    assert refused.stderr.splitlines()[-1].startswith(f"{typed}: error: the following arguments")


@pytest.mark.parametrize("start", ["-m mlcore", "{script}"])
def test_a_package_called_cli_in_the_current_folder_is_not_ours(
    start: str, tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cli").mkdir()
    for name in ("__init__", "__main__", "console", "similar"):
        (tmp_path / "cli" / f"{name}.py").write_text("raise SystemExit('theirs')\n")
    paths = os.pathsep.join([str(tmp_path), str(REPOSITORY)])  # first in any case
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", paths)
    arguments = start.format(script=script).split()
    shown = python(tmp_path, *arguments, "similar", "--help", capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("usage: ")


# In place of a module of the standard library or another: it is loaded, but first signals come.
SIGNALS = """\
import importlib, os, sys
for _ in range(3):
    os.kill(os.getpid(), {number:d})
sys.path.remove({folder!r})
del sys.modules[__name__]
sys.modules[__name__] = importlib.import_module(__name__)
"""


@pytest.mark.skipif(os.name == "nt", reason="the system has other signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize(
    ("start", "module"),
    [
        ("-m cli.split", "argparse"),
        ("-m cli split", "argparse"),
        ("-m cli", "difflib"),
        ("-m mlcore split", "argparse"),
        ("{script} split", "argparse"),
        ("-m cli.split", "numpy"),  # in the middle of the work
    ],
)
def test_a_signal_while_modules_load_is_one_line(
    start: str,
    module: str,
    number: signal.Signals,
    tmp_path: Path,
    script: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    code = SIGNALS.format(number=number.value, folder=str(first))
    (first / f"{module}.py").write_text(code)
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", f"{first}{os.pathsep}{REPOSITORY}")
    rows = "".join(f"u{number},i{number % 7}\n" for number in range(20_000))
    (tmp_path / "events.csv").write_text(f"user_id,item_id\n{rows}")
    split = "--interactions events.csv --strategy random --train-out a.csv --test-out b.csv"
    words = start.format(script=script).split() + (split.split() if "split" in start else [])
    done = python(tmp_path, *words, capture_output=True, text=True)
    assert done.stderr == "error: interrupted, nothing was written\n"
    assert (done.returncode, done.stdout) == (1, "")
    assert sorted(os.listdir(tmp_path)) == ["bin", "events.csv", "first"]


def test_the_script_passes_the_exit_code_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.__main__.main(["inspect", "--model-dir", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    with pytest.raises(SystemExit) as caught:
        cli.__main__.main(["inspect"])
    assert caught.value.code == 2

"""cli.explore: the page and the model on loopback, until Ctrl-C; and what is refused."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.explore import PAGE, build_parser
from mlcore.artifact.web import PageServer
from tests.cli.cases import ENVIRONMENT, Case, check, run, write

TITLES = '﻿item_id,title\ntea,"Green tea, loose"\njam,<b>Jam</b>\nmilk,\n'
CASES = [
    Case(
        "no such port",
        "explore --model-dir model --port 65536 --no-browser",
        "port: expected an integer below 65536, got 65536",
    ),
    Case(
        "a table without titles",
        "explore --model-dir model --items bad.csv --no-browser",
        "bad.csv:1: title: expected a column of this name, got 'item_id', 'name'",
        "sed '1s/NAME/title/' FILE > NEW renames another",
        files={"bad.csv": "item_id,name\ntea,Tea\n"},
    ),
    Case(
        "no model",
        "explore --model-dir none --no-browser",
        "none: expected a model directory, got no such directory",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_a_port_that_is_taken_is_one_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run(f"explore --model-dir model --port {port} --no-browser") == 1
    assert capsys.readouterr().err.startswith(f"error: port {port}: expected one that is free, got")


@contextmanager
def explored(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command while it serves, and the address it prints."""
    with subprocess.Popen(
        [sys.executable, "-m", "cli.explore", "--model-dir", "model", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def read(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=10) as answer:
        content: bytes = answer.read()
        return content


@pytest.mark.skipif(os.name == "nt", reason="the system has other signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_serves_page_and_model_until_it_is_stopped(number: signal.Signals, folder: Path) -> None:
    _, *example = str(build_parser().epilog).splitlines()[1].split(" explore ")
    assert example == ["--model-dir model --port 0 --no-browser"]
    with explored(folder, "--port", "0", "--no-browser", "--progress") as (process, address):
        base = re.fullmatch(r"(http://127\.0\.0\.1:\d+/)\?url=model/", address)
        assert base is not None
        assert read(address) == PAGE.read_bytes()
        for path in (folder / "model").iterdir():
            if path.name not in ("provenance.json", "selection.json"):
                assert read(f"{base[1]}model/{path.name}") == path.read_bytes()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert re.match(r"GET /\?url=model/ 200 \d+\n", err)


def test_titles_come_beside_the_model(folder: Path) -> None:
    write(folder, {"titles.csv": TITLES})
    with explored(folder, "--items", "titles.csv", "--no-browser") as (_, address):
        assert address.endswith("/?url=model/&titles=titles.csv")
        found = read(address.partition("?")[0] + "titles.csv").decode("utf-8")
    assert found == 'item_id,title\ntea,"Green tea, loose"\njam,<b>Jam</b>\nmilk,\n'


def test_the_browser_opens_at_the_address_that_is_printed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(PageServer, "serve_forever", lambda server: None)
    assert run("explore --model-dir model") == 0
    assert capsys.readouterr().out.splitlines() == opened
    opened.clear()
    assert run("explore --model-dir model --no-browser") == 0
    assert opened == []


def test_the_page_brings_all_it_needs() -> None:
    page = PAGE.read_text("utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    linked = re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=([^ >]+)", page)
    assert linked == ['"data:,"']

"""mlcore.artifact.web: what is served, to whom, and which part of it."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcore.artifact.reader import ModelFiles
from mlcore.artifact.web import Page, PageServer, model_pages

SMALL = Path(__file__).parents[2] / "fixtures/small/dice_binary/model"
ITEMS = (SMALL / "items.csv").read_bytes()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    shutil.copytree(SMALL, tmp_path / "model")
    (tmp_path / "model/notes.txt").write_text("secret")
    return tmp_path / "model"


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def server(model: Path, log: list[str]) -> Iterator[PageServer]:
    files = ModelFiles.open(model)
    pages = {"/": Page("index.html", b"<p>page"), **model_pages(files, "/model/")}
    with PageServer(pages, 0, files.check_sizes, log.append) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def ask(
    server: PageServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def test_all_files_of_the_format_are_served_and_no_others(server: PageServer, model: Path) -> None:
    names = {path.name for path in SMALL.iterdir()}
    assert {path for path in server.pages if path != "/"} == {f"/model/{name}" for name in names}
    for name in names:
        assert ask(server, f"/model/{name}")[:2] == (200, (SMALL / name).read_bytes())
    assert ask(server, "/?url=model/")[:2] == (200, b"<p>page")


@pytest.mark.parametrize(
    "path",
    [
        "/model",
        "/model/",
        "/model/notes.txt",
        "/model/../secret.txt",
        "/model/%2e%2e/secret.txt",
        "/model/..%2fmodel/items.csv",
        "/model/items.csv/",
        "/model/ITEMS.CSV",
    ],
)
def test_another_path_is_not_found(path: str, server: PageServer) -> None:
    assert ask(server, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(method: str, server: PageServer) -> None:
    assert ask(server, "/model/items.csv", method)[0] == 501


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost"])
def test_names_of_this_machine_are_answered(name: str, server: PageServer) -> None:
    assert ask(server, "/model/items.csv", Host=f"{name}:{server.server_port}")[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example:{}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{}", "[::1]:{}"]
)
def test_a_page_that_was_led_here_by_another_name_reads_nothing(
    host: str, server: PageServer
) -> None:
    status, body, _ = ask(server, "/model/items.csv", Host=host.format(server.server_port))
    assert (status, body) == (421, b"expected a name of this machine\n")


@pytest.mark.parametrize("lines", ["", "Host: 127.0.0.1:{0}\r\nHost: 127.0.0.1:{0}\r\n"])
def test_no_host_and_two_hosts_are_refused(lines: str, server: PageServer) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        text = f"GET / HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".format(server.server_port)
        connection.sendall(text.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=5-9", slice(5, 10)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-4", slice(-4, None)),
        ("bytes=-999999", slice(0, None)),
        ("bytes=3-999999", slice(3, None)),
    ],
)
def test_a_range_gives_these_bytes(asked: str, expected: slice, server: PageServer) -> None:
    status, body, headers = ask(server, "/model/items.csv", Range=asked)
    assert (status, body) == (206, ITEMS[expected])
    first = range(len(ITEMS))[expected].start
    assert headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(ITEMS)}"


@pytest.mark.parametrize("asked", [f"bytes={len(ITEMS)}-", "bytes=999999-1000000", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(asked: str, server: PageServer) -> None:
    status, _, headers = ask(server, "/model/items.csv", Range=asked)
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(ITEMS)}")


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=0-1,4-5", "items=0-1", "bytes=a-b", ""])
def test_what_is_no_range_is_passed_over(asked: str, server: PageServer) -> None:
    assert ask(server, "/model/items.csv", Range=asked)[:2] == (200, ITEMS)


def test_head_has_the_length_and_no_body(server: PageServer, log: list[str]) -> None:
    status, body, headers = ask(server, "/model/items.csv", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(ITEMS)))
    assert headers["Accept-Ranges"] == "bytes"
    assert log == ["HEAD /model/items.csv 200 0"]


def test_answers_are_no_scripts_and_not_for_other_pages(server: PageServer) -> None:
    for path in ("/", "/model/items.csv", "/none"):
        headers = ask(server, path)[2]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Access-Control-Allow-Origin"] is None
        assert headers["Cache-Control"] == "no-store"


def test_a_model_that_takes_the_place_changes_nothing(server: PageServer, model: Path) -> None:
    other = SMALL.parents[1] / "dot_bm25/model"
    shutil.move(model, model.with_name("former"))
    shutil.copytree(other, model)
    assert ask(server, "/model/config.json")[1] == (SMALL / "config.json").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="mapped files cannot be cut there")
def test_a_file_that_was_cut_is_an_error_not_the_end_of_the_process(
    server: PageServer, model: Path
) -> None:
    os.truncate(model / "similarity.npz", 100)
    status, body, _ = ask(server, "/model/similarity.npz")
    assert status == 500 and b"as in the manifest, got 100" in body

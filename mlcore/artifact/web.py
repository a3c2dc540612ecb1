"""A model directory over HTTP, for programs on the same machine: the explorer page reads it in parts.

A request never names a path: it is looked up in a table of what there is. The files are those that were
opened at first, even when another model takes the place of the directory.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import NamedTuple

from mlcore.artifact.reader import ModelFiles
from mlcore.errors import ArtifactError

__all__ = ["Page", "PageServer", "model_pages"]

LOOPBACK = "127.0.0.1"
# What browsers call this machine. Another name in a request is one that leads here since somebody
# made it so, to read from a page of theirs what is served here (DNS rebinding).
_NAMES = (LOOPBACK, "localhost")
_IDLE_SECONDS = 30
_PIECE = 1 << 20
_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".npz": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
}
_HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Page(NamedTuple):
    """What a path leads to.

    Attributes:
        name: of a file, whose ending says the type.
        content: its bytes, perhaps mapped.
    """

    name: str
    content: bytes | mmap.mmap


def model_pages(files: ModelFiles, folder: str) -> dict[str, Page]:
    """Return the files of a model by path, each in ``folder``, which ends in a slash."""
    contents = {"manifest.json": files.manifest_bytes, **files.contents}
    return {folder + name: Page(name, content) for name, content in contents.items()}


class PageServer(ThreadingHTTPServer):
    """Answers GET and HEAD for a fixed set of paths on the loopback interface, also for ranges.

    Args:
        pages: by path, such as ``/model/items.csv``.
        port: 0 for any that is free.
        check: called before each answer; an ``ArtifactError`` of it becomes the answer 500.
        log: called with a line for each answer.
    """

    daemon_threads = True

    def __init__(
        self,
        pages: Mapping[str, Page],
        port: int,
        check: Callable[[], object],
        log: Callable[[str], object],
    ) -> None:
        self.pages, self.check, self.log = pages, check, log
        super().__init__((LOOPBACK, port), _Handler)
        self.hosts = {f"{name}:{self.server_port}" for name in _NAMES}

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over a client that hung up."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"
    server_version = "mlcore"
    sys_version = ""
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            return self._say(HTTPStatus.MISDIRECTED_REQUEST, "expected a name of this machine")
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            return self._say(HTTPStatus.NOT_FOUND, "expected a file of the model")
        try:
            self.server.check()
        except ArtifactError as error:
            return self._say(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        with memoryview(page.content) as content:
            asked = _parse_range(self.headers.get("Range"), len(content))
            if asked is None:
                return self._send(HTTPStatus.OK, page.name, content)
            if len(asked) == 0:
                headers = {"Content-Range": f"bytes */{len(content)}"}
                return self._say(
                    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "expected a part of it", headers
                )
            span = f"bytes {asked.start}-{asked.stop - 1}/{len(content)}"
            with content[asked.start : asked.stop] as part:
                self._send(HTTPStatus.PARTIAL_CONTENT, page.name, part, {"Content-Range": span})

    def _say(self, status: HTTPStatus, text: str, headers: Mapping[str, str] = {}) -> None:
        self._send(status, "answer.txt", memoryview(f"{text}\n".encode()), headers)

    def _send(
        self, status: HTTPStatus, name: str, body: memoryview, headers: Mapping[str, str] = {}
    ) -> None:
        sent = 0 if self.command == "HEAD" else len(body)
        self.server.log(f"{self.command} {self.path} {status:d} {sent}")
        self.send_response(status)
        kind = _TYPES[PurePosixPath(name).suffix]
        length = {"Content-Type": kind, "Content-Length": str(len(body))}
        for key, value in {**_HEADERS, **length, **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        for start in range(0, sent, _PIECE):
            self.wfile.write(body[start : start + _PIECE])

    def log_message(self, format: str, *args: object) -> None:
        pass  # PageServer.log has the answers


def _parse_range(text: str | None, size: int) -> range | None:
    """Return the bytes that are asked for: None for all, an empty range for none that are there.

    RFC 9110, section 14. Several ranges, or another unit, are answered with all, as it allows.

    >>> _parse_range("bytes=2-3", 10), _parse_range("bytes=-3", 10), _parse_range("bytes=10-", 10)
    (range(2, 4), range(7, 10), range(0, 0))
    """
    found = re.fullmatch(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))", text or "")
    if found is None:
        return None
    first, last, final = found.groups()
    if final is not None:
        return range(max(size - int(final), 0), size) if int(final) > 0 and size > 0 else range(0)
    stop = size if last == "" else min(int(last) + 1, size)
    if last != "" and int(last) < int(first):
        return None  # no range at all
    return range(int(first), stop) if int(first) < size else range(0)

"""Inputs without end, and those just below a limit: one line says which, and memory stays bounded.

What comes here is never written to a disk: it is made while a command reads it.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "fixtures/tiny/jaccard/model"
MIB = 2**20
# What SECURITY.md states.
MOST_REFUSED, MOST_READ = 512, 2048  # MiB
LONG_LINE = "line: expected at most 67108864 bytes, got more"
LONG_FIELD = "expected fields of at most 16777216 characters, got a longer one"
LONG_ROW = "row: expected at most 67108864 characters, got more"


class Stream(NamedTuple):
    """Bytes of some GiB, what is said of them, and the MiB that may be taken meanwhile."""

    head: bytes
    unit: bytes
    error: str
    most: int = MOST_REFUSED
    repeats: int = 3 * 2**10

    def blocks(self) -> Iterator[bytes]:
        yield self.head
        for _ in range(self.repeats):
            yield self.unit


HEADER = b"user_id,item_id\n"
X, LINES = b"x" * MIB, (b"x" * 127 + b"\n") * 2**13
CSV = {
    "one line": Stream(HEADER, X, f":2: {LONG_LINE}"),
    "a header": Stream(b"", b"x," * (MIB // 2), f":1: {LONG_LINE}"),
    "a field of lines": Stream(HEADER + b'"a', LINES, f":2: {LONG_FIELD}"),
    "a row of lines": Stream(HEADER, b'"' + LINES + b'",', f":2: {LONG_ROW}"),
    "columns": Stream(b"", b"," * MIB, ":1: columns: expected at most 16384, got more", 2048, 63),
    "fields": Stream(HEADER, b"," * MIB, ":2: expected 2 fields as in the header", MOST_READ, 63),
}
JSONL = {
    "one line": Stream(b'{"user_id":"', X, f":1: {LONG_LINE}"),
    "four bytes a character": Stream(b'{"a":"', "\U0001f600".encode() * 2**18, f":1: {LONG_LINE}"),
    "arrays": Stream(b'{"a":[[]', b",[]" * 2**18, ":1: expected a JSON object", MOST_READ, 80),
    "objects": Stream(b'{"a":[{}', b",{}" * 2**18, ":1: expected a JSON object", MOST_READ, 80),
    "depth": Stream(
        b"", b"[" * MIB, ":1: expected a JSON object, got JSON nested too deeply", 512, 60
    ),
    "digits": Stream(b'{"a":', b"9" * MIB, ":1: expected a JSON object, got invalid", 512, 60),
}
DOCUMENTS = {
    "one line": Stream(b'{"a":"', X, f":1: {LONG_LINE}"),
    "lines": Stream(b"{", b"\n" * MIB, ": expected at most 67108864 bytes, got more"),
}


def fill(sink: IO[bytes], stream: Stream) -> None:
    try:
        with sink:
            for block in stream.blocks():
                sink.write(block)
    except OSError:
        pass  # nobody reads any more


# A process begins with what the one that started it took, which must be little.
MEASURED = """\
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def run(command: list[str | Path], stream: Stream | None = None) -> tuple[list[str], float]:
    """Run a command that fails; return its lines on stderr and how many MiB it took."""
    process = subprocess.Popen(
        [sys.executable, "-c", MEASURED, *command], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None and process.stderr is not None
    if stream is not None:
        threading.Thread(target=fill, args=(process.stdin, stream), daemon=True).start()
    with process.stderr as said:
        *lines, most = said.read().decode().splitlines()
    assert process.wait() == 1, lines
    if stream is None:
        process.stdin.close()
    return lines, int(most) / 1024  # KiB on Linux


def check(stream: Stream, command: list[str | Path]) -> None:
    """Run a command whose standard input is the stream, and check its words and its memory."""
    lines, most = run(command, stream)
    errors = [line for line in lines if not line.startswith(("hint: ", "note: "))]
    assert len(errors) == 1 and errors[0].startswith(f"error: standard input{stream.error}"), lines
    assert most < stream.most


def python(command: str, *options: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", f"cli.{command}", *options]


@pytest.mark.slow
@pytest.mark.parametrize("name", CSV)
@pytest.mark.parametrize("language", ["python", "go"])
def test_csv_without_end(name: str, language: str, tmp_path: Path, go_reader: Path) -> None:
    options = ["--users=-", "--format=csv", f"--model-dir={MODEL}", f"--out={tmp_path / 'a.jsonl'}"]
    start = python("predict") if language == "python" else [go_reader, "predict"]
    check(CSV[name], [*start, *options])
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", JSONL)
@pytest.mark.parametrize("language", ["python", "go"])
def test_json_lines_without_end(name: str, language: str, tmp_path: Path, go_reader: Path) -> None:
    options = ["--format=jsonl", f"--model-dir={MODEL}", f"--out={tmp_path / 'a.jsonl'}"]
    start = python("predict") if language == "python" else [go_reader, "predict"]
    check(JSONL[name], [*start, "--histories=-", *options])
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_without_end(name: str, tmp_path: Path) -> None:
    table = ROOT / "fixtures/small/train.csv"
    for command in (
        python("config", "--config=-"),
        python("train", f"--interactions={table}", "--config=-", f"--out-dir={tmp_path / 'model'}"),
        python("tune", f"--interactions={table}", f"--validation={table}", "--space=-", "--trials=1",
               f"--out-dir={tmp_path / 'tuning'}"),
    ):  # fmt: skip
        check(DOCUMENTS[name], command)
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_gzip_that_grows_a_thousandfold(tmp_path: Path, go_reader: Path) -> None:
    bomb = tmp_path / "users.csv.gz"
    bomb.write_bytes(gzip.compress(b"user_id\n") + gzip.compress(bytes([120]) * 16 * MIB) * 192)
    options = [f"--users={bomb}", f"--model-dir={MODEL}", f"--out={tmp_path / 'a.jsonl'}"]
    assert bomb.stat().st_size < 4 * MIB
    words = []
    for start in (python("predict"), [go_reader, "predict"]):
        lines, most = run([*start, *options])
        assert most < MOST_REFUSED
        words.append(lines)
    assert words[0] == words[1] and words[0][0] == f"error: {bomb}:2: {LONG_LINE}"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS: elsewhere it limits nothing")
def test_too_little_address_space_is_one_line(tmp_path: Path) -> None:
    table = tmp_path / "events.jsonl"
    table.write_bytes(b'{"user_id": "a", "item_id": "b", "x": [[]' + b",[]" * 2**24 + b"]}\n")
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); "
        "from cli.train import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, f"--interactions={table}", f"--out-dir={tmp_path / 'model'}"],
        cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    expected = "error: memory: expected enough for the work, got too little\n"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == expected + "hint: use a machine with more memory\n"
    assert os.listdir(tmp_path) == ["events.jsonl"]

"""Journals: whole lines on the disk, whatever happens to the process that writes them."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from io import FileIO
from pathlib import Path

import pytest

import mlcore.files.journal as journal
import mlcore.files.locks as locks
from mlcore.errors import DataError, DataWarning
from mlcore.files.journal import Journal, open_journal

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lines.jsonl"


def append(path: Path, line: str) -> None:
    with open_journal(path) as opened:
        opened.append(line)


def test_lines_follow_one_another(path: Path) -> None:
    with open_journal(path) as opened:
        assert opened.is_empty and opened.lines() == []
        opened.append("a")
        opened.append("é\udce9")  # a name of a file need not be UTF-8
        assert not opened.is_empty and opened.lines() == [b"a", b"\xc3\xa9?"]
    append(path, "")
    assert path.read_bytes() == b"a\n\xc3\xa9?\n\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"a\n", b"a\n"),
        (b"a\nwhole", b"a\nwhole\n"),
        (b"whole", b"whole\n"),
        (b"a\nwhol", b"a\n"),
        (b"\xc3", b""),
    ],
)
def test_a_torn_end_is_mended(path: Path, before: bytes, after: bytes) -> None:
    path.write_bytes(before)
    with open_journal(path) as opened:
        if len(after) < len(before):
            message = f"^{path}: removed a last line that was not written to its end$"
            with pytest.warns(DataWarning, match=message):
                opened.mend_end(lambda line: line == b"whole")
        else:
            opened.mend_end(lambda line: line == b"whole")
        assert path.read_bytes() == after
        opened.mend_end()
    assert path.read_bytes() == after


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [b"", b"a\n"])
def test_a_line_that_does_not_reach_the_disk_is_taken_back(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, before: bytes
) -> None:
    def refuse(descriptor: int) -> None:
        assert os.fstat(descriptor).st_size > len(before)  # the line was on its way
        raise error

    path.write_bytes(before)
    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises((DataError, KeyboardInterrupt)) as caught:
        append(path, "b")
    assert path.read_bytes() == before
    if isinstance(error, OSError):
        assert str(caught.value) == f"{path}: expected room to write, got 'No space left'"


@pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")
def test_a_journal_is_open_once(path: Path) -> None:
    second = threading.Thread(target=append, args=(path, "b"))
    with open_journal(path) as opened:
        with pytest.raises(BlockingIOError), open_journal(path, wait=False):
            pass
        second.start()
        second.join(0.1)
        assert second.is_alive()
        opened.append("a")
    second.join(60)
    assert path.read_bytes() == b"a\nb\n"


@pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")
def test_a_line_goes_into_the_file_that_replaced_the_one_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(path, "a")
    lock, old = locks.lock, path.with_name("old.jsonl")

    def replace_first(descriptor: int, wait: bool) -> None:
        if not old.exists():
            path.rename(old)
            path.write_text("", "utf-8")
        lock(descriptor, wait)

    monkeypatch.setattr(journal, "lock", replace_first)
    append(path, "b")
    assert (old.read_bytes(), path.read_bytes()) == (b"a\n", b"b\n")


def test_processes_at_the_same_time_lose_no_line(path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom mlcore.files.journal import Journal, open_journal\n"
        "for number in range(20):\n"
        "    with open_journal(Path(sys.argv[1])) as opened:\n"
        "        opened.append(f'{sys.argv[2]} {number} ' + 'x' * 9999)\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], cwd=ROOT) for name in "abc"
    ]
    assert [process.wait(60) for process in processes] == [0] * 3
    found = [line.split(" ") for line in path.read_text().splitlines()]
    assert all(text == "x" * 9999 for _, _, text in found)
    for name in "abc":
        own = [int(number) for one, number, _ in found if one == name]
        assert own == list(range(20))


def test_what_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none/lines.jsonl", Path(os.devnull)):
        with pytest.raises(DataError, match=f"^{place}: expected a file"), open_journal(place):
            pass


def test_a_journal_that_cannot_be_read_is_named(path: Path) -> None:
    with FileIO(path, "wb") as write_only:
        opened = Journal(path, write_only)
        for read in (opened.lines, opened.mend_end):
            with pytest.raises(DataError) as caught:
                read()
            assert str(caught.value).startswith(f"{path}: expected a readable file, got ")


@pytest.mark.parametrize("error", [DataError("no"), KeyboardInterrupt()])
def test_lines_go_back_if_the_block_fails(path: Path, error: BaseException) -> None:
    append(path, "a")
    with pytest.raises(type(error)), open_journal(path) as opened, opened.appended("b", "c"):
        assert path.read_bytes() == b"a\nb\nc\n"
        raise error
    assert path.read_bytes() == b"a\n"


def test_what_is_read_of_a_journal_has_limits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_LINE_BYTES", 4)
    monkeypatch.setattr(journal, "MAX_DOCUMENT_BYTES", 8)
    path.write_bytes(b"more than\n4567")
    with open_journal(path) as opened:
        opened.mend_end(lambda line: line == b"4567")
        with pytest.raises(DataError, match=f"^{path}: expected at most 8 bytes, got more$"):
            opened.lines()
    path.write_bytes(b"more than\n45678")
    with open_journal(path) as opened:
        with pytest.raises(DataError, match=f"^{path}: last line: expected at most 4 bytes, got m"):
            opened.mend_end()
    assert path.read_bytes() == b"more than\n45678"
    path.write_bytes(b"more than\n456")
    with open_journal(path) as opened, pytest.warns(DataWarning, match="removed a last line"):
        opened.mend_end()
    assert path.read_bytes() == b"more than\n"

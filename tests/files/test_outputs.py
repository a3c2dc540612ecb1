"""Output files: whole or not at all, and nothing left behind."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import signal
import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mlcore.errors import DataError, DataWarning
from mlcore.files.outputs import open_outputs

LARGE = "a line that is repeated\n" * 10_000  # more than all buffers hold


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_appear_together_when_the_block_ends(folder: Path) -> None:
    with open_outputs("a.csv", "b.csv") as (first, second):
        first.write(LARGE)
        first.flush()
        second.write("b\n")
        assert not {"a.csv", "b.csv"} & set(os.listdir(folder))
    assert files(folder) == {"a.csv": LARGE.encode(), "b.csv": b"b\n"}


def test_a_file_that_stood_there_stays_until_the_block_ends(folder: Path) -> None:
    (folder / "a.csv").write_text("old")
    with open_outputs("a.csv") as (stream,):
        stream.write(LARGE)
        stream.flush()
        assert (folder / "a.csv").read_text() == "old"
    assert files(folder) == {"a.csv": LARGE.encode()}


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_nothing_appears_when_the_block_raises(error: type[BaseException], folder: Path) -> None:
    (folder / "a.csv").write_text("old")
    with pytest.raises(error):
        with open_outputs("a.csv", "b.csv.gz") as (first, second):
            first.write(LARGE)
            second.write(LARGE)
            raise error
    assert files(folder) == {"a.csv": b"old"}


def test_an_output_that_cannot_be_opened_leaves_no_other(folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        with open_outputs("a.csv", "nowhere/b.csv"):
            pytest.fail("the work has begun")
    assert str(caught.value) == (
        "nowhere/b.csv: expected a file to write to, got 'No such file or directory'"
    )
    assert files(folder) == {}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("text", ["short", LARGE])
def test_an_output_that_cannot_be_finished_leaves_no_other(text: str, folder: Path) -> None:
    (folder / "a.csv").write_text("old")
    with pytest.raises(DataError) as caught:
        with open_outputs("a.csv", "/dev/full") as (first, second):
            first.write("new")
            second.write(text)
    assert str(caught.value) == "/dev/full: expected room to write, got 'No space left on device'"
    assert files(folder) == {"a.csv": b"old"}


def test_bytes_are_on_the_disk_before_a_file_gets_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Or a machine that loses power might keep the name, and of the content nothing.
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def record_sync(descriptor: int) -> None:
        steps.append(f"sync {os.fstat(descriptor).st_size} bytes")
        sync(descriptor)

    def record_replace(old: Path, new: str) -> None:
        steps.append(f"name {os.path.basename(new)}")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(os, "replace", record_replace)
    with open_outputs("a.csv", "b.csv") as (first, second):
        first.write("four")
        second.write("sixsix")
    assert steps == ["sync 4 bytes", "sync 6 bytes", "name a.csv", "name b.csv"]


def test_whoever_asks_sees_the_files_whole_before_they_have_names(folder: Path) -> None:
    seen: list[object] = []

    def look(hidden: Sequence[Path | None]) -> None:
        seen.extend(None if path is None else path.read_bytes() for path in hidden)
        seen.append(sorted(path.name for path in folder.iterdir() if path.name[0] != "."))

    with open_outputs("a.csv", os.devnull, "b.csv.gz", on_written=look) as streams:
        for stream in streams:
            stream.write(LARGE)
    assert seen[:2] == [LARGE.encode(), None]
    assert isinstance(seen[2], bytes) and gzip.decompress(seen[2]) == LARGE.encode()
    assert seen[3] == []
    assert sorted(files(folder)) == ["a.csv", "b.csv.gz"]


def test_whoever_asks_can_refuse_and_is_not_asked_after_a_failure(folder: Path) -> None:
    def refuse(hidden: Sequence[Path | None]) -> None:
        raise DataError("no room")

    with pytest.raises(DataError, match="no room"), open_outputs("a.csv", on_written=refuse):
        pass
    with pytest.raises(ZeroDivisionError), open_outputs("a.csv", on_written=refuse):
        raise ZeroDivisionError
    assert files(folder) == {}


def test_whoever_asks_is_told_if_the_files_get_no_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []

    @contextlib.contextmanager
    def note(hidden: Sequence[Path | None]) -> Iterator[None]:
        try:
            yield
            told.append(sorted(files(folder)))
        except DataError as error:
            told.append(str(error))
            raise

    def refuse(old: Path, new: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(DataError), open_outputs("a.csv", "b.csv", on_written=note):
            pass
    with open_outputs("a.csv", "b.csv", on_written=note):
        pass
    expected = "a.csv: expected room to write, got 'Permission denied'"
    assert told == [expected, ["a.csv", "b.csv"]]


def test_a_signal_waits_until_all_files_have_their_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def press_ctrl_c(old: Path, new: Path) -> None:
        signal.raise_signal(signal.SIGINT)
        replace(old, new)

    monkeypatch.setattr(os, "replace", press_ctrl_c)
    with pytest.raises(KeyboardInterrupt), open_outputs("a.csv", "b.csv"):
        pass
    assert files(folder) == {"a.csv": b"", "b.csv": b""}


@pytest.mark.parametrize("name", ["open", "unlink"])
def test_a_signal_while_a_hidden_file_comes_or_goes_leaves_none(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = getattr(os, name)

    def press_ctrl_c(*arguments: object, **more: object) -> object:
        found = call(*arguments, **more)
        signal.raise_signal(signal.SIGINT)
        return found

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(os, name, press_ctrl_c)
        with open_outputs("a.csv", "b.csv"):
            raise ZeroDivisionError
    assert files(folder) == {}


def test_a_hidden_file_that_stays_is_noted_and_no_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    for name in ("a.csv", "b.csv"):
        (folder / name).write_text("old")
    monkeypatch.setattr(Path, "unlink", refuse)
    message = r"\.[ab]\.csv\.partial-[0-9a-f]{8}: could not be removed; the next run"
    with pytest.warns(DataWarning, match=message), open_outputs("a.csv", "b.csv"):
        pass
    assert {files(folder)[name] for name in ("a.csv", "b.csv")} == {b""}
    monkeypatch.undo()
    with open_outputs(folder / "a.csv", folder / "b.csv"):
        pass
    assert sorted(files(folder)) == ["a.csv", "b.csv"]


def test_text_is_utf_8_with_line_breaks_as_given(folder: Path) -> None:
    with open_outputs("a.csv") as (stream,):
        stream.write("\u00e9\n\r\n\U0001f375")
    assert files(folder) == {"a.csv": b"\xc3\xa9\n\r\n\xf0\x9f\x8d\xb5"}


def test_an_empty_file_is_a_file(folder: Path) -> None:
    with open_outputs("a.csv"):
        pass
    assert files(folder) == {"a.csv": b""}


def test_gzip_holds_no_name_and_no_time(folder: Path) -> None:
    with open_outputs("a.csv.gz") as (stream,):
        stream.write(LARGE)
    data = (folder / "a.csv.gz").read_bytes()
    # RFC 1952: magic, deflate, flags (none: no name follows), time, then two bytes on the writer.
    assert struct.unpack_from("<HBBI", data) == (0x8B1F, 8, 0, 0)
    deflated = zlib.decompressobj(-zlib.MAX_WBITS)
    assert deflated.decompress(data[10:]) == LARGE.encode()
    assert struct.unpack("<II", deflated.unused_data) == (zlib.crc32(LARGE.encode()), len(LARGE))


def test_gzip_of_the_same_text_is_the_same_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, now in (("a.csv.gz", 1e9), ("another.csv.gz", 2e9)):
        monkeypatch.setattr("time.time", lambda: now)
        with open_outputs(name) as (stream,):
            stream.write(LARGE)
    monkeypatch.undo()
    first, second = files(folder).values()
    assert first == second
    assert gzip.decompress(first) == LARGE.encode()


def test_a_dash_is_standard_output(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with open_outputs("-", "a.csv") as (first, second):
        first.write("\u00e9\n")
        second.write("a\n")
    print("still open", flush=True)
    assert capfdbinary.readouterr() == (b"\xc3\xa9\nstill open\n", b"")
    assert files(folder) == {"a.csv": b"a\n"}


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_permissions_follow_the_umask(umask: int, folder: Path) -> None:
    before = os.umask(umask)
    try:
        with open_outputs("a.csv"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "a.csv").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("exists", [True, False], ids=["file", "no file yet"])
def test_a_link_stays_and_what_it_leads_to_is_replaced(exists: bool, folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    if exists:
        (folder / "elsewhere/data.csv").write_text("old")
    (folder / "a.csv").symlink_to("elsewhere/data.csv")
    with open_outputs("a.csv") as (stream,):
        stream.write("new")
    assert os.readlink(folder / "a.csv") == "elsewhere/data.csv"
    assert files(folder / "elsewhere") == {"data.csv": b"new"}
    assert sorted(os.listdir(folder)) == ["a.csv", "elsewhere"]


def test_a_device_is_written_to_and_stays_a_device() -> None:
    with open_outputs("/dev/null") as (stream,):
        stream.write(LARGE)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_named_pipe_is_written_to_and_stays_a_pipe(folder: Path) -> None:
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    with open_outputs("pipe") as (stream,):
        stream.write("through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="needs /dev/fd")
def test_an_open_descriptor_is_written_to_where_it_stands(folder: Path) -> None:
    # As of `{ echo before; python -m cli.preprocess ... --out /dev/stdout; echo after; } > a.csv`.
    with open("a.csv", "wb", buffering=0) as file:
        (folder / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        file.write(b"before\n")
        for name in (f"/dev/fd/{file.fileno()}", "link"):
            with open_outputs(name) as (stream,):
                stream.write(f"{name[-4:]}\n")
        file.write(b"after\n")
        expected = f"before\n{f'/dev/fd/{file.fileno()}'[-4:]}\nlink\nafter\n"
    assert (folder / "a.csv").read_text() == expected
    assert sorted(os.listdir(folder)) == ["a.csv", "link"]


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="needs /dev/fd")
def test_a_pipe_is_written_to_by_the_name_of_its_descriptor() -> None:
    reader, writer = os.pipe()
    with open_outputs(f"/dev/fd/{writer}") as (stream,):
        stream.write("through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("text", ["short", LARGE])
def test_a_pipe_that_nobody_reads_any_more_stays_a_broken_pipe(text: str, folder: Path) -> None:
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    # Not a DataError: a command ends quietly then.
    with pytest.raises(BrokenPipeError), open_outputs("a.csv", "pipe") as (_, stream):
        os.close(reader)
        stream.write(text)
    assert os.listdir(folder) == ["pipe"]


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("a.csv", "a.csv", "a.csv"),
        ("a.csv", "./a.csv", "./a.csv"),
        ("a.csv", "link.csv", "link.csv"),
        ("-", "-", "standard output"),
        ("-", "/dev/stdout", "/dev/stdout"),
    ],
)
def test_two_outputs_are_never_one_file(first: str, second: str, name: str, folder: Path) -> None:
    (folder / "link.csv").symlink_to("a.csv")
    with pytest.raises(DataError) as caught:
        with open_outputs(first, second):
            pytest.fail("the work has begun")
    assert str(caught.value) == f"{name}: expected a different file for each output, got one twice"
    assert os.listdir(folder) == ["link.csv"]


def test_a_directory_is_no_output(folder: Path) -> None:
    (folder / "a.csv").mkdir()
    with pytest.raises(DataError) as caught:
        with open_outputs("a.csv"):
            pytest.fail("the work has begun")
    assert str(caught.value) == "a.csv: expected a file to write to, got 'Is a directory'"
    assert os.listdir(folder / "a.csv") == []

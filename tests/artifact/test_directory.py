"""mlcore.artifact.directory: whoever looks, and whenever the power goes, sees old or new, whole."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from mlcore import DataError, Interactions, Model, TrainConfig, train_from_data, verify_model
from mlcore.artifact import Attributes, directory, replaced_directory, writer
from mlcore.artifact.manifest import MODEL_FILES
from mlcore.errors import ArtifactError, DataWarning
from mlcore.history_decay import QuadraticHistoryDecay
from mlcore.files.catalogue import Catalogue
from mlcore.weighting import BM25

KNOWN = ("a.txt", "b.txt")
HINT = "--overwrite replaces a model directory"
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork on this platform")


def snapshot(path: Path) -> dict[str, Any]:
    """Everything below a path: the content of files, the targets of links, the directories."""
    found: dict[str, Any] = {}
    for folder, directories, files in os.walk(path):
        for name in [*directories, *files]:
            one = Path(folder, name)
            key = os.fspath(one.relative_to(path))
            if one.is_symlink():
                found[key] = ("link", os.readlink(one))
            elif one.is_dir():
                found[key] = "directory"
            else:
                found[key] = one.read_bytes() if one.is_file() else "special"
    return found


def fill(folder: Path, text: str = "new") -> None:
    for name in KNOWN:
        (folder / name).write_text(f"{text} {name}")


def filled(text: str) -> dict[str, Any]:
    return {name: f"{text} {name}".encode() for name in KNOWN}


def replaced(target: Path, overwrite: bool = False) -> AbstractContextManager[Path]:
    return replaced_directory(target, overwrite, KNOWN)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    target = tmp_path / "here" / "target"
    target.mkdir()
    fill(target, "old")
    return target


# --- what stands there afterwards


def test_a_new_directory_appears_when_all_is_written(tmp_path: Path) -> None:
    with replaced(tmp_path / "target") as folder:
        assert folder.parent == tmp_path and folder.name.startswith(".target.partial-")
        assert os.listdir(folder) == []
        fill(folder)
        assert not (tmp_path / "target").exists()
    assert snapshot(tmp_path) == {
        "target": "directory",
        **{f"target/{name}": data for name, data in filled("new").items()},
    }


def test_an_old_directory_stands_until_the_new_one_takes_its_place(old: Path) -> None:
    (old / "b.txt").unlink()
    with replaced(old, overwrite=True) as folder:
        (folder / "b.txt").write_text("new")
        assert snapshot(old) == {"a.txt": b"old a.txt"}
    assert snapshot(old) == {"b.txt": b"new"}
    assert os.listdir(old.parent) == ["target"]


@pytest.mark.parametrize("content", [[], ["a.txt"], ["a.txt", "b.txt"]], ids=len)
def test_a_directory_with_nothing_but_known_files_may_be_replaced(
    tmp_path: Path, content: list[str]
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    for name in content:
        (target / name).write_text("old")
    with replaced(target, overwrite=True) as folder:
        fill(folder)
    assert snapshot(target) == filled("new")


@pytest.mark.parametrize(
    "name", ["sp ace", "\u00e9", ".hidden", "-x", "new\nline", "a.txt", "x" * 200]
)
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    for text in ("first", "second"):
        with replaced(tmp_path / name, overwrite=True) as folder:
            fill(folder, text)
        assert snapshot(tmp_path / name) == filled(text)
        assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("path", ["target", "./target", "target/", "../here/target"])
def test_relative_paths_are_from_the_working_directory(
    old: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(old.parent)
    with replaced(Path(path), overwrite=True) as folder:
        fill(folder)
    shutil.rmtree(old)
    with replaced(Path(path)) as folder:
        fill(folder, "newer")
    assert snapshot(old) == filled("newer")


def test_a_symbolic_link_stays_and_what_it_points_to_is_replaced(old: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "current"
    link.symlink_to("../here/target")
    with replaced(link, overwrite=True) as folder:
        assert folder.parent == old.parent  # a rename does not leave its file system
        fill(folder)
    assert os.readlink(link) == "../here/target"
    assert snapshot(old) == snapshot(link) == filled("new")
    assert os.listdir(old.parent) == ["target"] and os.listdir(tmp_path / "links") == ["current"]


# --- what is never touched


def refused(target: Path, overwrite: bool, message: str, hint: str | None = None) -> None:
    """Check that nothing may be written, that nothing is, and that nobody is asked to begin."""
    root = target.parent.parent if target.parent.is_dir() else target.parent.parent.parent
    before = snapshot(root)
    with pytest.raises(DataError) as caught:
        with replaced(target, overwrite):
            pytest.fail("the block was entered")
    assert str(caught.value) == f"{target}: {message}"
    assert caught.value.hint == hint
    assert snapshot(root) == before


def test_nothing_is_replaced_unless_asked(old: Path, tmp_path: Path) -> None:
    exists = "expected a path that does not exist yet, got an existing one"
    refused(old, False, exists, HINT)
    refused(old / "a.txt", False, exists, HINT)
    (old.parent / "dangling").symlink_to("nowhere")
    refused(old.parent / "dangling", False, exists, HINT)


@pytest.mark.parametrize("name", ["notes.txt", ".git", "A.TXT", "a.txt~", "zzz", "manifest.json"])
def test_a_directory_with_other_content_is_never_replaced(old: Path, name: str) -> None:
    (old / name).write_text("precious")
    message = f"expected a model directory to overwrite, got other content: {name!r}"
    refused(old, True, message, f"--out-dir {old}/model makes one inside")


def test_a_directory_with_a_known_name_is_other_content(old: Path) -> None:
    (old / "a.txt").unlink()
    (old / "a.txt").mkdir()
    (old / "a.txt" / "precious").write_text("precious")
    message = "expected a model directory to overwrite, got other content: 'a.txt'"
    refused(old, True, message, f"--out-dir {old}/model makes one inside")


@pytest.mark.parametrize("target", ["new", "old", "empty"])
def test_whoever_asks_sees_the_directory_whole_before_it_is_in_place(
    target: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "old").mkdir()
    fill(tmp_path / "old", "old")
    seen: list[dict[str, Any]] = []

    def look(hidden: Sequence[Path | None]) -> None:
        (folder,) = hidden
        assert folder is not None
        seen.extend([snapshot(folder), snapshot(tmp_path / "old")])
        assert not (tmp_path / target / "a.txt").exists() or target == "old"

    with replaced_directory(tmp_path / target, True, KNOWN, on_written=look) as folder:
        fill(folder)
    assert seen == [filled("new"), filled("old")]
    assert snapshot(tmp_path / target) == filled("new")


@pytest.mark.parametrize("target", ["new", "old", "empty"])
def test_whoever_asks_can_refuse(target: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "old").mkdir()
    fill(tmp_path / "old", "old")
    before = snapshot(tmp_path)

    def refuse(hidden: Sequence[Path | None]) -> None:
        raise DataError("no room")

    with pytest.raises(DataError, match="no room"):
        with replaced_directory(tmp_path / target, True, KNOWN, on_written=refuse) as folder:
            fill(folder)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["file", "a.txt"])
def test_a_file_is_never_replaced_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "here").mkdir()
    target = tmp_path / "here" / name
    target.write_text("precious")
    refused(target, True, "expected a model directory to overwrite, got a file")
    (tmp_path / "here" / "link").symlink_to(target)
    refused(tmp_path / "here" / "link", True, "expected a model directory to overwrite, got a file")


def test_missing_folders_around_are_made(tmp_path: Path) -> None:
    with replaced(tmp_path / "no" / "such" / "target") as folder:
        fill(folder)
    assert snapshot(tmp_path / "no" / "such" / "target") == filled("new")


def test_folders_around_that_were_made_are_removed_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ValueError), replaced(tmp_path / "no" / "such" / "target"):
        raise ValueError
    assert snapshot(tmp_path) == {}
    (tmp_path / "file").write_text("precious")
    refused(tmp_path / "file" / "target", True, "expected a folder to write to, got 'File exists'")


# --- a folder that is there and empty, such as a mounted volume


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "volume").mkdir(0o750)
    return tmp_path / "here" / "volume"


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_empty_folder_is_filled_and_stays(empty: Path, overwrite: bool) -> None:
    (empty / "lost+found").mkdir()  # as in the root of an ext4 file system
    before = empty.stat()
    with replaced(empty, overwrite) as folder:
        fill(folder)
        assert folder.parent == empty and not (empty / "a.txt").exists()
    (empty / "lost+found").rmdir()
    assert snapshot(empty) == filled("new")
    assert os.path.samestat(before, empty.stat()) and empty.stat().st_mode == before.st_mode
    assert os.listdir(empty.parent) == ["volume"]


def test_the_manifest_comes_last_into_an_empty_folder(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []
    rename = os.rename

    def note(old: Path, new: Path) -> None:
        moved.append(new.name)
        rename(old, new)

    monkeypatch.setattr(os, "rename", note)
    model_of(0).save(empty)
    verify_model(empty)
    assert sorted(moved) == sorted(MODEL_FILES) and moved[-1] == "manifest.json"


def test_a_failure_leaves_an_empty_folder_empty(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError), replaced(empty) as folder:
        fill(folder)
        raise ValueError
    assert snapshot(empty) == {}
    rename = os.rename

    def refuse_the_last(old: Path, new: Path) -> None:
        if new.name == "manifest.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(old, new)

    monkeypatch.setattr(os, "rename", refuse_the_last)
    with pytest.raises(DataError, match="No space left on device"):
        model_of(0).save(empty)
    assert snapshot(empty) == {}


def test_two_who_fill_the_same_folder_do_not_mix(empty: Path) -> None:
    with pytest.raises(DataError, match="expected a folder that is still empty, got content"):
        with replaced(empty) as slow:
            fill(slow, "slow")
            with replaced(empty) as fast:
                fill(fast, "fast")
    assert snapshot(empty) == filled("fast")


@pytest.mark.skipif(sys.platform != "linux", reason="needs mounts of Linux")
@pytest.mark.parametrize("source", ["-t tmpfs none", "--bind source"], ids=["tmpfs", "bind"])
def test_a_mounted_folder_is_filled_and_never_replaced(source: str, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    volume = tmp_path / "a volume"
    volume.mkdir()
    mounted = subprocess.run(["mount", *source.split(), volume], cwd=tmp_path, capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        model_of(0).save(volume)
        verify_model(volume)
        before = snapshot(volume)
        for overwrite in (False, True):
            with pytest.raises(DataError) as caught:
                model_of(1).save(volume, overwrite=overwrite)
            assert str(caught.value) == (
                f"{volume}: expected a path that does not exist yet or an empty folder, "
                "got a mounted folder with content"
            )
            assert caught.value.hint is not None and f"--out-dir {volume}/new" in caught.value.hint
        model_of(1).save(volume / "new")
        shutil.rmtree(volume / "new")
        assert snapshot(volume) == before
    finally:
        subprocess.run(["umount", volume], check=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_appears_while_writing_is_not_replaced_either(tmp_path: Path, overwrite: bool) -> None:
    target = tmp_path / "target"
    with pytest.raises(DataError, match="^" + re.escape(f"{target}: expected a ")):
        with replaced(target, overwrite) as folder:
            fill(folder)
            target.mkdir()
            (target / "precious").write_text("precious")
    assert snapshot(tmp_path) == {"target": "directory", "target/precious": b"precious"}


def test_two_who_write_the_same_new_directory_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with pytest.raises(DataError, match="expected a path that does not exist yet"):
        with replaced(target) as slow:
            fill(slow, "slow")
            with replaced(target) as fast:
                assert fast != slow
                fill(fast, "fast")
    assert snapshot(target) == filled("fast")
    assert os.listdir(tmp_path) == ["target"]


# --- when something goes wrong


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, DataError])
@pytest.mark.parametrize("exists", [False, True])
def test_an_exception_while_writing_leaves_everything_as_it_was(
    tmp_path: Path, old: Path, exists: bool, error: type[BaseException]
) -> None:
    target = old if exists else old.parent / "fresh"
    before = snapshot(tmp_path)
    with pytest.raises(error, match="^stop$"):
        with replaced(target, overwrite=True) as folder:
            fill(folder)
            raise error("stop")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("exists", [False, True])
def test_a_full_disk_is_a_known_error_and_leaves_everything_as_it_was(
    tmp_path: Path, old: Path, exists: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = old if exists else old.parent / "fresh"
    before = snapshot(tmp_path)
    message = f"^{target}: expected a folder to write to, got 'No space left on device'$"

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match=message):
        with replaced(target, overwrite=True) as folder:
            fill(folder)
            full()
    assert snapshot(tmp_path) == before
    for name in ("fsync", "mkdir"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(DataError, match=message):
                with replaced(target, overwrite=True) as folder:
                    fill(folder)
        assert snapshot(tmp_path) == before


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_a_known_error(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(0o500)
    with pytest.raises(DataError, match="expected a folder to write to, got 'Permission denied'"):
        with replaced(tmp_path / "locked" / "target"):
            pytest.fail("the block was entered")


def refuses_to_exchange(one: bytes, other: bytes) -> int:
    ctypes.set_errno(errno.EINVAL)
    return -1


@pytest.mark.parametrize(
    ("exchange", "reason"),
    [(None, sys.platform), (refuses_to_exchange, "Invalid argument")],
    ids=["no such call", "refused"],
)
def test_where_directories_cannot_be_exchanged_the_old_one_stays(
    old: Path,
    exchange: Callable[[bytes, bytes], int] | None,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(directory, "_exchange_function", lambda: exchange)
    with pytest.raises(DataError) as caught:
        with replaced(old, overwrite=True) as folder:
            fill(folder)
    assert str(caught.value) == (
        f"{old}: expected a file system that exchanges two directories in one step, got {reason!r}"
    )
    assert caught.value.hint == "write to a new directory instead"
    assert snapshot(old.parent) == {
        "target": "directory",
        **{f"target/{name}": data for name, data in filled("old").items()},
    }
    with replaced(old.parent / "fresh", overwrite=True) as folder:
        fill(folder)
    assert snapshot(old.parent / "fresh") == filled("new")


@pytest.mark.parametrize("exists", [False, True])
def test_all_is_on_disk_before_the_new_directory_takes_its_place(
    old: Path, exists: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = old if exists else old.parent / "fresh"
    seen: list[str] = []
    sync, put = directory.sync, directory._put_in_place

    def noted_sync(path: Path) -> None:
        seen.append(re.sub(r"^\..*\.partial-[0-9a-f]+$", "the new directory", path.name))
        sync(path)

    def noted_put(partial: Path, real: Path, shown: Path) -> None:
        seen.append("put in place")
        put(partial, real, shown)

    monkeypatch.setattr(directory, "sync", noted_sync)
    monkeypatch.setattr(directory, "_put_in_place", noted_put)
    with replaced(target, overwrite=True) as folder:
        fill(folder)
    assert sorted(seen[:2]) == ["a.txt", "b.txt"]
    assert seen[2:] == ["the new directory", "put in place", "here"]


def failing_sync(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the sync of a folder fail."""
    sync = directory.sync

    def fail(path: Path) -> None:
        if path.name == name:
            raise OSError(errno.EIO, "Input/output error")
        sync(path)

    monkeypatch.setattr(directory, "sync", fail)


@pytest.mark.parametrize("name", ["target", "fresh", "empty"])
def test_what_may_not_last_is_undone(name: str, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (old.parent / "empty").mkdir()
    before = snapshot(old.parent)
    failing_sync(monkeypatch, "empty" if name == "empty" else "here")
    target = old.parent / name
    message = f"^{target}: expected a folder to write to, got 'Input/output error'$"
    with pytest.raises(DataError, match=message), replaced(target, overwrite=True) as folder:
        fill(folder)
    assert snapshot(old.parent) == before


@pytest.mark.parametrize("name", ["target", "fresh", "empty"])
def test_what_cannot_be_undone_is_said(
    name: str, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old.parent / "empty").mkdir()
    target, put = old.parent / name, directory._put_in_place
    calls: list[Path] = []

    def put_once(*paths: Path) -> None:
        if calls:
            raise OSError(errno.EIO, "Input/output error")
        calls.extend(paths)
        put(*paths)

    def refuse(paths: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(directory, "_put_in_place", put_once)
    monkeypatch.setattr(directory, "_unlink", refuse)
    failing_sync(monkeypatch, "empty" if name == "empty" else "here")
    with pytest.raises(DataError) as caught, replaced(target, overwrite=True) as folder:
        fill(folder)
    assert str(caught.value) == (
        f"{target}: expected a folder to write to, got 'Input/output error'; written: {target}"
    )
    assert snapshot(target) == filled("new")


@pytest.mark.parametrize("exists", [False, True])
def test_whoever_is_called_when_all_is_in_place_can_undo_it(exists: bool, old: Path) -> None:
    target = old if exists else old.parent / "fresh"
    before = snapshot(old.parent)

    def refuse() -> None:
        assert snapshot(target) == filled("new")
        raise DataError("no")

    with pytest.raises(DataError, match="^no$"):
        with replaced_directory(target, True, KNOWN, on_placed=refuse) as folder:
            fill(folder)
    assert snapshot(old.parent) == before


@pytest.mark.parametrize("name", ["target", "fresh", "empty"])
def test_a_signal_waits_until_the_new_directory_is_in_place(
    name: str, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old.parent / "empty").mkdir()

    def interrupted(call: Callable[..., Any]) -> Callable[..., Any]:
        def press_ctrl_c(*arguments: Any) -> Any:
            signal.raise_signal(signal.SIGINT)
            return call(*arguments)

        return press_ctrl_c

    monkeypatch.setattr(directory, "_put_in_place", interrupted(directory._put_in_place))
    monkeypatch.setattr(os, "rename", interrupted(os.rename))
    with pytest.raises(KeyboardInterrupt), replaced(old.parent / name, overwrite=True) as folder:
        fill(folder)
    assert snapshot(old.parent / name) == filled("new")
    assert {path for path in os.listdir(old.parent)} == {"target", "empty", name}


def test_old_content_that_stays_is_noted_and_no_error(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.warns(DataWarning, match="could not be removed"):
        patch.setattr(shutil, "rmtree", lambda path, ignore_errors: None)
        with replaced(old, overwrite=True) as folder:
            fill(folder)
    assert snapshot(old) == filled("new")
    with replaced(old, overwrite=True) as folder:
        fill(folder, "newer")
    assert os.listdir(old.parent) == ["target"]


@pytest.mark.parametrize("name", ["mkdir", "open"])
def test_a_signal_while_the_folder_is_made_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = getattr(os, name)

    def press_ctrl_c(*arguments: Any, **more: Any) -> Any:
        found = call(*arguments, **more)
        signal.raise_signal(signal.SIGINT)
        return found

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(os, name, press_ctrl_c)
        with replaced(tmp_path / "no" / "such" / "target"):
            raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


# --- killed at any moment


def model_of(which: int) -> Model:
    """One of two models of the same sizes; the second one comes without users."""
    rng = random.Random(which)
    rows = [(f"user {user}", f"item {item}") for user in range(30) for item in range(20)]
    rows = rng.sample(rows, 200)
    users, items = zip(*rows)
    interactions = Interactions.from_columns(users, items, timestamps=range(200))
    weighting, decay = BM25(smooth=True), QuadraticHistoryDecay()
    config = TrainConfig(weighting=weighting, num_neighbors=4, history_decay=decay)
    model = train_from_data(interactions, config, with_users=which == 0, threads=1)
    table = Catalogue(["item 3"], {"kind": [0]}, ["tea"], [which], None)
    return replace(model, attributes=Attributes.encode(table, model.items))


STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir",
         "shutil.rmtree", "ctypes.dlopen", "ctypes.dlsym", "ctypes.call_function"}  # fmt: skip


def die_at_step(number: int) -> None:
    """Kill this process at its nth step: a call that touches files, or a piece that is written."""
    steps = 0

    def step() -> None:
        nonlocal steps
        if steps == number:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    fsync, write = os.fsync, writer._DigestingSink.write

    def fsync_in_steps(descriptor: int) -> None:
        step()
        fsync(descriptor)
        step()

    def write_in_steps(sink: writer._DigestingSink, data: Any) -> None:
        half = len(data) // 2
        write(sink, data[:half])
        sink._file.flush()  # or the piece would stay in the memory of the process that dies
        step()
        write(sink, data[half:])

    os.fsync = fsync_in_steps  # type: ignore[assignment]
    writer._DigestingSink.write = write_in_steps  # type: ignore[assignment, method-assign]
    sys.addaudithook(lambda event, arguments: step() if event in STEPS else None)


def serve() -> None:
    """Read requests, and write models in forked processes that may be killed; run by ``Server``.

    Forking saves each of them the time to import numpy.
    """
    models = [model_of(0), model_of(1)]
    for line in sys.stdin:
        request = json.loads(line)
        target = Path(request["target"])
        process = os.fork()
        if process == 0:
            if request["step"] is None:
                while True:
                    for model in models:
                        model.save(target, overwrite=True)
            die_at_step(request["step"])
            models[request["model"]].save(target, overwrite=True)
            os._exit(0)
        print(process, flush=True)
        print(os.waitpid(process, 0)[1], flush=True)


class Server:
    """A process without threads of its own, which forks one for each request."""

    def __init__(self) -> None:
        root = Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONPATH": os.fspath(root), "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.artifact.test_directory import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def start(self, target: Path, step: int | None, model: int = 0) -> int:
        """Begin to write a model, or alternately both for ever; return the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        request = {"target": os.fspath(target), "step": step, "model": model}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def wait(self) -> int:
        """Return the signal that ended what was started, or 0."""
        assert self._process.stdout is not None
        return os.waitstatus_to_exitcode(int(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The content of the directories of the two models."""
    folder = tmp_path_factory.mktemp("both")
    for which in (0, 1):
        model_of(which).save(folder / f"{which}")
    return [snapshot(folder / f"{which}") for which in (0, 1)]


def check_siblings(target: Path) -> int:
    """Remove what a killed process left behind, and return how many directories that were."""
    left = sorted(set(os.listdir(target.parent)) - {target.name})
    for name in left:
        assert re.fullmatch(rf"\.{target.name}\.partial-[0-9a-f]{{8}}", name)
        shutil.rmtree(target.parent / name)
    assert len(left) <= 1
    return len(left)


@pytest.mark.slow
@needs_fork
def test_killed_at_any_step_a_new_directory_is_absent_or_whole(
    server: Server, both: list[dict[str, Any]], tmp_path: Path
) -> None:
    target = tmp_path / "model"
    outcomes = []
    for step in range(1_000):
        server.start(target, step)
        killed = server.wait()
        if target.exists():
            assert snapshot(target) == both[0]
            verify_model(target)
        outcomes.append((target.exists(), check_siblings(target)))
        if killed == 0:
            break
        assert killed == -signal.SIGKILL
        if target.exists():
            shutil.rmtree(target)
    # Nothing at first, then a sibling that was left, then the whole directory.
    assert outcomes[-1] == (True, 0) and len(outcomes) > 60
    assert [key for key, _ in groupby(outcomes)] == [(False, 0), (False, 1), (True, 0)]


@pytest.mark.slow
@needs_fork
def test_killed_at_any_step_an_empty_folder_has_no_model_or_the_whole_one(
    server: Server, both: list[dict[str, Any]], tmp_path: Path
) -> None:
    target = tmp_path / "volume"
    target.mkdir()
    outcomes = []
    for step in range(1_000):
        server.start(target, step)  # what the one before left is in nobody's way
        killed = server.wait()
        assert os.listdir(tmp_path) == ["volume"]
        outcomes.append((target / "manifest.json").exists())
        if outcomes[-1]:
            verify_model(target)
        if killed == 0:
            break
        assert killed == -signal.SIGKILL
        if outcomes[-1]:
            shutil.rmtree(target)
            target.mkdir()
    assert snapshot(target) == both[0]
    assert outcomes.count(False) > 60 and outcomes == sorted(outcomes)


@pytest.mark.slow
@needs_fork
def test_killed_at_any_step_an_old_directory_is_the_old_or_the_new_one(
    server: Server, both: list[dict[str, Any]], tmp_path: Path
) -> None:
    target = tmp_path / "model"
    model_of(0).save(target)
    standing = 0
    outcomes = []
    for step in range(1_000):
        new = 1 - standing
        server.start(target, step, new)
        killed = server.wait()
        found = snapshot(target)
        assert found in (both[standing], both[new])
        verify_model(target)
        outcomes.append((found == both[new], check_siblings(target)))
        standing = both.index(found)
        if killed == 0:
            break
        assert killed == -signal.SIGKILL
    assert outcomes[-1] == (True, 0) and len(outcomes) > 60
    # The sibling left behind is the new directory at first, and after the exchange the old one.
    assert set(outcomes) == {(False, 0), (False, 1), (True, 1), (True, 0)}


@needs_fork
def test_killed_at_random_moments_the_target_is_one_of_the_two_models(
    server: Server, both: list[dict[str, Any]], tmp_path: Path
) -> None:
    target = tmp_path / "model"
    model_of(0).save(target)
    rng = random.Random(9)
    for _ in range(25):
        process = server.start(target, None)
        time.sleep(rng.uniform(0.001, 0.04))
        os.kill(process, signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL
        verify_model(target)
        assert snapshot(target) in both
    model_of(1).save(target, overwrite=True)  # what is left behind is in nobody's way
    assert snapshot(target) == both[1]


@needs_fork
def test_a_reader_always_finds_the_old_model_or_the_new_one(
    server: Server, both: list[dict[str, Any]], tmp_path: Path
) -> None:
    target = tmp_path / "model"
    models = [model_of(0), model_of(1)]
    digests = [model.interactions_sha256 for model in models]
    models[0].save(target)
    process = server.start(target, None)
    try:
        seen: list[int] = []
        deadline = time.monotonic() + 60
        while len(seen) < 100 or len(set(seen)) < 2:
            assert time.monotonic() < deadline, "the writer does not get along"
            seen.append(digests.index(verify_model(target).interactions_sha256))
            loaded = Model.load(target)
            expected = models[digests.index(loaded.interactions_sha256)]
            assert loaded.similarity.data.tobytes() == expected.similarity.data.tobytes()
            assert list(loaded.items.ids) == list(expected.items.ids)
            assert (loaded.users is None) == (expected.users is None)
            if loaded.users is not None and expected.users is not None:
                assert list(loaded.users.ids) == list(expected.users.ids)
    finally:
        os.kill(process, signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL


def test_known_files_are_those_that_a_model_has(both: list[dict[str, Any]]) -> None:
    assert set(both[0]) == set(MODEL_FILES)
    assert set(both[1]) == set(MODEL_FILES) - {"users.csv", "histories.npz", "order.npz"}


def test_a_model_replaces_a_model_and_nothing_else(
    both: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    target = tmp_path / "here" / "model"
    model_of(0).save(target)
    with pytest.raises(DataError, match="expected a path that does not exist yet"):
        model_of(1).save(target)
    assert snapshot(target) == both[0]
    (target / "notes.txt").write_text("precious")
    with pytest.raises(DataError, match="got other content: 'notes.txt'"):
        model_of(1).save(target, overwrite=True)
    (target / "notes.txt").unlink()
    (target / "items.csv").write_text("damaged")
    with pytest.raises(ArtifactError):
        verify_model(target)
    model_of(1).save(target, overwrite=True)
    assert snapshot(target) == both[1]
    assert os.listdir(tmp_path / "here") == ["model"]


def test_files_are_synced_through_handles_that_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl", reason="no flags of handles on this platform")
    fsync, refused = os.fsync, []

    def as_on_windows(descriptor: int) -> None:
        is_read_only = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        if is_read_only and not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            refused.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", as_on_windows)
    with replaced_directory(tmp_path / "new", False, KNOWN) as folder:
        (folder / "a.txt").write_text("a")
    assert (tmp_path / "new" / "a.txt").read_text() == "a"
    assert refused == []

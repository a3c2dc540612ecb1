"""Several files get their names together, whatever fails and whoever dies on the way."""

from __future__ import annotations

import errno
import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mlcore.errors import DataError
from mlcore.files.outputs import open_outputs

ROOT = Path(__file__).parents[2]
NAMES = ("a.csv", "b.csv", "c.csv")
# Which of the files stand there before.
STANDING = [
    pytest.param([name for name, there in zip(NAMES, flags) if there], id=str(flags))
    for flags in itertools.product([0, 1], repeat=3)
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stand(folder: Path, names: list[str]) -> dict[str, str]:
    for path in folder.iterdir():
        path.unlink()
    for name in names:
        (folder / name).write_text(f"old {name}")
    return contents(folder)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def write_all() -> None:
    with open_outputs(*NAMES) as streams:
        for name, stream in zip(NAMES, streams):
            stream.write(f"new {name}")


NEW = {name: f"new {name}" for name in NAMES}


class Failing:
    """Steps on the disk that fail: the nth one, or all from the nth on, also those that undo."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, first: int, count: float) -> None:
        self.done = 0
        self._failing = range(first, first + 1) if count == 1 else range(first, 1000)
        for name in ("link", "rename", "replace"):
            monkeypatch.setattr(os, name, self._step(getattr(os, name)))

    def _step(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            self.done += 1
            if self.done - 1 in self._failing:
                raise OSError(errno.EACCES, "Permission denied")
            return call(*arguments)

        return step


@pytest.mark.parametrize("standing", STANDING)
@pytest.mark.parametrize("count", [1, 1000], ids=["one step fails", "all from there on fail"])
def test_all_are_new_or_the_message_says_what_is_there(
    standing: list[str], count: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in range(20):
        before = stand(folder, standing)
        with monkeypatch.context() as patch:
            failing = Failing(patch, first, count)
            try:
                write_all()
            except DataError as error:
                check_message(error, before, contents(folder))
            else:
                assert contents(folder) == NEW
        if failing.done <= first:
            break
    assert first > 2  # so many steps there were


def check_message(error: DataError, before: dict[str, str], after: dict[str, str]) -> None:
    first, *state = str(error).split("; ")
    assert re.fullmatch(r"[abc]\.csv: expected room to write, got 'Permission denied'", first)
    if not state:
        assert after == before
        return
    said = dict(part.split(": ") for part in state)
    written = said.get("written", "").split(", ") if "written" in said else []
    assert sorted(written + said["not written"].split(", ")) == list(NAMES)
    for name in NAMES:
        if name in written:
            assert after[name] == NEW[name]
        else:
            assert after.get(name) in (None, before.get(name))
    # What stood there is not lost.
    kept = dict(re.findall(r"(\S+) is the former (\S+?)(?:;|$)", error.hint or ""))
    former = {name: after[os.path.basename(path)] for path, name in kept.items()}
    for name in before:
        assert before[name] in (after.get(name), former.get(name)) or name in written


KILLED = """\
import os, signal, sys
from mlcore.files.outputs import open_outputs
left = int(sys.argv[1])
def dying(call):
    def step(*arguments, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **more)
    return step
with open_outputs(*sys.argv[2:]) as streams:
    for name, stream in zip(sys.argv[2:], streams):
        stream.write("new " + name)
    for name in ("link", "rename", "replace", "unlink"):
        setattr(os, name, dying(getattr(os, name)))
"""


@pytest.mark.skipif(os.name == "nt", reason="the system has no such signal")
@pytest.mark.parametrize("standing", [["a.csv", "b.csv"], ["b.csv"], []], ids=len)
def test_killed_at_any_step_no_new_file_stands_beside_an_old_one(
    standing: list[str], folder: Path
) -> None:
    names, seen = NAMES[:2], []
    for step in range(20):
        stand(folder, standing)
        command = [sys.executable, "-c", KILLED, str(step), *names]
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": os.fspath(ROOT)})
        found = {name: text for name, text in contents(folder).items() if name in names}
        ages = {text.partition(" ")[0] for text in found.values()}
        assert len(ages) <= 1 or found.keys() < set(names), found
        seen.append(sorted(found.values()))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        write_all()
        assert contents(folder) == NEW  # nothing is left of the killed one
    assert seen[0] == [f"old {name}" for name in standing]
    assert seen[-1] == [f"new {name}" for name in names]


def test_the_first_of_several_is_never_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand(folder, list(NAMES))
    replace = os.replace

    def look(old: Path, new: Path) -> None:
        assert (folder / "a.csv").exists()
        replace(old, new)

    monkeypatch.setattr(os, "replace", look)
    write_all()


def test_where_there_are_no_hard_links_files_are_replaced_as_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    stand(folder, list(NAMES))
    write_all()
    assert contents(folder) == NEW


def test_one_file_alone_takes_the_place_of_the_old_one_in_one_step(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError("another step")

    (folder / "a.csv").write_text("old")
    for name in ("link", "rename"):
        monkeypatch.setattr(os, name, refuse)
    with open_outputs("a.csv") as (stream,):
        stream.write("new")
    assert contents(folder) == {"a.csv": "new"}


BETWEEN = """\
import os, sys
from mlcore.files.outputs import open_outputs
replace = os.replace
def wait_after(old, new):
    replace(old, new)
    os.replace = replace
    print("between two renames", flush=True)
    input()
if sys.argv[1] == "slow":
    os.replace = wait_after
with open_outputs("a.csv", "other/b.csv") as streams:
    for stream in streams:
        stream.write(sys.argv[1])
"""


@pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")
def test_two_at_once_do_not_mix_their_files(folder: Path) -> None:
    (folder / "other").mkdir()

    def start(name: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", BETWEEN, name],
            env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    with start("slow") as slow:
        assert slow.stdout is not None and slow.stdout.readline() == "between two renames\n"
        with start("fast") as fast:
            with suppress(subprocess.TimeoutExpired):  # it takes its turn
                fast.wait(1)
            slow.communicate("\n", timeout=60)
            fast.communicate(timeout=60)
    assert (folder / "a.csv").read_text() == (folder / "other/b.csv").read_text() == "fast"
    assert sorted(os.listdir()) == ["a.csv", "other"] and os.listdir("other") == ["b.csv"]

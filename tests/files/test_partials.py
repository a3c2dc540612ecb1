"""Hidden siblings: found and removed after a kill, left alone while a process fills them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlcore.artifact import DIRECTORY_FILES, replaced_directory
from mlcore.files.outputs import open_outputs
from mlcore.files.partials import create_partial, partial_path, remove_stale

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")
ROOT = Path(__file__).parents[2]
FILL = {
    "a.csv": "from mlcore.files.outputs import open_outputs as fill; work = fill('a.csv')",
    "model": "from mlcore.artifact import replaced_directory as fill; from pathlib import Path; "
    "work = fill(Path('model'), False, ())",
}


@contextmanager
def filling(folder: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """Give a process that is in the middle of writing an output."""
    code = f"{FILL[name]}\nwith work: print('open', flush=True); input()"
    environment = {**os.environ, "PYTHONPATH": os.fspath(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        yield process
        process.kill()


def write(folder: Path, name: str) -> None:
    if name == "model":
        with replaced_directory(folder / name, True, DIRECTORY_FILES) as partial:
            (partial / "items.csv").write_text("index,id\n")
    else:
        with open_outputs(folder / name):
            pass


@pytest.mark.parametrize("name", FILL)
def test_the_next_run_removes_what_a_killed_one_left(name: str, tmp_path: Path) -> None:
    for _ in range(3):
        with filling(tmp_path, name) as process:
            process.send_signal(signal.SIGKILL)
    assert len(os.listdir(tmp_path)) == 1  # each run has removed what the one before left
    write(tmp_path, name)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", FILL)
def test_what_another_process_fills_is_left_alone(name: str, tmp_path: Path) -> None:
    with filling(tmp_path, name) as process:
        write(tmp_path, name)
        assert len(os.listdir(tmp_path)) == 2
        process.send_signal(signal.SIGKILL)
    write(tmp_path, name)
    assert os.listdir(tmp_path) == [name]


def test_other_names_are_left_alone(tmp_path: Path) -> None:
    names = [".b.csv.partial-01234567", ".a.csv.partial-0123456", "a.csv.partial-01234567"]
    for name in names:
        (tmp_path / name).touch()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (tmp_path / ".a.csv.partial-89abcdef").symlink_to(outside)
    write(tmp_path, "a.csv")
    left = [*names, ".a.csv.partial-89abcdef", "a.csv", "outside"]
    assert sorted(os.listdir(tmp_path)) == sorted(left)
    assert os.listdir(outside) == ["precious"]


def test_a_sibling_found_before_it_was_locked_is_created_anew(tmp_path: Path) -> None:
    made: list[Path] = []

    def create(path: Path) -> int:
        made.append(path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        if len(made) == 1:
            remove_stale(tmp_path, "a")
        return descriptor

    path, descriptor = create_partial(tmp_path / "a", create)
    os.close(descriptor)
    assert path == made[1] and [path] == list(tmp_path.iterdir())
    assert path.name.startswith(partial_path(tmp_path / "a").name[:11])

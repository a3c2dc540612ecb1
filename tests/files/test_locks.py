"""Locks on open files and folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcore.files.locks import is_at, lock

needs_locks = pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")


@needs_locks
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_lock_is_held_once_and_until_it_is_closed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    path.mkdir() if kind == "folder" else path.touch()
    first, second = os.open(path, os.O_RDONLY), os.open(path, os.O_RDONLY)
    lock(first)
    with pytest.raises(BlockingIOError):
        lock(second, wait=False)
    os.close(first)
    lock(second, wait=False)
    os.close(second)


@needs_locks
def test_a_path_may_lead_elsewhere_by_now(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    assert is_at(descriptor, path)
    path.unlink()
    assert not is_at(descriptor, path)
    path.touch()
    assert not is_at(descriptor, path)
    os.close(descriptor)

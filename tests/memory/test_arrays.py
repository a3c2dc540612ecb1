"""mlcore.memory.arrays: arrays in files, which go with them or stay for other processes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from mlcore import DataError
from mlcore.memory.arrays import arrays_in, file_of, new_array

LENGTH = 100_000


def test_an_array_is_in_memory_unless_somebody_says_otherwise() -> None:
    assert type(new_array(LENGTH, np.float64)) is np.ndarray


def test_a_mapped_array_keeps_what_is_written_and_leaves_no_file(tmp_path: Path) -> None:
    with arrays_in(tmp_path):
        array, small = new_array(LENGTH, np.float64), new_array(9, np.float64)
    array[:] = np.arange(LENGTH)
    assert isinstance(array, np.memmap) and not isinstance(small, np.memmap)
    assert not list(tmp_path.iterdir())
    assert array.sum() == LENGTH * (LENGTH - 1) / 2
    assert type(new_array(LENGTH, np.float64)) is np.ndarray


def test_a_named_array_is_what_another_process_maps(tmp_path: Path) -> None:
    with arrays_in(tmp_path, named=True):
        array = new_array(LENGTH, np.int32)
    array[:] = np.arange(LENGTH)
    name = file_of(array)
    assert name is not None and Path(name).parent == tmp_path
    assert file_of(array[:5]) == name
    assert np.fromfile(name, np.int32).tolist() == list(range(LENGTH))


def test_systems_that_reserve_nothing_have_arrays_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    with arrays_in(tmp_path):
        array = new_array(LENGTH, np.float64)
    array[:] = 7
    assert array[-1] == 7 and array.nbytes == 8 * LENGTH


def test_a_part_that_does_not_begin_the_file_has_none(tmp_path: Path) -> None:
    with arrays_in(tmp_path, named=True):
        array = new_array(LENGTH, np.int32)
    assert file_of(array[1:]) is None
    assert file_of(array[::2]) is None
    assert file_of(np.empty(LENGTH)) is None


def test_a_full_disk_is_an_error_before_the_first_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with arrays_in(tmp_path), pytest.raises(DataError, match="room for 800,000 bytes, got"):
        new_array(LENGTH, np.float64)
    assert not list(tmp_path.iterdir())

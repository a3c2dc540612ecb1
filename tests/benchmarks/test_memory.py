"""benchmarks.memory: the memory of some work is what it adds to what was there."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.memory import REFERENCES, measure_work


@pytest.mark.skipif(not REFERENCES.exists(), reason="needs /proc")
def test_memory_that_was_there_before_is_not_the_work_s_own() -> None:
    held = np.ones(2**22)  # 32 MiB
    result, work = measure_work(lambda: np.ones(2**23))  # 64 MiB
    assert work.own_bytes is not None and 60 * 2**20 < work.own_bytes < 80 * 2**20
    assert work.peak_bytes > held.nbytes + result.nbytes

"""benchmarks.markdown: medians, spreads, and ratios within a turn."""

from __future__ import annotations

import pytest

from benchmarks.kernels import BARE
from benchmarks.markdown import make_table
from mlcore.errors import DataError
from tests.benchmarks.figures import TRAIN


def test_a_table_has_medians_spreads_and_ratios_within_a_turn() -> None:
    lines = make_table("train", TRAIN, "cosine").splitlines()
    assert lines[0] == (
        f"|  | seconds | least to most | x mlcore | x {BARE} | peak MiB |"
    )  # fmt: skip
    # 8 / 2; 2.5 / 1, 8 / 2 and 9 / 3: from 2.5 to 4. 8 / 4; 2.5 / 4 to 9 / 4.
    assert lines[3] == (
        "| implicit | 8.00 | 2.50 to 9.00 | 4.00 (2.50 to 4.00) | 2.00 (0.62 to 2.25) | 25 |"
    )
    assert "| items | 1,234 |" in make_table("train", TRAIN, "data")
    assert "| system | Plan 9, z |" in make_table("train", TRAIN, "machine")
    with pytest.raises(DataError, match="train: expected figures of 'sine', got none"):
        make_table("train", TRAIN, "sine")

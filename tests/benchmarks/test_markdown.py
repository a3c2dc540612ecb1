"""benchmarks.markdown: medians, spreads, and ratios within a turn."""

from __future__ import annotations

import pytest

from benchmarks.kernels import BARE
from benchmarks.markdown import make_table
from mlcore.errors import DataError
from tests.benchmarks.figures import TRAIN, growth_of


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


def test_growth_has_the_time_of_a_pair_and_memory_by_the_number_of_interactions() -> None:
    growth = growth_of(2e-6, 25e-6)  # of 1,000 and 10,000 pairs
    assert make_table("growth", growth, "pair").splitlines() == [
        "| interactions | 100 | 1,000 | greatest / least |",
        "|---|---:|---:|---:|",
        "| pairs counted | 1,000 | 10,000 |  |",
        "| mlcore | 2.00 | 2.50 | 1.25 |",
    ]
    large = growth_of(*[1.0] * 5)  # the last of 100,000 items
    neighbors, ours = make_table("growth", large, "own").splitlines()[2:]
    assert neighbors.endswith(" 76 |") and ours.endswith(" 114 |")  # 8 and 12 times 10^7


def test_a_server_is_shown_beside_the_other() -> None:
    rates = {"requests_per_second": {"mlcore": 15_800, "fixed body": 20_000}}
    assert "| fixed body | 20,000 | 1.27 |" in make_table("server", rates, "")

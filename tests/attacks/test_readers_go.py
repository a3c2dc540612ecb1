"""Whatever a file holds, Python and Go both refuse it, or both give the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.differential import IN_GO
from tests.attacks.fuzz import fuzz
from tests.attacks.readers import READERS

NUM_INPUTS = 150  # `make attack` goes on


@pytest.mark.slow
def test_damaged_files_are_read_alike(good_files: Path, tmp_path: Path, go_reader: Path) -> None:
    readers = [one for one in READERS.values() if one.commands[0].startswith(IN_GO)]
    found = fuzz(range(NUM_INPUTS), readers, tmp_path, go_reader)
    assert found.problems == {}
    assert found.verdicts["accepted"] > NUM_INPUTS // 20

"""What lines keep: names, values, times and the state of git."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from mlcore.lineage import Dataset
from mlcore.lineage.recorded import git_state, plain_values, recorded_dataset, recorded_time
from tests.lineage.records import git, needs_git, write_query


def test_a_dataset_has_no_folder_of_this_machine(folder: Path) -> None:
    data = Dataset.of_file(folder / "data/a.csv", "csv", None, ["n"], np.int64(3))  # type: ignore[arg-type]
    named = recorded_dataset(data, folder)
    assert (named.file, named.rows, type(named.rows)) == ("data/a.csv", 3, int)
    stored = recorded_dataset(Dataset.of_stored("parquet.`/data/ann/t`", []), folder)
    assert stored.stored == "parquet.`t`"


def test_values_are_those_of_json() -> None:
    given = {"n": np.int64(1), "x": np.float64(0.5), "y": math.inf, "b": True, "t": "s"}
    plain = plain_values(given)  # type: ignore[arg-type]
    assert plain == {"n": 1, "x": 0.5, "b": True, "t": "s"}
    assert [type(value) for value in plain.values()] == [int, float, bool, str]


def test_times_are_in_utc() -> None:
    east = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert recorded_time(east) == "2025-12-31T23:00:00Z"


@needs_git
def test_own_files_do_not_make_a_repository_dirty(repository: Path) -> None:
    head = git("rev-parse", "HEAD")
    assert git_state(repository, []) == {"commit": head, "dirty": False}
    path = write_query("one", "  -- changed")
    assert git_state(repository, []) == {"commit": head, "dirty": True}
    assert git_state(repository, [path]) == {"commit": head, "dirty": False}
    assert git_state(None, []) == {"commit": None, "dirty": None}

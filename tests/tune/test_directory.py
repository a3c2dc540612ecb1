"""mlcore.tune.directory: trials survive what stops a search."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from mlcore import DataError
from mlcore.errors import DataWarning
from mlcore.tune.directory import open_tuning_directory
from mlcore.tune.trials import Trial


def test_a_disk_that_is_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_tuning_directory(tmp_path / "new", {}) as directory:
        monkeypatch.setattr("os.fsync", refuse)
        with pytest.raises(DataError, match="trials.jsonl: expected room to write, got 'No space"):
            directory.append(Trial(0, 0.5, {}, {}))


def test_a_torn_line_is_dropped_with_a_warning(tmp_path: Path) -> None:
    with open_tuning_directory(tmp_path / "new", {"seed": 0}) as directory:
        directory.append(Trial(0, 0.5, {}, {"a": [1e-7, None]}))
    path = tmp_path / "new/trials.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0\0")
    with pytest.warns(DataWarning, match="removed a last line"):
        with open_tuning_directory(tmp_path / "new", {"seed": 0}) as directory:
            assert directory.trials == [Trial(0, 0.5, {}, {"a": [1e-7, None]})]
            directory.append(Trial(1, None, {}, {}, error="é"))
    assert (
        path.read_bytes()
        == whole
        + (
            '{"trial": 1, "value": null, "params": {}, "config": {}, "metrics": {}, '
            '"same_as": null, "error": "é", "seconds": {}}\n'
        ).encode()
    )


def test_a_directory_gives_back_its_trials_to_the_same_search_only(tmp_path: Path) -> None:
    trials = [
        Trial(0, 0.5, {}, {"shrinkage": 0.0}, {"ndcg@5": 0.5}, seconds={"training": 0.25}),
        Trial(1, None, {"shrinkage": 2.0}, {"shrinkage": 2.0}, error="no room"),
        Trial(2, 0.5, {"shrinkage": 0.0}, {"shrinkage": 0.0}, {"ndcg@5": 0.5}, same_as=0),
    ]
    with open_tuning_directory(tmp_path / "new", {"seed": 0}) as directory:
        assert directory.trials == []
        for trial in trials:
            directory.append(trial)
        directory.write_config({"shrinkage": 0})
    assert (tmp_path / "new/config.json").read_text() == '{\n  "shrinkage": 0\n}\n'
    with open_tuning_directory(tmp_path / "new", {"seed": 0}) as directory:
        assert directory.trials == trials
    with pytest.raises(DataError, match="seed: expected 0, with which the search began, got 1$"):
        with open_tuning_directory(tmp_path / "new", {"seed": 1}):
            pass

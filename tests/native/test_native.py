"""mlcore.native: which library is loaded, and that none is older than its sources."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlcore import native
from mlcore.errors import ConfigError, DataError


def loaded(**environment: str) -> str:
    code = "from mlcore.native import library; print(library())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_best_level_is_loaded_unless_the_environment_names_another() -> None:
    best = native.levels()[0]
    assert best in loaded(MLCORE_NATIVE="")
    assert "baseline" in loaded(MLCORE_NATIVE="baseline")
    assert loaded(MLCORE_NATIVE="0") == "None\n"


def test_a_level_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(native.SWITCH, "pdp11")
    expected = ", ".join(["0", *native.levels()])
    with pytest.raises(
        ConfigError, match=f"MLCORE_NATIVE: expected one of {expected}, got 'pdp11'"
    ):
        native.library.__wrapped__()


def test_a_processor_runs_no_level_that_there_is_not() -> None:
    runs = native.load("baseline").mlcore_runs_level
    assert runs(1) == 1
    assert [runs(number) for number in (0, 2, 5)] == [0, 0, 0]


def test_a_library_older_than_its_sources_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = Path(native.__file__).parent
    for path in [*folder.glob("*.so"), *folder.glob("*.?pp")]:
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.setattr(native, "__file__", str(tmp_path / "__init__.py"))
    native.load.cache_clear()
    assert native.levels()
    (tmp_path / "changed.cpp").write_text("// a line more")
    assert native.levels() == []
    for path in tmp_path.glob("*.?pp"):  # as a wheel installs it
        path.unlink()
    assert native.levels()
    native.load.cache_clear()


def test_a_library_that_the_system_does_not_load_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise OSError("Too many open files")

    monkeypatch.setattr("ctypes.CDLL", refuse)
    with pytest.raises(DataError, match="baseline.+: expected a library to load, got 'Too many"):
        native.load.__wrapped__("baseline")

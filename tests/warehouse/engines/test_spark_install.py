"""Checks for Java and the packages of Spark."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.errors import MlcoreError
from mlcore.warehouse.engines.spark_install import check_java


def test_java_is_looked_for_in_java_home_before_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    java = tmp_path / "bin/java"
    java.parent.mkdir()
    java.touch(0o755)
    monkeypatch.setenv("PATH", str(java.parent))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    check_java()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    check_java()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    with pytest.raises(MlcoreError, match="expected Java 17 or newer, got none in JAVA_HOME"):
        check_java()

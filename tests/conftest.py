"""What several folders of tests share."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def go_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands in Go."""
    program = tmp_path_factory.mktemp("go") / "mlcore"
    build = ["go", "build", "-o", str(program), "./cmd/mlcore"]
    subprocess.run(build, cwd=REPOSITORY / "interop/go", check=True)
    return program

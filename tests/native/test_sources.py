"""mlcore/native/*.?pp: no warning of the compiler."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mlcore import native

FOLDER = Path(native.__file__).parent
FLAGS = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-fsyntax-only"]


@pytest.mark.native
@pytest.mark.parametrize("level", native.levels())
def test_the_compiler_warns_of_nothing(level: str) -> None:
    if shutil.which("g++") is None:
        pytest.skip("g++: get a C++ compiler")
    flags = [] if level == "baseline" else [f"-march={level.replace('x86_64_', 'x86-64-')}"]
    sources = sorted(map(str, FOLDER.glob("*.cpp")))
    run = subprocess.run(
        ["g++", *FLAGS, *flags, '-DFINGERPRINT=""', *sources],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == "" and run.returncode == 0

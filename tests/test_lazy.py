"""mlcore.lazy: a name loads its module on first use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mlcore
from mlcore.lazy import LazyModule, lazy_names

PARTS = {
    "__init__.py": "from mlcore.lazy import lazy_names\n__getattr__ = lazy_names(__name__, 'light', 'heavy')\n",
    "light.py": "__all__ = ['one']\none = 1\nhidden = 0\n",
    "heavy.py": "__all__ = ['one', 'two']\none = 'never'\ntwo = 2\n",
}


def run(folder: Path, code: str) -> str:
    (folder / "part").mkdir()
    for name, text in PARTS.items():
        (folder / "part" / name).write_text(text)
    root = Path(__file__).parents[1]
    code = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(root)!r}]; import part; {code}"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_name_loads_no_more_modules_than_it_needs(tmp_path: Path) -> None:
    loaded = "print([name in sys.modules for name in ('part.light', 'part.heavy')])"
    shown = run(tmp_path, f"{loaded}; print(part.one); {loaded}; print(part.two); {loaded}")
    assert shown.splitlines() == ["[False, False]", "1", "[True, False]", "2", "[True, True]"]


def test_a_name_that_no_module_exports_is_missing() -> None:
    find = lazy_names("mlcore", "version", "errors")
    assert find("VERSION") and find("DataError")
    for name in ("json", "no_such_name", "_private"):
        with pytest.raises(AttributeError, match=f"^module 'mlcore' has no attribute '{name}'$"):
            find(name)


def test_every_public_name_of_mlcore_is_found() -> None:
    assert dir(mlcore) == sorted(mlcore.__all__)
    assert all(getattr(mlcore, name) is not None for name in mlcore.__all__)


def test_a_lazy_module_is_imported_when_something_of_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "wanted.py").write_text("answer = 42")
    code = (
        "from mlcore.lazy import LazyModule; wanted = LazyModule('wanted'); "
        "print('wanted' in sys.modules, wanted.answer, 'wanted' in sys.modules)"
    )
    assert run(tmp_path, code) == "False 42 True\n"
    with pytest.raises(AttributeError, match="module 'math' has no attribute 'nothing'"):
        LazyModule("math").nothing

"""Modules import from lower levels only, and the core imports numpy and scipy only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Imports run down: a room may import from the rooms above it here, those of one line do not see
# each other.
LEVELS = [
    {"limits", "printable"},
    {"errors", "interrupts", "jsontext", "times", "progress", "version", "lazy", "notebook"},
    {"native", "charts"},
    {"memory", "ids", "references", "types", "parameters", "aggregate"},
    {"numeric", "columns"},
    {"frames", "ranked_lists", "sequences"},
    {"similarity", "interactions"},
    {"newest"},
    {"weighting", "heavy_users", "history_decay"},
    {"config"},
    {"files", "config_schema"},
    {"lineage"},
    {"artifact", "generate", "preprocess"},
    {"train", "recommend", "evaluate", "split"},
    {"tune", "warehouse", "diff"},
    {"report"},
    {"__main__"},
]
LEVEL_OF = {name: level for level, names in enumerate(LEVELS) for name in names}
ALLOWED_OUTSIDE = {"numpy", "scipy"} | set(sys.stdlib_module_names)
# What belongs to an extra is imported inside the function that needs it.
OF_EXTRAS = {
    "mlcore.tune.optuna_sampler": {"optuna"},
    "mlcore.charts.chart": {"matplotlib"},
    "mlcore.frames": {"pyarrow"},
    "mlcore.files.database": {"duckdb"},
    "mlcore.warehouse.engines.bigquery": {"google"},
    "mlcore.warehouse.engines.bigquery_client": {"google"},
    "mlcore.warehouse.engines.spark": {"pyspark", "py4j"},
    "mlcore.warehouse.engines.spark_columns": {"pyspark", "pyarrow"},
    "mlcore.warehouse.engines.spark_errors": {"pyspark", "py4j"},
    "mlcore.warehouse.engines.spark_install": {"pyspark", "pyarrow"},
    "mlcore.warehouse.engines.spark_session": {"pyspark", "py4j"},
    "mlcore.warehouse.engines.spark_text": {"py4j"},
    "mlcore.warehouse.engines.spark_workers": {"pyspark", "pyarrow"},
    "mlcore.warehouse.spark_kernel": {"pyspark"},
}


def sources() -> list[Path]:
    return sorted(ROOT.glob("mlcore/**/*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(name: str) -> str:
    """Return the entry of ``mlcore/`` that a module is in: artifact for mlcore.artifact.npz."""
    return name.split(".")[1] if "." in name else ""


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


def test_every_room_has_a_level() -> None:
    assert {room_of(module_name(path)) for path in sources()} - {""} == set(LEVEL_OF)


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_a_module_imports_from_lower_levels_only(path: Path) -> None:
    room = room_of(module_name(path))
    if room == "":
        return  # the package itself gathers the public names
    for name in imports_of(path):
        other = room_of(name)
        if not name.startswith("mlcore.") or other == room:
            continue
        down = LEVEL_OF[other] < LEVEL_OF[room]
        assert down, f"{room} (level {LEVEL_OF[room]}) imports {name} (level {LEVEL_OF[other]})"


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_the_core_imports_numpy_and_scipy_only(path: Path) -> None:
    outside = {name.split(".")[0] for name in imports_of(path)} - {"mlcore"}
    assert outside <= ALLOWED_OUTSIDE | OF_EXTRAS.get(module_name(path), set())


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {module_name(path) for path in sources()}
    left = {module_name(path): imports_of(path) & names for path in sources()}
    del left["mlcore"]  # gathers the public names; commands and doctests import from it
    while free := {name for name, imports in left.items() if not imports & left.keys() - {name}}:
        left = {name: imports for name, imports in left.items() if name not in free}
    assert not left


def test_every_module_has_its_test_file_by_name() -> None:
    modules = {path.relative_to(ROOT / "mlcore") for path in sources()}
    modules |= {path.relative_to(ROOT) for path in (ROOT / "cli").glob("*.py")}
    # tests/cli/test_main.py has `python -m mlcore` and `python -m cli`.
    modules = {path for path in modules if path.name not in ("__init__.py", "__main__.py")}
    tests = {path.with_name(f"test_{path.name}") for path in modules}
    assert sorted(path.as_posix() for path in tests if not (ROOT / "tests" / path).is_file()) == []


def test_nobody_imports_the_commands() -> None:
    for path in sources():
        assert not any(name.split(".")[0] == "cli" for name in imports_of(path)), path


def test_importing_mlcore_loads_no_optional_package() -> None:
    code = (
        "import sys, mlcore, mlcore.tune.tune; optional = {'pandas', 'duckdb', 'matplotlib', "
        "'pyarrow', 'optuna'}; print(sorted(optional & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n"


def test_reading_interactions_loads_no_scipy() -> None:
    code = "import sys, mlcore.files.interactions; print(*(name for name in sys.modules if 'scipy' in name))"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "\n"


def test_training_on_data_opens_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlcore import Interactions, TrainConfig, train_from_data

    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("train_from_data opened a file")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("os.open", refuse)
    interactions = Interactions.from_columns(["u", "u", "v"], ["a", "b", "a"])
    assert train_from_data(interactions, TrainConfig()).similarity.num_entries == 2

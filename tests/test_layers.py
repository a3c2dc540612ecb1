"""Modules import from lower levels only, and the core imports numpy and scipy only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module may import from lower levels; within its own level only what stands behind it here.
LEVELS: list[dict[str, set[str]]] = [
    {
        "mlcore.version": set(),
        "mlcore.errors": set(),
        "mlcore.types": set(),
        "mlcore.progress": set(),
        "mlcore._titles": set(),
        "mlcore.parameters": {"mlcore.errors"},
        "mlcore.jsontext": set(),
        "mlcore.ids": {"mlcore.errors"},
        "mlcore.sums": {"mlcore.types"},
        "mlcore.spans": {"mlcore.types"},
        "mlcore.portable": {"mlcore.types"},
        "mlcore.memory": set(),
        "mlcore.plan": {"mlcore.errors", "mlcore.memory"},
        "mlcore.file_rows": {"mlcore.errors", "mlcore.memory"},
        "mlcore.threads": {"mlcore.errors"},
        "mlcore.draws": set(),
        "mlcore.compiling": set(),
        "mlcore.times": set(),
        "mlcore.query_parts": {"mlcore.errors"},
        "mlcore.query_text": {"mlcore.errors"},
        "mlcore.queries": {"mlcore.errors", "mlcore.query_parts", "mlcore.query_text"},
    },
    {
        "mlcore.interactions": set(),
        "mlcore.predictions": set(),
        "mlcore.hits": {"mlcore.interactions", "mlcore.predictions"},
        "mlcore.metrics": {"mlcore.hits"},
        "mlcore.slices": set(),
        "mlcore.diversity": {"mlcore.scoring"},
        "mlcore.resampling": set(),
        "mlcore.topk": set(),
        "mlcore.ranking": set(),
        "mlcore.compiled_scoring": set(),
        "mlcore.scoring": {"mlcore.topk", "mlcore.ranking", "mlcore.compiled_scoring"},
        "mlcore.explain": {"mlcore.scoring"},
        "mlcore.request": {"mlcore.ranking"},
        "mlcore.weighting": {"mlcore.interactions"},
        "mlcore.heavy_users": {"mlcore.interactions"},
        "mlcore.similarity": {"mlcore.topk"},
        "mlcore.dimensions": set(),
        "mlcore.made_up": set(),
    },
    {"mlcore.config": set(), "mlcore.verdict": set(), "mlcore.evaluation": set()},
    {
        "mlcore.artifact": set(),
        "mlcore.files": set(),
        "mlcore.comparison": set(),
        "mlcore.catalogue": set(),
        "mlcore.search_space": set(),
    },
    {
        "mlcore.generate": set(),
        "mlcore.preprocess": set(),
        "mlcore.split": {"mlcore.preprocess"},
        "mlcore.train_plan": set(),
        "mlcore.train": {"mlcore.train_plan"},
        "mlcore.recommend": set(),
        "mlcore.predict_plan": {"mlcore.recommend"},
        "mlcore.predict": {"mlcore.predict_plan", "mlcore.recommend"},
        "mlcore.evaluate": set(),
        "mlcore.compare": {"mlcore.evaluate"},
        "mlcore.show": set(),
        "mlcore.publish": set(),
        "mlcore.lineage": set(),
        "mlcore.suggest": set(),
        "mlcore.validation": {"mlcore.evaluate", "mlcore.recommend"},
        "mlcore.engines": set(),
        "mlcore.sources": {"mlcore.engines"},
    },
    {
        "mlcore.trials": set(),
        "mlcore.tuning_directory": {"mlcore.trials"},
        "mlcore.tune": {"mlcore.trials", "mlcore.tuning_directory"},
        "mlcore.sql_neighbors": set(),
        "mlcore.train_by_engine": {"mlcore.sql_neighbors"},
        "mlcore.evaluate_by_engine": set(),
        "mlcore.run_sql": set(),
    },
]
LEVEL_OF = {name: level for level, names in enumerate(LEVELS) for name in names}
ALLOWED_OUTSIDE = {"numpy", "scipy"} | set(sys.stdlib_module_names)
# What belongs to an extra is imported inside the function that needs it; so are the modules of
# compiled code, which import numba at their top.
OF_EXTRAS = {
    "mlcore.suggest": {"optuna"},
    "mlcore.compiling": {"numba", "llvmlite"},
    "mlcore.files.database": {"duckdb"},
    "mlcore.engines.bigquery_client": {"google"},
    "mlcore.engines.spark": {"pyspark", "py4j"},
    "mlcore.engines.spark_columns": {"pyarrow"},
    "mlcore.engines.spark_errors": {"pyspark", "py4j"},
    "mlcore.engines.spark_install": {"pyspark", "pyarrow"},
    "mlcore.engines.spark_session": {"pyspark", "py4j"},
    "mlcore.similarity.compiled": {"numba", "llvmlite"},
}


def sources() -> list[Path]:
    return sorted(ROOT.glob("mlcore/**/*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit_of(name: str) -> str:
    """The package or module that the table lists: mlcore.artifact for mlcore.artifact.npz."""
    return ".".join(name.split(".")[:2])


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


def test_every_module_has_a_level() -> None:
    units = {unit_of(module_name(path)) for path in sources()} - {"mlcore"}
    assert units == set(LEVEL_OF)


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_a_module_imports_from_lower_levels_only(path: Path) -> None:
    unit = unit_of(module_name(path))
    if unit == "mlcore":
        return  # the package itself gathers the public names
    level = LEVEL_OF[unit]
    for name in imports_of(path):
        if not name.startswith("mlcore"):
            continue
        other = unit_of(name)
        assert other in LEVEL_OF, f"{unit} imports {name}, which has no level"
        fine = LEVEL_OF[other] < level or other == unit or other in LEVELS[level][unit]
        assert fine, f"{unit} (level {level}) imports {name} (level {LEVEL_OF[other]})"


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_the_core_imports_numpy_and_scipy_only(path: Path) -> None:
    outside = {name.split(".")[0] for name in imports_of(path)} - {"mlcore"}
    assert outside <= ALLOWED_OUTSIDE | OF_EXTRAS.get(module_name(path), set())


def test_nobody_imports_the_commands() -> None:
    for path in sources():
        assert not any(name.split(".")[0] == "cli" for name in imports_of(path)), path


def test_importing_mlcore_loads_no_optional_package() -> None:
    code = (
        "import sys, mlcore, mlcore.tune; optional = {'pandas', 'duckdb', 'numba', 'matplotlib', "
        "'pyarrow', 'optuna'}; print(sorted(optional & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n"


def test_training_on_data_opens_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlcore import Interactions, TrainConfig, train_from_data

    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("train_from_data opened a file")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("os.open", refuse)
    interactions = Interactions.from_columns(["u", "u", "v"], ["a", "b", "a"])
    assert train_from_data(interactions, TrainConfig()).similarity.num_entries == 2

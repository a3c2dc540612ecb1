"""What help and ``import mlcore`` load: the standard library and a few small modules of ours.

By names, since seconds differ from machine to machine: numpy alone takes ten times as long as all of
these together.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cli import COMMANDS

REPOSITORY = Path(__file__).resolve().parents[2]

# Ours without numpy; with the rooms they are in.
LIGHT = {
    *(
        "mlcore",
        "mlcore.__main__",
        "mlcore.aggregate",
        "mlcore.errors",
        "mlcore.interrupts",
        "mlcore.lazy",
        "mlcore.limits",
        "mlcore.parameters",
        "mlcore.printable",
        "mlcore.version",
    ),
    *("mlcore.artifact", "mlcore.generate", "mlcore.generate.config"),
    *("mlcore.files", "mlcore.files.options", "mlcore.lineage"),
    *("mlcore.preprocess", "mlcore.preprocess.config"),
    *("mlcore.split", "mlcore.split.config"),
    *("mlcore.recommend", "mlcore.recommend.options"),
    *("mlcore.evaluate", "mlcore.evaluate.config"),
    *("mlcore.tune", "mlcore.tune.config"),
    *("mlcore.diff", "mlcore.diff.gate", "mlcore.jsontext"),
    *("mlcore.memory", "mlcore.memory.available"),
    *("mlcore.warehouse", "mlcore.warehouse.engines", "mlcore.warehouse.engines.options"),
    *("mlcore.times", "mlcore.warehouse.engines.bigquery_names"),
}
# Of the standard library, what takes longer than all of ours.
SLOW = {"asyncio", "concurrent.futures", "decimal", "logging", "multiprocessing"}
SLOW |= {"statistics", "subprocess", "unittest", "urllib.request", "xml"}

REPORT = "import sys\nbefore = set(sys.modules)\n{}\nprint(*sorted(set(sys.modules) - before))"
HELP = """\
import contextlib, io
from {module} import main
try:
    with contextlib.redirect_stdout(io.StringIO()) as text:
        main(["--help"])
except SystemExit:
    pass
assert text.getvalue().startswith("usage: ")"""


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(code)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def check_light(loaded: set[str]) -> None:
    ours = {name for name in loaded if name.partition(".")[0] == "mlcore"}
    others = {name.partition(".")[0] for name in loaded} - {"cli", "mlcore"}
    assert "mlcore" in ours
    assert ours <= LIGHT
    assert others <= sys.stdlib_module_names
    assert not loaded & SLOW


@pytest.mark.parametrize("name", COMMANDS)
def test_help_loads_light_modules_only(name: str) -> None:
    check_light(loaded_by(HELP.format(module=f"cli.{name}")))


def test_the_list_of_commands_loads_none_of_them() -> None:
    loaded = loaded_by(HELP.format(module="mlcore.__main__"))
    check_light(loaded)
    assert {name for name in loaded if name.startswith("cli.")} == {"cli.__main__", "cli.console"}


def test_importing_mlcore_loads_light_modules_only() -> None:
    check_light(loaded_by("import mlcore"))


def test_ranking_users_of_a_model_loads_no_training_and_no_readers_of_tables() -> None:
    loaded = loaded_by("import mlcore.recommend.predict")
    rare = {"mlcore.config", "mlcore.files.csv_tables", "mlcore.files.interactions"}
    rare |= {"mlcore.files.parquet", "mlcore.files.parquet_output", "mlcore.similarity"}
    assert not loaded & (rare | {"subprocess", "scipy"})

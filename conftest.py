"""Settings of the whole suite: which tests run, and what a part of it needs."""

from __future__ import annotations

import os
import shutil
import signal
from collections import defaultdict
from collections.abc import Generator, Sequence
from glob import glob
from importlib.util import find_spec
from typing import NamedTuple
from zlib import crc32

import pytest
from hypothesis import settings

from tests.durations import MEDIUM, SLOW

# Machines are shared, so no example has a deadline; the same examples everywhere, so that a failure
# in one place can be seen in another.
settings.register_profile("mlcore", deadline=None, derandomize=True)
settings.load_profile("mlcore")

# With ALL=1 every test runs, and a missing tool is a failure.
ALL = os.environ.get("ALL") == "1"
# Of a slow test with more cases than this, so many are not slow, and of any other with more cases than
# GRID_CASES; of any test, one is fast.
SLOW_CASES, GRID_CASES = 3, 7
# Where Debian has the server, outside PATH.
POSTGRES = os.pathsep.join(sorted(glob("/usr/lib/postgresql/*/bin")))


class Part(NamedTuple):
    """What the tests of one marker need besides numpy, scipy, pytest and hypothesis.

    Attributes:
        hint: how to get it.
        modules: to import; tests that fail to are of this part.
        programs: on PATH.
        takes_minutes: whether it runs with ALL=1 only.
    """

    hint: str
    modules: Sequence[str] = ()
    programs: Sequence[str] = ()
    takes_minutes: bool = False

    def missing(self) -> list[str]:
        modules = [name for name in self.modules if not is_installed(name)]
        return modules + [name for name in self.programs if not is_on_path(name)]


SET_UP = "`make setup` installs it"
SET_UP_ALL = "`make setup ALL=1` installs it"
PARTS = {
    "bigquery": Part(SET_UP_ALL, ("google.auth", "google.cloud.bigquery", "zetasql")),
    "datafusion": Part(SET_UP_ALL, ("datafusion", "pyarrow")),
    "duckdb": Part(SET_UP, ("duckdb",)),
    "git": Part("get git from git-scm.com", (), ("git",)),
    "go": Part("get Go 1.24 or newer from go.dev/dl", (), ("go",)),
    "googlesql": Part(SET_UP_ALL, ("zetasql", "wasmtime")),
    "jdk": Part("get a JDK, Java 17 or newer", (), ("jar",)),
    "languages": Part(
        "`make test ALL=1` builds the readers, with cargo, mvn and npm on PATH",
        (),
        ("cargo", "mvn", "npm"),
        takes_minutes=True,
    ),
    "native": Part(
        "get a C++ compiler, GCC 11 or Clang 12 or newer; `make setup` compiles the kernels",
        ("mlcore.native.baseline",),
    ),
    "matplotlib": Part(SET_UP_ALL, ("matplotlib",)),
    "node": Part("get Node.js from nodejs.org", (), ("node",)),
    "optuna": Part(SET_UP, ("optuna",)),
    "postgres": Part(
        f"get Postgres, 15 or newer: Debian's package postgresql; {SET_UP_ALL}",
        ("psycopg",),
        ("postgres",),
    ),
    "sklearn": Part(SET_UP, ("sklearn",)),
    "spark": Part(
        "`make test ALL=1` installs and runs it, with Java 17 or newer on PATH",
        ("pyspark", "pyarrow"),
        ("java",),
        takes_minutes=True,
    ),
    "sqlite": Part("get a Python with sqlite3", ("sqlite3",)),
    "trec_eval": Part(SET_UP, ("pytrec_eval",)),
    "unzip": Part("get unzip of Info-ZIP", (), ("unzip",)),
}


# Files that need a part without its name in theirs; tests/test_conftest.py says which are gone.
FILES = {
    "mlcore/files/database.py": "duckdb",
    "mlcore/files/parquet_output.py": "duckdb",
    "mlcore/tune/tune.py": "optuna",
    "mlcore/warehouse/engines/__init__.py": "duckdb",
    "tests/files/test_database.py": "duckdb",
    "tests/files/test_parquet.py": "duckdb",
    "tests/files/test_parquet_output.py": "duckdb",
    "tests/files/test_rows_sql.py": "duckdb",
    "tests/tune/test_trials.py": "optuna",
    "tests/tune/test_tune.py": "optuna",
    "tests/warehouse/engines/test_options.py": "duckdb",
    "tests/warehouse/test_evaluate.py": "duckdb",
    "tests/warehouse/test_neighbors.py": "duckdb",
    "tests/warehouse/test_run.py": "duckdb",
    "tests/warehouse/test_sql_equals_core.py": "duckdb",
    "tests/warehouse/test_tables.py": "duckdb",
    "tests/warehouse/test_train.py": "duckdb",
}


def is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False


def is_on_path(program: str) -> bool:
    of_java = os.path.join(os.environ.get("JAVA_HOME", ""), "bin")
    return any(shutil.which(program, path=path) for path in (None, of_java, POSTGRES))


SKIPPED = {
    name: f"{name}: {part.hint}"
    for name, part in PARTS.items()
    if not ALL and (part.takes_minutes or part.missing())
}


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts background jobs with Ctrl-C ignored: tests that send it would wait forever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, part in PARTS.items():
        needed = ", ".join([*part.modules, *part.programs])
        config.addinivalue_line("markers", f"{name}: needs {needed}")
    named = any("::" in argument for argument in config.args)
    if not (ALL or named or config.option.markexpr):
        config.option.markexpr = "not slow"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what is in a file named after a part: test_spark_cluster.py, duckdb_input.py."""
    path = item.path.relative_to(item.config.rootpath).as_posix()
    for name in PARTS.keys() & {*item.path.stem.split("_"), FILES.get(path)}:
        item.add_marker(name)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow or medium, before pytest selects by marks."""
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        mark_by_duration(cases)


def mark_by_duration(cases: list[pytest.Item]) -> None:
    name = getattr(cases[0], "originalname", "")
    drawn = sorted(cases, key=lambda case: crc32(case.nodeid.encode()))  # no row of the grid
    most = SLOW_CASES if name in SLOW else GRID_CASES
    if len(cases) > most or name in SLOW:
        for case in drawn[most if len(cases) > most else 0 :]:
            case.add_marker("slow")
    is_property = getattr(getattr(cases[0], "obj", None), "is_hypothesis_test", False)
    is_medium = name in SLOW | MEDIUM or is_property
    for case in drawn[0 if is_medium else 1 :]:
        case.add_marker("medium")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # Skipped from here, not by a mark in each file, so that pytest counts a part on one line.
    for name, part in PARTS.items():
        if item.get_closest_marker(name):
            if name in SKIPPED:
                pytest.skip(SKIPPED[name])
            if missing := part.missing():
                pytest.fail(f"{name}: {', '.join(missing)} missing; {part.hint}", pytrace=False)


class NotImported(pytest.Item):
    """In place of the tests of a file that imports a missing part at its top."""

    def runtest(self) -> None:
        raise AssertionError("skipped before")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    call: pytest.CallInfo[object] = report.__dict__["call"]
    if call.excinfo and (name := skipped_part(call.excinfo.value)):
        report.outcome, report.longrepr, report.result, call.excinfo = "passed", None, [], None
        if type(collector) is pytest.Module:  # not again for its doctests
            item = NotImported.from_parent(collector, name="import")
            item.add_marker(name)
            report.result.append(item)
    return report


def skipped_part(error: BaseException) -> str | None:
    """Return the skipped part that an import failed to find, None if it failed otherwise."""
    cause = error.__cause__
    if not isinstance(cause, ModuleNotFoundError) or cause.name is None:
        return None
    package = cause.name.split(".")[0]
    for name in SKIPPED:
        if package in {module.split(".")[0] for module in PARTS[name].missing()}:
            return name
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases of the queries each engine ran, and how long it took with its start."""
    counts: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    for reports in list(terminalreporter.stats.values()):
        for report in reports:
            engine = dict(getattr(report, "user_properties", ())).get("sql engine")
            if engine is not None:
                counts[engine] += report.when == "call"
                seconds[engine] += report.duration
    for engine, count in counts.items():
        terminalreporter.line(f"sql cases: {engine} {count} cases {seconds[engine]:.1f} s")

"""The sdist and the wheel: complete, and at work from another directory than the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mlcore.native import LEVELS
from tests.setup.packages import ROOT, build, copy_sources, new_environment, run, source_files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout: git lists the files"),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_sources(tmp_path_factory.mktemp("copy") / "mlcore")


@pytest.fixture(scope="module")
def packages(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(sources, tmp_path_factory.mktemp("dist"))


def constraints(lock: str, folder: Path) -> Path:
    """Write the locked versions as constraints: what is newer today is not the matter here."""
    text = (ROOT / f"locks/{lock}.txt").read_text("utf-8")
    path = folder / f"{lock}.txt"
    path.write_text("\n".join(re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE)))
    return path


def install(extra: str, lock: str, wheel: Path, folder: Path) -> Path:
    python = new_environment(folder / "environment")
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install")
    versions = constraints(lock, folder)
    run(*pip, "--quiet", "--no-compile", "-c", versions, f"{wheel}{extra}", cwd=folder)
    run(python, "-m", "pip", "check", cwd=folder)
    return python


@pytest.fixture(scope="module")
def core(packages: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and nothing optional."""
    return install("", "core", packages[1], tmp_path_factory.mktemp("core"))


@pytest.fixture(scope="module")
def local(packages: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and the extra ``local``."""
    return install("[local]", "local", packages[1], tmp_path_factory.mktemp("local"))


def test_the_sdist_holds_every_tracked_file(packages: tuple[Path, Path]) -> None:
    with tarfile.open(packages[0]) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert [name for name in source_files() if name not in held] == []


def test_the_wheel_holds_the_library_the_commands_and_the_queries_alone(
    packages: tuple[Path, Path],
) -> None:
    with zipfile.ZipFile(packages[1]) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        described = archive.read(metadata).decode("utf-8")
    expected = {
        name
        for name in source_files()
        if re.match(r"(mlcore|cli)/.*(\.py|py\.typed|\.schema\.json)$|sql/\w+\.sql$", name)
        or name == "interop/explorer/index.html"
    }
    kernels = {f"mlcore/native/{level}.abi3.so" for level in LEVELS}
    assert held - kernels == expected
    assert held >= kernels or shutil.which("g++") is None
    assert "mlcore/py.typed" in held
    assert (ROOT / "README.md").read_text("utf-8") in described


def test_the_links_of_the_documents_lead_to_files_of_the_sdist(
    packages: tuple[Path, Path],
) -> None:
    with tarfile.open(packages[0]) as archive:
        held = {name.partition("/")[2].rstrip("/") for name in archive.getnames()}
    faults = []
    for name in source_files():
        if name.endswith(".md"):
            text = (ROOT / name).read_text("utf-8")
            for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
                target = os.path.normpath(os.path.join(os.path.dirname(name), link))
                if target not in held:
                    faults.append(f"{name}: {link}")
    assert faults == []


def flow(mlcore: list[str | Path], folder: Path, env: dict[str, str] | None = None) -> None:
    """Train, predict and evaluate in ``folder``, which gets copies of the inputs."""
    for name in ("train.csv", "test.csv"):
        shutil.copy(ROOT / "fixtures/small" / name, folder)
    golden = ROOT / "fixtures/small/cosine_tf_idf"
    shutil.copy(golden / "config.json", folder)
    for line in (
        "train --interactions train.csv --config config.json --out-dir model",
        "predict --model-dir model --users test.csv --top-n 10 --out predictions.jsonl",
        "evaluate --predictions predictions.jsonl --ground-truth test.csv --cutoffs 5,10"
        " --model-dir model --out metrics.json",
    ):
        run(*mlcore, *line.split(), cwd=folder, env=env)
    for name in ("model/similarity.npz", "model/manifest.json", "predictions.jsonl"):
        assert (folder / name).read_bytes() == (golden / name).read_bytes(), name
    assert (folder / "metrics.json").stat().st_size > 0


def run_query(
    mlcore: list[str | Path], folder: Path, env: dict[str, str] | None = None
) -> dict[str, Any]:
    """Run a bundled query in ``folder`` on the training of ``flow``; return the line of its lineage."""
    assert "\ndeduplicate " in run(*mlcore, "run_sql", "--list", cwd=folder, env=env)
    line = "--query deduplicate --table events=train.csv --param aggregate=max --out rows.csv"
    run(*mlcore, "run_sql", *line.split(), cwd=folder, env=env)
    rows = (folder / "rows.csv").read_text("utf-8").splitlines()
    assert len(rows) == len((folder / "train.csv").read_text("utf-8").splitlines())
    run(*mlcore, *"lineage --file rows.csv".split(), cwd=folder, env=env)
    run(*mlcore, *"lineage --check".split(), cwd=folder, env=env)
    record: dict[str, Any] = json.loads((folder / "lineage.jsonl").read_text("utf-8"))
    assert record["query"] == "mlcore:deduplicate.sql"
    return record


def test_the_wheel_works_with_numpy_and_scipy_alone(core: Path, tmp_path: Path) -> None:
    flow([core.with_name("mlcore")], tmp_path)
    run(core.with_name("mlcore"), "demo", cwd=tmp_path)
    assert (tmp_path / "mlcore-demo/metrics.json").is_file()


def test_the_wheel_works_with_what_is_recommended(local: Path, tmp_path: Path) -> None:
    flow([local.with_name("mlcore")], tmp_path)
    where = Path(run(local, "-c", "import sql; print(*sql.__path__)", cwd=tmp_path).strip())
    before = sorted(path.name for path in where.iterdir())
    record = run_query([local.with_name("mlcore")], tmp_path)
    assert sorted(path.name for path in where.iterdir()) == before
    assert record["commit"] is None  # whatever repository the environment is in


def write_protect(folder: Path) -> dict[Path, int]:
    """Take the write bits away and return what is there, with the times of the last change."""
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    return {path: path.stat().st_mtime_ns for path in paths}


def test_a_read_only_checkout_works(sources: Path, local: Path, tmp_path: Path) -> None:
    # Write bits do not stop root: what is there, and when it changed, is compared as well.
    before = write_protect(sources)
    env = os.environ | {"PYTHONPATH": str(sources), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        found = run(local, "-c", "import cli; print(cli.__file__)", cwd=tmp_path, env=env)
        assert Path(found.strip()).is_relative_to(sources)
        command: list[str | Path] = [local, "-m", "cli"]
        flow(command, tmp_path, env)
        run_query(command, tmp_path, env)
        assert {path: path.stat().st_mtime_ns for path in [sources, *sources.rglob("*")]} == before
    finally:
        for path in before:
            path.chmod(path.stat().st_mode | stat.S_IWUSR)

"""Set-up against time: the Makefile, in a project of tiny wheels whose index has newer versions."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = ROOT / "Makefile"
BACKEND = """\
import shutil

def build_editable(folder, config_settings=None, metadata_directory=None):
    return shutil.copy("project-1-py3-none-any.whl", folder).rpartition("/")[2]
"""
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed"),
]


def write_wheel(folder: Path, name: str, version: str, requires: Iterable[str] = ()) -> Path:
    """Write a wheel that holds its metadata only; the one extra it has is called ``tls``."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        f"Provides-Extra: tls\n{needs}",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "".join(f"{info}/{file},,\n" for file in ("METADATA", "WHEEL", "RECORD")),
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(f"{info}/{file}", text)
    return path


@dataclass(frozen=True)
class Project:
    """A folder with locks and an index of its own, to run the Makefile in."""

    folder: Path

    def lock(self, name: str, *wheels: str) -> None:
        """Write a lock of some wheels of the index, such as ``auth-1``."""
        lines = []
        for wheel in wheels:
            content = (self.folder / f"index/{wheel}-py3-none-any.whl").read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            lines.append(f"{wheel.replace('-', '==')} --hash=sha256:{digest}\n")
        (self.folder / f"locks/{name}.txt").write_text("".join(lines))

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run make with an index that is a folder, and with nothing of this run's settings."""
        settings = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("MAKE", "MFLAGS", "PIP_")) and key not in ("ALL", "V")
        }
        return subprocess.run(
            ["make", "-f", MAKEFILE, f"PYTHON={sys.executable}", *arguments],
            cwd=self.folder,
            env=settings
            | {
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(self.folder / "index"),
                "PIP_CONFIG_FILE": os.devnull,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def set_up(self, *arguments: str) -> None:
        """Run ``make setup``, which must succeed."""
        run = self.make("setup", *arguments)
        assert run.returncode == 0, run.stdout + run.stderr

    def installed(self) -> dict[str, str]:
        """Return the version of each package of the environment, except pip and its company."""
        (packages,) = self.folder.glob(".venv/lib/*/site-packages")
        found = (re.match(r"(\w+)-([\d.]+)\.dist-info", path.name) for path in packages.iterdir())
        versions = {match[1]: match[2] for match in found if match}
        return {name: versions[name] for name in versions if name not in ("pip", "setuptools")}


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: it takes longer than all that is installed into it."""
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def new_project(tmp_path: Path) -> Project:
    """A project whose ``client`` asks for ``auth`` with an extra; auth 1 is locked, 2 is newer."""
    for name in ("index", "locks"):
        (tmp_path / name).mkdir()
    write_wheel(tmp_path / "index", "client", "1", ["auth[tls]>=1", "crypto"])
    write_wheel(tmp_path / "index", "client", "2", ["auth[tls]>=2", "crypto"])
    for version in ("1", "2"):
        write_wheel(tmp_path / "index", "auth", version, ['crypto; extra == "tls"'])
        write_wheel(tmp_path / "index", "crypto", version)
        write_wheel(tmp_path / "index", "backend", version)
    write_wheel(tmp_path, "project", "1", ["client"])
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "setup.py").touch()  # the Makefile's rule needs it; this build backend does not
    project = Project(tmp_path)
    project.lock("build", "backend-1")
    project.lock("test", "auth-1", "client-1", "crypto-1")
    return project


@pytest.fixture
def project(new_project: Project, empty_environment: Path) -> Project:
    """The project with an environment that has pip only."""
    shutil.copytree(empty_environment, new_project.folder / ".venv", symlinks=True)
    return new_project


OLD = {"auth": "1", "client": "1", "crypto": "1", "backend": "1", "project": "1"}


def test_set_up_from_nothing_takes_the_locked_versions(new_project: Project) -> None:
    new_project.set_up()
    assert new_project.installed() == OLD


def test_a_lock_that_lacks_a_package_is_reported_until_it_is_complete(
    project: Project,
) -> None:
    project.lock("test", "auth-1", "client-1")
    run = project.make("setup")
    assert run.returncode != 0
    assert "client 1 requires crypto, which is not installed" in run.stdout + run.stderr
    project.lock("test", "auth-1", "client-1", "crypto-1")
    project.set_up()
    assert project.installed() == OLD
    assert "installing" not in project.make("setup").stdout


def test_a_lock_whose_versions_do_not_fit_is_reported(project: Project) -> None:
    project.lock("test", "auth-1", "client-2", "crypto-1")
    run = project.make("setup")
    assert run.returncode != 0
    assert re.search(r"client 2 has requirement auth\S*>=2, but you have auth 1", run.stdout)


def test_a_wheel_with_another_hash_is_refused(project: Project) -> None:
    write_wheel(project.folder / "index", "auth", "1", ["another"])
    run = project.make("setup")
    assert run.returncode != 0
    assert "DO NOT MATCH THE HASHES" in run.stderr
    assert "auth" not in project.installed()


def test_the_environment_grows_and_never_shrinks(project: Project) -> None:
    write_wheel(project.folder / "index", "spark", "1")
    project.lock("all", "auth-1", "client-1", "crypto-1", "spark-1")
    project.set_up()
    assert "spark" not in project.installed()
    project.set_up("ALL=1")
    assert project.installed() == OLD | {"spark": "1"}
    # The larger lock is what counts from now on, though less is asked for.
    project.lock("all", "auth-2", "client-2", "crypto-1", "spark-1")
    project.set_up()
    assert project.installed() == OLD | {"auth": "2", "client": "2", "spark": "1"}


def locked(name: str) -> dict[str, str]:
    text = (ROOT / f"locks/{name}.txt").read_text("utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    "smaller, larger", [("core", "local"), ("local", "test"), ("test", "all"), ("local", "bench")]
)
def test_the_larger_lock_holds_the_smaller_one(smaller: str, larger: str) -> None:
    assert locked(smaller).items() <= locked(larger).items()


def test_the_benchmarks_measure_the_versions_that_the_tests_test() -> None:
    both = locked("bench").keys() & locked("all").keys()
    assert {name: locked("bench")[name] for name in both} == {
        name: locked("all")[name] for name in both
    }

"""What the documentation says is so: docstrings, lists of files, links."""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import mlcore
from cli import COMMANDS, console, options
from docs.blocks import blocks
from interop.tools.suite import FORMAT_VERSION
from mlcore.config import TrainConfig
from mlcore.progress import no_progress
from mlcore.recommend.recommender import Recommender
from mlcore.similarity import GramBlocks, NeighborSettings, overlap
from mlcore.version import VERSION
from tests import oracles
from tests.fixtures.test_golden import DEFECTS
from tests.test_layers import LEVELS

ROOT = Path(__file__).parents[1]
SOURCES = sorted(ROOT.glob("mlcore/**/*.py")) + sorted(ROOT.glob("cli/*.py"))
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "sql/*.md", "interop/*.md", "interop/*/*.md")
    for page in ROOT.glob(pattern)
)


def public_functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Functions, classes and methods whose names, and whose class's name, have no underscore."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                        yield f"{node.name}.{inner.name}", inner


def documented_args(docstring: str) -> list[str]:
    section = re.search(r"\n *Args:\n(.*?)(\n\n|\Z)", docstring, re.DOTALL)
    if section is None:
        return []
    indent = re.match(r" *", section[1])
    assert indent is not None
    return re.findall(rf"^{indent[0]}(\w+):", section[1], re.MULTILINE)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_public_name_has_a_docstring_whose_args_are_parameters(path: Path) -> None:
    faults: list[str] = []
    for name, node in public_functions(path):
        docstring = ast.get_docstring(node)
        if not docstring:
            faults.append(f"{name}: no docstring")
        elif isinstance(node, ast.FunctionDef):
            parameters = [
                argument.arg
                for argument in (
                    *node.args.args,
                    *([node.args.vararg] if node.args.vararg else []),
                    *node.args.kwonlyargs,
                )
                if "." not in name or argument.arg not in ("self", "cls")
            ]
            found = documented_args(docstring)
            # An entry stands only where it says more than name and type, in the parameters' order.
            if found != [name for name in parameters if name in found]:
                faults.append(f"{name}: Args {found}, parameters {parameters}")
    assert faults == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring and docstring.splitlines()[0]


def test_every_command_is_listed_and_on_its_page() -> None:
    modules = {path.stem for path in (ROOT / "cli").glob("*.py")}
    assert modules - {"__init__", "__main__", "console", "engines", "options"} == set(COMMANDS)
    page = (ROOT / "docs/commands.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"`python -m cli.{name}`" not in page] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 900


def readme_blocks(language: str, folder: Path = ROOT) -> list[str]:
    """The blocks of a language."""
    readme = (folder / "README.md").read_text("utf-8")
    return [block.text for block in blocks(readme) if block.language == language]


GO = ROOT / "interop/go"
MODULES = [block for block in readme_blocks("sh", GO) if block.startswith("go mod init")]


@pytest.mark.go
@pytest.mark.parametrize("commands", MODULES, ids=["replace", "vendor", "workspace"])
def test_the_go_of_the_readme_runs_in_a_fresh_module(commands: str, tmp_path: Path) -> None:
    (block,) = readme_blocks("go")
    assert len(block.splitlines()) <= 15
    model = ROOT / "fixtures/small/cosine_tf_idf/model"
    module, checkout = tmp_path / "example", tmp_path / "mlcore/interop/go"
    module.mkdir()
    (module / "main.go").write_text(block.replace("build/demo/model", model.as_posix()))
    shutil.copytree(GO, checkout, ignore=shutil.ignore_patterns("*_test.go", "testdata"))
    environment = {**os.environ, "GOPROXY": "off", "GOFLAGS": "", "GOWORK": ""}
    if "go work" not in commands and "go mod vendor" not in commands:
        environment["GOFLAGS"] = "-mod=mod"
    for command in commands.splitlines():
        if (module / "vendor").is_dir():
            shutil.rmtree(tmp_path / "mlcore", ignore_errors=True)  # not needed any more
        run = subprocess.run(
            shlex.split(command), cwd=module, env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, f"{command}: {run.stderr}"
    best = Recommender.load(model).predict("u0002", n=5)
    assert re.findall(r"\d{4}(?= \d+ [\d.]+ false)", run.stdout) == [one.item_id for one in best]


@pytest.mark.go
def test_the_go_of_the_page_of_the_reader_runs(tmp_path: Path) -> None:
    (block,) = readme_blocks("go", GO)
    assert len(block.splitlines()) <= 10
    model = ROOT / "fixtures/small/cosine_tf_idf/model"
    body = (
        block.replace('"model"', f'"{model.as_posix()}"')
        + "fmt.Println(items, fresh, alike, err)\n"
    )
    imports = 'import (\n"fmt"\n"log"\nmlcore "github.com/mlcore/mlcore/interop/go"\n)\n'
    (tmp_path / "main.go").write_text(f"package main\n{imports}func main() {{\n{body}}}\n")
    run = subprocess.run(
        ["go", "run", str(tmp_path / "main.go")], cwd=GO, capture_output=True, text=True
    )
    assert run.returncode == 0 and run.stdout.endswith("<nil>\n"), run.stderr
    recommender = Recommender.load(model)
    lists = (
        recommender.predict("u0002", n=10),
        recommender.predict_history({"0032": 1, "0052": 2}, n=10, fill="popularity"),
        recommender.similar_items("0032", n=10),
    )
    expected = [one.item_id for found in lists for one in found]
    assert re.findall(r"\d{4}(?= \d+ [\d.]+ (?:false|true))", run.stdout) == expected


@pytest.mark.go
def test_the_example_in_go_runs() -> None:
    folder = ROOT / "examples/go"
    assert len((folder / "main.go").read_text("utf-8").splitlines()) < 20
    model = ROOT / "fixtures/small/cosine_tf_idf/model"
    command = ["go", "run", ".", str(model), "u0002"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    best = Recommender.load(model).predict("u0002", n=5)
    assert re.findall(r"\d{4}(?= \d+ [\d.]+ false)", run.stdout) == [one.item_id for one in best]


def test_the_page_of_configurations_shows_the_default() -> None:
    page = (ROOT / "docs/configuration.md").read_text("utf-8")
    (block,) = [block.text for block in blocks(page) if block.language == "json"]
    assert json.loads(block) == TrainConfig().to_json()


def test_the_architecture_page_counts_the_defects_right() -> None:
    assert f"{len(DEFECTS)} deliberate defects" in architecture()


def test_the_architecture_page_names_every_top_folder() -> None:
    folders = {"mlcore", "cli", "sql", "fixtures", "interop", "benchmarks", "tests"}
    folders |= {"docs", "examples", "locks"}
    assert [name for name in sorted(folders) if f"`{name}/`" not in architecture()] == []


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# All pages in one test: of a grid of cases the tests run a sample.
def test_every_relative_link_resolves() -> None:
    faults = []
    for page in PAGES:
        for target in re.findall(r"\]\((?!\w+:)([^)]+)\)", page.read_text("utf-8")):
            path, _, anchor = target.partition("#")
            linked = page.parent / path if path else page
            if not linked.exists() or (anchor and anchor not in anchors(linked)):
                faults.append(f"{page_name(page)}: {target}")
    assert faults == []


def test_every_path_that_a_page_names_exists() -> None:
    """In backticks: files and folders of the checkout, some without the folders around; not NAME."""
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"build"}
    faults = []
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        paths = re.findall(r"`([\w.-]+/[\w./-]*|[\w./-]+\.(?:py|go))`", text)
        bases = [ROOT, page.parent]
        bases += [ROOT / base for base in ("mlcore", "interop/go", "interop/tools")]
        faults += [
            f"{page_name(page)}: {path}"
            for path in paths
            if (path.split("/")[0] in folders or path.endswith((".py", ".go")))
            if not re.search("NAME|LANGUAGE|^mlcore/node$", path)  # a module in TypeScript
            and not any((base / path).exists() for base in bases)
            if "/" in path or not any(ROOT.glob(f"mlcore/**/{path}"))
        ]
    assert faults == []


def architecture() -> str:
    return (ROOT / "docs/architecture.md").read_text("utf-8")


def test_the_picture_of_the_packages_is_the_table_of_layers() -> None:
    picture = re.search(r"^```\n(.*?)^```$", architecture(), re.DOTALL | re.MULTILINE)
    assert picture is not None
    rows = [re.split(" {2,}", line)[0] for line in picture[1].splitlines()]
    levels = [names for names in LEVELS if names != {"__main__"}]  # not a room
    assert [set(row.split(", ")) for row in reversed(rows)] == levels


def test_the_architecture_page_names_all_that_is_public() -> None:
    section = architecture().partition("\n## What is public\n")[2].partition("\n\n##")[0]
    assert set(re.findall(r"`(\w+)`", section)) == set(mlcore.__all__)


def test_the_pages_name_the_versions_of_today() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## \[(\d\S*)\] - \d{4}-\d\d-\d\d$", changes, re.MULTILINE)[0] == VERSION
    suite = (ROOT / "interop/VERSION").read_text("utf-8").strip()
    page = (ROOT / "docs/compatibility.md").read_text("utf-8")
    for found in (
        f"mlcore, {VERSION} today",
        f"format, {FORMAT_VERSION} today",
        f"suite, {suite} today",
    ):
        assert found in page


def recipe(heading: str) -> str:
    """The Python of one recipe of CONTRIBUTING.md."""
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^ *```python\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE)
    return textwrap.dedent(block)


def test_the_recipe_for_a_similarity_works() -> None:
    names = dict(vars(overlap))
    exec(recipe("Adding a similarity"), names)
    x = np.array([[1, 1, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]], np.float32)  # n = (3, 2, 2)
    settings = NeighborSettings(shrinkage=1)
    found = names["Simpson"]().neighbors(GramBlocks(oracles.sparse(x)), settings, 1, no_progress)
    # ab: 2 / (2 + 1); ac and bc: 1 / (2 + 1)
    assert found.data.tolist() == pytest.approx([2 / 3, 1 / 3, 2 / 3, 1 / 3, 1 / 3, 1 / 3])


def test_the_recipe_for_a_command_works(capsys: pytest.CaptureFixture[str]) -> None:
    names = {**vars(console), **vars(options), "argparse": argparse, "Sequence": Sequence}
    names["count"] = lambda path, options: f"{path}, {options.columns.user}"
    exec(recipe("Adding a command"), names)
    assert names["main"](["--interactions", "a.csv", "--user-column", "reader"]) == 0
    assert capsys.readouterr().out == "a.csv, reader\n"


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "mlcore.version.VERSION"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_no_tracked_text_names_a_machine_or_an_index() -> None:
    pattern = re.compile(r"(/roo[t]/|/home/\w|/tmp/bas[h]|https?://\S*(pypi|pythonhosted)\S*)")
    skipped = {"fixtures", ".venv", ".venv-bench", ".venv-docs", ".venv-lock", "build"}
    faults = []
    for path in ROOT.glob("**/*"):
        inside = path.relative_to(ROOT)
        if "node_modules" in inside.parts:
            continue
        if path.suffix in {".py", ".md", ".toml", ".txt", ".in"} and inside.parts[0] not in skipped:
            if path.name != "test_docs.py" and pattern.search(path.read_text("utf-8")):
                faults.append(str(inside))
    assert faults == []

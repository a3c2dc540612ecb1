"""The programs in examples/: each runs, and does what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.notebook import run_notebook
from mlcore import Recommender
from tests.optional import optional

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MODEL = ROOT / "fixtures/small/cosine_tf_idf/model"
EVENTS = ROOT / "fixtures/small/events.csv"


def run(program: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, with this Python first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", str(EXAMPLES / program), *arguments],
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.go
@pytest.mark.duckdb
def test_the_whole_life_of_a_model(tmp_path: Path) -> None:
    done = run("handover.sh", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lists = [line for line in done.stdout.splitlines() if line.startswith('{"user_id"')]
    monday, in_python, tuesday, again = (json.loads(line) for line in lists)
    assert monday == in_python == again != tuesday
    assert "take it" in done.stdout and done.stdout.endswith("== the first model serves again\n")


def test_the_whole_life_is_short() -> None:
    assert len((EXAMPLES / "handover.sh").read_text("utf-8").splitlines()) < 100


@pytest.mark.medium
def test_a_night_publishes_and_the_next_ones_refuse_what_is_worse(tmp_path: Path) -> None:
    done = run("retrain.sh", tmp_path, str(EVENTS), "current", "nights")
    assert done.returncode == 0, done.stdout + done.stderr
    served = os.readlink(tmp_path / "current")
    # A part of the items is spelled otherwise, as after a change in the shop's log.
    rows = EVENTS.read_text("utf-8").replace(",00", ",x00")
    (tmp_path / "broken.csv").write_text(rows)
    done = run("retrain.sh", tmp_path, "broken.csv", "current", "broken nights")
    assert done.returncode == 1 and "items_gone_share" in done.stderr, done.stderr
    (tmp_path / "config.json").write_text('{"similarity": {"name": "lift"}, "num_neighbors": 1}')
    done = run("retrain.sh", tmp_path, str(EVENTS), "current", "worse nights", "config.json")
    assert done.returncode == 1 and "keep the baseline" in done.stdout, done.stdout
    assert os.readlink(tmp_path / "current") == served


def test_two_nights_at_once_are_one(tmp_path: Path) -> None:
    (tmp_path / "nights").mkdir()
    with subprocess.Popen(
        ["flock", "nights/lock", "sh", "-c", "echo locked; cat"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        holder.stdout.readline()
        done = run("retrain.sh", tmp_path, str(EVENTS), "current", "nights")
        holder.stdin.close()
    assert (done.returncode, list((tmp_path / "nights").iterdir())) == (
        75,
        [tmp_path / "nights/lock"],
    )


class Operator:
    """In place of Airflow's: remembers what it was given, and what comes after."""

    made: list[Operator] = []

    def __init__(self, task_id: str, bash_command: str, **others: Any) -> None:
        self.task_id, self.command, self.others = task_id, bash_command, others
        self.after: list[str] = []
        Operator.made.append(self)

    def __rshift__(self, other: Operator) -> Operator:
        self.after.append(other.task_id)
        return other


class Dag:
    """In place of Airflow's."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def __enter__(self) -> Dag:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is registered."""


def test_the_dag_extracts_and_then_runs_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_ins: dict[str, dict[str, object]] = {
        "pendulum": {"datetime": lambda *day, tz: (*day, tz)},
        "airflow": {},
        "airflow.sdk": {"DAG": Dag},
        "airflow.providers.standard.operators.bash": {"BashOperator": Operator},
    }
    for name, parts in stand_ins.items():
        module = types.ModuleType(name)
        vars(module).update(parts)
        monkeypatch.setitem(sys.modules, name, module)
    path = EXAMPLES / "airflow_dag.py"
    names: dict[str, Any] = {}
    exec(compile(path.read_text("utf-8"), path, "exec"), names)
    extract, retrain = Operator.made
    assert (extract.after, retrain.after) == (["retrain"], [])
    assert names["dag"].settings["schedule"] == "0 3 * * *"
    assert names["dag"].settings["catchup"] is False
    # A command that ends in .sh would be taken for the name of a template.
    assert not retrain.command.endswith(".sh") and "examples/retrain.sh" in retrain.command
    words = extract.command.split()
    assert words[:3] == ["python", "-m", "cli.run_sql"] and "\n" not in extract.command
    assert retrain.others["retries"] == 0


@pytest.fixture
def sagemaker() -> Iterator[str]:
    """The address of the program for SageMaker."""
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / "sagemaker.py"), "serve", str(MODEL), "127.0.0.1", "0"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().split()[-1]}"
        server.terminate()


def ask(address: str, body: object) -> tuple[int, Any]:
    """Return status and answer of an invocation."""
    request = urllib.request.Request(f"{address}/invocations", json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_sagemakers_protocol_is_answered(sagemaker: str) -> None:
    with urllib.request.urlopen(f"{sagemaker}/ping", timeout=30) as answer:
        assert answer.status == 200
    recommender = Recommender.load(MODEL)
    for body, found in (
        ({"user_id": "u0002", "n": 3}, recommender.predict("u0002", n=3)),
        ({"history": ["0011", "0132"]}, recommender.predict_history(["0011", "0132"], n=10)),
    ):
        items = [{"item_id": one.item_id, "score": one.score} for one in found]
        assert ask(sagemaker, body) == (200, {"items": items})
    assert ask(sagemaker, {"user_id": "nobody"})[0] == 400
    assert ask(sagemaker, {})[0] == 400


def without_charts(document: dict[str, Any]) -> dict[str, Any]:
    """A notebook without what comes after a table, which another matplotlib draws otherwise."""
    for cell in document["cells"]:
        for output in cell.get("outputs", ()):
            page = "".join(output.get("data", {}).get("text/html", ()))
            if page:
                output["data"]["text/html"] = page.partition("</table>")[0]
    return document


@pytest.mark.medium
@pytest.mark.matplotlib
def test_the_notebook_has_the_outputs_of_its_cells(tmp_path: Path) -> None:
    optional("pandas")
    document = json.loads((EXAMPLES / "report.ipynb").read_text("utf-8"))
    assert without_charts(run_notebook(document, tmp_path)) == without_charts(document)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "recall@10" in page and "<script" not in page


@pytest.mark.languages
def test_the_example_in_typescript_lists_what_python_lists(tmp_path: Path) -> None:
    program = EXAMPLES / "typescript/recommend.ts"
    assert len(program.read_text("utf-8").splitlines()) < 20
    reader = ROOT / "interop/typescript"
    compiler = reader / "node_modules/typescript/bin/tsc"
    assert compiler.is_file() and (reader / "dist/node.js").is_file(), "interop/typescript/check.sh"
    modules = tmp_path / "node_modules"
    modules.mkdir()
    (modules / "mlcore").symlink_to(reader)
    (modules / "@types").symlink_to(reader / "node_modules/@types")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "recommend.ts").write_text(program.read_text("utf-8"))
    options = ["--strict", "--target", "ES2022", "--module", "NodeNext", "--skipLibCheck"]
    for command in (
        ["node", str(compiler), *options, "--preserveSymlinks", "recommend.ts"],
        ["node", "recommend.js", str(MODEL), "u0002"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    found = [line.split() for line in done.stdout.splitlines()]
    best = Recommender.load(MODEL).predict("u0002", n=5)
    assert [(item, float(score)) for item, score in found] == [
        (one.item_id, one.score) for one in best
    ]

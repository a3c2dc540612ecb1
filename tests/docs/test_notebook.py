"""docs.notebook: cells run in one namespace, and their outputs are those of a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docs.notebook import main, run_notebook


def notebook(*sources: str) -> dict[str, Any]:
    """A notebook of code cells after one of text."""
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": ["# x"]}]
    for source in sources:
        lines = source.splitlines(keepends=True)
        cells.append({"cell_type": "code", "metadata": {}, "source": lines})
    return {"cells": cells, "nbformat": 4, "nbformat_minor": 5}


class Table:
    """Has both forms."""

    def __repr__(self) -> str:
        return "plain"

    def _repr_html_(self) -> str:
        return "<p>rich</p>"


def test_what_a_cell_prints_and_its_last_value_are_its_outputs(tmp_path: Path) -> None:
    ran = run_notebook(notebook("x = 1", "print(x)\nx + 1", "None", "x = 2"), tmp_path)
    outputs = [cell.get("outputs") for cell in ran["cells"]]
    assert outputs[:2] == [None, []] and outputs[3:] == [[], []]
    stream, result = outputs[2]
    assert (stream["name"], stream["text"]) == ("stdout", ["1\n"])
    assert (result["data"], result["execution_count"]) == ({"text/plain": ["2"]}, 2)


def test_a_value_is_shown_as_html_where_it_has_some(tmp_path: Path) -> None:
    source = f"from {__name__} import Table\nTable()"
    (output,) = run_notebook(notebook(source), tmp_path)["cells"][1]["outputs"]
    assert output["data"] == {"text/html": ["<p>rich</p>"], "text/plain": ["plain"]}


def test_the_command_says_whether_outputs_are_those_of_the_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("n.ipynb").write_text(json.dumps(notebook("1 + 1")))
    assert main(["n.ipynb"]) == 1
    assert "n.ipynb" in capsys.readouterr().err
    assert main(["--write", "n.ipynb"]) == 0 == main(["n.ipynb"])

"""Run the cells of a notebook without a kernel: one after another in one namespace, as plain Python.

So magics, widgets and ``await`` are not known; what a cell prints and the value of its last expression are its
outputs, as a kernel has them. Usage: python -m docs.notebook [--write] NOTEBOOK
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

__all__ = ["main", "run_notebook"]


def run_notebook(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a notebook with the outputs of its cells, run in a folder."""
    names: dict[str, Any] = {}
    before, count, cells = Path.cwd(), 0, []
    os.chdir(folder)
    try:
        for cell in document["cells"]:
            if cell["cell_type"] == "code":
                count += 1
                outputs = _run("".join(cell["source"]), names, count)
                cell = {**cell, "execution_count": count, "outputs": outputs}
            cells.append(cell)
    finally:
        os.chdir(before)
    return {**document, "cells": cells}


def _run(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with redirect_stdout(printed):
        exec(compile(tree, f"cell {count}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {count}", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        lines = printed.getvalue().splitlines(keepends=True)
        outputs.append({"name": "stdout", "output_type": "stream", "text": lines})
    if value is not None:
        outputs.append(
            {
                "data": _shown(value),
                "execution_count": count,
                "metadata": {},
                "output_type": "execute_result",
            }
        )
    return outputs


def _shown(value: Any) -> dict[str, list[str]]:
    shown = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        shown["text/html"] = value._repr_html_().splitlines(keepends=True)
    return dict(sorted(shown.items()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a notebook in the current folder; say, or write, where its outputs differ."""
    parser = argparse.ArgumentParser(prog="python -m docs.notebook", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the outputs into the notebook")
    parser.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    args = parser.parse_args(argv)
    document = json.loads(args.notebook.read_text("utf-8"))
    ran = run_notebook(document, Path.cwd())
    if args.write:
        text = json.dumps(ran, ensure_ascii=False, indent=1)
        args.notebook.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    elif ran != document:
        print(f"{args.notebook}: has other outputs; give --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

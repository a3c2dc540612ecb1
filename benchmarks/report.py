"""Output of the benchmarks: tables on standard output, progress and errors on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mlcore.errors import MlcoreError
from mlcore.jsontext import format_document

__all__ = ["format_table", "log", "read_figures", "run", "write_json"]


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return lines of aligned columns: the first to the left, others to the right.

    >>> print(format_table(["name", "s"], [["a", "10.5"]]))
    name     s
    a     10.5
    """
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )


def run(work: Callable[[], int]) -> int:
    """Return the exit code of some work; known errors become one line and the code 1."""
    try:
        return work()
    except (MlcoreError, OSError) as error:
        log(f"error: {error}")
        if isinstance(error, MlcoreError) and error.hint:
            log(f"hint: {error.hint}")
        return 1


def log(line: str) -> None:
    """Print a line of progress to standard error; standard output holds results only."""
    print(line, file=sys.stderr, flush=True)


def write_json(path: Path, document: dict[str, object]) -> None:
    """Write or replace a JSON file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(format_document(document), encoding="utf-8")


def read_figures(path: Path) -> dict[str, Any]:
    """Return what ``write_json`` wrote, or nothing without a file."""
    document: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return document

"""Markdown tables of measured figures, printed or put into a document with a plot beside it.

In a document each table stands between two lines, and is replaced:

    <!-- table: 20m/train.json cosine -->
    <!-- end of table -->

The first names a file below DIR and the part of it, if it has several; ``data`` and ``machine`` are
parts of every file. ``*/train.json`` stands for those of all shapes, a column each. ``<!-- table: goals -->``
compares what was measured on each shape with the goals, ``<!-- table: goals other -->`` what was on
none. The plot has the document's name with the ending ``.svg``.
"""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from benchmarks.by_shape import make_shapes_table, shapes_with
from benchmarks.goals import make_goals, make_other_goals
from benchmarks.markdown import TABLES, Document, make_table, parts_of
from benchmarks.plot import make_plot
from benchmarks.report import run
from mlcore.errors import DataError

__all__ = ["build_parser", "fill_in", "main", "remake"]

BEGIN = re.compile(r"^<!-- table: (\S+)(?: (\S+))? -->$")
END = "<!-- end of table -->"
GOALS = {"": make_goals, "other": make_other_goals}


class Args(Namespace):
    """Parsed options."""

    folder: Path
    into: Path | None


def read_figures(folder: Path) -> dict[str, Document]:
    """Return the figures in a folder and all folders in it, by path without the ending.

    Raises:
        DataError: there is nothing.
    """
    paths = [path for path in sorted(folder.rglob("*.json")) if path.stem in TABLES]
    if not paths:
        raise DataError(f"{folder}: expected files such as 1m/train.json, got none")
    return {
        path.relative_to(folder).with_suffix("").as_posix(): json.loads(path.read_text("utf-8"))
        for path in paths
    }


def all_tables(documents: dict[str, Document]) -> str:
    """Return all tables there are, each under its name."""
    parts = []
    for path, document in documents.items():
        name = path.rpartition("/")[2]
        for part in parts_of(name, document):
            parts.append(f"{path} {part}".rstrip() + f"\n\n{make_table(name, document, part)}")
    for part, make in GOALS.items():
        parts.append(f"goals {part}".rstrip() + f"\n\n{make(documents)}")
    return "\n\n".join(parts)


def fill_in(text: str, documents: dict[str, Document]) -> str:
    """Return Markdown with its tables replaced; those whose file is missing stay as they are.

    Raises:
        DataError: a table has no end, or the file does not have the part.
    """
    lines, result, number = text.split("\n"), [], 0
    while number < len(lines):
        result.append(lines[number])
        found = BEGIN.match(lines[number])
        number += 1
        if found is None:
            continue
        if END not in lines[number:]:
            raise DataError(f"{found[0]}: expected {END!r} behind it, got none")
        end = lines.index(END, number)
        table = _table_for(found[1], found[2] or "", documents)
        result += lines[number:end] if table is None else ["", *table.split("\n"), ""]
        number = end
    return "\n".join(result)


def _table_for(file: str, part: str, documents: dict[str, Document]) -> str | None:
    if file == "goals":
        goals = GOALS[part](documents)
        return goals if goals.count("\n") > 1 else None  # no figures that a goal is for
    path = file.removesuffix(".json")
    if path.startswith("*/"):
        name = path.removeprefix("*/")
        return make_shapes_table(documents, name, part) if shapes_with(documents, name) else None
    if path not in documents:
        return None
    return make_table(path.rpartition("/")[2], documents[path], part)


def remake(document: Path, folder: Path) -> None:
    """Replace the tables of a document, and the plot beside it, by those of a folder of figures."""
    documents = read_figures(folder)
    document.write_text(fill_in(document.read_text("utf-8"), documents), encoding="utf-8")
    plot = make_plot(documents)
    if plot is not None:
        document.with_suffix(".svg").write_text(plot, encoding="utf-8")


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(
        prog="python -m benchmarks.table", description=__doc__.split("\n")[0], allow_abbrev=False
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("build/bench"),
        metavar="DIR",
        help="with folders of figures as JSON; default: build/bench",
    )
    parser.add_argument("--into", type=Path, metavar="FILE", help="a document whose tables to make")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())

    def work() -> int:
        if args.into is None:
            print(all_tables(read_figures(args.folder)))
        else:
            remake(args.into, args.folder)
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())

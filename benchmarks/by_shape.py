"""Markdown tables with a column for each shape of the data."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.markdown import Document, format_markdown, mebibytes, short
from benchmarks.options import PRESETS
from mlcore.errors import DataError

__all__ = ["make_shapes_table", "shapes_with"]


def shapes_with(documents: Mapping[str, Document], *files: str) -> list[str]:
    """Return the folders that have one of the files, presets first.

    >>> shapes_with({"20m/train": {}, "mine/train": {}, "dense/train": {}, "x/load": {}}, "train")
    ['dense', '20m', 'mine']
    """
    split = [path.rpartition("/") for path in documents]
    found = {folder for folder, _, name in split if name in files}
    return [*(name for name in PRESETS if name in found), *sorted(found - PRESETS.keys())]


def make_shapes_table(documents: Mapping[str, Document], file: str, part: str) -> str:
    """Return what the files of one name have: a row for each contestant, a column for each shape.

    Args:
        documents: by the path of their files, without the ending: ``20m/train``.
        part: ``data``, or for ``train`` a variant.

    Raises:
        DataError: no file has the part.
    """
    columns: dict[str, dict[str, str]] = {}
    for shape in shapes_with(documents, file):
        document = documents[f"{shape}/{file}"]
        results = document["results"].get(part) if file == "train" else document["results"]
        if part == "data":
            columns[shape] = {
                name.replace("_", " "): f"{n:,}" for name, n in document["data"].items()
            }
        elif results is not None:
            columns[shape] = {name: _cell(file, document, run) for name, run in results.items()}
    if not columns:
        raise DataError(f"*/{file}: expected figures of {part!r}, got none")
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    rows = [[name, *(column.get(name, "") for column in columns.values())] for name in names]
    return format_markdown(["", *columns], rows)


def _cell(file: str, document: Document, run: Mapping[str, Any]) -> str:
    """Return seconds, for lists users per second, and peak memory in MiB."""
    median = statistics.median(run["seconds"])
    if file == "recommend":
        return f"{document['data']['users'] / median:,.0f} ({mebibytes(run['peak_bytes'])})"
    return f"{short(median)} ({mebibytes(run['peak_bytes'])})"

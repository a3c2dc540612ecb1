"""Markdown tables of the figures that the benchmarks have written as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from benchmarks.kernels import BARE
from benchmarks.results import ratios
from mlcore.errors import DataError

__all__ = [
    "OURS",
    "TABLES",
    "Document",
    "Results",
    "format_markdown",
    "format_ratio",
    "format_spread",
    "make_table",
    "parts_of",
    "short",
]

OURS = "mlcore"
MEBIBYTE = 2**20

Document: TypeAlias = Mapping[str, Any]
Results: TypeAlias = Mapping[str, Mapping[str, Any]]


def format_markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column to the left, others to the right.

    >>> print(format_markdown(["name", "s"], [["a", "10.5"]]))
    | name | s |
    |---|---:|
    | a | 10.5 |
    """
    lines = ["|" + "|".join(f" {cell} " for cell in line) + "|" for line in (header, *rows)]
    return "\n".join([lines[0], "|---" + "|---:" * (len(header) - 1) + "|", *lines[1:]])


def short(number: float) -> str:
    """Return a number >= 0 with three significant digits.

    >>> short(0.01234), short(2.0), short(98765.4), short(0)
    ('0.0123', '2.00', '98,765', '0')
    """
    if number == 0:
        return "0"
    digits = 0
    while abs(number) * 10**digits < 99.95 and digits < 9:
        digits += 1
    return f"{number:,.{digits}f}"


def format_spread(numbers: Sequence[float], scale: float = 1.0) -> str:
    """Return the least and the greatest number, each times ``scale``."""
    return f"{short(scale * min(numbers))} to {short(scale * max(numbers))}"


def format_ratio(run: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """Return the ratio of a contestant's time to another's: of the medians, and within a turn."""
    middle, least, greatest = ratios(run["seconds"], base["seconds"])
    return f"{middle:.2f} ({least:.2f} to {greatest:.2f})"


def _mebibytes(number: int | None) -> str:
    return "" if number is None else f"{number / MEBIBYTE:,.0f}"


def _results_table(results: Results, references: Sequence[str]) -> str:
    """Return seconds, ratios to some of the contestants, and memory."""
    with_own = any(run.get("own_bytes") is not None for run in results.values())
    header = ["", "seconds", "least to most", *(f"x {name}" for name in references), "peak MiB"]
    rows = [
        [
            name,
            short(statistics.median(run["seconds"])),
            format_spread(run["seconds"]),
            *(format_ratio(run, results[reference]) for reference in references),
            _mebibytes(run["peak_bytes"]),
            *([_mebibytes(run["own_bytes"])] if with_own else []),
        ]
        for name, run in results.items()
    ]
    return format_markdown([*header, *(["own MiB"] if with_own else [])], rows)


def _train(document: Document, part: str) -> str:
    results = document["results"][part]
    return _results_table(results, [name for name in (OURS, BARE) if name in results])


def _end_to_end(document: Document, part: str) -> str:
    return _results_table(document["results"], [OURS])


def _evaluate(document: Document, part: str) -> str:
    return _results_table(document["results"][part], [OURS])


def _recommend(document: Document, part: str) -> str:
    users, results = document["data"]["users"], document["results"]
    rows = [
        [
            name,
            f"{users / statistics.median(run['seconds']):,.0f}",
            f"{users / max(run['seconds']):,.0f} to {users / min(run['seconds']):,.0f}",
            format_ratio(results[OURS], run),
            _mebibytes(run["peak_bytes"]),
        ]
        for name, run in results.items()
    ]
    return format_markdown(["", "users/s", "least to most", f"x {OURS}", "peak MiB"], rows)


def _load(document: Document, part: str) -> str:
    results = document["results"][part]
    rows = [
        [
            name,
            short(1e3 * statistics.median(run["seconds"])),
            format_spread(run["seconds"], 1e3),
            short(1e3 * statistics.median(run["process_seconds"])),
            _mebibytes(run["peak_bytes"]),
        ]
        for name, run in results.items()
    ]
    return format_markdown(["", "ms", "least to most", "whole process, ms", "peak MiB"], rows)


def _sql(document: Document, part: str) -> str:
    results, spilled = document["results"], document["spilled_bytes"]
    rows = [
        [
            name,
            short(statistics.median(run["seconds"])),
            format_spread(run["seconds"]),
            format_ratio(run, results[OURS]),
            _mebibytes(run["peak_bytes"]),
            _mebibytes(spilled[name]),
        ]
        for name, run in results.items()
    ]
    header = ["", "seconds", "least to most", f"x {OURS}", "peak MiB", "spilled MiB"]
    return format_markdown(header, rows)


def _growth(document: Document, part: str) -> str:
    """Return the time of a pair or of an interaction, or memory, by the number of interactions."""
    points = document["points"]
    cell: dict[str, Callable[[Any, Any], str]] = {
        "pair": lambda run, data: _nanoseconds(run, data["counted_pairs"]),
        "interaction": lambda run, data: _nanoseconds(run, data["interactions"]),
        "peak": lambda run, data: _mebibytes(run["peak_bytes"]),
        "own": lambda run, data: _mebibytes(run["own_bytes"]),
    }
    header = ["interactions", *(f"{point['data']['interactions']:,}" for point in points)]
    counted = ["pairs counted", *(f"{point['data']['counted_pairs']:,}" for point in points)]
    rows = [
        [name, *(cell[part](point["results"][name], point["data"]) for point in points)]
        for name in points[0]["results"]
    ]
    return format_markdown(header, [counted, *rows])


def _nanoseconds(run: Mapping[str, Any], count: int) -> str:
    return short(1e9 * statistics.median(run["seconds"]) / count)


def _data(document: Document, part: str) -> str:
    numbers = {name: value for name, value in document["data"].items() if isinstance(value, int)}
    shown = [[name.replace("_", " "), f"{value:,}"] for name, value in numbers.items()]
    return format_markdown(["", "number"], shown)


def _machine(document: Document, part: str) -> str:
    machine = document["machine"]
    memory = machine.get("memory_bytes")
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    rows = [
        ["system", f"{machine['system']}, {machine['processor']}"],
        ["cores", str(machine["cores"])],
        *([["memory", f"{memory / 2**30:.0f} GiB"]] if memory else []),
        ["versions", versions],
    ]
    return format_markdown(["", "used"], rows)


# By the name of the file; the part selects within it. Any file has its data and its machine.
TABLES: dict[str, Callable[[Document, str], str]] = {
    "train": _train,
    "end_to_end": _end_to_end,
    "recommend": _recommend,
    "evaluate": _evaluate,
    "load": _load,
    "growth": _growth,
    "sql": _sql,
}
PARTS: dict[str, Callable[[Document, str], str]] = {"data": _data, "machine": _machine}


def make_table(name: str, document: Document, part: str) -> str:
    """Return one table of a document.

    Args:
        name: of the file, without its ending: one of ``TABLES``.
        part: ``data``, ``machine``, or what the document has: a variant, a state, a unit.

    Raises:
        DataError: there is no such table.
    """
    make = PARTS.get(part) or TABLES.get(name)
    try:
        if make is None:
            raise KeyError(name)
        return make(document, part)
    except KeyError as error:
        raise DataError(f"{name}: expected figures of {part!r}, got none: {error}") from None


def parts_of(name: str, document: Document) -> list[str]:
    """Return the parts of a document that are tables."""
    if name == "growth":
        return ["pair", "interaction", "peak", "own"]
    return list(document["results"]) if name in ("train", "evaluate", "load") else [""]

"""Markdown tables of the figures that the benchmarks have written as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from benchmarks.compiled import BARE
from benchmarks.kernels import NUM_NEIGHBORS
from benchmarks.results import ratios
from benchmarks.under_load import COLUMNS, rows_of
from mlcore.errors import DataError

__all__ = [
    "OURS",
    "PAIR_BYTES",
    "TABLES",
    "VARIANT_NAMES",
    "Document",
    "Results",
    "format_markdown",
    "format_ratio",
    "format_spread",
    "make_table",
    "mebibytes",
    "nanoseconds_a_pair",
    "parts_of",
    "short",
]

OURS = "mlcore"
MEBIBYTE = 2**20
PAIR_BYTES = 8  # of a neighbor: int32 and float32
VARIANT_NAMES = {
    "cosine": "cosine",
    "default": "default configuration",
    "tf_idf": "TF-IDF",
    "bm25": "BM25",
    "jaccard": "Jaccard",
}

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


def mebibytes(number: int | None) -> str:
    """Return a number of bytes in MiB."""
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
            mebibytes(run["peak_bytes"]),
            *([mebibytes(run["own_bytes"])] if with_own else []),
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
            mebibytes(run["peak_bytes"]),
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
            mebibytes(run["peak_bytes"]),
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
            mebibytes(run["peak_bytes"]),
            mebibytes(spilled[name]),
        ]
        for name, run in results.items()
    ]
    header = ["", "seconds", "least to most", f"x {OURS}", "peak MiB", "spilled MiB"]
    return format_markdown(header, rows)


def _growth(document: Document, part: str) -> str:
    """Return the time of a pair, or memory, by the number of interactions."""
    points = document["points"]
    header = ["interactions", *(f"{point['data']['interactions']:,}" for point in points)]
    if part == "pair":
        counted = [f"{point['data']['counted_pairs']:,}" for point in points]
        rows = [["pairs counted", *counted, ""]]
        for name in points[0]["results"]:
            times = [nanoseconds_a_pair(point["results"][name], point["data"]) for point in points]
            rows.append([name, *map(short, times), f"{max(times) / min(times):.2f}"])
        return format_markdown([*header, "greatest / least"], rows)
    output = [PAIR_BYTES * NUM_NEIGHBORS * point["data"]["items"] for point in points]
    rows = [[f"{NUM_NEIGHBORS} neighbors an item", *map(mebibytes, output)]]
    for name in points[0]["results"]:
        used = [point["results"][name][f"{part}_bytes"] for point in points]
        rows.append([name, *map(mebibytes, used)])
    return format_markdown(header, rows)


def nanoseconds_a_pair(run: Mapping[str, Any], data: Mapping[str, Any]) -> float:
    """Return the median time over the number of pairs counted."""
    median: float = statistics.median(run["seconds"])
    return 1e9 * median / int(data["counted_pairs"])


def _server(document: Document, part: str) -> str:
    rates = document["requests_per_second"]
    rows = [[name, f"{rate:,.0f}", f"{rate / rates[OURS]:.2f}"] for name, rate in rates.items()]
    return format_markdown(["", "requests/s", f"x {OURS}"], rows)


def _under_load(document: Document, part: str) -> str:
    return format_markdown(["", *COLUMNS], rows_of(document["loads"]))


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
    "server": _server,
    "under_load": _under_load,
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
        return ["pair", "peak", "own"]
    return list(document["results"]) if name in ("train", "evaluate", "load") else [""]

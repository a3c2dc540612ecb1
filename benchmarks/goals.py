"""Goals beside measurements, from the figures that the benchmarks have written."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.kernels import BARE
from benchmarks.markdown import (
    OURS,
    Document,
    Results,
    format_markdown,
    format_ratio,
    format_spread,
    short,
)
from benchmarks.recommend_worker import FILTERING

__all__ = ["fastest_of", "make_goals"]

GO = "mlcore, Go"


def make_goals(documents: Mapping[str, Document]) -> str:
    """Return a table of goals beside measurements, for all figures there are.

    Args:
        documents: by the path of their files, without the ending: ``20m/train``.
    """
    rows: list[list[str]] = []
    for path, document in documents.items():
        folder, _, name = path.rpartition("/")
        rows += _GOALS[name](document, folder or ".") if name in _GOALS else []
    return format_markdown(["", "goal", "measured"], rows)


def fastest_of(results: Results, names: Sequence[str]) -> str:
    """Return the contestant with the least median."""
    return min(names, key=lambda name: statistics.median(results[name]["seconds"]))


def _peers(results: Results) -> list[str]:
    return [name for name in results if not name.startswith(OURS)]


def _train_goals(document: Document, folder: str) -> list[list[str]]:
    rows = []
    for variant, results in document["results"].items():
        peer = fastest_of(results, _peers(results))
        what = f"kernel, {variant}, {folder}"
        rows.append(
            [
                f"{what}, [local]",
                "3 x the fastest peer",
                f"{format_ratio(results[peer], results[OURS])} x {peer}",
            ]
        )
        if "implicit" in results and BARE in results:
            measured = f"{format_ratio(results['implicit'], results[BARE])} x implicit"
            rows.append([f"{what}, numpy + scipy", "1 x implicit", measured])
        if variant == "cosine":  # the others take the same
            for ours in (name for name in (OURS, BARE) if name in results):
                rows.append(_memory_goal(f"{what}, peak memory, {ours}", results, ours))
    return rows


def _memory_goal(what: str, results: Results, ours: str) -> list[str]:
    leanest = min(_peers(results), key=lambda name: int(results[name]["peak_bytes"]))
    share = results[ours]["peak_bytes"] / results[leanest]["peak_bytes"]
    return [what, "below the leanest peer", f"{share:.2f} x {leanest}"]


def _end_to_end_goals(document: Document, folder: str) -> list[list[str]]:
    results = document["results"]
    peer = fastest_of(results, _peers(results))
    what = f"CSV to model, {folder}"
    return [
        [what, "2 x the fastest", f"{format_ratio(results[peer], results[OURS])} x {peer}"],
        _memory_goal(f"{what}, peak memory", results, OURS),
    ]


def _recommend_goals(document: Document, folder: str) -> list[list[str]]:
    results = document["results"]
    peer = fastest_of(results, FILTERING)
    measured = f"{format_ratio(results[peer], results[OURS])} x {peer}"
    return [[f"recommendation to all users, {folder}", "2 x the fastest that filters", measured]]


def _load_goals(document: Document, folder: str) -> list[list[str]]:
    results = document["results"]["warm"]
    size = f"{document['data']['bytes'] / 1e6:,.0f} MB"
    return [
        [f"open {size} and answer, {name}", "below 50 ms", f"{_load_spread(results[name])} ms"]
        for name in (OURS, GO)
        if name in results
    ]


def _load_spread(run: Mapping[str, Any]) -> str:
    return (
        f"{short(1e3 * statistics.median(run['seconds']))} ({format_spread(run['seconds'], 1e3)})"
    )


def _growth_goals(document: Document, folder: str) -> list[list[str]]:
    first, last = document["points"][0], document["points"][-1]
    sizes = f"{first['data']['interactions']:,} to {last['data']['interactions']:,} interactions"
    rows = []
    for name in first["results"]:
        one, other = (
            statistics.median(point["results"][name]["seconds"]) / point["data"]["counted_pairs"]
            for point in (first, last)
        )
        goal = "1" if name.startswith(OURS) else ""
        rows.append([f"growth of the time of a pair, {sizes}, {name}", goal, f"{other / one:.2f}"])
    return rows


_GOALS: dict[str, Callable[[Document, str], list[list[str]]]] = {
    "train": _train_goals,
    "end_to_end": _end_to_end_goals,
    "recommend": _recommend_goals,
    "load": _load_goals,
    "growth": _growth_goals,
}

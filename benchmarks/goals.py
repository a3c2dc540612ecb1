"""Goals beside measurements, from the figures that the benchmarks have written."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from benchmarks.by_shape import shapes_with
from benchmarks.compiled import BARE
from benchmarks.go_programs import GO
from benchmarks.kernels import NUM_NEIGHBORS
from benchmarks.markdown import (
    OURS,
    PAIR_BYTES,
    VARIANT_NAMES,
    Document,
    Results,
    format_markdown,
    format_ratio,
    format_spread,
    nanoseconds_a_pair,
    short,
)
from benchmarks.recommend import COMMAND
from benchmarks.recommend_worker import FILTERING

__all__ = ["fastest_of", "make_goals", "make_other_goals", "peers_of"]

KERNEL_GOALS = {"cosine": 4, "default": 4, "tf_idf": 3, "bm25": 3, "jaccard": 3}
LEAN_ON = ("shop", "20m")  # where the peak memory is a goal
MAX_GROWTH = 1.5
MIN_SERVER_SHARE = 0.6
MAX_OPENING_SECONDS = 0.05


class Measurement(NamedTuple):
    """A figure in words, and whether it meets its goal."""

    text: str
    met: bool

    def cell(self) -> str:
        """Return the words, in bold if the goal is missed."""
        return self.text if self.met else f"**{self.text}**"


class Goal(NamedTuple):
    """What is wanted on each shape, from which file of figures; None if it does not have it."""

    what: str
    goal: str
    file: str
    measure: Callable[[Document, str], Measurement | None]


def make_goals(documents: Mapping[str, Document]) -> str:
    """Return a table of goals beside what was measured on each shape.

    Args:
        documents: by the path of their files, without the ending: ``20m/train``.
    """
    shapes = shapes_with(documents, *(goal.file for goal in _GOALS))
    rows = []
    for goal in _GOALS:
        found = [
            goal.measure(documents[path], shape) if path in documents else None
            for shape in shapes
            for path in [f"{shape}/{goal.file}"]
        ]
        if any(found):
            cells = ["" if measured is None else measured.cell() for measured in found]
            rows.append([goal.what, goal.goal, *cells])
    return format_markdown(["", "goal", *shapes], rows)


def make_other_goals(documents: Mapping[str, Document]) -> str:
    """Return a table of the goals that are of no shape."""
    rows: list[list[str]] = []
    for path, document in documents.items():
        make = _OTHER_GOALS.get(path.rpartition("/")[2])
        for what, goal, measured in make(document) if make else []:
            rows.append([what, goal, measured.cell()])
    return format_markdown(["", "goal", "measured"], rows)


def fastest_of(results: Results, names: Sequence[str]) -> str:
    """Return the contestant with the least median."""
    return min(names, key=lambda name: statistics.median(results[name]["seconds"]))


def peers_of(results: Results) -> list[str]:
    """Return the contestants that are not ours."""
    return [name for name in results if not name.startswith(OURS)]


def _times_as_fast(
    results: Results, ours: str, peers: Sequence[str], factor: float
) -> Measurement | None:
    """Return how many times as long the fastest of the peers takes."""
    if ours not in results or not set(peers) & results.keys():
        return None
    peer = fastest_of(results, [name for name in peers if name in results])
    seconds = [statistics.median(results[name]["seconds"]) for name in (peer, ours)]
    text = format_ratio(results[peer], results[ours])
    if len(peers) > 1:
        text += f" x {peer}"
    return Measurement(text, seconds[0] / seconds[1] >= factor)


def _memory(results: Results, shape: str) -> Measurement:
    leanest = min(peers_of(results), key=lambda name: int(results[name]["peak_bytes"]))
    share = results[OURS]["peak_bytes"] / results[leanest]["peak_bytes"]
    return Measurement(f"{share:.2f} x {leanest}", share < 1 or shape not in LEAN_ON)


def _kernel(variant: str, document: Document, shape: str) -> Measurement | None:
    results = document["results"].get(variant, {})
    return _times_as_fast(results, OURS, peers_of(results), KERNEL_GOALS[variant])


def _bare_kernel(variant: str, document: Document, shape: str) -> Measurement | None:
    return _times_as_fast(document["results"].get(variant, {}), BARE, ["implicit"], 1)


def _kernel_memory(document: Document, shape: str) -> Measurement | None:
    results = document["results"].get("cosine")  # the others take the same
    return _memory(results, shape) if results else None


def _from_csv(document: Document, shape: str) -> Measurement | None:
    results = document["results"]
    return _times_as_fast(results, OURS, peers_of(results), 2)


def _lists(ours: str, document: Document, shape: str) -> Measurement | None:
    return _times_as_fast(document["results"], ours, FILTERING, 2)


def _from_csv_memory(document: Document, shape: str) -> Measurement:
    return _memory(document["results"], shape)


LISTS_GOAL = "2 x the fastest peer's lists in memory"
LEAN_GOAL = f"below the leanest peer on {' and '.join(LEAN_ON)}"
_GOALS = [
    *(
        Goal(
            f"kernel, {VARIANT_NAMES[variant]}",
            f"{factor} x the fastest peer",
            "train",
            partial(_kernel, variant),
        )
        for variant, factor in KERNEL_GOALS.items()
    ),
    *(
        Goal(
            f"kernel on numpy + scipy, {VARIANT_NAMES[variant]}",
            "1 x implicit",
            "train",
            partial(_bare_kernel, variant),
        )
        for variant in ("cosine", "tf_idf", "bm25")
    ),
    Goal("kernel, peak memory", LEAN_GOAL, "train", _kernel_memory),
    Goal("CSV to model", "2 x the fastest peer", "end_to_end", _from_csv),
    Goal("CSV to model, peak memory", LEAN_GOAL, "end_to_end", _from_csv_memory),
    Goal("lists in memory", "2 x the fastest peer", "recommend", partial(_lists, OURS)),
    Goal("model to a file of lists", LISTS_GOAL, "recommend", partial(_lists, COMMAND)),
    Goal("model to a file of lists, Go", LISTS_GOAL, "recommend", partial(_lists, GO)),
]

OtherRow = tuple[str, str, Measurement]


def _load_goals(document: Document) -> list[OtherRow]:
    size = f"{document['data']['bytes'] / 1e6:,.0f} MB"
    limit = f"below {1e3 * MAX_OPENING_SECONDS:.0f} ms"
    return [
        (f"open {size} and answer, {name}", limit, _opening(run))
        for name, run in document["results"]["warm"].items()
        if name in (OURS, GO)
    ]


def _opening(run: Mapping[str, Any]) -> Measurement:
    median = statistics.median(run["seconds"])
    text = f"{short(1e3 * median)} ({format_spread(run['seconds'], 1e3)}) ms"
    return Measurement(text, median < MAX_OPENING_SECONDS)


def _growth_goals(document: Document) -> list[OtherRow]:
    points = document["points"]
    sizes = f"{points[0]['data']['interactions']:,} to {points[-1]['data']['interactions']:,}"
    where = f"{document['shape']}, {sizes} interactions"
    times = [nanoseconds_a_pair(point["results"][OURS], point["data"]) for point in points]
    growth = max(times) / min(times)
    shares = [
        point["results"][OURS]["own_bytes"] / (PAIR_BYTES * NUM_NEIGHBORS * point["data"]["items"])
        for point in points
        if point["results"][OURS]["own_bytes"] is not None
    ]
    rows = [
        (
            f"time of a pair, greatest to least, {where}",
            f"at most {MAX_GROWTH}",
            Measurement(f"{growth:.2f}", growth <= MAX_GROWTH),
        )
    ]
    if shares:
        text = format_spread(shares)
        rows.append((f"own memory to that of the neighbors, {where}", "", Measurement(text, True)))
    return rows


def _server_goals(document: Document) -> list[OtherRow]:
    rates = document["requests_per_second"]
    share = rates[OURS] / rates["fixed body"]
    what, goal = "requests a second, to those of a fixed body", f"at least {MIN_SERVER_SHARE}"
    return [(what, goal, Measurement(f"{share:.2f}", share >= MIN_SERVER_SHARE))]


_OTHER_GOALS: dict[str, Callable[[Document], list[OtherRow]]] = {
    "load": _load_goals,
    "growth": _growth_goals,
    "server": _server_goals,
}

"""Marks of charts, drawn on axes of matplotlib: lines, dots with intervals, bars, histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from mlcore.charts.chart import COLORS, SERIES, label

__all__ = [
    "Interval",
    "draw_bars",
    "draw_columns",
    "draw_dots",
    "draw_line",
    "draw_lines",
    "draw_parts",
    "draw_points",
    "draw_search",
    "draw_steps",
    "draw_strips",
    "label",
]

Interval: TypeAlias = Sequence[float] | None


def draw_lines(
    axes: Any,
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    bands: Mapping[str, Sequence[Interval]],
    x_label: str,
) -> None:
    """Draw a line a series over the same places, with its name at its end and its interval as a band."""
    ends = _apart([values[-1] for values in series.values()])
    for (name, values), color, end in zip(series.items(), SERIES, ends):
        axes.plot(x, values, color=color, marker="o", markersize=4)
        bounds = bands.get(name, ())
        if bounds and all(bound is not None for bound in bounds):
            low, high = zip(*(bound for bound in bounds if bound is not None))
            axes.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
        place = {"xycoords": "data", "textcoords": "offset points", "va": "center"}
        axes.annotate(
            label(name, 16), (x[-1], end), (8, 0), color=color, annotation_clip=False, **place
        )
    axes.set_xticks(x, [f"{place:g}" for place in x])
    axes.set_xlabel(label(x_label, 70))
    axes.set_ylim(bottom=0)
    axes.margins(x=0.02)


def _apart(ends: Sequence[float]) -> list[float]:
    """Return where the names of lines stand, in their order: at their ends, but no two in one place."""
    step = max(max(ends, default=0.0), 1e-9) * 0.075
    places, last = dict[int, float](), float("-inf")
    for position in sorted(range(len(ends)), key=ends.__getitem__):
        last = places[position] = max(ends[position], last + step)
    return [places[position] for position in range(len(ends))]


def draw_dots(
    axes: Any,
    names: Sequence[str],
    values: Sequence[float],
    intervals: Sequence[Interval],
    x_label: str,
    *,
    colors: Sequence[str] = (),
    reference: float | None = None,
) -> None:
    """Draw a dot for each name, from the top, with its interval as a line; and a vertical line."""
    colors = colors or [COLORS["series-1"]] * len(names)
    if reference is not None:
        axes.axvline(reference, color=COLORS["muted"], linewidth=1, linestyle=(0, (4, 3)))
    for row, (value, interval, color) in enumerate(zip(values, intervals, colors)):
        if interval is not None:
            axes.plot(list(interval), [row, row], color=color, linewidth=2, solid_capstyle="round")
        axes.plot([value], [row], color=color, marker="o", markersize=6)
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    if axes.get_xlim()[0] > 0:
        axes.set_xlim(left=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(label(x_label, 70))


def draw_parts(
    axes: Any,
    names: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    colors: Sequence[str],
    x_label: str,
) -> None:
    """Draw a bar for each name, from the top, made of the parts one after the other."""
    lefts = [0.0] * len(names)
    for (name, widths), color in zip(parts.items(), colors):
        axes.barh(range(len(names)), widths, 0.62, left=lefts, color=color, label=label(name))
        lefts = [left + width for left, width in zip(lefts, widths)]
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, max([*lefts, 1e-9]))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(label(x_label, 70))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(parts))


def draw_columns(
    axes: Any,
    names: Sequence[str],
    series: Mapping[str, Sequence[float]],
    colors: Sequence[str],
    x_label: str,
    y_label: str,
    *,
    stacked: bool = False,
) -> None:
    """Draw columns for each name, those of one name side by side, or on top of each other."""
    width = 0.8 / (1 if stacked else len(series))
    for number, ((name, heights), color) in enumerate(zip(series.items(), colors)):
        shift = 0 if stacked else (number - (len(series) - 1) / 2) * width
        places = [place + shift for place in range(len(names))]
        axes.bar(places, heights, width * 0.94, color=color, label=label(name))
    every = max(1, -(-len(names) // 12))  # as many names as there is room for
    axes.set_xticks(range(0, len(names), every), [label(name, 16) for name in names[::every]])
    axes.grid(axis="x", visible=False)
    axes.set_xlabel(label(x_label, 70))
    axes.set_ylabel(label(y_label))
    if len(series) > 1:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(series))


def draw_line(
    axes: Any,
    x: Sequence[float],
    y: Sequence[float],
    x_label: str,
    y_label: str,
    *,
    logarithmic: bool = False,
) -> None:
    """Draw one line, perhaps on scales that multiply."""
    axes.plot(x, y, color=COLORS["series-1"], marker="o", markersize=4)
    if logarithmic and min(y) > 0:
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.get_major_locator().set_params(subs=(1, 2, 5))
            axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
            axis.set_minor_formatter(lambda value, _: "")
    axes.set_xlabel(label(x_label, 70))
    axes.set_ylabel(label(y_label))


def draw_steps(
    axes: Any,
    edges: Sequence[float],
    heights: Sequence[float],
    color: str,
    x_label: str,
    y_label: str,
) -> None:
    """Draw a histogram, each column from edge to edge."""
    widths = [high - low for low, high in zip(edges, edges[1:])]
    axes.bar(edges[:-1], heights, widths, align="edge", color=color)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel(label(x_label, 70))
    axes.set_ylabel(label(y_label))


def draw_points(
    axes: Any, x: Sequence[float], y: Sequence[float], x_label: str, y_label: str
) -> None:
    """Draw a point for each pair, the best one larger; values over orders of magnitude on a scale that multiplies."""
    axes.plot(x, y, color=COLORS["series-1"], marker="o", markersize=4, linestyle="", alpha=0.7)
    best = max(range(len(y)), key=y.__getitem__)
    axes.plot(
        [x[best]], [y[best]], color=COLORS["series-2"], marker="o", markersize=7, linestyle=""
    )
    if min(x) > 0 and max(x) / min(x) > 50:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.set_xlabel(label(x_label, 70))
    axes.set_ylabel(label(y_label))


def draw_strips(axes: Any, names: Sequence[str], values: Sequence[float], x_label: str) -> None:
    """Draw a point for each value in the row of its name; rows from the top, in order of appearance."""
    rows = {name: row for row, name in enumerate(dict.fromkeys(names))}
    places = [rows[name] for name in names]
    axes.plot(
        values, places, color=COLORS["series-1"], marker="o", markersize=5, linestyle="", alpha=0.7
    )
    axes.set_yticks(range(len(rows)), [label(name, 24) for name in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(label(x_label, 70))


def draw_bars(axes: Any, names: Sequence[str], values: Sequence[float], x_label: str) -> None:
    """Draw a bar for each name, from the top, of shares up to 1."""
    axes.barh(range(len(names)), values, 0.62, color=COLORS["series-1"])
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(label(x_label, 70))


def draw_search(
    axes: Any,
    x: Sequence[float],
    y: Sequence[float],
    best: Sequence[float],
    reference: float | None,
    x_label: str,
    y_label: str,
) -> None:
    """Draw a point for each trial, the best so far as steps, and a horizontal line."""
    if reference is not None:
        axes.axhline(reference, color=COLORS["muted"], linewidth=1, linestyle=(0, (4, 3)))
    axes.step(x, best, where="post", color=COLORS["series-2"])
    axes.plot(x, y, color=COLORS["series-1"], marker="o", markersize=4, linestyle="")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(label(x_label, 70))
    axes.set_ylabel(label(y_label))

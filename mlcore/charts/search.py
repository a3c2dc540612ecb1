"""Charts of a search, from its trials; what a parameter explains."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

from mlcore.charts.chart import Chart, Charts
from mlcore.charts.marks import draw_bars, draw_points, draw_search, draw_strips, label
from mlcore.jsontext import format_line, leaves

__all__ = ["best_of", "explained", "search_charts"]

MAX_PARAMETERS = 8  # charts of them, the most important first
MAX_POINTS = 300  # of a chart of a parameter, the best
GROUPS = 4  # of a number, by rank, to measure what it explains

Trial = Mapping[str, Any]


def search_charts(trials: Sequence[Trial], metric: str) -> Charts:
    """Return the charts of a search: trials over time, importance, each parameter against the metric.

    Args:
        trials: as lines of ``trials.jsonl``; the first is the default.
        metric: that was searched for.
    """
    done = [trial for trial in trials if trial["value"] is not None]
    if not done:
        return Charts()
    parameters = _parameters(done)
    best = sorted(done, key=lambda trial: -trial["value"])[:MAX_POINTS]
    drawn = parameters if len(best) == len(done) else _parameters(best)
    shares = {
        key: explained(_groups(pairs), [v for _, v in pairs]) for key, pairs in parameters.items()
    }
    ranked = sorted(shares, key=lambda key: -shares[key])
    charts = [_over_time(trials, done, metric)]
    if ranked:
        charts.append(_importance(ranked, shares, parameters))
    charts += [_parameter(key, drawn[key], metric) for key in ranked if key in drawn][
        :MAX_PARAMETERS
    ]
    return Charts(charts)


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial of greatest value, the first of equals, or None if all failed."""
    done = [trial for trial in trials if trial["value"] is not None]
    return max(done, key=lambda trial: trial["value"], default=None)


def explained(groups: Sequence[Hashable], values: Sequence[float]) -> float:
    """Return the share of the variance of values that their groups explain, at least 0.

    epsilon^2 = 1 - (SSW / (n - g)) / (SST / (n - 1)) with SSW the squares within the g groups and SST all:
    Kelley (1935). What chance would explain is taken off. 0 where there is one group, or one value in each.

    >>> explained(["a", "a", "b", "b"], [1.0, 1.0, 2.0, 2.0])
    1.0
    """
    by_group: dict[Hashable, list[float]] = {}
    for group, value in zip(groups, values):
        by_group.setdefault(group, []).append(value)
    free, total = len(values) - len(by_group), _squares(values)
    if free <= 0 or len(by_group) < 2 or total == 0:
        return 0.0
    within = sum(map(_squares, by_group.values()))
    return max(0.0, 1 - (within / free) / (total / (len(values) - 1)))


def _squares(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)


Pairs = Sequence[tuple[Any, float]]


def _parameters(done: Sequence[Trial]) -> dict[str, Pairs]:
    """Return for each setting that varies its value and the metric of each trial that has it, of equal trials one."""
    pairs: dict[str, list[tuple[Any, float]]] = {}
    for trial in done:
        if trial["same_as"] is None:
            for key, value in leaves(trial["config"]):
                pairs.setdefault(key, []).append((value, trial["value"]))
    return {
        key: some
        for key, some in pairs.items()
        if len({format_line(value) for value, _ in some}) > 1
    }


def _is_numeric(pairs: Pairs) -> bool:
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v, _ in pairs)


def _groups(pairs: Pairs) -> list[Hashable]:
    if not _is_numeric(pairs):
        return [format_line(value) for value, _ in pairs]
    ordered = sorted(value for value, _ in pairs)
    return [ordered.index(value) * GROUPS // len(ordered) for value, _ in pairs]


def _over_time(trials: Sequence[Trial], done: Sequence[Trial], metric: str) -> Chart:
    rows = [
        {
            "trial": trial["trial"],
            metric: trial["value"],
            **{
                f"seconds {step}": trial["seconds"].get(step) for step in ("training", "evaluating")
            },
            "same as": trial["same_as"],
            "error": None if trial["error"] is None else label(trial["error"], 80),
        }
        for trial in trials
    ]
    values = [trial["value"] for trial in done]
    every = slice(None, None, -(-len(done) // MAX_POINTS))
    draw = partial(
        draw_search,
        x=[trial["trial"] for trial in done][every],
        y=values[every],
        best=list(accumulate(values, max))[every],
        reference=trials[0]["value"],
        x_label="trial",
        y_label=metric,
    )
    sentence = (
        "Each dot is a trial, the line the best so far, the broken line the default configuration. A line that "
        "has been level for long says that more trials will find little."
    )
    return Chart("Trials, one after the other", sentence, rows, draw)


def _importance(
    ranked: Sequence[str], shares: Mapping[str, float], parameters: Mapping[str, Pairs]
) -> Chart:
    rows = [
        {"parameter": key, "trials": len(parameters[key]), "explains": shares[key]}
        for key in ranked
    ]
    draw = partial(
        draw_bars,
        names=ranked,
        values=[shares[key] for key in ranked],
        x_label="share of the variance explained",
    )
    sentence = (
        "How much of the differences between the trials that have it goes with a parameter alone, less what chance "
        "would explain; numbers in four groups. A search tries good values more often, so this is a hint."
    )
    size = (5.4, 0.8 + 0.26 * len(ranked))
    return Chart("Which parameters matter", sentence, rows, draw, size)


def _parameter(key: str, pairs: Pairs, metric: str) -> Chart:
    ordered = sorted(
        pairs, key=lambda pair: (format_line(pair[0]) if not _is_numeric(pairs) else "", pair[1])
    )
    values = [value for _, value in ordered]
    if _is_numeric(pairs):
        ordered = sorted(pairs)
        rows = [{key: value, metric: of} for value, of in ordered]
        x, y = zip(*ordered)
        draw = partial(draw_points, x=x, y=y, x_label=key, y_label=metric)
        return Chart(label(key, 60), "Each dot is a trial; the large one is the best.", rows, draw)
    names = [format_line(value).strip().strip('"') for value, _ in ordered]
    rows = [{key: label(name), metric: value} for name, value in zip(names, values)]
    draw = partial(draw_strips, names=names, values=values, x_label=metric)
    height = 0.8 + 0.3 * len(set(names))
    return Chart(label(key, 60), "Each dot is a trial.", rows, draw, (5.4, height))

"""The part of a report on a search, and what ``auto`` tried of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mlcore.charts.chart import Chart, shown
from mlcore.charts.marks import draw_dots, label
from mlcore.charts.search import best_of, search_charts
from mlcore.errors import DataError
from mlcore.files.inputs import display_name, read_text
from mlcore.files.json_lines import read_json_lines
from mlcore.files.options import PathLike
from mlcore.jsontext import JsonTextError, format_line, leaves, parse_json
from mlcore.report.page import Block, Fact, Part, Table
from mlcore.report.shapes import NUMBER, Optional, Shape, check_shape

__all__ = ["SELECTION_SHAPE", "TRIALS", "read_search", "report_search", "selection_chart"]

TRIALS = "trials.jsonl"
_TRIAL: Shape = {
    "trial": int,
    "value": Optional(NUMBER),
    "config": {},
    "metrics": {str: NUMBER},
    "same_as": Optional(int),
    "error": Optional(str),
    "seconds": {str: NUMBER},
}
# Of the content of selection.json, what a report reads.
SELECTION_SHAPE: Shape = {
    "metric": str,
    "config": {},
    "tried": [
        {
            "rung": int,
            "value": Optional(NUMBER),
            "interval": Optional((NUMBER, NUMBER)),
            "config": {},
            "error": Optional(str),
        }
    ],
}
SHOWN_TRIED = 15


def read_search(path: PathLike) -> tuple[list[dict[str, Any]], str]:
    """Return the trials of a search and its metric.

    Args:
        path: of its directory, or of ``trials.jsonl`` alone.

    Raises:
        DataError: a line is no trial, or there is none.
    """
    file = Path(path) / TRIALS if Path(path).is_dir() else Path(path)
    trials = []
    for line, trial in read_json_lines(file):
        check_shape(trial, _TRIAL, f"{display_name(file)}:{line}")
        trials.append(trial)
    if not trials:
        raise DataError(f"{display_name(file)}: expected a trial a line, got none")
    return trials, _metric(file.with_name("tuning.json"), trials)


def _metric(path: Path, trials: Sequence[Mapping[str, Any]]) -> str:
    """Return the metric that was searched for: as the directory says, or the one that has the values."""
    if path.is_file():
        try:
            search = parse_json(read_text(path))
        except JsonTextError as error:
            raise DataError(f"{path}: expected a JSON object, got {error}") from None
        check_shape(search, {"metric": str}, display_name(path))
        return str(search["metric"])
    done = [trial for trial in trials if trial["value"] is not None]
    names = [name for trial in done[:1] for name in trial["metrics"]]
    fitting = (n for n in names if all(t["metrics"].get(n) == t["value"] for t in done))
    return next(fitting, "metric")


def report_search(trials: Sequence[Mapping[str, Any]], metric: str, source: str) -> Part:
    """Return the part of a report on a search.

    Args:
        trials: as ``read_search`` returns them.
        source: where they are from.
    """
    best, default = best_of(trials), trials[0]
    charts = search_charts(trials, metric)
    tables: list[Block] = [] if best is None else [*_tables(default, best)]
    blocks: list[Block] = [*charts[:2], *tables, *charts[2:]]
    verdict = list(_verdict(trials, best, metric))
    left_out = []
    if best is not None and best is not default:
        left_out.append(
            "The best on interactions that the search has not seen: compare its lists with those of the default, "
            "as tune says at its end, and add --of comparison.json."
        )
    return Part("search", source, verdict, list(_facts(trials, best, metric)), blocks, left_out)


def _verdict(
    trials: Sequence[Mapping[str, Any]], best: Mapping[str, Any] | None, metric: str
) -> Iterator[str]:
    default = trials[0]
    if best is None:
        yield f"All {len(trials)} trials failed, the first: {label(default['error'], 200)}"
        return
    if best is default:
        yield f"Keep the default configuration: none of {len(trials)} trials is better by {metric}."
        return
    gain = None if default["value"] is None else best["value"] - default["value"]
    above = "the default failed" if gain is None else f"{shown(gain)} above the default"
    yield f"Trial {best['trial']} is the best of {len(trials)}: {metric} {shown(best['value'])}, {above}."
    yield (
        "The best of many on the same users is flattered by chance: test it on interactions that the search has not "
        "seen before you take it."
    )


def _facts(
    trials: Sequence[Mapping[str, Any]], best: Mapping[str, Any] | None, metric: str
) -> Iterator[Fact]:
    failed = sum(trial["value"] is None for trial in trials)
    yield Fact("trials", len(trials), f"{failed} failed")
    if best is not None:
        yield Fact(f"{metric}, best", best["value"], f"trial {best['trial']}")
        yield Fact(f"{metric}, default", trials[0]["value"] or "failed", "trial 0")
    seconds = sum(value for trial in trials for value in trial["seconds"].values())
    yield Fact("seconds", round(seconds, 1), "training and evaluating")


def _tables(default: Mapping[str, Any], best: Mapping[str, Any]) -> Iterator[Table]:
    metrics = [
        {"metric": label(name), "default": default["metrics"].get(name), "best": value}
        for name, value in best["metrics"].items()
    ]
    sentence = "On the interactions held out for the search."
    yield Table("The best against the default", sentence, metrics, wide=False)
    of_default, of_best = dict(leaves(default["config"])), dict(leaves(best["config"]))
    settings = [
        {
            "setting": label(key),
            "default": _value(of_default.get(key)),
            "best": _value(of_best.get(key)),
        }
        for key in {**of_default, **of_best}
        if of_default.get(key) != of_best.get(key)
    ]
    yield Table("What differs from the default", "Settings of the best.", settings, wide=False)


def _value(value: object) -> str:
    return "" if value is None else label(format_line(value).strip().strip('"'))


def selection_chart(document: Mapping[str, Any]) -> Chart | None:
    """Return the chart of what ``auto`` tried, or None if that is nothing.

    Args:
        document: the content of ``selection.json``.
    """
    tried = [one for one in document["tried"] if one["value"] is not None][:SHOWN_TRIED]
    if not tried:
        return None
    names = [_describe(one["config"]) for one in tried]
    rows = [
        {
            "configuration": label(name, 100),
            "step": one["rung"],
            document["metric"]: one["value"],
            **dict(zip(("low", "high"), one["interval"] or (None, None))),
        }
        for name, one in zip(names, tried)
    ]
    draw = partial(
        draw_dots,
        names=names,
        values=[one["value"] for one in tried],
        intervals=[one["interval"] for one in tried],
        x_label=document["metric"],
    )
    sentence = (
        "The best first: those that went on to a later step, on more of the data, stand above the others. Only "
        "values of one step compare."
    )
    return Chart("What auto tried", sentence, rows, draw, (5.4, 0.9 + 0.28 * len(tried)))


def _describe(config: Mapping[str, Any]) -> str:
    """Return what tells a configuration from others most often."""
    settings = dict(leaves(config))
    shown_of = ("similarity.name", "weighting.name", "num_neighbors", "shrinkage")
    return " ".join(_value(settings[key]) for key in shown_of if settings.get(key) not in (None, 0))

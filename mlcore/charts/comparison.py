"""Charts of a comparison, from the content of ``comparison.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from mlcore.charts.chart import COLORS, Chart, Charts
from mlcore.charts.marks import draw_columns, draw_dots, draw_parts

__all__ = ["comparison_charts"]

_COLOR_OF = {"better": COLORS["better"], "worse": COLORS["worse"]}
MAX_METRICS = 60  # drawn
_SIDES = ("better", "equal", "worse")


def comparison_charts(document: Mapping[str, Any]) -> Charts:
    """Return the charts of a comparison: differences, users on each side, how the differences spread.

    Args:
        document: as ``Comparison.to_json`` gives it.
    """
    metrics, deciding = document["metrics"], document["deciding"]
    drawn = [*deciding, *(name for name in metrics if name not in deciding)][:MAX_METRICS]
    few = {**document, "metrics": {name: metrics[name] for name in metrics if name in drawn}}
    return Charts([_differences(few), _users(few), *_spreads(document)])


def _differences(document: Mapping[str, Any]) -> Chart:
    metrics = document["metrics"]
    columns = ("baseline", "candidate", "difference")
    rows = [
        {
            "metric": name,
            **{column: one[column] for column in columns},
            **dict(zip(("low", "high"), one["confidence_interval"])),
            "p": one["p_value"],
            "p (Holm)": one["p_value_holm"],
        }
        for name, one in metrics.items()
    ]
    draw = partial(
        draw_dots,
        names=list(metrics),
        values=[one["difference"] for one in metrics.values()],
        intervals=[one["confidence_interval"] for one in metrics.values()],
        x_label="candidate minus baseline",
        colors=[_COLOR_OF.get(one["verdict"], COLORS["equal"]) for one in metrics.values()],
        reference=0,
    )
    sentence = (
        f"Right of the broken line the candidate is better. The lines are intervals of "
        f"{100 * document['confidence']:g} %; gray is what chance may have made. p is that of a paired "
        f"{document['test']} test, for each metric alone and adjusted for all (Holm)."
    )
    return Chart("Difference of each metric", sentence, rows, draw, _size(len(metrics)))


def _size(rows: int) -> tuple[float, float]:
    return 5.4, 0.9 + 0.26 * rows


def _users(document: Mapping[str, Any]) -> Chart:
    metrics = document["metrics"]
    rows = [
        {"metric": name, **{f"users {side}": one[f"users_{side}"] for side in _SIDES}}
        for name, one in metrics.items()
    ]
    draw = partial(
        draw_parts,
        names=list(metrics),
        parts={side: [one[f"users_{side}"] for one in metrics.values()] for side in _SIDES},
        colors=[COLORS[side] for side in _SIDES],
        x_label="users",
    )
    sentence = "For how many users the candidate is better, equal or worse, whatever the size."
    return Chart("Users better, equal and worse", sentence, rows, draw, _size(len(metrics)))


def _spreads(document: Mapping[str, Any]) -> Iterator[Chart]:
    for name in document["deciding"]:
        one = document["metrics"][name]
        spread = one.get("spread")
        if spread is None or one["users_equal"] == document["users"]:
            continue
        edges, better, worse = (spread[key] for key in ("edges", "users_better", "users_worse"))
        bins = list(zip(edges, edges[1:]))
        rows = [
            {"above": low, "up to": high, "users better": gained, "users worse": lost}
            for (low, high), gained, lost in zip(bins, better, worse)
        ]
        ends = [f"{-high:.2g}" for _, high in reversed(bins)] + [f"+{high:.2g}" for _, high in bins]
        nothing = [0] * len(bins)
        draw = partial(
            draw_columns,
            names=ends,
            series={"worse": [*reversed(worse), *nothing], "better": [*nothing, *better]},
            colors=[COLORS["worse"], COLORS["better"]],
            x_label=f"difference of {name}, up to",
            y_label="users",
            stacked=True,
        )
        sentence = (
            f"How much the {one['users_better']:,} users gain and the {one['users_worse']:,} lose; the "
            f"other {one['users_equal']:,} have the same {name}. A few long columns far out mean that "
            "few users decide."
        )
        yield Chart(f"How {name} changes from user to user", sentence, rows, draw)

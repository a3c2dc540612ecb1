"""Charts of a model, from its profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from mlcore.charts.chart import COLORS, SERIES, Chart, Charts
from mlcore.charts.marks import draw_columns, draw_line, draw_steps

__all__ = ["model_charts"]


def model_charts(profile: Mapping[str, Any]) -> Charts:
    """Return the charts of a model: popularity, lengths of histories, neighbors, weights.

    Args:
        profile: as ``profile_model`` gives it.
    """
    counts = {
        "history_lengths": (
            "How long the histories are",
            "Users with so many items in the training. Short histories give weak lists.",
            ("items in the history", "users"),
        ),
        "neighbors": (
            "How many neighbors items have",
            "Items with so many stored pairs; one with 0 is recommended by popularity alone.",
            ("stored pairs of an item", "items"),
        ),
    }
    return Charts(
        [
            *_popularity(profile),
            *(_lengths(profile[key], *texts) for key, texts in counts.items() if profile[key]),
            *_weights(profile),
        ]
    )


def _popularity(profile: Mapping[str, Any]) -> Iterator[Chart]:
    points, held = profile["popularity"], profile["held_by_most_popular"]
    if not points:
        return
    half = held.get("0.1")
    sentence = "Users of the first, second, fourth ... most popular item; both scales multiply."
    if half is not None:
        sentence += f" A tenth of the items has {100 * half:.0f} % of all interactions."
    rows: list[dict[str, object]] = [
        {"rank": one["rank"], "users": one["users"], "share of items": None, "has": None}
        for one in points
    ]
    rows += [
        {"rank": None, "users": None, "share of items": float(share), "has": value}
        for share, value in held.items()
    ]
    draw = partial(
        draw_line,
        x=[one["rank"] for one in points],
        y=[one["users"] for one in points],
        x_label="rank of the item",
        y_label="users",
        logarithmic=True,
    )
    yield Chart("How popular the items are", sentence, rows, draw)


def _lengths(
    counts: Mapping[str, int], title: str, sentence: str, labels: tuple[str, str]
) -> Chart:
    what, whose = labels
    rows = [{what: name, whose: count} for name, count in counts.items()]
    draw = partial(
        draw_columns,
        names=list(counts),
        series={whose: list(counts.values())},
        colors=SERIES,
        x_label=what,
        y_label=whose,
    )
    return Chart(title, sentence, rows, draw)


def _weights(profile: Mapping[str, Any]) -> Iterator[Chart]:
    weights = profile["weights"]
    if weights is None:
        return
    edges, pairs = weights["edges"], weights["pairs"]
    rows = [
        {"from": low, "to": high, "pairs": count}
        for low, high, count in zip(edges, edges[1:], pairs)
    ]
    draw = partial(draw_steps, edges=edges, heights=pairs, color=COLORS["series-1"])
    draw = partial(draw, x_label="weight of a stored pair", y_label="pairs")
    sentence = (
        f"Of {profile['weights_read']:,} stored pairs. Scores add such weights up, so a list goes by the pairs "
        "on the right."
    )
    yield Chart("How large the weights are", sentence, rows, draw)

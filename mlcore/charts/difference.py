"""Charts of how two models differ, from the content of ``diff.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from mlcore.charts.chart import COLORS, Chart, Charts
from mlcore.charts.marks import draw_bars, draw_columns

__all__ = ["difference_charts"]


def difference_charts(document: Mapping[str, Any]) -> Charts:
    """Return the charts of a difference: how alike the neighbors are, over all items and item by item.

    Args:
        document: as ``ModelDiff.to_json`` gives it.
    """
    return Charts([_alike(document), *_spread(document)])


def _alike(document: Mapping[str, Any]) -> Chart:
    neighbors = document["neighbors"]
    names = [name for name in neighbors if name == "rbo" or name.startswith("overlap@")]
    same = document["metrics"]["same_list_share"]
    rows: list[dict[str, object]] = [
        {"measure": name, "mean": neighbors[name]["mean"], "median": neighbors[name]["median"]}
        for name in names
    ]
    rows.append({"measure": "same list", "mean": same, "median": None})
    draw = partial(
        draw_bars,
        names=[*names, "same list"],
        values=[*(neighbors[name]["mean"] for name in names), same],
        x_label="mean over the items in both, 1 is no change",
    )
    sentence = (
        "overlap@K is the share of the best K neighbors that both models have; rbo weighs the first places "
        "most (p = 0.9); the last is the share of items whose list is the same in the same order."
    )
    return Chart("How alike the neighbors are", sentence, rows, draw, (5.4, 0.9 + 0.3 * len(rows)))


def _spread(document: Mapping[str, Any]) -> Iterator[Chart]:
    counts = document["neighbors"].get("items_by_rbo")
    if not counts:
        return
    edges = [n / len(counts) for n in range(len(counts) + 1)]
    rows = [
        {"rbo from": low, "to": high, "items": count}
        for low, high, count in zip(edges, edges[1:], counts)
    ]
    draw = partial(
        draw_columns,
        names=[f"{low:.1f}" for low in edges[:-1]],
        series={"items": counts},
        colors=[COLORS["series-1"]],
        x_label="rbo, from",
        y_label="items",
    )
    sentence = (
        "Items on the left have other neighbors altogether; on the right they are nearly the same."
    )
    yield Chart("How much each item changed", sentence, rows, draw)

"""The part of a report on how two models differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcore.charts.chart import Row, shown
from mlcore.charts.difference import difference_charts
from mlcore.charts.marks import label
from mlcore.jsontext import format_line
from mlcore.report.page import Block, Fact, Part, Table
from mlcore.report.shapes import NUMBER, Optional, Shape

__all__ = ["DIFFERENCE", "report_difference"]

_SIDE: Shape = {"users": int, "items": int, "interactions": int, "pairs": int}
_ITEMS: Shape = {"count": int, "most_popular": [{"item_id": str, "popularity": int}]}
_CHANGED: Shape = {"item_id": str, "popularity": int, "rbo": NUMBER, "a": [str], "b": [str]}
# Of the content of diff.json, what a report reads.
DIFFERENCE: Shape = {
    "configuration": {},
    "data": {"same_interactions": bool, "a": _SIDE, "b": _SIDE},
    "items": {"in_both": int, "gone": _ITEMS, "new": _ITEMS},
    "neighbors": {
        "rbo": {"mean": NUMBER, "median": NUMBER},
        "items_with_same_list": int,
        "pairs_in_both": int,
        "pairs_with_other_weight": int,
        "items_by_rbo": Optional([int]),
        "changed_most": [_CHANGED],
    },
    "metrics": {str: NUMBER},
    "gate": Optional({"passed": bool, "faults": [str]}),
}
SHOWN_NEIGHBORS = 10


def report_difference(document: Mapping[str, Any], source: str, titles: Mapping[str, str]) -> Part:
    """Return the part of a report on how two models differ.

    Args:
        document: the content of ``diff.json``.
        source: where it is from.
        titles: of items, by id; may lack some.
    """
    blocks: list[Block] = [*difference_charts(document), *_tables(document)]
    blocks += [*_items(document, titles), _changed(document, titles)]
    left_out = []
    if "items_by_rbo" not in document["neighbors"]:
        left_out.append("How much each item changed: diff of this version writes it.")
    verdict = [*_verdict(document), *_gate(document)]
    return Part("difference", source, verdict, list(_facts(document)), blocks, left_out)


def _verdict(document: Mapping[str, Any]) -> Iterator[str]:
    items, neighbors = document["items"], document["neighbors"]
    both, same = items["in_both"], neighbors["items_with_same_list"]
    if not document["configuration"] and same == both and not neighbors["pairs_with_other_weight"]:
        if not items["gone"]["count"] and not items["new"]["count"]:
            yield "The models recommend the same: nothing to decide."
            return
    yield (
        f"{both - same:,} of {both:,} items have other neighbors (rbo {shown(neighbors['rbo']['mean'])}); "
        f"{items['gone']['count']:,} items are gone, {items['new']['count']:,} are new."
    )
    data = (
        "the same interactions" if document["data"]["same_interactions"] else "other interactions"
    )
    settings = len(document["configuration"])
    yield f"Trained on {data}, {settings or 'no'} settings differ."
    yield (
        "Whether the change is one for the better: compare their lists on held-out interactions, python -m "
        "cli.compare."
    )


def _gate(document: Mapping[str, Any]) -> Iterator[str]:
    gate = document.get("gate")
    if gate is not None:
        yield (
            "The gate passed."
            if gate["passed"]
            else f"The gate failed: {'; '.join(gate['faults'])}."
        )


def _facts(document: Mapping[str, Any]) -> Iterator[Fact]:
    items, neighbors = document["items"], document["neighbors"]
    gone, new = items["gone"]["count"], items["new"]["count"]
    yield Fact("items in both", items["in_both"], f"{gone:,} gone, {new:,} new")
    yield Fact("rbo", neighbors["rbo"]["mean"], f"median {shown(neighbors['rbo']['median'])}")
    yield Fact(
        "same list", document["metrics"].get("same_list_share"), "share of the items in both"
    )
    yield Fact("popularity shift", document["metrics"].get("popularity_shift"), "0 none, 1 all")


def _tables(document: Mapping[str, Any]) -> Iterator[Table]:
    a, b = document["data"]["a"], document["data"]["b"]
    data: list[Row] = [{"of the training": name, "a": a[name], "b": b[name]} for name in _SIDE]
    yield Table("Data", "What each model was trained on, and its pairs.", data, wide=False)
    settings = [
        {"setting": label(key, 60), **{side: _setting(values, side) for side in "ab"}}
        for key, values in document["configuration"].items()
    ]
    yield Table(
        "Settings that differ", "An empty cell: the setting is absent.", settings, wide=False
    )


def _setting(values: Any, side: str) -> str:
    if not isinstance(values, Mapping) or side not in values:
        return ""
    return label(format_line(values[side]).strip())


def _items(document: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[Table]:
    for side, sentence in (("gone", "In a only"), ("new", "In b only")):
        rows = [
            {"item": _name(one["item_id"], titles), "users": one["popularity"]}
            for one in document["items"][side]["most_popular"]
        ]
        if rows:
            count = document["items"][side]["count"]
            yield Table(
                f"Items {side}", f"{sentence}; the most popular of {count:,}.", rows, wide=False
            )


def _changed(document: Mapping[str, Any], titles: Mapping[str, str]) -> Table:
    rows = [
        {
            "item": _name(one["item_id"], titles),
            "rbo": one["rbo"],
            "users": one["popularity"],
            **{f"neighbors in {side}": _list(one[side], titles) for side in "ab"},
        }
        for one in document["neighbors"]["changed_most"]
    ]
    sentence = "The lowest rbo first, with the best neighbors in each model."
    return Table("Items that changed most", sentence, rows)


def _list(item_ids: Sequence[str], titles: Mapping[str, str]) -> str:
    return ", ".join(_name(item_id, titles) for item_id in item_ids[:SHOWN_NEIGHBORS]) or "none"


def _name(item_id: str, titles: Mapping[str, str]) -> str:
    return label(titles.get(item_id, item_id), 40)

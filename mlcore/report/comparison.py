"""The part of a report on a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcore.charts.chart import shown
from mlcore.charts.comparison import comparison_charts
from mlcore.charts.evaluation import at_cutoff
from mlcore.charts.marks import label
from mlcore.report.page import Block, Fact, Part, Table
from mlcore.report.shapes import NUMBER, Optional, Shape

__all__ = ["COMPARISON", "report_comparison"]

_METRIC: Shape = {
    **{name: NUMBER for name in ("baseline", "candidate", "difference", "p_value", "p_value_holm")},
    **{name: int for name in ("users_better", "users_equal", "users_worse")},
    "confidence_interval": (NUMBER, NUMBER),
    "verdict": str,
    "spread": Optional({"edges": [NUMBER], "users_better": [int], "users_worse": [int]}),
}
_LISTS = ("baseline_lists", "candidate_lists", "baseline_hits", "candidate_hits")
# Of the content of comparison.json, what a report reads.
COMPARISON: Shape = {
    "users": int,
    "users_with_other_lists": int,
    "test": str,
    "confidence": NUMBER,
    "metrics": {str: _METRIC},
    "deciding": [str],
    "conclusions": [str],
    "gate": Optional({"passed": bool, "faults": [str]}),
    "users_changed_most": Optional(
        [{"user_id": str, **{name: NUMBER for name in ("baseline", "candidate", "difference")}}]
    ),
    "items_changed_most": Optional([{"item_id": str, **{name: int for name in _LISTS}}]),
}


def report_comparison(document: Mapping[str, Any], source: str, titles: Mapping[str, str]) -> Part:
    """Return the part of a report on a comparison.

    Args:
        document: the content of ``comparison.json``.
        source: where it is from.
        titles: of items, by id; may lack some.
    """
    blocks: list[Block] = [*comparison_charts(document), *_changed(document, titles)]
    gate = document.get("gate")
    verdict = list(document["conclusions"])
    if gate is not None:
        verdict.append("The gate passed." if gate["passed"] else "The gate failed.")
    left_out = []
    if "users_changed_most" not in document:
        left_out.append(
            "How differences spread, and who changed most: compare of this version writes them."
        )
    return Part("comparison", source, verdict, list(_facts(document)), blocks, left_out)


def _facts(document: Mapping[str, Any]) -> Iterator[Fact]:
    yield Fact(
        "users", document["users"], f"{document['users_with_other_lists']:,} with other lists"
    )
    for name in document["deciding"]:
        one = document["metrics"][name]
        low, high = map(shown, one["confidence_interval"])
        yield Fact(f"{name}, baseline", one["baseline"])
        yield Fact(f"{name}, candidate", one["candidate"])
        yield Fact("difference", one["difference"], f"{low} to {high}")
        yield Fact("p", one["p_value"], f"{shown(one['p_value_holm'])} adjusted")


def _changed(document: Mapping[str, Any], titles: Mapping[str, str]) -> Iterator[Table]:
    first = document["deciding"][0]
    found = at_cutoff(first)
    users = document.get("users_changed_most")
    if users is not None:
        yield Table(
            f"The {len(users)} users who changed most" if users else "Users who changed most",
            f"By the size of the difference of {first}, of either sign.",
            [
                {
                    "user": label(one["user_id"], 60),
                    **{name: one[name] for name in ("baseline", "candidate", "difference")},
                }
                for one in users
            ],
        )
    items = document.get("items_changed_most")
    if items is not None:
        yield Table(
            f"The {len(items)} items that changed most" if items else "Items that changed most",
            f"By how many lists have them among their first {found[1] if found else 'places'}; a hit is a list "
            "whose user took the item.",
            [
                {
                    "item": label(titles.get(one["item_id"], one["item_id"]), 60),
                    **{name.replace("_", " "): one[name] for name in _LISTS},
                }
                for one in items
            ],
        )

"""The part of a report on an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcore.charts.chart import shown
from mlcore.charts.evaluation import at_cutoff, best_cutoff, by_name, evaluation_charts
from mlcore.report.page import Block, Fact, Part
from mlcore.report.shapes import NUMBER, Optional, Shape

__all__ = ["EVALUATION", "report_evaluation"]

_MEANS: Shape = {
    "metrics": {str: NUMBER},
    "confidence_intervals": Optional({str: (NUMBER, NUMBER)}),
}
_SHARES: Shape = {str: NUMBER}
# Of the content of metrics.json, what a report reads.
EVALUATION: Shape = {
    "users": int,
    "users_without_predictions": int,
    "ignored_users": int,
    "confidence": Optional(NUMBER),
    **_MEANS,
    "slices": Optional({str: {str: {"users": int, "ground_truth_items": int, **_MEANS}}}),
    "exposure": Optional(
        {
            "items_share": _SHARES,
            "interactions_share": _SHARES,
            "relevant_share": _SHARES,
            "listed_share": {str: _SHARES},
            "most_popular": _SHARES,
        }
    ),
}
FEW_USERS = 30  # a slice of fewer says little


def report_evaluation(
    document: Mapping[str, Any], source: str, examples: Block | None = None
) -> Part:
    """Return the part of a report on an evaluation.

    Args:
        document: the content of ``metrics.json``.
        source: where it is from.
        examples: lists of some users.
    """
    charts: Sequence[Block] = evaluation_charts(document)
    left_out = list(_left_out(document))
    if examples is None:
        left_out.append(
            "Lists of ten users: --predictions and --ground-truth show them; --model-dir adds their "
            "histories and the reasons, --items the titles."
        )
    blocks = [*charts, *([] if examples is None else [examples])]
    verdict = [_verdict(document), *_weakest(document)]
    return Part("evaluation", source, verdict, list(_facts(document)), blocks, left_out)


def _verdict(document: Mapping[str, Any]) -> str:
    metrics, name = document["metrics"], best_cutoff(document["metrics"])
    found = None if name is None else at_cutoff(name)
    if name is None or found is None:
        return f"{document['users']:,} users, and no metric with a cutoff."
    hit_rate = by_name(metrics).get("hit_rate", {}).get(found[1])
    if hit_rate is None:
        return f"{name} is {shown(metrics[name])} over {document['users']:,} users."
    share = 100 * metrics[hit_rate]
    return (
        f"{share:.0f} of 100 users find something they took among their first {found[1]} items "
        f"({name} {shown(metrics[name])}{_in_brackets(document, name)})."
    )


def _in_brackets(part: Mapping[str, Any], name: str | None) -> str:
    bounds = part.get("confidence_intervals", {}).get(name)
    return f" [{', '.join(map(shown, bounds))}]" if bounds else ""


def _weakest(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what to look at first: the slice that is furthest below the mean, and how to compare."""
    name = best_cutoff(document["metrics"])
    slices = [
        (part["metrics"][name] - document["metrics"][name], by, one, part)
        for by, parts in document.get("slices", {}).items()
        for one, part in parts.items()
        if name in part["metrics"] and part["users"] >= FEW_USERS
    ]
    if slices:
        below, by, one, part = min(slices, key=lambda found: found[0])
        whom = f"users with {one} items of history" if by == "history-length" else f"{one} items"
        yield (
            f"Look first at {whom}: {name} is {shown(part['metrics'][name])} there, {shown(-below)} "
            f"below the mean, over {part['users']:,} users."
        )
    missed = document["users_without_predictions"]
    if missed:
        yield (
            f"{missed:,} of {document['users']:,} users have no list and count 0: predict "
            "--fill popularity gives them one."
        )
    yield (
        "A number alone says little: python -m cli.compare says whether another list is better, and "
        "whether that is chance."
    )


def _facts(document: Mapping[str, Any]) -> Iterator[Fact]:
    without, ignored = document["users_without_predictions"], document["ignored_users"]
    notes = [f"{without:,} without a list"] if without else []
    notes += [f"{ignored:,} lists of others"] if ignored else []
    yield Fact("users", document["users"], ", ".join(notes))
    best = best_cutoff(document["metrics"])
    found = None if best is None else at_cutoff(best)
    kinds = by_name(document["metrics"])
    for kind in ("ndcg", "recall", "hit_rate", "precision", "coverage"):
        name = kinds.get(kind, {}).get(found[1]) if found else None
        if name is not None:
            bounds = document.get("confidence_intervals", {}).get(name)
            yield Fact(
                name, document["metrics"][name], " to ".join(map(shown, bounds)) if bounds else ""
            )


def _left_out(document: Mapping[str, Any]) -> Iterator[str]:
    if "confidence_intervals" not in document:
        yield "Intervals of the means: evaluate --confidence 0.95 writes them."
    if not document.get("slices"):
        yield (
            "Users by length of history, and items by popularity: evaluate --model-dir MODEL "
            "--slices history-length,popularity writes them."
        )
    if "coverage" not in by_name(document["metrics"]):
        yield "Coverage, Gini index and novelty: evaluate --model-dir MODEL writes them."

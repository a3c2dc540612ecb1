"""Charts of an evaluation, from the content of ``metrics.json``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from mlcore.charts.chart import COLORS, SERIES, Chart, Charts, Row
from mlcore.charts.marks import draw_columns, draw_dots, draw_lines

__all__ = ["at_cutoff", "best_cutoff", "by_name", "evaluation_charts"]

# What lists of a catalogue have, besides the metrics of users.
OF_CATALOGUE = ("coverage", "gini", "novelty", "diversity")
SLICE_TITLES = {
    "history-length": "Users with a short history, and with a long one",
    "popularity": "Items that many take, and that few take",
}
SLICE_SENTENCES = {
    "history-length": "Each row is the users with so many items in the training.",
    "popularity": "Each row counts the items of one kind alone as relevant: head, middle and tail "
    "hold the most popular items down to the rarest, new ones have nobody in the training.",
}


def at_cutoff(name: str) -> tuple[str, int] | None:
    """Return what a metric measures and its cutoff, or None for a name of another form.

    >>> at_cutoff("hit_rate_at_10"), at_cutoff("ndcg@5"), at_cutoff("rmse")
    (('hit_rate', 10), ('ndcg', 5), None)
    """
    for separator in ("@", "_at_"):
        kind, found, cutoff = name.rpartition(separator)
        if found and cutoff.isascii() and cutoff.isdigit() and len(cutoff) < 11:
            return kind, int(cutoff)
    return None


def by_name(metrics: Mapping[str, float]) -> dict[str, dict[int, str]]:
    """Return by what is measured, then by cutoff, ascending, the full name.

    >>> by_name({"ndcg@10": 0.5, "ndcg@5": 0.25})
    {'ndcg': {5: 'ndcg@5', 10: 'ndcg@10'}}
    """
    kinds: dict[str, dict[int, str]] = {}
    for name in metrics:
        found = at_cutoff(name)
        if found is not None:
            kinds.setdefault(found[0], {})[found[1]] = name
    return {kind: dict(sorted(names.items())) for kind, names in kinds.items()}


def best_cutoff(metrics: Mapping[str, float]) -> str | None:
    """Return the name of NDCG at the cutoff nearest to 10, or else of the first metric, if any.

    >>> best_cutoff({"recall@10": 0.5, "ndcg@5": 0.25, "ndcg@50": 0.5})
    'ndcg@5'
    """
    names = by_name(metrics).get("ndcg")
    if not names:
        return next(iter(metrics), None)
    return names[min(names, key=lambda n: (abs(n - 10), n))]


def evaluation_charts(document: Mapping[str, Any]) -> Charts:
    """Return the charts of an evaluation: metrics by cutoff, each kind of slices, the catalogue.

    Args:
        document: as ``Evaluation.to_json`` gives it.
    """
    return Charts(
        [
            *_by_cutoff(document),
            *_by_slice(document),
            *_of_catalogue(document),
            *_exposure(document),
        ]
    )


def _interval(part: Mapping[str, Any], name: str) -> Sequence[float] | None:
    found: Sequence[float] | None = part.get("confidence_intervals", {}).get(name)
    return found


def _bounds(part: Mapping[str, Any], name: str) -> Row:
    """Return low and high of an interval as columns, or none where no interval was asked for."""
    if "confidence_intervals" not in part:
        return {}
    return dict(zip(("low", "high"), _interval(part, name) or (None, None)))


def _by_cutoff(document: Mapping[str, Any]) -> Iterator[Chart]:
    metrics = document["metrics"]
    kinds = {kind: names for kind, names in by_name(metrics).items() if kind not in OF_CATALOGUE}
    cutoffs = sorted({n for names in kinds.values() for n in names})
    every = {kind: names for kind, names in kinds.items() if len(names) == len(cutoffs)}
    if not every:
        return
    rows = [
        {"metric": name, "value": metrics[name], **_bounds(document, name)}
        for names in every.values()
        for name in names.values()
    ]
    has_bands = "confidence_intervals" in document
    about = f"the {'bands' if len(cutoffs) > 1 else 'lines'} are the intervals" if has_bands else ""
    if len(cutoffs) == 1:
        draw = partial(
            draw_dots,
            names=[row["metric"] for row in rows],
            values=[row["value"] for row in rows],
            intervals=[_interval(document, row["metric"]) for row in rows],
            x_label="mean over users",
        )
        sentence = f"Means over users, from 0 to 1, more is better{'; ' + about if about else ''}."
        yield Chart(f"The metrics at {cutoffs[0]}", sentence, rows, draw)
        return
    draw = partial(
        draw_lines,
        x=cutoffs,
        series={kind: [metrics[name] for name in names.values()] for kind, names in every.items()},
        bands={
            kind: [_interval(document, name) for name in names.values()]
            for kind, names in every.items()
        },
        x_label="cutoff: the first n of each list",
    )
    sentence = (
        "Longer lists find more of what users took (recall, hit rate), but a smaller share of a longer "
        f"list is right (precision){'; ' + about if about else ''}."
    )
    yield Chart("Metrics by cutoff", sentence, rows, draw, (5.4, 3.4))


def _by_slice(document: Mapping[str, Any]) -> Iterator[Chart]:
    name = best_cutoff(document["metrics"])
    for by, parts in document.get("slices", {}).items():
        has = {one: part for one, part in parts.items() if name in part["metrics"]}
        if name is None or not has:
            continue
        rows = [
            {
                "slice": one,
                "users": part["users"],
                "relevant items": part["ground_truth_items"],
                name: part["metrics"][name],
                **_bounds(part, name),
            }
            for one, part in has.items()
        ]
        draw = partial(
            draw_dots,
            names=[f"{one}  ({part['users']:,} users)" for one, part in has.items()],
            values=[part["metrics"][name] for part in has.values()],
            intervals=[_interval(part, name) for part in has.values()],
            x_label=name,
            reference=document["metrics"][name],
        )
        sentence = (
            f"{SLICE_SENTENCES.get(by, 'Each row is a part of the users.')} The broken line is the "
            "mean of all."
        )
        height = 0.8 + 0.3 * len(has)
        yield Chart(SLICE_TITLES.get(by, by), sentence, rows, draw, (5.4, height))


def _of_catalogue(document: Mapping[str, Any]) -> Iterator[Chart]:
    metrics, popular = document["metrics"], document.get("exposure", {}).get("most_popular", {})
    kinds = by_name(metrics)
    cutoffs = list(kinds.get("coverage", {}))
    if not cutoffs:
        return
    rows = [
        {"metric": name, "lists": metrics[name]}
        | ({"the most popular for everybody": popular.get(name)} if popular else {})
        for kind in OF_CATALOGUE
        for name in kinds.get(kind, {}).values()
    ]
    series = {
        kind: [metrics[kinds[kind][n]] for n in cutoffs]
        for kind in ("coverage", "gini")
        if list(kinds.get(kind, {})) == cutoffs
    }
    draw = partial(
        draw_columns,
        names=[str(n) for n in cutoffs],
        series=series,
        colors=SERIES,
        x_label="cutoff: the first n of each list",
        y_label="0 to 1",
    )
    sentence = (
        "Coverage is the share of the catalogue that somebody gets to see, more is better; the Gini "
        "index says how unevenly: 0 is all items alike, 1 the same few for everybody. The numbers have novelty, "
        "too, in bits, and what the most popular items alone would have."
    )
    yield Chart("How much of the catalogue is shown", sentence, rows, draw)


def _exposure(document: Mapping[str, Any]) -> Iterator[Chart]:
    exposure = document.get("exposure")
    name = best_cutoff(document["metrics"])
    found = None if name is None else at_cutoff(name)
    if exposure is None or found is None:
        return
    cutoff = str(found[1])
    shares = {
        "items": exposure["items_share"],
        "interactions": exposure["interactions_share"],
        "relevant": exposure["relevant_share"],
        "listed": exposure["listed_share"][cutoff],
    }
    kinds = [kind for kind in shares["items"] if any(of[kind] for of in shares.values())]
    rows = [{"popularity": kind, **{key: of[kind] for key, of in shares.items()}} for kind in kinds]
    draw = partial(
        draw_columns,
        names=kinds,
        series={
            f"of the first {cutoff} places": [shares["listed"][kind] for kind in kinds],
            "of what users took next": [shares["relevant"][kind] for kind in kinds],
            "of the training": [shares["interactions"][kind] for kind in kinds],
        },
        colors=[COLORS["series-1"], COLORS["series-2"], COLORS["equal"]],
        x_label="items by popularity",
        y_label="share",
    )
    sentence = (
        "Where the first column of a kind is higher than the second, the lists show more of these items "
        "than users take; where it is lower, less."
    )
    yield Chart("Popular items in the lists, and in what users take", sentence, rows, draw)

"""What each similarity reaches by its name alone, on several data sets: the figures of docs/which-similarity.md.

Each is trained as ``train --similarity NAME`` does, beside some other configurations that the
page names, and popular items alone; sets and metrics are those of ``benchmarks.defaults``. With ``--data`` it measures
what the record lacks; without, it makes table and plot of the page anew from the record.
"""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from benchmarks.default_peers import LENGTH
from benchmarks.defaults import SYNTHETIC, DataSet, given, measure, synthetic
from benchmarks.report import log, read_figures, run, write_json
from mlcore import TrainConfig
from mlcore.errors import MlcoreError
from mlcore.ranked_lists import Predictions
from mlcore.recommend.recommender import Recommender
from mlcore.recommend.request import ListOptions
from mlcore.similarity.registry import SIMILARITIES
from mlcore.train.train import Trainer
from mlcore.tune.validation import recommend_lists

__all__ = ["configurations", "main", "make_plot", "make_table"]

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "benchmarks/similarities.json"
PAGE = ROOT / "docs/which-similarity.md"
PLOT = ROOT / "docs/images/similarities.svg"
METRIC = "ndcg@10"
# Items that take minutes on two cores: by their cube, and by the neighbors of each.
MOST_ITEMS = {"ease": 16_000, "slim": 5_000}
MARKS = ("<!-- table: similarities -->\n", "<!-- end of table -->")

WIDTH, LEFT, RIGHT, TOP, ROW = 800, 290, 20, 70, 22
REAL = [
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
]  # told apart without seeing red or green
STYLE = """
text { font: 12px sans-serif; fill: #24292f; }
.grid { stroke: #8c959f; stroke-opacity: 0.35; }
.mean { stroke: #24292f; stroke-width: 3; }
.generated { fill: #8c959f; fill-opacity: 0.6; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .mean { stroke: #e6edf3; }
}"""


class Args(Namespace):
    """Parsed options."""

    data: list[Path]


def configurations() -> dict[str, dict[str, Any]]:
    """Return what is measured, by the name that the page has for it."""
    named = {name: {"similarity": {"name": name}} for name in SIMILARITIES}
    tf_idf = {"weighting": {"name": "tf_idf", "smooth": True}}
    bm25 = {"weighting": {"name": "bm25", "smooth": True}}
    return named | {
        "rp3beta, beta 0.4": {"similarity": {"name": "rp3beta", "beta": 0.4}},
        "asymmetric_cosine, alpha 0.2, down_weight": {
            "similarity": {"name": "asymmetric_cosine", "alpha": 0.2},
            "heavy_users": {"name": "down_weight", "power": 0.5},
        },
        "cosine, tf_idf": {"similarity": {"name": "cosine"}, **tf_idf},
        "cosine, bm25": {"similarity": {"name": "cosine"}, **bm25},
        "popular items": {"min_cooccurrence": 2**31 - 1},
    }


def measure_one(name: str, data: DataSet) -> dict[str, float] | str:
    """Return the metrics and the seconds of a training, or why there are none."""
    if len(data.train.item_ids) > MOST_ITEMS.get(name, np.inf):
        return f"more than {MOST_ITEMS[name]} items"
    try:
        begin = time.perf_counter()
        model = Trainer(data.train).train(TrainConfig.from_json(configurations()[name]))
        seconds = time.perf_counter() - begin
    except MlcoreError as error:
        return str(error)
    recommender = Recommender(model)
    if name == "popular items":
        lists = _filled(recommender, data)
    else:
        lists = recommend_lists(recommender, data.test.user_ids, LENGTH)
    return {**measure(lists, data), "seconds": round(seconds, 2)}


def _filled(recommender: Recommender, data: DataSet) -> Predictions:
    found = recommender.predict_many(data.test.user_ids, n=LENGTH, fill="popularity")
    places = {item: place for place, item in enumerate(data.train.item_ids)}
    items = [[places[one.item_id] for one in ranked] for ranked in found]
    indptr = np.cumsum([0, *map(len, items)], dtype=np.int64)
    flat = np.array([item for ranked in items for item in ranked], np.int32)
    return Predictions(data.test.user_ids, data.train.item_ids, indptr, flat)


def _measure(folders: Sequence[Path]) -> None:
    document = read_figures(RECORD) or {"sets": {}}
    sets: dict[str, Callable[[], DataSet]] = {
        folder.resolve().name: partial(given, folder) for folder in folders
    }
    sets |= {name: partial(synthetic, name) for name in SYNTHETIC}
    for name, make in sets.items():
        found = document["sets"].setdefault(name, {"real": name not in SYNTHETIC, "results": {}})
        data = make()
        matrix = data.train.user_items
        found["sizes"] = [len(data.train.user_ids), len(data.train.item_ids), len(matrix.data)]
        for row in sorted(configurations(), key=list(MOST_ITEMS).count):  # the quick ones first
            if row not in found["results"]:
                found["results"][row] = measure_one(row, data)
                log(f"{name}: {row}: {found['results'][row]}")
                write_json(RECORD, document)


def _rows(document: dict[str, Any]) -> Iterator[tuple[str, list[float | None], float | None]]:
    """Yield each row's shares of the best of each set, and their mean.

    The best mean comes first; last, without a mean, what some set lacks.
    """
    sets = [of["results"] for of in document["sets"].values()]
    names = list(configurations())
    values = np.array(
        [
            [of[name][METRIC] if isinstance(of[name], dict) else np.nan for name in names]
            for of in sets
        ]
    )  # (S, C)
    shares = values / np.nanmax(values, axis=1, keepdims=True)
    means = shares.mean(axis=0)  # NaN where a set is missing
    for column in np.argsort(-means, kind="stable").tolist():
        cells = [None if np.isnan(share) else float(share) for share in shares[:, column]]
        mean = None if np.isnan(means[column]) else float(means[column])
        yield names[column], cells, mean


def make_table(document: dict[str, Any]) -> str:
    """Return the shares as a table of Markdown, with the best value of each set."""
    sets = document["sets"]
    best = [
        max(found[METRIC] for found in of["results"].values() if isinstance(found, dict))
        for of in sets.values()
    ]
    lines = [["", *sets, "mean", "worst"], ["---", *["---:"] * (len(sets) + 2)]]
    for name, cells, mean in _rows(document):
        worst = None if mean is None else min(cell for cell in cells if cell is not None)
        numbers = [*cells, mean, worst]
        lines.append([name, *("" if number is None else f"{number:.2f}" for number in numbers)])
    lines.append(["best NDCG@10", *(f"{value:.4f}" for value in best), "", ""])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def make_plot(document: dict[str, Any]) -> str:
    """Return an SVG: a row for each similarity, a dot for each set, a stroke for the mean."""
    sets, rows = document["sets"], list(_rows(document))
    real = [name for name, of in sets.items() if of["real"]]
    height = TOP + ROW * len(rows) + 30
    title = "NDCG@10 as a share of the best on each data set"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-labelledby="title description">',
        f'<title id="title">{title}</title>',
        '<desc id="description">The same numbers as in the table of the page.</desc>',
        f"<style>{STYLE}</style>",
        f'<text x="{WIDTH / 2:.0f}" y="18" text-anchor="middle">{title}</text>',
        *_legend(real),
    ]
    for tenth in range(0, 11, 2):
        x = _x(tenth / 10)
        parts += [
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - 26}"/>',
            f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{tenth / 10:.1f}</text>',
        ]
    for place, (name, cells, mean) in enumerate(rows):
        y = TOP + ROW * place + ROW / 2
        parts.append(
            f'<text x="{LEFT - 12}" y="{y + 4:.0f}" text-anchor="end">{escape(name)}</text>'
        )
        parts += _dots(cells, list(sets), real, y)
        if mean is not None:
            parts.append(_stroke(_x(mean), y))
    return "\n".join([*parts, "</svg>\n"])


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _legend(real: Sequence[str]) -> list[str]:
    shown = [*zip(real, REAL), ("generated", None)]
    parts = []
    for place, (name, colour) in enumerate(shown):
        x = 20 + 122 * place
        look = 'class="generated"' if colour is None else f'fill="{colour}"'
        parts.append(f'<circle {look} cx="{x}" cy="42" r="5"/>')
        parts.append(f'<text x="{x + 10}" y="46">{escape(name)}</text>')
    return parts


def _dots(
    cells: Sequence[float | None], sets: Sequence[str], real: Sequence[str], y: float
) -> Iterator[str]:
    for of, share in sorted(zip(sets, cells), key=lambda pair: pair[0] in real):  # those above
        if share is not None:
            look = f'fill="{REAL[real.index(of)]}"' if of in real else 'class="generated"'
            label = f"<title>{escape(of)}: {share:.2f}</title>"
            yield f'<circle {look} cx="{_x(share):.1f}" cy="{y:.0f}" r="5">{label}</circle>'


def _stroke(x: float, y: float) -> str:
    return f'<line class="mean" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 8:.0f}" y2="{y + 8:.0f}"/>'


def make_page(text: str, document: dict[str, Any]) -> str:
    """Return the page with its table made anew."""
    begin, rest = text.split(MARKS[0])
    return f"{begin}{MARKS[0]}\n{make_table(document)}\n{MARKS[1]}{rest.partition(MARKS[1])[2]}"


def _remake() -> None:
    document = json.loads(RECORD.read_text("utf-8"))
    PLOT.write_text(make_plot(document), encoding="utf-8", newline="\n")
    page = make_page(PAGE.read_text("utf-8"), document)
    PAGE.write_text(page, encoding="utf-8", newline="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, or make the page's table and plot."""
    parser = ArgumentParser(
        prog="python -m benchmarks.similarities", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", metavar="DIR", help="data sets to measure, and generated"
    )
    args = parser.parse_args(argv, Args())

    def work() -> int:
        if args.data:
            _measure(args.data)
        _remake()
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())

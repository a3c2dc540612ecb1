"""Reproduce the rows of a published table, and compare.

A folder holds interactions (``train.csv``, ``test.csv``) and the published values
(``expected.json``, or ``--table``: more are in ``benchmarks/tables``). Each row is trained, ranked and
evaluated through the public API.

Two conventions of the published evaluation are followed. The catalogue is all items of both files,
not those of the training alone: the published ``tf_idf`` is x_ui * ln(I / (1 + n_u)) with I the
number of all items of the data set. And every item is ranked, one without a score as 0: see
``recommend`` in ``Base/BaseRecommender.py`` of the authors' code, which takes away the seen items
only. Lists of mlcore hold no item without a score; here they are completed, ties to the smaller
index as everywhere. On CiteULike-a that adds up to 0.0008 to recall@300 and nothing to recall@50.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.published import PublishedRow, read_table
from benchmarks.report import format_table, log, run
from mlcore import Interactions, Recommender, train_from_data
from mlcore.errors import DataError
from mlcore.evaluate.evaluate import evaluate_from_data
from mlcore.files.interactions import read_interactions
from mlcore.ranked_lists import Predictions
from mlcore.recommend.request import ListOptions, UserRequest
from mlcore.types import Float64Array, Int32Array

__all__ = ["Cell", "build_parser", "compare", "main"]


class Args(Namespace):
    """Parsed options."""

    data: Path
    table: Path | None
    rows: list[str]


@dataclass(frozen=True)
class Cell:
    """One value of a table, published and ours, and how far they may be apart."""

    row: str
    metric: str
    published: float
    ours: float
    tolerance: float

    @property
    def difference(self) -> float:
        """Ours minus the published value."""
        return self.ours - self.published

    @property
    def excess(self) -> float:
        """How much the difference is above the tolerance, or below it if negative."""
        return abs(self.difference) - self.tolerance


def compare(train: Interactions, test: Interactions, row: PublishedRow) -> list[Cell]:
    """Return the cells of one row, ours from training, ranking and evaluation.

    Args:
        train: among all items of the catalogue.
        test: the ground truth; its users who are not in the training count 0.
    """
    cutoffs = sorted({int(metric.partition("@")[2]) for metric in row.values})
    recommender = Recommender(train_from_data(train, row.config))
    users = sorted(set(test.user_ids) & set(train.user_ids))
    metrics = evaluate_from_data(_rank(recommender, users, cutoffs[-1]), test, cutoffs).metrics
    return [
        Cell(row.name, metric, value, metrics[metric], row.tolerance)
        for metric, value in row.values.items()
    ]


def _rank(recommender: Recommender, user_ids: Sequence[str], n: int) -> Predictions:
    """Return the first ``n`` of all unseen items, by score, then index; 0 is the score of most."""
    num_items = len(recommender.model.items)
    # Where a score may be negative, whole lists tell which items have none.
    longest = n if (recommender.model.similarity.data > 0).all() else num_items
    requests = (UserRequest(user, recommender.history_of(user), False) for user in user_ids)
    lists: list[Int32Array] = []
    for part in recommender.rank_requests(requests, ListOptions(longest)):
        for row, user in enumerate(part.user_ids):
            span = slice(part.ranking.indptr[row], part.ranking.indptr[row + 1])
            items, scores = part.ranking.items[span], part.ranking.scores[span]
            if (scores > 0).sum() < n:
                items = _complete(items, scores, recommender.history_of(user)[0], num_items)
            lists.append(items[:n])
    indptr = np.concatenate([[0], np.cumsum([len(items) for items in lists])])  # (R + 1,) int64
    return Predictions(user_ids, recommender.model.items.ids, indptr, np.concatenate(lists))


def _complete(
    items: Int32Array, scores: Float64Array, seen: Int32Array, num_items: int
) -> Int32Array:
    """Return all unseen items, those without a score among those whose score is 0."""
    all_scores = np.zeros(num_items)
    all_scores[items] = scores
    unseen = np.setdiff1d(np.arange(num_items, dtype=np.int32), seen)
    return unseen[np.argsort(-all_scores[unseen], kind="stable")]


def _read(directory: Path, table: Path, num_items: int) -> tuple[Interactions, Interactions]:
    train, test = (read_interactions(directory / name) for name in ("train.csv", "test.csv"))
    train = train.with_catalogue(test.item_ids)
    if len(train.item_ids) != num_items:
        raise DataError(
            f"{directory}: num_items: expected {num_items}, as in {table.name}, "
            f"got {len(train.item_ids)} in train.csv and test.csv"
        )
    if not set(test.user_ids) & set(train.user_ids):
        raise DataError(f"{directory}: test.csv: expected users of train.csv, got none of them")
    return train, test


def _format(cells: Sequence[Cell]) -> str:
    numbers = [(f"{c.published:.4f}", f"{c.ours:.4f}", f"{c.difference:+.4f}") for c in cells]
    return format_table(
        ["row", "metric", "published", "ours", "difference"],
        [[cell.row, cell.metric, *shown] for cell, shown in zip(cells, numbers)],
    )


def print_comparison(directory: Path, path: Path, names: Sequence[str]) -> int:
    """Print published and our values, and return 1 if any differs by more than its tolerance.

    Args:
        directory: of ``train.csv`` and ``test.csv``.
        path: of the published values.
        names: parts of the names of the rows to make; if empty, all.

    Raises:
        ConfigError: a name fits no row, or a row needs what mlcore does not have.
        DataError: a file is faulty.
    """
    table = read_table(path, names)
    train, test = _read(directory, path, table.num_items)
    cells: list[Cell] = []
    for row in table.rows:
        log(f"{row.name} ...")
        cells += compare(train, test, row)
    print(_format(cells))
    for row in table.rows:
        if row.note:
            print(f"\n{row.name}: {row.note}")
    worst = max(cells, key=lambda cell: cell.excess)
    print(
        f"\nworst difference: {worst.difference:+.5f} ({worst.row}, {worst.metric}), "
        f"tolerance: {worst.tolerance}"
    )
    return int(worst.excess > 0)


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(
        prog="python -m benchmarks.paper_tables", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder")
    parser.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help="the published values (default: expected.json in the folder)",
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        default=[],
        metavar="NAME",
        help="only rows whose name contains one of these, in any case (default: all)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    table = args.table or args.data / "expected.json"
    return run(lambda: print_comparison(args.data, table, args.rows))


if __name__ == "__main__":
    raise SystemExit(main())

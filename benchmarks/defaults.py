"""Compare configurations over several data sets: the evidence for the defaults of TrainConfig.

Each configuration is trained on the training part of each data set and evaluated on its test part.
A cell is NDCG@10; the last columns give it as a share of the best configuration of each set, on
average and at worst. A sparse and a dense library are synthetic; others are given as
folders with ``train.csv`` and ``test.csv``.
"""

from __future__ import annotations

import itertools
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import format_table, log, run, write_json
from mlcore import Interactions, Recommender, TrainConfig
from mlcore.errors import DataError
from mlcore.evaluate.evaluate import evaluate_from_data
from mlcore.files.interactions import read_interactions
from mlcore.generate.generate import generate_interactions
from mlcore.ranked_lists import Predictions
from mlcore.recommend.request import ListOptions, UserRequest
from mlcore.split import SplitConfig, split_from_data
from mlcore.train.train import Trainer

__all__ = ["candidates", "main"]

METRICS = ("ndcg@10", "recall@20")
SYNTHETIC = {  # users, items, interactions
    "tiny": (300, 200, 3_000),
    "sparse": (8_000, 4_000, 80_000),
    "middle": (6_000, 1_500, 200_000),
    "dense": (2_000, 600, 150_000),
}


class Args(Namespace):
    """Parsed options."""

    data: list[Path]
    out: Path | None


class DataSet(NamedTuple):
    """A name, the interactions to train on, and the ground truth."""

    name: str
    train: Interactions
    test: Interactions


def candidates() -> Iterator[dict[str, Any]]:
    """Yield the configurations; those that differ only in K and shrinkage are neighbors."""
    similarities: list[tuple[dict[str, Any], list[int]]] = [
        ({"name": "dot"}, [0]),
        ({"name": "cosine"}, [0, 5, 20, 100]),
        ({"name": "asymmetric_cosine", "alpha": 0.2}, [0]),
        ({"name": "asymmetric_cosine", "alpha": 0.3}, [0, 20]),
        ({"name": "asymmetric_cosine", "alpha": 0.4}, [0, 20]),
        ({"name": "asymmetric_cosine", "alpha": 0.45}, [0]),
        ({"name": "jaccard"}, [0, 20]),
        ({"name": "dice"}, [0, 20]),
        ({"name": "tversky", "alpha": 1.5, "beta": 0.5}, [0, 20]),
        ({"name": "conditional_probability"}, [0]),
        ({"name": "conditional_probability", "popularity_exponent": 0.4}, [0, 20]),
        ({"name": "lift"}, [0]),
        ({"name": "pmi"}, [0, 20]),
        ({"name": "npmi"}, [0, 5, 20]),
        ({"name": "log_likelihood_ratio", "signed": True}, [0]),
        ({"name": "pearson"}, [0]),
        ({"name": "p3alpha"}, [0]),
        ({"name": "rp3beta", "beta": 0.3}, [0]),
        ({"name": "rp3beta", "beta": 0.6}, [0]),
    ]
    weightings: list[dict[str, Any]] = [
        {"name": "binary"},
        {"name": "none"},
        {"name": "log"},
        {"name": "tf_idf", "smooth": True},
        {"name": "bm25", "smooth": True},
        {"name": "bm25", "smooth": True, "b": 0.5},
    ]
    for weighting, (similarity, shrinkages) in itertools.product(weightings, similarities):
        for shrinkage, k in itertools.product(shrinkages, (50, 100, 200)):
            yield {
                "similarity": similarity,
                "weighting": weighting,
                "shrinkage": shrinkage,
                "num_neighbors": k,
            }


def _synthetic(name: str) -> DataSet:
    data = generate_interactions(*SYNTHETIC[name], seed=1)
    interactions = Interactions.from_columns(data.user_ids, data.item_ids, data.weights)
    train, test = split_from_data(interactions, SplitConfig("random", test_fraction=0.2, seed=1))
    return _of_known_users(DataSet(name, train, test))


def _given(folder: Path) -> DataSet:
    train, test = (read_interactions(folder / name) for name in ("train.csv", "test.csv"))
    return _of_known_users(DataSet(folder.resolve().name, train, test))


def _of_known_users(data: DataSet) -> DataSet:
    """Return the set without test users who have no history."""
    known = np.isin(np.array(data.test.user_ids), np.array(data.train.user_ids))
    if not known.any():
        raise DataError(f"{data.name}: test.csv: expected users of train.csv, got none of them")
    return data._replace(test=data.test.select(known[data.test.user_items.row_of_entry()]))


def _rank(recommender: Recommender, user_ids: Sequence[str], n: int) -> Predictions:
    requests = (UserRequest(user, recommender.history_of(user), False) for user in user_ids)
    rankings = [part.ranking for part in recommender.rank_requests(requests, ListOptions(n))]
    lengths = np.concatenate([np.diff(ranking.indptr) for ranking in rankings])  # (R,) int64
    indptr = np.concatenate([[0], np.cumsum(lengths)])  # (R + 1,) int64
    items = np.concatenate([ranking.items for ranking in rankings])  # (P,) int32
    return Predictions(user_ids, recommender.model.items.ids, indptr, items)


def evaluate_candidates(data: DataSet, configs: Sequence[dict[str, Any]]) -> list[dict[str, float]]:
    """Return the metrics of each configuration on one data set.

    Args:
        configs: as ``TrainConfig.from_json`` takes them.
    """
    trainer = Trainer(data.train, keep_bytes=2**30)
    results = []
    for number, config in enumerate(configs, 1):
        if number % 20 == 0:
            log(f"{data.name}: {number} of {len(configs)}")
        recommender = Recommender(trainer.train(TrainConfig.from_json(config)))
        lists = _rank(recommender, data.test.user_ids, 20)
        metrics = evaluate_from_data(lists, data.test, [10, 20]).metrics
        results.append({name: metrics[name] for name in METRICS})
    return results


def _describe(config: dict[str, Any]) -> str:
    parts = [*config["similarity"].values(), *config["weighting"].values()]
    words = " ".join(str(part) for part in parts if part is not True)
    return f"{words}, shrinkage {config['shrinkage']}, K {config['num_neighbors']}"


def _compare(folders: Sequence[Path], out: Path | None) -> int:
    sets = [*map(_synthetic, SYNTHETIC), *map(_given, folders)]
    configs = list(candidates())
    results = [evaluate_candidates(data, configs) for data in sets]
    if out is not None:
        names = [data.name for data in sets]
        write_json(out, {"configs": configs, "results": dict(zip(names, results))})
    for metric in METRICS:
        values = np.array([[row[metric] for row in of_set] for of_set in results])  # (S, C)
        shares = values / values.max(axis=1, keepdims=True)
        order = np.argsort(-shares.mean(axis=0), kind="stable")
        rows = [
            [
                _describe(configs[c]),
                *(f"{value:.4f}" for value in values[:, c]),
                f"{shares[:, c].mean():.3f}",
                f"{shares[:, c].min():.3f}",
            ]
            for c in order.tolist()
        ]
        print(format_table([metric, *(data.name for data in sets), "mean", "worst"], rows), "\n")
    return 0


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(
        prog="python -m benchmarks.defaults", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", default=[], metavar="DIR", help="further data sets"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="all results as JSON")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda: _compare(args.data, args.out))


if __name__ == "__main__":
    raise SystemExit(main())
